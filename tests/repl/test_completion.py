"""What Tab offers, by what stands before the cursor."""

from __future__ import annotations

from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from gradcli.repl.commands import COMMANDS
from gradcli.repl.completion import GrCompleter
from tests.repl.console import ENTER, PAUSE, TAB, Lines, typed

SETUP = (
    "xs = arange(4)",
    "total = dot(xs, xs)",
    "parts = max(xs, 0)",
    "names = [1, xs]",
    's = "text"',
    "n = len(s)",
    "def model(points, slope=2) { return points * slope }",
)


@pytest.fixture(scope="module")
def line() -> Lines:
    return Lines(*SETUP)


def offered(line: Lines, text: str) -> dict[str, str]:
    """Each word that is offered to go on with a text, and what's said of it."""
    found = GrCompleter(lambda: line.shell).get_completions(Document(text, len(text)), CompleteEvent())
    return {completion.text: completion.display_meta_text for completion in found}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("xs", {"xs"}),
        ("y = tot", {"total"}),
        ("mod", {"model"}),
        ("y = sigm", {"sigmoid"}),
        ("backw", {"backward"}),
        ("no_g", {"no_grad"}),
        ("tru", {"trunc", "true"}),
        ("float6", {"float64"}),
        ("xs.req", {"requires_grad", "requires_grad_"}),
        ("y = (1 + xs).tolis", {"tolist"}),
        ("xs.grad.tolis", {"tolist"}),
        ("xs.shape.", {"numel"}),
        ("parts.", {"values", "indices"}),
        ("names.app", {"append"}),
        ("s.up", {"upper"}),
        ("total.grad_fn.", {"name", "next_functions"}),
        ("linalg.n", {"norm"}),
        ("torch.linalg.n", {"norm"}),
        ("fft.irfft", {"irfft", "irfft2", "irfftn"}),
        ("torch.fft.hfftn", {"hfftn"}),
        ("F.softm", {"softmax"}),
        ("math.hyp", {"hypot"}),
        ("nosuch.tolis", {"tolist"}),
        ("sum(xs, keep", {"keepdim="}),
        ("model(1, slo", {"slope="}),
        ("model(1, slope=xs.sum(dim=0, keepd", {"keepdim="}),
        ("# xs.re", set()),
        ('print("xs', set()),
        ("print('a') + xs.tolis", {"tolist"}),
        ("f'(xs.tolis", {"tolist"}),
        ("1.", set()),
        ("", set()),
        ("3 + ", set()),
        (":un", {"undo"}),
        (":help si", {"sigmoid", "sign", "sin", "sinh", "size"}),
        (":help :un", {":undo"}),
        (":graph t", {"total"}),
        (":set ", {"precision", "dtype", "tracking", "seed"}),
        (":set t", {"tracking"}),
        (":set dtype ", {"float64", "float32"}),
        (":set tracking e", {"explicit"}),
        (":set precision ", set()),
        (":time xs.tolis", {"tolist"}),
        (":t xs.tolis", {"tolist"}),
        (":s x", set()),
        (":undo x", set()),
        (":nosuch x", set()),
    ],
)
def test_what_is_offered(line: Lines, text: str, words: set[str]) -> None:
    found = {word.strip() for word in offered(line, text)}
    assert found >= words if words else not found


def test_nothing_is_offered_that_is_not_there(line: Lines) -> None:
    assert "append" not in offered(line, "xs.")
    assert "tolist" not in offered(line, "names.")
    assert set(offered(line, "math.s")) == {"sin", "sinh", "sqrt"}
    assert "relu" not in offered(line, "linalg.")
    assert set(offered(line, "s.")) & {"append", "tolist"} == set()
    assert "xs" not in offered(line, "torch.x")


def test_what_is_said_of_a_word(line: Lines) -> None:
    assert offered(line, "xs")["xs"] == "tensor (4,) float64 leaf"
    assert offered(line, "sig")["sigmoid"].startswith("sigmoid(input)  ")
    assert offered(line, "mode")["model"] == "function model(points, slope=2)"
    assert offered(line, "xs.sh")["shape"] == "(4,)"
    assert offered(line, "nam")["names"] == "list of 2"
    assert offered(line, "backwar")["backward"].startswith("backward y [with v]")


def test_a_name_shadows_the_function_of_that_name() -> None:
    line = Lines("sigmoid = 3")
    assert offered(line, "sigm")["sigmoid"] == "tensor () float64 leaf"


def test_all_commands_are_offered(line: Lines) -> None:
    assert {word.strip() for word in offered(line, ":")} == set(COMMANDS)


def test_looking_changes_nothing() -> None:
    line = Lines("x = 3", "y = x * 2; y.retain_grad()", "v = x")
    before = line.session["x"].array, line.session["y"].meta
    for text in ("x.", "y.", "y.grad.", "y.data.", "x.T.", "y.grad_fn.", "v.shape."):
        offered(line, text)
    assert line.session["x"].array is before[0]
    assert line.session["y"].meta is before[1]


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: Lines) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("data.csv", "date.npy", "script.gr", "notes.md"):
        (tmp_path / name).write_text("")
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir" / "deep.npz").write_text("")
    assert set(offered(line, 'x = load("')) == {"data.csv", "date.npy", "dir/"}
    assert set(offered(line, 'x = load("da')) == {"ta.csv", "te.npy"}
    assert set(offered(line, "save('dir/d")) == {"eep.npz"}
    assert set(offered(line, ":load ")) == {"script.gr", "dir/"}
    assert offered(line, 'x = load("data.csv") + lo').keys() >= {"log", "load"}
    assert "data.csv" not in offered(line, 'print("da')


# ---- typed


def test_tab_completes_what_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keys = ("weights = [1, 2]", ENTER, "weig", TAB, PAUSE, ".sigmo", TAB, PAUSE, "().sha", TAB, PAUSE, ENTER)
    assert typed(*keys).out == "torch.Size([2])\n"
    (tmp_path / "numbers.csv").write_text("1,2\n3,4\n")
    assert typed('load("num', TAB, PAUSE, '").shape', ENTER).out == "torch.Size([2, 2])\n"


def test_tab_goes_through_several_and_enter_takes_one_without_running() -> None:
    done = typed("zz_a = 1; zz_b = 2; zz_c = 3", ENTER, "zz", TAB, PAUSE, TAB, TAB, ENTER, ".item()", ENTER)
    assert (done.out, done.err) == ("2.0\n", "")
