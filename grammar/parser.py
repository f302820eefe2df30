"""Tokens to tree: an LALR(1) driver over the tables that build.py made.

A node is `(kind, children, line, column, end_line, end_column)`, of the same shape as a token; gradcli.lark says which
children each kind has. Two things make it quick. Rules with one child, of which an expression passes through a dozen,
are never carried out: what follows from pushing a symbol in a state before a terminal is looked up as one step, which
is worked out once and remembered. And lists grow in place.
"""

from __future__ import annotations

from typing import Any

from ..collector import paused
from ..errors import SyntaxFailure
from . import tables
from . import terminals as t
from .lexer import Scan

Node = tuple[str, tuple[Any, ...], int, int, int, int]

# How a rule makes its value (build.py gives each rule one of these), and what else a step can be.
UNIT, NODE, PICK, SPREAD, NEW_LIST, GROW_LIST, EMPTY = range(7)
ACCEPT, ERROR = (7,), (8,)
_ARRANGED = -1

_moves: dict[int, dict[int, int]] = {}  # tables.MOVES as dicts, made when a state is first seen
_steps: dict[int, tuple[int, Any]] = {}


def _arrange_backward(children: tuple[Any, ...]) -> tuple[Any, ...]:
    clauses = dict.fromkeys(("with_clause", "wrt_clause", "RETAIN"))
    for clause in children[1:]:
        if clauses[clause[0]] is not None:
            raise _Repeated(clause)
        clauses[clause[0]] = clause if clause[0] == "RETAIN" else clause[1][0]
    return children[0], *clauses.values()


_ARRANGE = {
    "backward": _arrange_backward,
    "replacement": lambda children: (children[0], children[2], children[1]),
    # Nothing of it is kept; one that names no module is marked, for the lowering to refuse.
    "import": lambda children: () if any(child[0] == "NAME" for child in children) else (None,),
    "param": lambda children: children if len(children) == 2 else (*children, None),
}


class _Repeated(Exception):
    """A clause that stands twice."""


def _rule(number: int) -> tuple[Any, ...]:
    how, symbol, size, kind, picks, spreads, edges = tables.RULES[number]
    arrange = _ARRANGE.get(kind)
    return (how if arrange is None else _ARRANGED, symbol, size, kind, picks, spreads, edges, arrange)


_rules = tuple(map(_rule, range(len(tables.RULES))))


def moves_of(state: int) -> dict[int, int]:
    """The states that follow a state, by symbol."""
    moves = _moves.get(state)
    if moves is None:
        flat = tables.MOVES[state]
        moves = _moves[state] = dict(zip(flat[::2], flat[1::2], strict=True))
    return moves


def reduction(state: int, terminal: int) -> int | None:
    """The number of the rule that is complete in a state before a terminal."""
    entries = tables.REDUCTIONS[state]
    for place in range(0, len(entries), 2):
        if entries[place + 1] >> terminal & 1:
            return entries[place]
    return None


def next_action(state: int, terminal: int) -> Any:
    """A rule to apply, None to take the terminal, or acceptance or an error."""
    number = reduction(state, terminal)
    if number is not None:
        return _rules[number]
    if terminal in moves_of(state):
        return None
    return ACCEPT if terminal == t.END_OF_TEXT and state in tables.ACCEPTS else ERROR


def _step(state: int, symbol: int, terminal: int) -> tuple[int, Any]:
    """The state after pushing `symbol` in `state` before `terminal`, and what to do in it.

    Rules of one child have been applied, which change the state and nothing else.
    """
    target = moves_of(state)[symbol]
    action = next_action(target, terminal)
    while action is not None and action[0] == UNIT:
        target = moves_of(state)[action[1]]
        action = next_action(target, terminal)
    _steps[state << 16 | symbol << 8 | terminal] = target, action
    return target, action


@paused()
def run(scan: Scan, start: str) -> Node:
    """The tree of a scanned text. Raises SyntaxFailure at the first token that doesn't fit."""
    terminals, tokens = scan.terminals, scan.tokens
    step_of = _steps.get
    state = tables.STARTS[start]
    states = [state]
    values: list[Any] = []
    push_state, push_value = states.append, values.append
    place = 1
    terminal = terminals[place]
    rule = next_action(state, terminal)
    while True:
        if rule is None:
            push_value(tokens[place])
            place += 1
            symbol = terminal
            terminal = terminals[place]
        else:
            how = rule[0]
            if how >= EMPTY:
                return _finish(rule, scan, place, states, values)
            _, symbol, size, kind, picks, spreads, edges, arrange = rule
            parts = values[-size:]
            del values[-size:], states[-size:]
            state = states[-1]
            if how == GROW_LIST:
                value = parts[0]
                for pick in picks[1:]:
                    value.append(parts[pick])
                push_value(value)
            elif how == NEW_LIST:
                push_value(_flat(parts, picks, spreads) if spreads else [parts[pick] for pick in picks])
            else:
                first, last = parts[0], parts[-1]
                if edges:
                    # A list of words that leave no trace (`import import`) is empty.
                    if edges & 1:
                        first = first[0] if first else last
                    if edges & 2:
                        last = last[-1] if last else first
                if how == NODE:
                    children = tuple(parts)
                elif how == PICK:
                    parts.append(None)
                    children = tuple([parts[pick] for pick in picks])
                else:
                    parts.append(None)
                    children = tuple(_flat(parts, picks, spreads))
                    if how == _ARRANGED:
                        try:
                            children = arrange(children)
                        except _Repeated as repeated:
                            raise _given_twice(scan, repeated.args[0]) from None
                push_value((kind, children, first[2], first[3], last[4], last[5]))
        step = step_of(state << 16 | symbol << 8 | terminal)
        if step is None:
            step = _step(state, symbol, terminal)
        state, rule = step
        push_state(state)


def _flat(parts: list[Any], picks: tuple[int, ...], spreads: tuple[int, ...]) -> list[Any]:
    children: list[Any] = []
    for pick in picks:
        if pick in spreads:
            children += parts[pick]
        else:
            children.append(parts[pick])
    return children


def _finish(rule: tuple[Any, ...], scan: Scan, place: int, states: list[int], values: list[Any]) -> Node:
    if rule is ERROR:
        from .messages import about_token

        raise about_token(scan, place, states)
    return values[0] if values else (rule[3], (), *scan.tokens[0][2:])


def _given_twice(scan: Scan, clause: Any) -> SyntaxFailure:
    word = clause[0].removesuffix("_clause").lower()
    return scan.failure_at(f"`{word}` is given twice", clause[2:])
