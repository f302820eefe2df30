"""Rich output: the text of plain output, highlighted; gradients in a table; all of it readable at 40 columns."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rich.cells import cell_len

from gradcli import GradcliError, Session, Tensor
from gradcli.engine import tensor
from gradcli.errors import ShapeFailure, Span
from gradcli.evaluate import evaluate
from gradcli.events import Event, Explained, Grad, Printed, Value, Warned
from gradcli.render.plain import event_text, failure_text, warning_text
from gradcli.render.rich_text import RichRenderer, highlighted, value_within
from gradcli.render.theme import STYLES, style_of_token

Shown = tuple[str, str]


class Screen:
    """A terminal of so many columns, and what a renderer wrote to it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, columns: int, color: str = "always", **options: Any) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        self.out, self.err = io.StringIO(), io.StringIO()
        self.texts: dict[str, str] = {}
        self.renderer = RichRenderer(self.out, self.err, self.line_of, color=color, **options)

    def line_of(self, span: Span | None) -> str | None:
        return None if span is None else self.texts.get(span.file)

    def show(self, *events: Event) -> str:
        for event in events:
            self.renderer.event(event)
        self.renderer.flush()
        return stripped(self.out)

    def fail(self, failure: GradcliError, line: str = "") -> str:
        self.texts = {failure.span.file: line} if failure.span else {}
        self.renderer.failure(failure)
        return stripped(self.err)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Screen]:
    return lambda columns=80, color="always", **options: Screen(monkeypatch, columns, color, **options)


def stripped(stream: io.StringIO) -> str:
    """What is seen: escape sequences taken away, and the blanks that fill up a table's rows."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert "\x1b" not in text
    return re.sub(r" +$", "", text, flags=re.MULTILINE)


def lines(text: str) -> str:
    """A text written out in a test, without the indentation of the test."""
    return re.sub(r"^        ", "", text.strip("\n").rstrip(), flags=re.MULTILINE) + "\n"


def value_of(expression: str) -> Any:
    session = Session(seed=0)
    list(session.run(f"x = arange(4); w = reshape(arange(12), [3, 4]) / 7\nresult = {expression}"))
    return session["result"]


def grad(name: str, value: Any, gradient: Any, passes: int = 1, of: str | None = "y", line: int = 3,
         last: bool = False) -> Grad:  # fmt: skip
    leaf = tensor(np.asarray(value, float), requires_grad=True)
    return Grad(of, name, Tensor(np.asarray(gradient, float)), line, leaf, passes, last)


# ---- values

VALUES = [
    "x",
    "2 * dot(x, x)",
    "w @ x",
    "zeros(40, 30)",
    "zeros(2, 3, 4)",
    "tensor([nan, inf, -inf, 1e-9, -3], dtype=float32)",
    "x > 1",
    "zeros(0, 3)",
    "tensor([1, 2], dtype=int64)",
    "max(w, 1)",
    "[x, w]",
    "(x.shape, x.dtype, true, none, 'a \"b\" 3')",
    "[x, [w, (w, w)], 3]",
    "3",
    "1e300",
    "'[bold]tensor(:smile: 3)[/bold]'",
    "sin",
]


@pytest.mark.parametrize("expression", VALUES)
def test_a_value_is_the_plain_text_highlighted(screen: Callable[..., Screen], expression: str) -> None:
    event = Value(value_of(expression), None, 1)
    assert screen(80).show(event) == event_text(event)
    assert screen(200).show(event) == event_text(event)
    assert screen(80, color="never").show(event) == event_text(event)


@pytest.mark.parametrize("columns", [24, 40, 60, 79])
@pytest.mark.parametrize("expression", VALUES)
def test_a_narrow_terminal_gets_the_same_words_in_fewer_columns(
    screen: Callable[..., Screen], expression: str, columns: int
) -> None:
    event = Value(value_of(expression), None, 1)
    shown = screen(columns).show(event)
    assert shown.split() == event_text(event).split()
    if columns >= 40:
        assert max(map(cell_len, shown.splitlines())) <= columns


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    array=arrays.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.bool_, np.complex128]),
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9),
    ),
    columns=st.integers(30, 90),
)
def test_any_tensor_keeps_its_words(array: np.ndarray, columns: int) -> None:
    value = Tensor(array)
    shown = value_within(value, columns)
    assert shown.split() == repr(value).split()
    if columns >= 80:
        assert shown == repr(value) or max(map(len, repr(value).split("\n"))) > columns
    assert highlighted(shown).plain == shown


def test_a_list_that_holds_itself() -> None:
    values: list[Any] = [1, "a long text that needs more than thirty columns"]
    values.append(values)
    assert value_within(values, 30).endswith("[...]]")


def styles(text: str) -> list[Shown]:
    """The highlighted parts of a text in order, each with its style."""
    shown = highlighted(text)
    return [(text[span.start : span.end], str(span.style)) for span in sorted(shown.spans)]


def test_each_part_of_the_notation_has_its_style() -> None:
    assert styles("tensor([-1.0000e-09,  nan, ...], dtype=torch.float32, requires_grad=True)") == [
        ("tensor", "tensor"),
        ("-1.0000e-09", "number"),
        ("nan", "nonfinite"),
        ("...", "cut"),
        ("dtype=torch.float32", "dtype"),
        ("requires_grad=True", "flag"),
    ]
    assert styles("tensor(28., grad_fn=<MulBackward0>)") == [
        ("tensor", "tensor"),
        ("28.", "number"),
        ("grad_fn=<MulBackward0>", "grad_fn"),
    ]
    assert styles("(torch.Size([4]), torch.float64, True, None, 'tensor(3)', <SumBackward1>, -inf, 3, 1+2j)") == [
        ("torch.Size", "tensor"),
        ("4", "number"),
        ("torch.float64", "dtype"),
        ("True", "truth"),
        ("None", "truth"),
        ("'tensor(3)'", "string"),
        ("<SumBackward1>", "grad_fn"),
        ("-inf", "nonfinite"),
        ("3", "number"),
        ("1", "number"),
        ("2j", "number"),
    ]


def test_every_style_that_is_used_is_in_the_theme() -> None:
    used = {style for expression in VALUES for _, style in styles(event_text(Value(value_of(expression), None, 1)))}
    assert {"tensor", "number", "grad_fn", "flag", "truth"} <= used <= STYLES.keys()


def test_colours_are_the_terminals_own(screen: Callable[..., Screen]) -> None:
    """Sixteen colours that the user chose, not three hundred of ours."""
    here = screen(80)
    here.show(Value(value_of("[x, w]"), None, 1), grad("x", 1, 2, passes=2))
    codes = set(re.findall(r"\x1b\[([0-9;]*)m", here.out.getvalue()))
    assert len(codes) > 3
    assert all(int(code) < 50 for several in codes for code in several.split(";"))
    assert not any("38" in several.split(";") for several in codes)


def test_a_very_long_text_is_shown_without_styles() -> None:
    assert highlighted("1, " * 100_000).spans == []


# ---- print


@pytest.mark.parametrize(
    "text",
    ["3\n", "a\tb\r50%", "no line end", "\x1b[31mred\x1b[0m tensor(1.)\n", "[red]markup[/red] :smile:\n", "", "\n\n"],
)
def test_what_print_wrote_is_written_as_it_is(screen: Callable[..., Screen], text: str) -> None:
    here = screen(40)
    here.show(Printed(text))
    assert here.out.getvalue() == text


def test_printed_tensors_are_highlighted(screen: Callable[..., Screen]) -> None:
    here = screen(40)
    text = "loss: tensor(2.0426, grad_fn=<MeanBackward0>)\n"
    assert here.show(Printed(text)) == text
    assert "\x1b[" in here.out.getvalue()


# ---- gradients


def test_gradients_stand_in_a_table_beside_their_leaves(screen: Callable[..., Screen]) -> None:
    w = grad("w", [[1, 2], [3, 4]], [[0.5, 0], [-1, 2]])
    assert screen(80).show(w, grad("bias", 0.5, -2)) == lines("""
        leaf   value                gradient
        ────────────────────────────────────────────────────────
        w      tensor([[1., 2.],    tensor([[ 0.5000,  0.0000],
                       [3., 4.]])           [-1.0000,  2.0000]])

        bias   tensor(0.5000)       tensor(-2.)
        ────────────────────────────────────────────────────────
        """)


def test_a_gradient_says_that_passes_have_added_up(screen: Callable[..., Screen]) -> None:
    assert screen(80).show(grad("x", 1, 4, passes=2), grad("w", 1, 3)) == lines("""
        leaf   value        gradient
        ─────────────────────────────────────────────────────
        x      tensor(1.)   tensor(4.)   2nd pass since zero_
        w      tensor(1.)   tensor(3.)
        ─────────────────────────────────────────────────────
        """)


@pytest.mark.parametrize(
    ("passes", "words"), [(2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (21, "21st"), (113, "113th")]
)
def test_the_number_of_passes_in_words(screen: Callable[..., Screen], passes: int, words: str) -> None:
    assert f" {words} pass since zero_" in screen(80).show(grad("x", 1, 4, passes=passes))


def test_on_40_columns_a_table_that_fits_is_a_table(screen: Callable[..., Screen]) -> None:
    assert screen(40).show(grad("s", 2, 24, passes=2)) == lines("""
        leaf   value        gradient
        ────────────────────────────────────────
        s      tensor(2.)   tensor(24.)
                            2nd pass since zero_
        ────────────────────────────────────────
        """)


def test_on_40_columns_a_wide_table_is_folded_into_lines(screen: Callable[..., Screen]) -> None:
    weights = grad("weights", np.eye(3), np.arange(9).reshape(3, 3) / 2, passes=3)
    assert screen(40).show(weights, grad("b", [1, 2], [3, 4])) == lines("""
        weights = tensor([[1., 0., 0.],
                          [0., 1., 0.],
                          [0., 0., 1.]])
        weights.grad =
          tensor([[0.0000, 0.5000, 1.0000],
                  [1.5000, 2.0000, 2.5000],
                  [3.0000, 3.5000, 4.0000]])
          3rd pass since zero_

        b = tensor([1., 2.])
        b.grad = tensor([3., 4.])
        ────────────────────────────────────
        """)


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
@pytest.mark.parametrize("shape", [(), (4,), (30,), (3, 4), (2, 30), (60, 60), (2, 3, 4)])
def test_a_table_is_never_wider_than_the_terminal(
    screen: Callable[..., Screen], columns: int, shape: tuple[int, ...]
) -> None:
    numbers = np.random.default_rng(0).normal(size=shape)
    events = [grad("x", numbers, numbers * 2, passes=2), grad("a_name_of_some_length", numbers, -numbers)]
    shown = screen(columns).show(*events)
    assert max(map(cell_len, shown.splitlines())) <= columns
    found = re.findall(r"-?\d+\.\d+", re.sub(r"\d+(nd|st|rd|th) pass", "", shown))
    wanted = re.findall(r"-?\d+\.\d+", "".join(map(repr, (t for e in events for t in (e.leaf, e.value)))))
    assert sorted(found) == sorted(wanted)


def test_columns_of_a_matrix_stay_aligned_in_a_table(screen: Callable[..., Screen]) -> None:
    numbers = np.array([[1.5, -20, 3], [4, 5.25, -6]])
    shown = screen(120).show(grad("w", numbers, numbers / 3))
    _, first, second = [line for line in shown.splitlines() if "tensor" in line or "[" in line or "leaf" in line]
    points = [[found.start() for found in re.finditer(r"\.", line)] for line in (first, second)]
    assert points[0] == points[1]
    assert len(points[0]) == 6


def test_a_gradient_with_flags_breaks_before_them(screen: Callable[..., Screen]) -> None:
    value = Tensor(np.arange(6, dtype=np.float32))
    assert screen(76).show(Grad("y", "x", value, 1, value, 1)) == lines("""
        leaf   value                              gradient
        ──────────────────────────────────────────────────────────────────────────
        x      tensor([0., 1., 2., 3., 4., 5.],   tensor([0., 1., 2., 3., 4., 5.],
                      dtype=torch.float32)               dtype=torch.float32)
        ──────────────────────────────────────────────────────────────────────────
        """)


# ---- one table a backward


def tables(text: str) -> int:
    return text.count("leaf ")


def test_a_table_is_held_until_something_else_happens(screen: Callable[..., Screen]) -> None:
    here = screen(80)
    here.renderer.event(grad("x", 1, 2))
    here.renderer.event(grad("w", 1, 3))
    assert here.out.getvalue() == ""
    here.renderer.event(Printed("next\n"))
    assert tables(stripped(here.out)) == 1
    assert stripped(here.out).endswith("─\nnext\n")


def test_a_table_is_shown_at_once_when_its_last_leaf_came(screen: Callable[..., Screen]) -> None:
    """A loop's table is seen while the loop still runs; a leaf that isn't said to be the last waits for the others."""
    here = screen(80)
    here.renderer.event(grad("x", 1, 2))
    here.renderer.event(grad("w", 1, 3, last=True))
    text = stripped(here.out)
    assert tables(text) == 1
    assert text.endswith("─\n")
    assert here.show() == text, "and not once more at the end"


def test_a_script_shows_its_tables_while_it_runs(screen: Callable[..., Screen]) -> None:
    here, seen = screen(80), []

    def show(event: Event) -> None:
        here.renderer.event(event)
        seen.append(tables(stripped(here.out)))

    Session().execute("x = 3; w = 2\nfor i in range(3) { zero_grad(); backward x*w }", "t.gr", show)
    assert seen == [0, 1, 1, 2, 2, 3]


def test_each_backward_has_its_table(screen: Callable[..., Screen]) -> None:
    """A loop's passes are told apart by a leaf that comes again, other statements by their line or result."""
    loop = [grad(name, 1, 2, passes=step) for step in (1, 2, 3) for name in ("x", "w")]
    assert tables(screen(80).show(*loop)) == 3
    assert tables(screen(80).show(grad("x", 1, 2, line=3), grad("w", 1, 2, line=4))) == 2
    assert tables(screen(80).show(grad("x", 1, 2, of="y"), grad("w", 1, 2, of="z"))) == 2


def test_a_table_shows_the_numbers_of_its_own_pass(screen: Callable[..., Screen]) -> None:
    """Gradients accumulate in place, and the table may be shown after that."""
    here, event = screen(80), grad("x", [1, 2], [3, 4])
    here.renderer.event(event)
    event.value.array += 10
    event.leaf.array += 10
    assert "tensor([1., 2.])   tensor([3., 4.])" in here.show()


def test_warnings_and_failures_come_after_the_table(screen: Callable[..., Screen]) -> None:
    for last in ("warning", "failure"):
        here = screen(80)
        here.renderer.err_screen = None
        here.renderer.err = here.out
        here.renderer.event(grad("x", 1, 2))
        if last == "warning":
            here.renderer.event(Warned("mind the gap"))
        else:
            here.renderer.failure(ShapeFailure("mind the gap"))
        text = stripped(here.out)
        assert 0 <= text.find("tensor(2.)") < text.find("mind the gap")


def test_gradients_of_a_script(screen: Callable[..., Screen]) -> None:
    here = screen(80)
    session = Session()
    session.execute("x = arange(4); y = 2*dot(x, x); backward y\nx.grad", "<text>", here.renderer.event)
    assert here.show().splitlines()[-1] == "tensor([ 0.,  4.,  8., 12.])"
    assert "gradient" in stripped(here.out)


# ---- diagnostics


FAILURE = ShapeFailure(
    "backward needs one number to start from, and `y` (line 2) has shape (4,)",
    label="grad can be implicitly created only for scalar outputs",
    help="reduce it, `backward y.sum()`, or give a vector, `backward y with ones(4)`",
    span=Span("fit.gr", 3, 10, 3, 11),
)


def test_an_error_has_the_words_of_plain_text(screen: Callable[..., Screen]) -> None:
    assert screen(120).fail(FAILURE, "backward y") == failure_text(FAILURE, "backward y")


def test_an_error_on_40_columns(screen: Callable[..., Screen]) -> None:
    assert screen(40).fail(FAILURE, "backward y") == lines("""
        error: backward needs one number to
          start from, and `y` (line 2) has shape
          (4,)
          --> fit.gr:3:10
           |
         3 | backward y
           |          ^
           | grad can be implicitly created only
           | for scalar outputs
           = help: reduce it,
                   `backward y.sum()`, or give a
                   vector,
                   `backward y with ones(4)`
        """)


def test_an_error_inside_functions(screen: Callable[..., Screen]) -> None:
    failure = ShapeFailure("shapes (2,) and (3,) don't go together", span=Span("f.gr", 12, 1, 12, 4))
    failure.calls = [(name, Span("f.gr", line, 1, line, 2)) for line, name in enumerate("abcdefgh", 20)]
    failure.calls.append(("<lambda>", Span("f.gr", 2, 1, 2, 2)))
    assert screen(120).fail(failure, "x+y") == failure_text(failure, "x+y")


def test_an_error_without_a_place(screen: Callable[..., Screen]) -> None:
    failure = ShapeFailure("no place", help="two\nlines")
    assert screen(120).fail(failure) == failure_text(failure, None)


def test_a_message_of_several_lines(screen: Callable[..., Screen]) -> None:
    failure = ShapeFailure("one\ntwo", span=Span("f.gr", 1, 1, 1, 2))
    assert screen(80).fail(failure, "x").splitlines()[:3] == ["error: one", "  two", "  --> f.gr:1:1"]


def test_a_warning_has_the_words_of_plain_text(screen: Callable[..., Screen]) -> None:
    here, event = screen(150), Warned("mind the gap", "see `gap`", Span("f.gr", 1, 5, 1, 8))
    here.texts = {"f.gr": "x = gap + 1"}
    here.show(event)
    assert stripped(here.err) == warning_text(event, "x = gap + 1")
    assert here.out.getvalue() == ""


@pytest.mark.parametrize(
    ("start", "end"), [(1, 4), (30, 36), (100, 104), (295, 301), (300, 301), (10, 290), (301, 302)]
)
@pytest.mark.parametrize("columns", [40, 80])
def test_a_long_line_is_cut_around_the_place(screen: Callable[..., Screen], columns: int, start: int, end: int) -> None:
    line = "".join(f"{number:05d}" for number in range(60))
    shown = screen(columns).fail(ShapeFailure("m", span=Span("f.gr", 7, start, 7, end)), line)
    _, _, _, code, carets = shown.splitlines()
    assert max(len(code), len(carets)) <= columns
    marked = code[carets.index("^") : carets.rindex("^") + 1].strip(".")
    if start <= len(line):
        assert marked
        assert line[start - 1 : end - 1].startswith(marked)


def test_carets_stand_under_wide_characters(screen: Callable[..., Screen]) -> None:
    line = 'a = "日本語" + f'
    shown = screen(80).fail(ShapeFailure("m", span=Span("f.gr", 1, 13, 1, 14)), line)
    code, carets = shown.splitlines()[3:]
    assert cell_len(code[: code.index("f")]) == carets.index("^")


def test_a_lexer_highlights_the_excerpt(screen: Callable[..., Screen]) -> None:
    python = pytest.importorskip("pygments.lexers.python")
    here = screen(80, lexer=python.PythonLexer())
    failure = ShapeFailure("m", span=Span("f.gr", 1, 1, 1, 2))
    line = "  if x: return 3.5  # why"
    assert here.fail(failure, line) == failure_text(failure, line)
    code = here.err.getvalue().splitlines()[3]
    assert "\x1b[36m3.5" in code
    assert "\x1b[35mif" in code


def test_style_of_a_kind_of_token() -> None:
    assert style_of_token("Token.Literal.Number.Float") == "code.number"
    assert style_of_token("Token.Operator.Word") == "code.keyword"
    assert style_of_token("Token.Text") == ""


def test_a_file_of_diagnostics_is_plain(screen: Callable[..., Screen], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    assert screen(40, color="auto").fail(FAILURE, "backward y") == failure_text(FAILURE, "backward y")


# ---- the rest


def test_lines_of_others_are_highlighted_in_the_width_of_the_terminal(screen: Callable[..., Screen]) -> None:
    def lines_of(event: Event, width: int) -> list[str]:
        return [f"{event.name} = 3", "-" * width]

    shown = screen(40, lines_of=lines_of).show(Explained(None, "y", 1))
    assert shown == "y = 3\n" + "-" * 40 + "\n"


def test_without_colour_there_are_no_escape_sequences(screen: Callable[..., Screen]) -> None:
    here = screen(80, color="never")
    here.show(Value(value_of("x"), None, 1), grad("x", 1, 2, passes=2))
    assert "\x1b" not in here.out.getvalue()
    assert "2nd pass" in here.out.getvalue()


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_closed_pipe_is_left_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = RichRenderer(Closed(), io.StringIO(), lambda span: None, color="always")
    with pytest.raises(BrokenPipeError):
        renderer.event(Value(value_of("x"), None, 1))


def test_a_terminal_that_knows_ascii_only(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    out = io.TextIOWrapper(buffer, encoding="ascii")
    renderer = RichRenderer(out, io.StringIO(), lambda span: None, color="never")
    renderer.event(grad("x", 1, 2))
    renderer.flush()
    assert b"tensor(2.)" in buffer.getvalue()


def test_passes_are_counted_from_the_last_zero() -> None:
    out = io.StringIO()
    text = "x = 3; y = x^2\nbackward y retain\nbackward y retain\nx.grad.zero_()\nbackward y retain\nbackward y"
    assert evaluate([("<text>", text)], format="rich", color="never", out=out, err=io.StringIO()) == 0
    rows = [line for line in out.getvalue().splitlines() if line.startswith("x ")]
    assert ["2nd pass since zero_" in row for row in rows] == [False, True, False, True]
