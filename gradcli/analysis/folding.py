"""A graph that a person can take in: repetitions folded, and what goes beyond 200 nodes, with counts.

Operations are folded in stretches of the order in which they were made. What lies outside of such a stretch came before
it or after it, so that no way leads out of it and back: what is left is a graph without cycles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from gradcli.analysis.graph import FOLDED, LEAF, SOURCES, Edge, Fold, Graph, Node

MOST = 200
"""Nodes that a folded graph has at most, its leaves apart that have names."""

REPEATS = 5
"""Rounds from which a repetition is folded: its first and its last stay."""

LONGEST = 128
"""Operations of one round that are looked for."""

_SIBLINGS = 6
"""Leaves and constants of one operation that stay in a graph of more than 200 nodes."""


class _Run(NamedTuple):
    """A block of tokens, repeated: a token is an operation's index, or a run."""

    blocks: list[list[Any]]


class _Stretch(NamedTuple):
    """Operations to fold, by index, and how often they go round."""

    indexes: list[int]
    repeats: int


def folded(graph: Graph, most: int = MOST) -> Graph:
    """The graph with its repetitions folded, and its middle too where it would still have more than `most` nodes."""
    operations = [node for node in graph.nodes if node.kind not in SOURCES]
    items = list(_expanded(_tokens([node.key for node in operations])))
    found = _contracted(graph, operations, items)
    if len(found.nodes) > most:
        found = _siblings_folded(found)
    ends = most // 3
    while len(found.nodes) > most and ends:
        for middle in (_by_line(operations), _as_one):
            found = _siblings_folded(_contracted(graph, operations, _middle_folded(items, ends, middle)))
            if len(found.nodes) <= most:
                break
        ends //= 2
    return found


# ---- repetitions


def _tokens(keys: list[Any]) -> list[Any]:
    """The operations as a list in which repetitions are runs, the innermost loops first."""
    numbers: dict[Any, int] = {}

    def number(key: Any) -> int:
        return numbers.setdefault(key, len(numbers))

    tokens: list[Any] = list(range(len(keys)))
    codes = np.array([number(key) for key in keys], np.int64)
    period = 1
    while period <= min(LONGEST, len(tokens) // REPEATS):
        stretches = _repetitions(codes, period)
        if not stretches:
            period += 1
            continue
        new_tokens, new_codes, end = [], [], 0
        for start, rounds in stretches:
            new_tokens += tokens[end:start]
            new_codes += codes[end:start].tolist()
            end = start + rounds * period
            new_tokens.append(_Run([tokens[k : k + period] for k in range(start, end, period)]))
            # A loop inside of a loop counts as the same, however often it went round.
            new_codes.append(number(("run", *codes[start : start + period].tolist())))
        tokens = new_tokens + tokens[end:]
        codes = np.array(new_codes + codes[end:].tolist(), np.int64)
        period = 1
    return tokens


def _repetitions(codes: np.ndarray, period: int) -> list[tuple[int, int]]:
    """Where a block of `period` codes is repeated: the start, and the number of rounds."""
    same = np.concatenate(([False], codes[:-period] == codes[period:], [False]))
    changes = np.flatnonzero(same[1:] != same[:-1])
    found, end = [], 0
    for begin, stop in zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True):
        begin = max(begin, end)
        rounds = (stop - begin) // period + 1
        if rounds >= REPEATS:
            found.append((begin, rounds))
            end = begin + rounds * period
    return found


def _expanded(tokens: list[Any]) -> Iterable[int | _Stretch]:
    for token in tokens:
        if type(token) is not _Run:
            yield token
            continue
        first, *middle, last = token.blocks
        yield from _expanded(first)
        yield _Stretch([k for block in middle for k in _indexes(block)], len(middle))
        yield from _expanded(last)


def _indexes(tokens: list[Any]) -> Iterable[int]:
    for token in tokens:
        if type(token) is _Run:
            for block in token.blocks:
                yield from _indexes(block)
        else:
            yield token


# ---- graphs that are large without repeating


def _middle_folded(items: list[Any], ends: int, group: Callable[[list[int]], Any]) -> list[Any]:
    head, middle, tail = items[:ends], items[ends:-ends], items[-ends:]
    indexes = [k for item in middle for k in (item.indexes if type(item) is _Stretch else [item])]
    return [*head, *group(indexes), *tail]


def _as_one(indexes: list[int]) -> list[_Stretch]:
    return [_Stretch(indexes, 1)] if indexes else []


def _by_line(operations: list[Node]) -> Callable[[list[int]], list[_Stretch]]:
    return lambda indexes: [
        _Stretch(list(part), 1) for _line, part in groupby(indexes, key=lambda k: operations[k].line)
    ]


def _siblings_folded(graph: Graph) -> Graph:
    """Of many leaves or constants that only one operation uses, the first ones and the last."""
    uses = Counter(edge.source for edge in graph.edges)
    by_id = {node.id: node for node in graph.nodes}
    home: dict[str, Node] = {}
    for target, edges in graph.inputs.items():
        for kind in SOURCES:
            alike = [by_id[e.source] for e in edges if by_id[e.source].kind == kind and uses[e.source] == 1]
            if len(alike) > _SIBLINGS:
                hidden = alike[_SIBLINGS - 2 : -1]
                fold = _folded_node(f"f-{target}-{kind}", [], 1, hidden)
                home.update((node.id, fold) for node in hidden)
    return _moved(graph, home)


# ---- making the smaller graph


def _contracted(graph: Graph, operations: list[Node], items: list[Any]) -> Graph:
    stretches = [item for item in items if type(item) is _Stretch]
    place = {operations[k].id: number for number, stretch in enumerate(stretches) for k in stretch.indexes}
    consumers: dict[str, set[int | None]] = {}
    for edge in graph.edges:
        consumers.setdefault(edge.source, set()).add(place.get(edge.target))
    hidden: list[list[Node]] = [[] for _ in stretches]
    for node in graph.nodes:
        if node.kind in SOURCES and (node.kind != LEAF or node.name is None):
            used = consumers.get(node.id, {None})
            if len(used) == 1 and (number := next(iter(used))) is not None:
                hidden[number].append(node)
    home: dict[str, Node] = {}
    for stretch, sources in zip(stretches, hidden, strict=True):
        inside = [operations[k] for k in stretch.indexes]
        fold = _folded_node(f"f-{inside[0].id}", inside, stretch.repeats, sources)
        home.update((node.id, fold) for node in (*inside, *sources))
    return _moved(graph, home)


def _folded_node(id: str, operations: list[Node], repeats: int, sources: list[Node]) -> Node:
    ops: Counter[str] = Counter()
    for node in operations:
        ops[node.op or ""] += 1
    lines = [node.line for node in (operations or sources) if node.line is not None]
    leaves = sum(node.kind == LEAF for node in sources)
    fold = Fold(
        repeats,
        len(operations),
        tuple(ops.items()),
        min(lines, default=None),
        max(lines, default=None),
        leaves,
        len(sources) - leaves,
    )
    hooks = sum(node.hooks for node in (*operations, *sources))
    return Node(id, FOLDED, hooks=hooks, line=fold.first_line, fold=fold)


def _moved(graph: Graph, home: dict[str, Node]) -> Graph:
    """The graph with nodes replaced by the folded node that they're in."""
    if not home:
        return graph
    nodes: dict[str, Node] = {}
    first_at = {node.id: k for k, node in enumerate(graph.nodes)}
    # A folded node stands where its last operation did, behind all its inputs.
    last_at: dict[str, int] = {}
    for id, fold in home.items():
        last_at[fold.id] = max(last_at.get(fold.id, 0), first_at[id])
    kept = [home.get(node.id, node) for node in graph.nodes]
    for node in sorted(kept, key=lambda node: last_at.get(node.id, first_at.get(node.id, 0))):
        nodes[node.id] = node
    edges: dict[Any, Edge] = {}
    for edge in graph.edges:
        source, target = (home[id].id if id in home else id for id in (edge.source, edge.target))
        if source == target:
            continue
        joined = edge.source in home or edge.target in home
        key = (source, target) if joined else (source, target, edge.position)
        position, times = edges[key][2:] if key in edges else (edge.position, 0)
        edges[key] = Edge(source, target, position, times + edge.times)
    return Graph(list(nodes.values()), list(edges.values()))
