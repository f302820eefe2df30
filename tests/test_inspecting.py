"""`gradcli graph`, `explain` and `check`, as a shell user runs them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

FIT = """X = tensor([[1., 2], [3, 4], [5, 6]])
const Y = [1., 2, 3]
w = [0.5, -1]
r = X @ w - Y
L = (r^2).mean()
backward L
"""
CUSTOM = """def f(a, b) {
    return a * b
} backward(g) {
    print("in the clause")
    return ones(2) * g, -a * g
}
a = [1, 2]
b = [3, 4]
y = f(a, b).sum()
"""


def gradcli(*arguments: str, text: str = "") -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "gradcli", *arguments], input=text, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def fit(tmp_path: Path) -> str:
    path = tmp_path / "fit.gr"
    path.write_text(FIT)
    return str(path)


def right(*arguments: str, text: str = "") -> str:
    done = gradcli(*arguments, text=text)
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout


def wrong(*arguments: str, text: str = "", status: int = 1) -> str:
    done = gradcli(*arguments, text=text)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    return done.stderr


# ---- graph


def test_a_graph_is_drawn_of_the_last_value_or_of_a_name(fit: str) -> None:
    assert right("graph", fit).startswith("L = ")
    assert right("graph", fit, "r").startswith("r = ")
    assert right("graph", "-", text=FIT) == right("graph", fit)
    assert "not defined" not in wrong("graph", fit, "q")
    assert "`q` isn't defined in this script" in wrong("graph", fit, "q")


@pytest.mark.parametrize("kind", ["dot", "mermaid", "svg", "json"])
def test_a_picture_goes_to_a_file_by_its_name_or_by_option(fit: str, kind: str, tmp_path: Path) -> None:
    shown = right("graph", "--to", kind, fit)
    ending = {"mermaid": "mmd"}.get(kind, kind)
    assert right("graph", fit, "-o", str(tmp_path / f"picture.{ending}")) == ""
    assert (tmp_path / f"picture.{ending}").read_text() == shown
    assert right("graph", "-o", str(tmp_path / "other"), "--to", kind, fit, "L") == ""
    assert (tmp_path / "other").read_text() == shown
    if kind == "svg":
        assert ElementTree.fromstring(shown).tag.endswith("svg")
    if kind == "json":
        assert json.loads(shown)["name"] == "L"


def test_a_dash_is_the_output(fit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert right("graph", fit, "--to", "dot", "-o", "-") == right("graph", fit, "--to", "dot")
    assert not Path("-").exists()


def test_what_cannot_be_written_is_said(fit: str, tmp_path: Path) -> None:
    assert "no such file or directory" in wrong("graph", fit, "-o", str(tmp_path / "no" / "a.svg"))
    assert "is a directory" in wrong("graph", fit, "-o", str(tmp_path))
    assert "the name of the file is empty" in wrong("graph", fit, "-o", "")
    assert "too long" in wrong("graph", fit, "-o", str(tmp_path / ("a" * 300)))
    assert [path.name for path in tmp_path.iterdir()] == ["fit.gr"]


def test_a_link_stays_a_link_and_a_file_keeps_its_mode(fit: str, tmp_path: Path) -> None:
    target, link = tmp_path / "target.svg", tmp_path / "link.svg"
    target.touch()
    target.chmod(0o600)
    link.symlink_to(target)
    right("graph", fit, "-o", str(link))
    assert link.is_symlink()
    assert target.read_text().startswith("<svg")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_written_into_and_stays_one(fit: str, tmp_path: Path) -> None:
    """As /dev/stdout and /dev/null must: to put a file in their place would break the machine."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        right("graph", fit, "--to", "dot", "-o", str(pipe))
        assert os.read(reader, 1 << 16).decode() == right("graph", fit, "--to", "dot")
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


# ---- explain


def test_explain_ends_in_the_gradients(fit: str) -> None:
    shown = [json.loads(line) for line in right("eval", fit, "--format", "json").splitlines()]
    grads = {one["name"]: one["value"]["data"] for one in shown if one["type"] == "grad"}
    found = json.loads(right("explain", fit, "--format", "json"))
    assert {one["name"]: one["value"]["data"] for one in found["gradients"]} == grads
    assert grads["w"] == pytest.approx([-97 / 3, -124 / 3])
    assert "w.grad = [-32.3333, -41.3333]" in right("explain", fit)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_derivative_of_the_scripts_own_runs_silently_and_in_its_dtype(dtype: str) -> None:
    shown = right("explain", "-", "--dtype", dtype, text=CUSTOM)
    assert "in the clause" not in shown
    assert "a.grad = [1, 1]\n  b.grad = [-1, -2]" in shown
    found = json.loads(right("explain", "-", "--dtype", dtype, "--format", "json", text=CUSTOM))
    assert [one["value"]["dtype"] for one in found["gradients"]] == [dtype, dtype]


@pytest.mark.parametrize("command", ["graph", "explain"])
def test_what_was_changed_since_is_named(command: str) -> None:
    said = wrong(command, "-", text="X = arange(20000)\nconst w = ones(20000)\ny = (X*w*w).sum()\nw[3] = 7\n")
    assert "changed in place: mul at line 3 saw others" in said
    assert "--> <stdin>:3:6" in said


@pytest.mark.parametrize("command", ["graph", "explain"])
def test_nothing_to_look_at(command: str) -> None:
    for text in ("", "x = 3", "print('a')"):
        assert "nothing in this script can be differentiated" in wrong(command, "-", text=text)
    assert "is no tensor" in wrong(command, "-", "f", text="f(x) = x; y = f([1])")


# ---- check


def test_check_of_each_backward(fit: str) -> None:
    assert right("check", fit).endswith("pass: autograd agrees with the differences\n")
    assert right("check", "-", text="x = 2; y = x^2; backward y retain; backward y").count("pass:") == 2
    assert right("check", "-", text="x = 2; check x^2").count("pass:") == 1
    assert "there is no backward" in wrong("check", "-", text="x = 2; y = x^2")
    told = right("check", "-", text="x = 2; w = 3; h = x*w; backward h wrt w")
    assert [line.split()[0] for line in told.splitlines()] == ["leaf", "w", "pass:"]
    assert "\nx  " in right("check", "-", text="x = 2; h = x^2; h.retain_grad(); (h * 3).backward(inputs=[h])")
    done = gradcli("check", "-", text=CUSTOM + "backward y")
    assert (done.returncode, "fail: autograd's gradient" in done.stdout) == (1, True)


def test_kinks_are_told_in_plain_numbers() -> None:
    told = right("check", "-", text="x = [1, 3, 3]; backward max(x)")
    assert "kink at [1] and 1 more: slope 0 on the left, 1 on the right; autograd takes" in told
    told = right("check", "-", text="x = [0, 0]; backward norm(x)")
    assert "slope -1 on the left, 1 on the right; autograd takes 0" in told
    assert "doesn't depend" not in told
    assert "the result doesn't depend on it" in right("check", "-", text="x = [1.2, 3]; backward (x - x).sum()")


RIGHT = [
    ("w: 2/3 * X.T @ r",),
    ("w: (X.T @ r) * 2/3", "X: 2/3 * outer(r, w)"),
    ("w: 2/3 * X.T @ r, X: 2/3 * outer(r, w)",),
    ("w: ((2/3 *\n X.T\n) @ r), X: (2/3 *\nouter(r, w))",),
    ("w: [2/3 * dot(column, r) for column in X.T]  # a comment",),
]


@pytest.mark.parametrize("claims", RIGHT)
def test_right_claims(fit: str, claims: tuple[str, ...]) -> None:
    options = [part for claim in claims for part in ("--claim", claim)]
    assert "right, and autograd agrees" in right("check", fit, *options)
    assert right("check", *options, fit) == right("check", fit, *options)


WRONG = {
    "w: 2 * X.T @ r": "3 times too large: a 1/n is missing",
    "w: -2/3 * X.T @ r": "the sign is wrong",
    "X: 2/3 * outer(w, r)": "transpose it",
    "w: [1, 2, 3]": "yours has shape (3,), and the gradient (2,)",
    "w: nan": "yours isn't finite",
}


@pytest.mark.parametrize("claim", WRONG)
def test_wrong_claims(fit: str, claim: str) -> None:
    done = gradcli("check", fit, "--claim", claim)
    assert (done.returncode, done.stderr) == (1, "")
    assert WRONG[claim] in done.stdout
    assert f"fail: the claim for `{claim[0]}`" in done.stdout


NO_CLAIMS = {
    "w: none": "a claim is a tensor or a number, and `none` is nothing",
    "w: w.grad": "a claim is a tensor or a number, and `w.grad` is nothing",
    "w: x -> x": "a claim is a tensor or a number, and `x -> x` is a function",
    "w: q + 1": "`q` isn't defined\n  --> --claim:1:1\n   |\n 1 | q + 1\n",
    "w: X @ X": "mat1 and mat2 shapes cannot be multiplied",
    "v: 3": "reaches a leaf `v`, which a claim is about\n   = help: there are gradients in `X`, `w`",
    "r: 2*r": "reaches a leaf `r`",
}


@pytest.mark.parametrize("claim", NO_CLAIMS)
def test_claims_without_a_value_or_a_leaf(fit: str, claim: str) -> None:
    assert NO_CLAIMS[claim].replace("   = help", "  = help") in wrong("check", fit, "--claim", claim)


@pytest.mark.parametrize("claim", ["", "w", "w 3", "w:", "w: (1", "w: 1; x = 3", "w.grad: 2", "w: 1, w: 2"])
def test_claims_that_are_no_claims_are_a_wrong_command_line(fit: str, claim: str) -> None:
    assert "Invalid value for '--claim'" in wrong("check", fit, "--claim", claim, status=2)


def test_a_claim_leaves_the_script_as_it_was() -> None:
    """It draws none of the script's random numbers, gives no names, and has no history."""
    script = "w = [1, 2]; backward (w * rand(2)).sum(); print(rand(1)); backward (w * 3).sum()"
    claims = ["--claim", "w: w.grad + rand(2)"]
    plain = json.loads(right("eval", "-", "--seed", "1", "--format", "json", text=script).splitlines()[1])
    looked = gradcli("check", "-", "--seed", "1", "--claim", "w: rand(2)", text=script + "; assert rand(1) > 2")
    again = gradcli("eval", "-", "--seed", "1", text=script + "; assert rand(1) > 2")
    assert looked.stderr == again.stderr
    assert plain["type"] == "print"
    assert gradcli("check", "-", *claims, text=script).returncode == 1
