"""A script made ready to run: its code, and what is known of its text."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Container
from functools import cached_property
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from gradcli.collector import paused
from gradcli.errors import LimitFailure, Span
from gradcli.grammar import parse
from gradcli.language.lowering import Lowering
from gradcli.language.scope import bound_names, mentions

if TYPE_CHECKING:
    from gradcli.language.origins import Origin

FRAMES_TO_COMPILE = 6000
"""Python's frames that lowering may take: some 1,500 brackets in each other."""


class Unit:
    """One text of a session: a file, a line of the REPL, an expression of the command line.

    Its code, and that of its functions, holds it, and nothing of it holds the code: a text is kept as long as
    something of it can run, or stands in a graph.
    """

    def __init__(
        self, file: str, key: str, text: str, bound: dict[str, bool], consts: set[str], explicit: bool, sees: bool
    ) -> None:
        self.file = file
        self.key = key
        """What tells it apart from other texts of the same name."""
        self.text = text
        self.bound = bound
        """The names that it binds at its top, in the order of their first binding (see `bound_names`)."""
        self.consts = consts
        """Those of them that it makes const."""
        self.explicit = explicit
        """Whether it is in explicit mode: it, or something before it, mentions `requires_grad`."""
        self.sees = sees
        """Whether a statement of it shows how a value came about (`graph`, `explain`, `check`)."""

    @cached_property
    def origins(self) -> dict[str, Origin]:
        """What the value of a name comes from."""
        # Only a failure or a graph asks.
        from gradcli.language.origins import origins_of

        return origins_of(parse(self.text, self.file))

    @cached_property
    def _named(self) -> dict[tuple[int, int, int, int], str]:
        from gradcli.language.origins import named_places

        return named_places(parse(self.text, self.file))

    def span_of(self, code: CodeType, instruction: int) -> Span | None:
        """The place in the text of an instruction."""
        positions = list(code.co_positions())
        line, end_line, column, end_column = positions[instruction // 2]
        if line is None or column is None or end_line is None or end_column is None:
            return None
        return Span(self.file, line, column + 1, end_line, end_column + 1, self.key)

    def name_at(self, span: Span) -> str | None:
        """The name that was given to what stands at `span`."""
        return self._named.get((span.line, span.column - 1, span.end_line, span.end_column - 1))


class _Names:
    """The names of a script and of the session that it runs in, for membership alone."""

    __slots__ = ("bound", "known")

    def __init__(self, bound: Container[str], known: Container[str]) -> None:
        self.bound = bound
        self.known = known

    def __contains__(self, name: object) -> bool:
        return name in self.bound or name in self.known


@paused()
def compile_unit(
    text: str,
    file: str,
    *,
    key: str,
    auto: bool | None,
    known: Container[str],
    consts: Container[str],
    loop_names: set[str],
    vocabulary: Any,
) -> tuple[Unit, CodeType]:
    """Parses, lowers and compiles a script.

    `key` is the unique file name of its code; `auto` is none where the script itself decides on tracking; `known` are
    the names that the session has, `consts` those that are const; `loop_names` collects those that loops give values
    to. Raises SyntaxFailure, NameFailure and LimitFailure, each with its place.
    """
    tree = parse(text, file)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, FRAMES_TO_COMPILE))
    try:
        explicit = mentions(tree, "requires_grad") if auto is None and "requires_grad" in text else auto is False
        bound = bound_names(tree[1])
        own = _Names(bound, known)
        lowering = Lowering(file, not explicit, own, vocabulary, consts, loop_names)
        body = lowering.program(tree)
        cells = [name for name in {**bound, **lowering.read} if name in own or name not in vocabulary]
        vocabulary.load(lowering.read)
        unit = Unit(file, key, text, bound, lowering.consts, explicit, lowering.sees)
        return unit, _held(_code(body, cells, key), unit, lowering.evaluators)
    except RecursionError:
        raise _too_deep(file, 1, 1) from None
    except SyntaxError as problem:
        # CPython has limits of its own, such as twenty blocks in each other.
        raise _too_deep(file, problem.lineno or 1, (problem.offset or 0) + 1) from None
    finally:
        sys.setrecursionlimit(limit)


def _held(code: CodeType, unit: Unit, evaluators: dict[frozenset[int], FunctionType]) -> CodeType:
    """The same code, and that of the functions in it, with the unit among its constants: so it's kept with them.

    Evaluators take the places of what stood for them.
    """
    inner = (
        _held(constant, unit, evaluators)
        if isinstance(constant, CodeType)
        else evaluators[constant]
        if isinstance(constant, frozenset)
        else constant
        for constant in code.co_consts
    )
    return code.replace(co_consts=(*inner, unit))


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
