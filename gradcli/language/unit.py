"""A script made ready to run: its code, and what is known of its text."""

from __future__ import annotations

import ast
import sys
import warnings
from types import CodeType
from typing import Any, NamedTuple

from gradcli.errors import LimitFailure, Span
from gradcli.grammar import parse
from gradcli.language.lowering import Lowering, names_of
from gradcli.language.origins import Origin
from gradcli.language.scope import mentions

FRAMES_TO_COMPILE = 6000
"""Python's frames that lowering may take: some 1,500 brackets in each other."""


class Unit(NamedTuple):
    """One text of a session: a file, a line of the REPL, an expression of the command line."""

    file: str
    key: str
    """What tells it apart from other texts of the same name."""
    text: str
    code: CodeType
    names: tuple[str, ...]
    """The names that it binds at its top, in the order of their first binding."""
    consts: frozenset[str]
    explicit: bool
    """Whether it is in explicit mode: it, or something before it, mentions `requires_grad`."""
    named_spans: dict[tuple[int, int, int, int], str]
    """The name that the value of an expression was given, by the expression's place."""

    origins: dict[str, Origin]
    """What the value of a name comes from."""

    sees: bool = False
    """Whether a statement of it shows how a value came about (`graph`, `explain`, `check`)."""

    def span_of(self, code: CodeType, instruction: int) -> Span | None:
        """The place in the text of an instruction."""
        positions = list(code.co_positions())
        line, end_line, column, end_column = positions[instruction // 2]
        if line is None or column is None or end_line is None or end_column is None:
            return None
        return Span(self.file, line, column + 1, end_line, end_column + 1, self.key)

    def name_at(self, span: Span) -> str | None:
        """The name that was given to what stands at `span`."""
        return self.named_spans.get((span.line, span.column - 1, span.end_line, span.end_column - 1))


def compile_unit(
    text: str,
    file: str,
    *,
    key: str,
    auto: bool | None,
    known: set[str],
    consts: set[str],
    loop_names: set[str],
    vocabulary: Any,
) -> Unit:
    """Parses, lowers and compiles a script.

    `key` is the unique file name of its code; `auto` is none where the script itself decides on tracking; `known` are
    the names that the session has; `loop_names` collects those that loops give values to. Raises SyntaxFailure,
    NameFailure and LimitFailure, each with its place.
    """
    tree = parse(text, file)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, FRAMES_TO_COMPILE))
    try:
        explicit = mentions(tree, "requires_grad") if auto is None and "requires_grad" in text else auto is False
        bound, read = names_of(tree)
        own = known | set(bound)
        lowering = Lowering(file, not explicit, own, set(consts), vocabulary)
        lowering.loop_names = loop_names
        body = lowering.program(tree)
        cells = [name for name in {**bound, **dict.fromkeys(sorted(read))} if name in own or name not in vocabulary]
        code = _code(body, cells, key)
    except RecursionError:
        raise _too_deep(file, 1, 1) from None
    except SyntaxError as problem:
        # CPython has limits of its own, such as twenty blocks in each other.
        raise _too_deep(file, problem.lineno or 1, (problem.offset or 0) + 1) from None
    finally:
        sys.setrecursionlimit(limit)
    return Unit(
        file, key, text, code, tuple(bound), frozenset(lowering.consts), explicit, lowering.named_spans,
        lowering.origins, lowering.sees,
    )  # fmt: skip


def _too_deep(file: str, line: int, column: int) -> LimitFailure:
    return LimitFailure(
        "this script nests too deep to be compiled",
        span=Span(file, line, column, line, column + 1),
        help="give names to its parts, or put inner blocks into functions",
    )


def _code(body: list[ast.stmt], cells: list[str], key: str) -> CodeType:
    """The code of a generator function whose free variables are the script's names."""
    spot = {"lineno": 1, "col_offset": 0, "end_lineno": 1, "end_col_offset": 0}
    script = ast.FunctionDef(
        "<script>",
        ast.arguments([], [], None, [], [], None, []),
        [*([ast.Nonlocal(cells, **spot)] if cells else []), *body],
        [],
        None,
        type_params=[],
        **spot,
    )
    holder = ast.FunctionDef(
        "<names>",
        ast.arguments([], [ast.arg(name, **spot) for name in cells], None, [], [], None, []),
        [script],
        [],
        None,
        type_params=[],
        **spot,
    )
    with warnings.catch_warnings():
        # Python's advice on calls of numbers and the like; the script gets its own when it runs.
        warnings.simplefilter("ignore")
        module = compile(ast.Module([holder], []), key, "exec", dont_inherit=True)
    names = next(constant for constant in module.co_consts if isinstance(constant, CodeType))
    return next(constant for constant in names.co_consts if isinstance(constant, CodeType))
