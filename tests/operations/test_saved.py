"""What each operation keeps for its derivative is what PyTorch keeps: the same programs fail, and no others.

Beside each expression stand the values that mustn't change in place before backward (`result` is the expression's),
and whether its graph can be walked twice; both are what PyTorch 2.13 did. The values: x, y, z real matrices of 2 x 2
(z above 1), m a mask, i and j whole numbers. Left out is where PyTorch keeps more than it needs: `gather` keeps its
input.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from gradcli import Session, tensor
from gradcli.errors import AutogradFailure

SAVED: list[tuple[str, str, bool]] = [
    ("x + y", "", True),
    ("x - y", "", True),
    ("x * y", "x y", False),
    ("x / y", "x y", False),
    ("x ** y", "x y result", False),
    ("x ** 2", "x", False),
    ("x ** 3", "x", False),
    ("x * 2", "", False),
    ("2 * x", "", False),
    ("x / 2", "", False),
    ("2 / x", "", False),
    ("2 ** x", "x result", False),
    ("-x", "", True),
    ("x % y", "x y", False),
    ("x % 2", "", True),
    ("fmod(x, y)", "x y", False),
    ("fmod(x, 2)", "", True),
    ("exp(x)", "result", False),
    ("exp2(x)", "result", False),
    ("expm1(x)", "result", False),
    ("log(x)", "x", False),
    ("log1p(x)", "x", False),
    ("log2(x)", "x", False),
    ("log10(x)", "x", False),
    ("logaddexp(x, y)", "x y", False),
    ("sqrt(x)", "result", False),
    ("rsqrt(x)", "result", False),
    ("abs(x)", "x", False),
    ("hypot(x, y)", "x y result", False),
    ("square(x)", "x", False),
    ("reciprocal(x)", "result", False),
    ("sin(x)", "x", False),
    ("cos(x)", "x", False),
    ("tan(x)", "result", False),
    ("asin(x)", "x", False),
    ("acos(x)", "x", False),
    ("atan(x)", "x", False),
    ("sinh(x)", "x", False),
    ("cosh(x)", "x", False),
    ("tanh(x)", "result", False),
    ("asinh(x)", "x", False),
    ("acosh(z)", "z", False),
    ("atanh(x)", "x", False),
    ("atan2(x, y)", "x y", False),
    ("sign(x)", "", True),
    ("floor(x)", "", True),
    ("round(x)", "", True),
    ("frac(x)", "", True),
    ("maximum(x, y)", "x y", False),
    ("minimum(x, y)", "x y", False),
    ("where(m, x, y)", "m", False),
    ("clamp(x, 0.25, 0.5)", "x", False),
    ("clamp(x, y, z)", "x y z", False),
    ("sigmoid(x)", "result", False),
    ("relu(x)", "result", False),
    ("F.softplus(x)", "x", False),
    ("erf(x)", "x", False),
    ("erfc(x)", "x", False),
    ("masked_fill(x, m, 0.5)", "m", False),
    ("lerp(x, y, 0.25)", "", True),
    ("lerp(x, y, z)", "x y z", False),
    ("sum(x)", "", True),
    ("sum(x, 1)", "", True),
    ("mean(x)", "", True),
    ("mean(x, 1)", "", True),
    ("prod(x)", "x result", False),
    ("prod(x, 1)", "x result", False),
    ("var(x)", "x", False),
    ("std(x)", "x result", False),
    ("amax(x)", "x result", False),
    ("amin(x, 1)", "x result", False),
    ("max(x)", "x result", False),
    ("max(x, 1).values", "", False),
    ("median(x)", "x result", False),
    ("norm(x)", "x result", False),
    ("norm(x, 1)", "x result", False),
    ("norm(x, 3)", "x result", False),
    ("cumsum(x, 0)", "", True),
    ("cumprod(x, 0)", "x result", False),
    ("logsumexp(x, 0)", "x result", False),
    ("softmax(x, 0)", "result", False),
    ("log_softmax(x, 0)", "result", False),
    ("x @ y", "x y", False),
    ("dot(x[0], y[0])", "x y", False),
    ("mv(x, y[0])", "x y", False),
    ("outer(x[0], y[0])", "x y", False),
    ('einsum("ij,jk->ik", x, y)', "x y", False),
    ("trace(x)", "", True),
    ("bmm(x[None], y[None])", "x y", False),
    ("x.reshape(4)", "", True),
    ("x.view(4)", "", True),
    ("x.T", "", True),
    ("x.transpose(0, 1)", "", True),
    ("x.permute(1, 0)", "", True),
    ("x.expand(3, 2, 2)", "", True),
    ("x.unsqueeze(0)", "", True),
    ("x.unsqueeze(0).squeeze(0)", "", True),
    ("x.flatten()", "", True),
    ("cat([x, y])", "", True),
    ("stack([x, y])", "", True),
    ("split(x, 1)[0]", "", True),
    ("chunk(x, 2)[1]", "", True),
    ("x.unbind(0)[1]", "", True),
    ("flip(x, (0,))", "", True),
    ("roll(x, 1)", "", True),
    ("tile(x, (2,))", "", True),
    ("x.repeat(2, 1)", "", True),
    ("tril(x)", "", True),
    ("triu(x)", "", True),
    ("diag(x)", "", True),
    ("diagonal(x)", "", True),
    ("x.clone()", "", True),
    ("x[0]", "", True),
    ("x[:, 1:]", "", True),
    ("x[None]", "", True),
    ("x[..., 0]", "", True),
    ("x[m]", "m", False),
    ("x[i]", "i", False),
    ("gather(x, 0, j)", "j", False),
    ("index_select(x, 0, i)", "i", False),
    ("x.float()", "", True),
    ("x.double()", "", True),
    ("sort(x, 0).values", "", False),
    ("topk(x, 1).values", "", False),
]

LEAVES = {
    "x": [[0.3, 0.6], [0.7, 0.2]],
    "y": [[0.4, 0.5], [0.1, 0.9]],
    "z": [[1.3, 2.6], [1.7, 3.2]],
}
CHANGES = {"m": "m.logical_not_()", "i": "i.mul_(0)", "j": "j.mul_(0)"}


def session(expression: str) -> Session:
    """`result` is the expression's value, x, y and z are results themselves, and X, Y, Z their leaves."""
    made = Session(tracking="explicit")
    for name, values in LEAVES.items():
        made[name.upper()] = tensor(values, requires_grad=True)
    made["m"] = tensor([[True, False], [True, True]])
    made["i"] = tensor([1, 0, 1], dtype=np.int64)
    made["j"] = tensor([[1, 0], [0, 0]], dtype=np.int64)
    run(made, f"x = X * 1; y = Y * 1; z = Z * 1\nresult = {expression}")
    return made


def run(made: Session, program: str) -> None:
    for _ in made.run(program):
        pass


def used(expression: str) -> list[str]:
    return sorted(set(re.findall(r"\b[xyzmij]\b", expression)))


@pytest.mark.parametrize(
    ("expression", "change", "fails"),
    [
        pytest.param(expression, change, change in saved.split(), id=f"{expression} changes {change}")
        for expression, saved, _ in SAVED
        for change in (*used(expression), "result")
        # PyTorch has no say here: it refuses to write into an expanded tensor, and into one of several views.
        if not (change == "result" and re.search(r"expand|split|chunk|unbind", expression))
    ],
)
def test_a_change_in_place_is_an_error_where_the_value_was_saved(expression: str, change: str, fails: bool) -> None:
    made = session(expression)
    run(made, f"no_grad {{ {CHANGES.get(change, f'{change}.add_(0.125)')} }}")
    if not fails:
        run(made, "result.sum().backward()")
        return
    with pytest.raises(AutogradFailure, match="modified by an inplace operation"):
        run(made, "result.sum().backward()")


@pytest.mark.parametrize(("expression", "twice"), [(expression, twice) for expression, _, twice in SAVED])
def test_the_graph_can_be_walked_twice_where_nothing_was_saved(expression: str, twice: bool) -> None:
    made = session(expression)
    tracked = [name for name in used(expression) if name in LEAVES]
    program = f"g = torch.autograd.grad(result.sum(), [{', '.join(tracked)}], allow_unused=true)"
    run(made, program)
    first = [None if g is None else g.array.copy() for g in made["g"]]
    if twice:
        run(made, program)
        for g, before in zip(made["g"], first, strict=True):
            np.testing.assert_array_equal(g.array, before)
        return
    with pytest.raises(AutogradFailure, match="Trying to backward through the graph a second time"):
        run(made, program)
