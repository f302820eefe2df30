"""Makes tables.py from gradcli.lark: `python -m gradcli.grammar.build`; with `--check` it only says whether it's fresh.

Lark reads the grammar and computes the LALR(1) automaton here, once. What is needed at run time is written down as
tuples of numbers, so that parsing imports neither Lark nor the grammar. A conflict in the grammar is an error.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lark
from lark.lexer import Lexer

HERE = Path(__file__).parent
GRAMMAR = HERE / "gradcli.lark"
TABLES = HERE / "tables.py"
MOST_SYMBOLS = 255  # parser.py keeps a symbol in eight bits, and terminals.FAILED is none of them
STARTS = ("program", "alone")

# How a rule makes its value; parser.py reads these numbers from the tables.
UNIT, NODE, PICK, SPREAD, NEW_LIST, GROW_LIST, EMPTY = range(7)


class ForeignTokens(Lexer):
    """Stands where Lark wants a lexer: takes a `lexer.Scan`, gives its tokens, each as the value of one of Lark's."""

    def __init__(self, configuration: Any) -> None:
        pass

    def lex(self, scan: Any, _: Any = None) -> Iterator[lark.Token]:
        from .tables import TERMINALS

        for terminal, token in zip(scan.terminals[1:-1], scan.tokens[1:-1], strict=True):
            yield lark.Token(TERMINALS[terminal], token)


class _Conflicts(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if "onflict" in record.getMessage():
            raise ValueError(f"{GRAMMAR.name}: {record.getMessage()}")


def read_grammar() -> lark.Lark:
    """The grammar as Lark understands it. Raises ValueError, or Lark's GrammarError, where it isn't LALR(1)."""
    watch = _Conflicts()
    lark.logger.addHandler(watch)
    level = lark.logger.level
    lark.logger.setLevel(logging.DEBUG)
    try:
        return lark.Lark(
            GRAMMAR.read_text(encoding="utf-8"),
            parser="lalr",
            lexer=ForeignTokens,
            start=list(STARTS),
            maybe_placeholders=True,
        )
    finally:
        lark.logger.setLevel(level)
        lark.logger.removeHandler(watch)


class Automaton(NamedTuple):
    """Lark's parse table with its states and rules numbered the same way on every run.

    `moves[state]` maps a symbol's name to the next state, `reductions[state]` maps a rule's number to the terminals
    before which it's applied, `accepts` lists the states at which a start rule is complete.
    """

    rules: list[Any]
    moves: list[dict[str, int]]
    reductions: list[dict[int, list[str]]]
    starts: dict[str, int]
    accepts: list[int]


def automaton(grammar: lark.Lark) -> Automaton:
    table = grammar.parser.parser._parse_table
    rules = grammar.rules
    number_of_rule = {rule: number for number, rule in enumerate(rules)}
    order = [table.start_states[start] for start in STARTS]
    number_of_state = {state: number for number, state in enumerate(order)}
    for state in order:  # grows while it's walked: breadth first, in the order of the symbols' names
        for _, (action, target) in sorted(table.states[state].items(), key=lambda item: item[0]):
            if action.name == "Shift" and target not in number_of_state:
                number_of_state[target] = len(order)
                order.append(target)
    moves: list[dict[str, int]] = []
    reductions: list[dict[int, list[str]]] = []
    for state in order:
        moves.append({})
        reductions.append({})
        for symbol, (action, target) in sorted(table.states[state].items(), key=lambda item: item[0]):
            if action.name == "Shift":
                moves[-1][symbol] = number_of_state[target]
            else:
                reductions[-1].setdefault(number_of_rule[target], []).append(symbol)
    starts = {start: number_of_state[table.start_states[start]] for start in STARTS}
    return Automaton(rules, moves, reductions, starts, sorted(number_of_state[s] for s in table.end_states.values()))


def recipe(rule: Any) -> tuple[int, str, tuple[int, ...], tuple[int, ...], int]:
    """How a rule makes its value: (how, kind, picks, spreads, edges).

    `picks` are the places of the right-hand side that become children, -1 for a None; `spreads` those among the picks
    whose value is a list to be laid flat. Bit 1 of `edges` says that the first symbol is such a list, bit 2 the last:
    a node's position is then that of the list's first or last element.
    """
    symbols = rule.expansion
    flat = [not symbol.is_term and symbol.name.startswith("_") for symbol in symbols]
    blanks = rule.options.empty_indices or (False,) * len(symbols)
    picks: list[int] = []
    place = 0
    for blank in blanks:
        if blank:
            picks.append(-1)
        else:
            if not (symbols[place].is_term and symbols[place].filter_out):
                picks.append(place)
            place += 1
    spreads = tuple(pick for pick in picks if pick >= 0 and flat[pick])
    edges = (flat[0] + 2 * flat[-1]) if symbols else 0
    kind = str(rule.alias or rule.origin.name)
    if kind.startswith("_"):
        if -1 in picks:
            raise ValueError(f"{rule}: a rule that is laid flat can't leave a None at the edge of a node")
        how = GROW_LIST if picks and picks[0] in spreads else NEW_LIST
    elif rule.options.expand1 and not rule.alias:
        if len(symbols) != 1:
            raise ValueError(f"{rule}: a rule with `?` must be a single symbol or have a name after `->`")
        how = UNIT
    elif not symbols:
        if kind not in STARTS:
            raise ValueError(f"{rule}: only a whole text can be empty, for nothing has no position")
        how = EMPTY
    elif spreads:
        how = SPREAD
    else:
        how = NODE if picks == list(range(len(symbols))) else PICK
    return how, kind, tuple(picks), spreads, edges


def words_of(pattern: Any) -> list[str]:
    """The words that a terminal stands for, where it's a word or a choice of words; else nothing."""
    if pattern.type == "str":
        return [pattern.value]
    if not pattern.value.startswith("(?:") or "[" in pattern.value:
        return []
    return [re.sub(r"\\(.)", r"\1", word) for word in re.split(r"(?<!\\)\|", pattern.value[3:-1])]


def tables_text() -> str:
    """The text of tables.py."""
    grammar = read_grammar()
    machine = automaton(grammar)
    used = {str(symbol.name) for rule in machine.rules for symbol in rule.expansion if symbol.is_term}
    terminals = ["$END", *sorted(used)]
    nonterminals = sorted({str(rule.origin.name) for rule in machine.rules})
    if len(terminals) + len(nonterminals) > MOST_SYMBOLS:
        raise ValueError(f"{GRAMMAR.name}: more than {MOST_SYMBOLS} symbols")
    number = {name: place for place, name in enumerate(terminals + nonterminals)}
    patterns = {terminal.name: terminal.pattern for terminal in grammar.terminals}
    words = {word: number[name] for name, pattern in patterns.items() for word in words_of(pattern)}

    lines = [
        '"""The automaton of gradcli.lark. Generated by build.py: change the grammar, not this file."""',
        "",
        "# ruff: noqa",
        f"TERMINALS = {tuple(terminals)!r}",
        f"NONTERMINALS = {tuple(nonterminals)!r}",
        f"WORDS = {words!r}",
        f"NAME = {patterns['NAME'].value!r}",
        f"NUMBER = {patterns['NUMBER'].value!r}",
        f"STARTS = {machine.starts!r}",
        f"ACCEPTS = {tuple(machine.accepts)!r}",
        "# (how, symbol, size, kind, picks, spreads, edges): see build.py",
        "RULES = (",
    ]
    for rule in machine.rules:
        how, kind, picks, spreads, edges = recipe(rule)
        entry = (how, number[rule.origin.name], len(rule.expansion), kind, picks, spreads, edges)
        lines.append(f"    {entry!r},")
    lines += [")", "# for each state: symbol, next state, symbol, next state, ...", "MOVES = ("]
    for moves in machine.moves:
        flat = tuple(item for symbol, target in moves.items() for item in (number[symbol], target))
        lines.append(f"    {flat!r},".replace(", ", ","))
    lines += [")", "# for each state: rule, the terminals (as bits) before which it's applied, ...", "REDUCTIONS = ("]
    for reductions in machine.reductions:
        flat = tuple(
            item
            for rule, before in sorted(reductions.items())
            for item in (rule, sum(1 << number[terminal] for terminal in before))
        )
        lines.append(f"    {flat!r},".replace(", ", ","))
    return "\n".join([*lines, ")", ""])


def main(arguments: list[str]) -> int:
    text = tables_text()
    fresh = TABLES.exists() and TABLES.read_text(encoding="utf-8") == text
    if "--check" in arguments:
        print(f"{TABLES.name} is {'fresh' if fresh else 'not what gradcli.lark says: run gradcli.grammar.build'}")
        return 0 if fresh else 1
    if not fresh:
        TABLES.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
