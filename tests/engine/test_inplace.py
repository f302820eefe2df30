"""Changes in place, differentiated as PyTorch does: the same lines give the same gradients there.

Every program starts with `x = tensor([[1, 2, 3], [4, 5, 6]], requires_grad=true)`, and beside it stands the `x.grad`
that PyTorch 2.13 printed. (It writes `with torch.no_grad():` for `no_grad {}`, `lambda g:` for `g ->`.)
"""

from __future__ import annotations

import numpy as np
import pytest

from gradcli import Session
from gradcli.engine import TABLE, backward, inplace, start_tracking, tensor
from gradcli.engine.shaping import broadcast_to, diagonal, permute, reshape, split, unbind
from gradcli.errors import AutogradFailure, GradcliError
from gradcli.library import FUNCTIONS
from gradcli.library.autograd import IN_PLACE as OTHERS
from gradcli.library.autograd import detach
from gradcli.library.vocabulary import METHODS, load_all

Program = tuple[str, list[list[float]]]

load_all()
IN_PLACE = [name for name, op in TABLE.items() if op.elementwise and op.arity == 1 and f"{name}_" in METHODS]
IN_PLACE += [name for name in OTHERS.split() if name not in IN_PLACE]

THROUGH_VIEWS: list[Program] = [
    ("y = x * 2; v = y[0]; v.mul_(3); (y * y).sum().backward()", [[72, 144, 216], [32, 40, 48]]),
    ("y = x * 2; v = y[0]; y.mul_(3); (v * v).sum().backward()", [[72, 144, 216], [0, 0, 0]]),
    ("y = x * 2; v = y[0]; y.mul_(3); v.mul_(2); (y * y).sum().backward()", [[288, 576, 864], [288, 360, 432]]),
    (
        "y = x * 1; v = y[0]; w = v[1:]; y.mul_(2); w.mul_(3); v.mul_(5); (y * y).sum().backward()",
        [[200, 3600, 5400], [32, 40, 48]],
    ),
    ("y = x * 1; y.view(6)[2:4].mul_(10); (y * y).sum().backward()", [[2, 4, 600], [800, 10, 12]]),
    ("y = x * 1; y.view(3, 2).T[0].mul_(2); (y * y).sum().backward()", [[8, 4, 24], [8, 40, 12]]),
    ("y = x * 1; v = y.T; y[0] = 0; (v * v * v).sum().backward()", [[0, 0, 0], [48, 75, 108]]),
    ("y = x * 1; v = y.T; v[0] = 7; (y * y).sum().backward()", [[0, 4, 6], [0, 10, 12]]),
    ("y = x * 1; v = y[0]; v.copy_(y[1]); (y * y).sum().backward()", [[0, 0, 0], [16, 20, 24]]),
    ("y = x * 1; y[0].add_(y[1]); y[1].add_(y[0]); (y * y).sum().backward()", [[28, 38, 48], [46, 62, 78]]),
    ("y = x * 1; y[:, :2].diagonal().fill_(7.0); (y * y).sum().backward()", [[0, 4, 6], [8, 0, 12]]),
    ("y = x * 1; y.unsqueeze(0)[0, 1].mul_(2); (y * y).sum().backward()", [[2, 4, 6], [32, 40, 48]]),
    ("y = x * 1; y.squeeze().permute(1, 0)[1:].mul_(3); (y * y).sum().backward()", [[2, 36, 54], [8, 90, 108]]),
    ("y = x * 1; y.transpose(0, 1)[::2].mul_(3); (y * y).sum().backward()", [[18, 4, 54], [72, 10, 108]]),
    ("y = x * 1; e = y[0].expand(4, 3); y[0].mul_(2); (e * e).sum().backward()", [[32, 64, 96], [0, 0, 0]]),
    ("y = x * 1; e = y.expand(4, 2, 3); e[1].mul_(2); (e * e).sum().backward()", [[32, 64, 96], [128, 160, 192]]),
    ("y = x * 1; t = y.reshape(6); t.mul_(2); (y * y).sum().backward()", [[8, 16, 24], [32, 40, 48]]),
    ("y = x * 1; t = y.T.reshape(6); t.mul_(2); (y * y).sum().backward()", [[2, 4, 6], [8, 10, 12]]),
    ("y = x * 1; f = y.flatten(); f[0] = 100.0; (y * f.view(2, 3)).sum().backward()", [[0, 4, 6], [8, 10, 12]]),
    ("y = x * 1; v = y[0]; z = v.clone(); v.mul_(2); (z * v).sum().backward()", [[4, 8, 12], [0, 0, 0]]),
    ("y = x * 1; v = y[0, 1]; v.mul_(x[1, 1]); (y * y).sum().backward()", [[2, 100, 6], [8, 50, 12]]),
    ("y = x.sum(); v = y.view(1); v.mul_(3); (y * y).backward()", [[378, 378, 378], [378, 378, 378]]),
    ("p = zeros(2, 3); v = p[0]; v.add_(x[0]); (p * p).sum().backward()", [[2, 4, 6], [0, 0, 0]]),
    ("p = zeros(6); v = p.view(2, 3); v.add_(x); w = p[1:4]; (w * w * w).sum().backward()", [[0, 12, 27], [48, 0, 0]]),
    ("p = zeros(2, 3); v = p[1]; p.add_(x); (v * v).sum().backward()", [[0, 0, 0], [8, 10, 12]]),
]

BY_INDEX: list[Program] = [
    ("y = x * 1; y[1] = x[0]; (y * y).sum().backward()", [[4, 8, 12], [0, 0, 0]]),
    ("y = x * 1; y[0, 1] = 5.0; (y * y).sum().backward()", [[2, 0, 6], [8, 10, 12]]),
    ("y = x * 1; y[:, 1] = 5.0; (y * y).sum().backward()", [[2, 0, 6], [8, 0, 12]]),
    ("y = x * 1; y[...] = x * x; (y * y).sum().backward()", [[4, 32, 108], [256, 500, 864]]),
    ("y = x * 1; y[y > 2.5] = 0.5; (y * y).sum().backward()", [[2, 4, 0], [0, 0, 0]]),
    ("y = x * 1; y[:, [0, 2]] = x[:, 1:]; (y * y).sum().backward()", [[0, 8, 6], [0, 20, 12]]),
    ("y = x * 1; y[[1, 0], [2, 2]] = x[0, :2]; (y * y).sum().backward()", [[4, 8, 0], [8, 10, 0]]),
    ("y = x * 1; v = y[1]; v[v > 4.5] = x[0, 0]; (y * y).sum().backward()", [[6, 4, 6], [8, 0, 0]]),
    ("p = zeros(3); p[1] = x[0, 2]; p[2] = x[1, 1] * x[0, 2]; (p * p).sum().backward()", [[0, 0, 156], [0, 90, 0]]),
    ("p = zeros(3, 2, 3); p[1] = x; p[2] = x; (p * p).sum().backward()", [[4, 8, 12], [16, 20, 24]]),
    ("p = zeros(2, 3); p[0] = x[:1]; (p * p).sum().backward()", [[2, 4, 6], [0, 0, 0]]),
    ("p = zeros(4, 2, 3); p[1:3] = x; (p * p).sum().backward()", [[4, 8, 12], [16, 20, 24]]),
    ("p = zeros(2, 3); p[0] = x[1, 2]; p[0] = x[1]; (p * p).sum().backward()", [[0, 0, 0], [8, 10, 12]]),
    ("p = zeros(2, 3); p[:, 1] = x[0, 0]; (p + x * p.detach()).sum().backward()", [[2, 1, 0], [0, 1, 0]]),
]

WHOLE: list[Program] = [
    ("y = x * 3; y.zero_(); (y + x).sum().backward()", [[1, 1, 1], [1, 1, 1]]),
    ("y = x * 3; y.fill_(2.0); (y * y).sum().backward()", [[0, 0, 0], [0, 0, 0]]),
    ("y = x * 3; y.copy_(tensor([1.0, 2.0, 3.0])); (y * x).sum().backward()", [[1, 2, 3], [1, 2, 3]]),
    ("y = x * 3; y.copy_(x); (y * y).sum().backward()", [[2, 4, 6], [8, 10, 12]]),
    ("y = x * 1; y += x[0]; (y * y).sum().backward()", [[18, 30, 42], [10, 14, 18]]),
    ("y = x * 1; y -= y[0].clone(); (y * y).sum().backward()", [[-6, -6, -6], [6, 6, 6]]),
    ("y = x * 1; y *= x; (y * y).sum().backward()", [[4, 32, 108], [256, 500, 864]]),
    (
        "y = x * 1; y /= x + 1; (y * y).sum().backward()",
        [[0.25, 0.14814814814814814, 0.09375], [0.064, 0.04629629629629628, 0.034985422740524796]],
    ),
    ("y = x * 1; y **= 2; (y * y).sum().backward()", [[4, 32, 108], [256, 500, 864]]),
    ("y = x * 1; y.clamp_(2.0, 5.0); (y * y).sum().backward()", [[0, 4, 6], [8, 10, 0]]),
    ("y = x * 1; y.masked_fill_(x > 3.5, 0.0); (y * y).sum().backward()", [[2, 4, 6], [0, 0, 0]]),
    ("y = x[0, 0] * 1; y.mul_(3); y.add_(x[0, 1]); (y * y).backward()", [[30, 10, 0], [0, 0, 0]]),
    ("p = ones(2, 3); p.mul_(x); p.mul_(x); p.sum().backward()", [[2, 4, 6], [8, 10, 12]]),
    ("p = zeros(2, 3); p.copy_(x); ((x * x) + p).sum().backward()", [[3, 5, 7], [9, 11, 13]]),
    ("a = x * x; b = a * a; p = zeros(2, 3); p.copy_(a); (b + p).sum().backward()", [[6, 36, 114], [264, 510, 876]]),
    (
        "a = x * x; p = zeros(2, 3); p.copy_(a); p.mul_(3); (a * a + p).sum().backward()",
        [[10, 44, 126], [280, 530, 900]],
    ),
    (
        "y = x * 1; y.mul_(2); g, = torch.autograd.grad((y * y * y).sum(), x, create_graph=true); "
        "(g * g).sum().backward()",
        [[2304, 18432, 62208], [147456, 288000, 497664]],
    ),
    (
        "y = x * 1; y[0, :2] = x[1, 1:] ** 2; g, = torch.autograd.grad((y * y).sum(), x, create_graph=true); "
        "(g * g).sum().backward()",
        [[0, 0, 24], [32, 308040, 760368]],
    ),
]

UNSEEN: list[Program] = [
    # Changes that aren't recorded: the values move, the derivative is that of the old program at the new values.
    ("y = x * 1; y.detach().mul_(2); (y * y).sum().backward()", [[4, 8, 12], [16, 20, 24]]),
    ("y = x * 1; y.detach()[0].mul_(2); (y * y).sum().backward()", [[4, 8, 12], [8, 10, 12]]),
    ("y = x * 1; no_grad { y.mul_(5) }; (y * y).sum().backward()", [[10, 20, 30], [40, 50, 60]]),
    ("y = x * 1; v = y[0]; no_grad { v.mul_(5) }; (y * y).sum().backward()", [[10, 20, 30], [8, 10, 12]]),
    ("y = x * x; y.sum().backward(); no_grad { x.sub_(1) }; (x * x).sum().backward()", [[2, 6, 10], [14, 18, 22]]),
]

HELD: list[Program] = [
    # What is kept of y itself, as `kept`: `retain_grad` goes with the tensor,
    # a hook stays with the value it was put on.
    ("y = x * 1; y.retain_grad(); y.mul_(3); (y * y).sum().backward(); kept = y.grad", [[6, 12, 18], [24, 30, 36]]),
    ("y = x * 1; y.mul_(3); y.retain_grad(); (y * y).sum().backward(); kept = y.grad", [[6, 12, 18], [24, 30, 36]]),
    (
        "y = x * 1; v = y[:, :]; v.retain_grad(); y.mul_(3); (v * v).sum().backward(); kept = v.grad",
        [[6, 12, 18], [24, 30, 36]],
    ),
    (
        "y = x * 1; seen = []; y.register_hook(g -> seen.append(g)); y.mul_(3); (y * y).sum().backward(); "
        "kept = seen[0]",
        [[18, 36, 54], [72, 90, 108]],
    ),
    (
        "y = x * 1; seen = []; y.mul_(3); y.register_hook(g -> seen.append(g)); (y * y).sum().backward(); "
        "kept = seen[0]",
        [[6, 12, 18], [24, 30, 36]],
    ),
]


def ran(program: str) -> Session:
    """A session in explicit mode that has run the program."""
    session = Session(tracking="explicit")
    session["x"] = tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    for _ in session.run(program):
        pass
    return session


@pytest.mark.parametrize(("program", "gradient"), THROUGH_VIEWS + BY_INDEX + WHOLE + UNSEEN)
def test_gradient_is_pytorch_s(program: str, gradient: list[list[float]]) -> None:
    found = ran(program)["x"].grad
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found.array, gradient, rtol=1e-14)


@pytest.mark.parametrize(("program", "gradient"), HELD)
def test_kept_gradient_is_pytorch_s(program: str, gradient: list[list[float]]) -> None:
    np.testing.assert_array_equal(ran(program)["kept"].array, gradient)


# ---- memory


VIEWS = {
    "x[0]": lambda x: x[0],
    "x[:, 1:]": lambda x: x[:, 1:],
    "x[..., None]": lambda x: x[..., None],
    "x[::-1]": lambda x: x[::-1],
    "x[0, 1]": lambda x: x[0, 1],
    "reshape": lambda x: reshape(x, (3, 2)),
    "permute": lambda x: permute(x, (1, 0)),
    "expand": lambda x: broadcast_to(x, (4, 2, 3)),
    "diagonal": lambda x: diagonal(x),
    "split": lambda x: split(x, (1, 2), 1)[1],
    "unbind": lambda x: unbind(x, 0)[1],
    "detach": detach,
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
@pytest.mark.parametrize("tracked", [True, False])
def test_a_view_shares_memory(view: object, tracked: bool) -> None:
    x = tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=tracked)
    assert np.shares_memory(view(x).array, x.array)  # type: ignore[operator]


def test_a_copy_shares_nothing() -> None:
    x = tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    for copy in (x[[0, 1]], x[x > 0], reshape(permute(x, (1, 0)), (6,)), np.copy(x), np.tile(x, (1, 1))):
        assert not np.shares_memory(copy.array, x.array)


def test_a_0d_result_and_its_views_share_memory() -> None:
    y = tensor(2.0, requires_grad=True) * 3
    row = reshape(y, (1,))
    row *= 2
    assert y.item() == 12.0
    y += 1
    assert row.array.tolist() == [13.0]


def test_a_change_keeps_the_memory() -> None:
    y = tensor([1.0, 2.0], requires_grad=True) * 1
    before = y.array
    y += 1
    y[0] = 5.0
    inplace.copy(y, [7.0, 8.0])
    assert y.array is before
    np.testing.assert_array_equal(before, [7.0, 8.0])


def test_a_view_of_a_tensor_that_becomes_tracked_becomes_tracked() -> None:
    p, x = tensor([[0.0, 0.0], [0.0, 0.0]]), tensor(3.0, requires_grad=True)
    first, second = p[0], p[1]
    p[0, 0] = x
    assert p.requires_grad
    assert first.requires_grad
    backward([np.sum(first) + np.sum(second) * 5])
    assert x.grad.array == 1.0


def test_a_view_made_before_its_base_became_a_leaf_belongs_to_the_leaf() -> None:
    p = tensor([1.0, 2.0, 3.0])
    v = p[0:2]
    start_tracking(p)
    backward([np.sum(v * v)])
    np.testing.assert_array_equal(p.grad.array, [2.0, 4.0, 0.0])
    with pytest.raises(AutogradFailure, match="a view of a leaf Variable that requires grad"):
        v += 1
    assert p.is_leaf
    np.testing.assert_array_equal(p.array, [1.0, 2.0, 3.0])


def test_a_view_that_is_a_leaf_itself_follows_its_base() -> None:
    p = tensor([0.0, 0.0, 0.0])
    v = start_tracking(p[0:2])
    p += 1
    assert v.is_leaf
    np.testing.assert_array_equal(v.array, [1.0, 1.0])
    p *= tensor([2.0, 3.0, 4.0], requires_grad=True)
    assert not v.is_leaf
    np.testing.assert_array_equal(v.array, [2.0, 3.0])


def test_tracked_tensors_in_a_list_are_stored_with_their_history() -> None:
    a, b, p = tensor(1.0, requires_grad=True), tensor(2.0, requires_grad=True), tensor([0.0, 0.0, 0.0])
    p[0:2] = [a, b]
    backward([np.sum(p * tensor([1.0, 10.0, 100.0]))])
    assert (a.grad.array, b.grad.array) == (1.0, 10.0)


def test_the_old_history_of_what_is_overwritten_in_part_lives_on() -> None:
    x = tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * x
    y[0] = 0.0
    assert y.grad_fn.name == "CopySlices"
    backward([np.sum(y)])
    np.testing.assert_array_equal(x.grad.array, [0.0, 4.0, 6.0])


# ---- functions with a trailing underscore


ARGUMENTS = {
    **dict.fromkeys(("add", "sub", "mul", "div", "remainder", "fmod", "atan2", "hypot", "floor_divide"), "b"),
    "pow": "2",
    "clamp": "0.4, 0.8",
    "clamp_min": "0.5",
    "clamp_max": "0.5",
    "masked_fill": "a > 0.5, 0.25",
    "cumsum": "0",
    "cumprod": "0",
    "lerp": "b, 0.25",
}
WITHOUT_GRADIENT = {"eq", "ne", "lt", "le", "gt", "ge", "logical_not", "logical_and", "logical_or", "floor_divide"}


@pytest.mark.parametrize("name", [name for name in IN_PLACE if name not in WITHOUT_GRADIENT])
def test_a_function_in_place_is_differentiated_like_the_function(name: str) -> None:
    """Of a whole tensor, and of a part of one through a view."""
    shift = 1.0 if name == "acosh" else 0.0
    arguments = ARGUMENTS.get(name, "")
    gradients = []
    for lines in (
        f"result = cat([{name}(a[:2]{', ' + arguments if arguments else ''}), a[2:] * 1])"
        if "a >" not in arguments and "b" not in arguments
        else f"result = {name}(a, {arguments})",
        f"result = a * 1; v = result[:2]; v.{name}_({arguments})"
        if "a >" not in arguments and "b" not in arguments
        else f"result = a * 1; result.{name}_({arguments})",
    ):
        session = Session(tracking="explicit")
        session["a"] = tensor([[0.3, 0.6], [0.9, 0.2], [0.7, 0.1]]) + shift
        session["b"] = tensor([[0.5, 0.25], [0.4, 0.7], [0.15, 0.35]])
        for _ in session.run(
            f"a.requires_grad_(); b.requires_grad_(); {lines}\n"
            "(result * result * (1 + arange(6.0).reshape(3, 2))).sum().backward()"
        ):
            pass
        gradients.append([session["result"].array, session["a"].grad.array, getattr(session["b"].grad, "array", None)])
    for plain, changed in zip(*gradients, strict=True):
        if plain is None:
            assert changed is None
        else:
            np.testing.assert_allclose(changed, plain, rtol=1e-13)


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_leaf_that_requires_grad_is_never_changed_in_place(name: str) -> None:
    assert name in FUNCTIONS
    arguments = ARGUMENTS.get(name, "b" if name[:2] in ("eq", "ne", "lt", "le", "gt", "ge") else "").replace("b", "0.5")
    arguments = arguments or ("b" if name.startswith("logical_") and name != "logical_not" else "")
    session = Session(tracking="explicit")
    a = session["a"] = tensor([0.5, 0.75], requires_grad=True)
    session["b"] = tensor([0.5, 0.25])
    with pytest.raises(GradcliError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        for _ in session.run(f"a.{name}_({arguments})"):
            pass
    np.testing.assert_array_equal(a.array, [0.5, 0.75])
