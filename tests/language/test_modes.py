"""What is tracked: the design's section 2.5, a sentence a test."""

from __future__ import annotations

import numpy as np
import pytest

from gradcli import Session, Tensor
from tests.language.running import failure_of, outcome, shown

AUTO = "auto"
EXPLICIT = "explicit"


def tracked(text: str, name: str, tracking: str | None = AUTO) -> bool:
    """Whether a name is a leaf that requires grad after a script."""
    session = Session(tracking=tracking)
    shown(text, session)
    value = session[name]
    return isinstance(value, Tensor) and value.requires_grad and value.grad_fn is None


def grads(text: str, **wanted: object) -> None:
    """Runs an auto script and compares the gradients it leaves in the leaves named."""
    session = Session(tracking=AUTO)
    shown(text, session)
    for name, want in wanted.items():
        grad = session[name].grad
        if want is None:
            assert grad is None, name
        else:
            assert grad is not None, f"{name} has no gradient\n{text}"
            np.testing.assert_allclose(np.asarray(grad), np.asarray(want), rtol=1e-12, err_msg=f"{name}\n{text}")


# ---- explicit: "exactly PyTorch. Only what the script marks is tracked; numbers are numbers"


@pytest.mark.parametrize("value", ["3", "-2*pi", "[1., 2.]", "zeros(2)", "arange(3)", "tensor(2.)", "randn(2)"])
def test_explicit_tracks_nothing_by_itself(value: str) -> None:
    assert not tracked(f"x = {value}", "x", EXPLICIT)


@pytest.mark.parametrize(
    "text",
    ["x = tensor([1., 2.], requires_grad=true)", "x = zeros(2, requires_grad=True)", "x = [1., 2.]; x.requires_grad_()",
     "x = [1., 2.]; x.requires_grad_(true)", "x = [1., 2.]; x.requires_grad = True", "x = randn(2).requires_grad_(true)",
     "x = arange(3, requires_grad=true)", "y = zeros(2, requires_grad=true); x = y"],
)  # fmt: skip
def test_explicit_tracks_what_the_script_marks(text: str) -> None:
    assert tracked(text, "x", EXPLICIT)
    assert tracked(text, "x", None)


@pytest.mark.parametrize("text", ["x = zeros(2, requires_grad=true); x.requires_grad_(false)", "x = zeros(2, requires_grad=true); x.requires_grad = False",
                                  "x = zeros(2, requires_grad=false)"])  # fmt: skip
def test_explicit_ends_tracking_where_the_script_says_so(text: str) -> None:
    assert not tracked(text, "x", None)


def test_explicit_numbers_are_numbers() -> None:
    assert shown("n = 3; n; n * 2; n / 2; n // 2; n += 1; n", tracking=EXPLICIT) == ["3", "6", "1.5", "1", "4"]
    assert shown("a = b = 0; a += 1; a; b", tracking=EXPLICIT) == ["1", "0"]
    assert shown("a = 5; k = a; while k > 0 { k -= 1 }; a; k", tracking=EXPLICIT) == ["5", "0"]


LEAF = "x = tensor([1., 2.], requires_grad=true)\n"


@pytest.mark.parametrize(
    "change",
    ["x += 1", "x -= 0.1", "x *= 2", "x /= 2", "x ^= 2", "x //= 1", "x %= 2", "x[0] = 1", "x[0] += 1", "x[0] *= 2", "x.add_(1)", "x.mul_(2)",
     "x.zero_()", "x.fill_(3)", "x.copy_([3., 4.])", "x.T[0] = 1", "x.view(2)[0] = 1", "y = x; y += 1", "x[:] = 0", "x[x > 1] = 0", "x.relu_()",
     "y = x[0]; y += 1", "x.clamp_(0, 1)", "x.uniform_()", "x.normal_()", "x[[0, 1]] = 5"],
)  # fmt: skip
def test_explicit_changes_of_a_leaf_are_pytorchs_error_and_change_nothing(change: str) -> None:
    session = Session()
    shown(LEAF, session)
    failure = failure_of(change, session)
    assert failure.kind == "AutogradFailure"
    assert "a leaf Variable that requires grad" in failure.message
    assert "in-place operation" in failure.message
    assert failure.help
    assert shown("x", session) == ["tensor([1., 2.], requires_grad=True)"]
    assert shown("y = sum(x^2); y.backward(); x.grad", session) == ["tensor([2., 4.])"]


@pytest.mark.parametrize("change", ["x += 1", "x[0] = 1", "x.add_(1)", "x[0] += 3", "x.zero_()", "x.T[0] = 1", "x.copy_([3., 4.])"])
@pytest.mark.parametrize("block", ["no_grad {{ {} }}", "with torch.no_grad() {{ {} }}"])
def test_explicit_changes_of_a_leaf_under_no_grad_keep_it_a_leaf(change: str, block: str) -> None:
    assert tracked(LEAF + block.format(change), "x", None)


def test_explicit_a_new_value_under_no_grad_loses_its_flag() -> None:
    assert not tracked(LEAF + "no_grad { x = x - 0.1 }", "x", None)


# ---- auto: "a name given a number written out in the script, or a float tensor that has no grad_fn, becomes a leaf"


@pytest.mark.parametrize(
    "value",
    ["3", "-3", "+3", "2.5", "1e3", "(3)", "((3))", "-2*pi", "2^3", "1/3", "7//2", "7 % 4", "pi", "e", "tau", "inf", "nan", "-inf", "2*(3+4)", "1_000",
     "torch.pi", "np.pi", "math.pi"],
)  # fmt: skip
def test_a_number_written_out_becomes_a_leaf(value: str) -> None:
    assert tracked(f"x = {value}", "x")
    assert tracked(f"x = {value}", "x", None)


@pytest.mark.parametrize(
    "value",
    ["[1, 2]", "[[1, 2], [3, 4]]", "zeros(2)", "ones(2, 2)", "arange(4)", "linspace(0, 1, 3)", "randn(3)", "tensor(3)", "tensor([1., 2.])", "eye(2)",
     "full((2,), 3.)", "zeros(2) + ones(2)", "sin([1, 2])", "[1, 2].sum()", "zeros(0)", "zeros(2, dtype=float32)", "[1, 2].float()", "stack([zeros(2), ones(2)])",
     "[[1, 2], [3, 4]][0]", "max([1., 2.], 0).values", "where([1, 2] > 1, 1., 0.)", "f()"],
)  # fmt: skip
def test_a_float_tensor_without_history_becomes_a_leaf(value: str) -> None:
    assert tracked(f"def f() {{ y = [1, 2]; return y }}\nx = {value}", "x")


@pytest.mark.parametrize(
    "value",
    ["len([1, 2])", "[1, 2].shape[0]", "[1, 2].numel()", "[1, 2].sum().item()", "int(3)", "float(3)", "abs(-3)", "true", "none", '"a"', "range(3)", "(1, 2)",
     "sin", "v -> v", "[1, 2] > 1", "argmax([1, 2])", "[1, 2].long()", "arange(3, dtype=int64)", "[true, false]", "[1, 2].shape", "float64", "f()",
     "math.sqrt(2)", "[1, 2].dim()", "[1, 2].bool()", "max([1, 2], 0).indices", "zeros(2).dtype"],
)  # fmt: skip
def test_other_values_become_none(value: str) -> None:
    assert not tracked(f"def f() {{ y = 3; return y }}\nx = {value}", "x")


@pytest.mark.parametrize(
    "text",
    ["if true { x = 3 }", "if false { } else { x = 3 }", "while true { x = 3; break }", "for i in range(1) { x = 3 }", "enable_grad { x = 3 }",
     "y = x = 3", "x = y = 3", "x, y = 3, 4", "y, x = 4, 3", "(y, x) = (4, 3)", "[x, y] = [1, 2]", "y, (z, x) = 1, (2, 3)", "x, y = [1., 2.]", "x = 5; x = 3",
     "x = none; x = 3", "x, y = zeros(2), 3", "x, y = max([1., 2.], 0)", "(x) = 3", "x, = (3,)"],
)  # fmt: skip
def test_every_assignment_at_the_top_gives(text: str) -> None:
    if text == "x, = (3,)":
        pytest.skip("a tuple's number is given by the tuple: the design leaves it open")
    assert tracked(text, "x")


def test_the_first_example() -> None:
    assert shown("x = 3; y = x^2; backward y") == ["x.grad = tensor(6.)"]


def test_a_chain_gives_one_leaf_under_its_first_name() -> None:
    assert shown("a = b = 3; backward a*b") in (["a.grad = tensor(6.)"], ["a.grad = tensor(3.)", "b.grad = tensor(3.)"])
    assert shown("a = b = [1, 2]; backward sum(a*b)") == ["a.grad = tensor([2., 4.])"]


def test_a_result_is_no_leaf() -> None:
    grads("x = 3; y = x^2; z = y + 1; backward z", x=6.0)
    assert not tracked("x = 3; y = x^2", "y")


def test_a_second_name_is_the_same_leaf() -> None:
    assert shown("x = 3; y = x; backward y^2") == ["x.grad = tensor(6.)"]
    assert shown("x = 3; y = x; del x; backward y^2") == ["y.grad = tensor(6.)"]


# ---- "Not so for what was cut off on purpose, and what is computed from those alone"

CUT = {
    "detach": "a = [1., 2.]; c = a.detach()",
    "data": "a = [1., 2.]; c = a.data",
    "grad": "a = [1., 2.]; y = sum(a^2); y.backward(); c = a.grad",
    "no_grad": "a = [1., 2.]; no_grad { c = a * 2 }",
    "no_grad, nothing tracked": "no_grad { c = [1., 2.] }",
    "with no_grad": "a = [1., 2.]; with torch.no_grad() { c = a * 2 }",
    "const": "const c = [1., 2.]",
    "const of a result": "a = [1., 2.]; const c = a * 2",
    "a gradient asked for": "a = [1., 2.]; c = grad(sum(a^2), a)",
}


@pytest.mark.parametrize("text", CUT.values(), ids=CUT)
@pytest.mark.parametrize(
    "computed",
    ["c", "c + 1", "2 * c", "c * c", "-c", "sin(c)", "c.sum()", "c[0]", "c.T", "c.view(2)", "c.reshape(2, 1)", "c^2", "cat([c, c])", "stack([c, c])",
     "c.clone()", "where(c > 1, c, 0)", "c / c.sum()", "max(c)", "c.float()", "c @ c", "c.detach() + c", "einsum(\"i,i\", c, c)"],
)  # fmt: skip
def test_what_was_cut_off_stays_so(text: str, computed: str) -> None:
    session = Session(tracking=AUTO)
    shown(f"{text}\nd = {computed}; d2 = d * 3", session)
    for name in ("c", "d", "d2"):
        assert not session[name].requires_grad, name


def test_requires_grad_false_makes_a_script_explicit_and_its_result_untracked() -> None:
    assert not tracked("x = zeros(2, requires_grad=false); y = x + 1", "y", None)
    assert not tracked("x = zeros(2, requires_grad=false); y = x + 1", "x", AUTO)
    assert not tracked("x = zeros(2, requires_grad=false); y = x + 1", "y", AUTO)


@pytest.mark.parametrize("text", CUT.values(), ids=CUT)
def test_together_with_something_tracked_it_is_recorded(text: str) -> None:
    grads(f"{text}\nw = 2; z = sum(c * w); backward z", w=2 * 3.0 if "*" in text or "grad" in text.replace("no_grad", "") else 3.0)


def test_with_other_new_values_it_is_no_longer_alone() -> None:
    assert tracked("const c = [1., 2.]; x = c + [3, 4]", "x")


# ---- const: "a name that is never tracked; its elements can be set"


def test_const_is_never_tracked() -> None:
    for text in ("const x = 3", "const x = [1., 2.]", "const x = zeros(2); x = ones(2)", "const x = 3; x = 4", "a = 3; const x = a", "a = 3; const x = a^2",
                 "const x = 3; x = 4.5; x = [1, 2]", "const x = 3; x, y = 4, 5", "const x = 3; for i in range(2) { x = 7 }"):  # fmt: skip
        assert not tracked(text, "x"), text


def test_const_holds_over_several_texts() -> None:
    session = Session()
    shown("const x = 3", session)
    shown("x = 4; y = 5", session)
    assert not isinstance(session["x"], Tensor) or not session["x"].requires_grad
    assert session["y"].requires_grad


def test_const_inside_a_function_says_nothing_of_the_name_outside() -> None:
    assert tracked("def f() { const k = 3; return k }\nk = 5", "k")


def test_elements_of_a_const_can_be_set() -> None:
    assert shown("const c = zeros(3); c[0] = 5; c[1] += 2; c") == ["tensor([5., 2., 0.])"]


def test_const_of_several_parts_is_not_tracked_either() -> None:
    assert not any(part.requires_grad for part in _value("x = 3; const c = [x, x]", "c") if isinstance(part, Tensor))
    assert not any(part.requires_grad for part in _value("x = 3; const c = (x, x^2)", "c") if isinstance(part, Tensor))


def _value(text: str, name: str) -> list[object]:
    session = Session(tracking=AUTO)
    shown(text, session)
    return list(session[name])


# ---- "Loop variables and names inside functions are not leaves"


@pytest.mark.parametrize("loop", ["for i in [1., 2.] {{ {} }}", "for (j, i) in enumerate([1., 2.]) {{ {} }}", "for i in (1., 2.) {{ {} }}"])
def test_a_loop_variable_is_no_leaf(loop: str) -> None:
    assert not tracked(loop.format("pass"), "i")
    assert not tracked(loop.format("k = i"), "i")


def test_a_loop_over_a_leaf_goes_through() -> None:
    grads("x = [1, 2, 3]; t = 0; for v in x { t = t + v^2 }; backward t", x=[2, 4, 6])
    grads("A = [[1, 2], [3, 4]]; t = 0; for (i, row) in enumerate(A) { t += i * sum(row) }; backward t", A=[[0, 0], [1, 1]])


def test_names_inside_functions_are_no_leaves() -> None:
    grads("def f(x) { y = 3; z = [1., 2.]; return sum(x * y * z) }; w = 2; backward f(w)", w=9.0)
    assert shown("def f() { y = [1., 2.]; return y.requires_grad_ }", tracking=AUTO) == []
    failure = failure_of("def f() { y = [1., 2.]; return sum(y) }; backward f()", tracking=AUTO)
    assert failure.kind == "AutogradFailure"


def test_parameters_and_defaults_are_no_leaves() -> None:
    assert failure_of("f(x, w=[1., 2.]) = sum(x*w); backward f(2)", tracking=AUTO).kind == "AutogradFailure"
    grads("f(x, n=2) = x^n; a = 3; backward f(a)", a=6.0)


def test_comprehension_variables_are_no_leaves() -> None:
    grads("x = [1, 2]; backward sum(stack([v^2 for v in x]))", x=[2, 4])
    assert failure_of("backward sum(stack([v^2 for v in [1., 2.]]))", tracking=AUTO).kind == "AutogradFailure"


# ---- changes. "Where what it's given requires grad, and the right side doesn't mention .grad, the change is recorded and
# the name goes on as a result"


def test_the_accumulating_loop() -> None:
    grads("total = 0; x = [1, 2, 3]; for i in range(3) { total += x[i]^2 }; backward total", x=[2, 4, 6])


def test_the_buffer_filled_by_index() -> None:
    grads("p = zeros(4); x = 3; p[1] = x^2; backward sum(p)", x=6.0)
    grads("p = zeros(3); x = 2; for i in range(3) { p[i] = x^i }; backward sum(p)", x=5.0)


@pytest.mark.parametrize(
    ("operator", "want_x", "want_w"),
    [("+=", 1, None), ("-=", -1, None), ("*=", 5, None), ("/=", -5 / 9, None), ("^=", 5**3 * np.log(5), None), ("**=", 5**3 * np.log(5), None), ("%=", -1, None)],
)
def test_augmented_by_something_tracked_is_recorded(operator: str, want_x: float, want_w: None) -> None:
    grads(f"w = 5; x = 3; w {operator} x; backward w", x=want_x)
    assert not tracked(f"w = 5; x = 3; w {operator} x", "w")


def test_augmented_matmul_is_recorded() -> None:
    grads("v = [1., 1.]; A = [[1, 2], [3, 4]]; v @= A; backward sum(v)", A=[[1, 1], [1, 1]])


@pytest.mark.parametrize(
    ("change", "want"),
    [("w[0] = x", 2 * 3), ("w[0] = x^2", 2 * 9 * 6), ("w[0] += x", 2 * 4), ("w[0] -= x", 2 * 2), ("w[0] *= x", 2 * 3), ("w[0] /= x", -2 / 27), ("w[0] ^= x", 0),
     ("w[0:1] = x", 6), ("w[:] = x", 12), ("w[...] = x", 12), ("w[[0, 1]] = x", 12), ("w[w > 1] = x", 6), ("w[-1] += x", 2 * 5), ("w[none, 0] = x", 6),
     ("w[0:2] += x", 2 * 4 + 2 * 5), ("w[[1]] *= x", 2 * 6 * 2), ("w[0:2] = [x, x]", 12), ("w[0:2] = (x, x)", 12), ("w += [x, 1]", 8), ("w += (x, 1)", 8),
     ("w -= [x, x]", 4 + 2), ("w[0:2] += [x, 1]", 8), ("w = w + x", 18), ("w[0], w[1] = x, x", 12)],
)  # fmt: skip
def test_every_form_of_a_recorded_change(change: str, want: float) -> None:
    grads(f"w = [1., 2.]; x = 3; {change}; backward sum(w^2)", x=want)


@pytest.mark.parametrize("function", ["grad(y, x, create_graph=true)", "f'(x)", "grad(f)(x)"])
@pytest.mark.parametrize("change", ["t += {}", "t = t + {}", "p[0] = {}", "p[0] += {}"])
def test_a_derivative_in_the_right_side_is_no_mention_of_the_attribute(change: str, function: str) -> None:
    grads(f"f(x) = x^3; x = 3; y = x^3; t = 0; p = zeros(2); {change.format(function)}; backward t + sum(p)", x=18.0)


def test_a_variable_called_grad_is_no_mention_of_the_attribute() -> None:
    grads("grad = 3; t = 0; t += grad^2; backward t", grad=6.0)


def test_a_recorded_change_leaves_what_was_computed_before() -> None:
    session = Session(tracking=AUTO)
    shown("w = [1., 2.]; old = w; y = sum(w * 2); x = 3; w += x; backward y", session)
    np.testing.assert_array_equal(np.asarray(session["old"].grad), [2, 2])


# ---- "Otherwise it's an update: the leaf changes in place and stays a leaf"


@pytest.mark.parametrize(
    ("change", "want"),
    [("w += 1", [2, 3]), ("w -= 1", [0, 1]), ("w *= 3", [3, 6]), ("w /= 2", [0.5, 1]), ("w ^= 2", [1, 4]), ("w **= 2", [1, 4]), ("w //= 2", [0, 1]), ("w %= 2", [1, 0]),
     ("w += [1, 2]", [2, 4]), ("w -= 0.5 * w.grad", [0, 0]), ("w += w.grad", [3, 6]), ("w[0] = 9", [9, 2]), ("w[0] += 1", [2, 2]), ("w[0] *= 5", [5, 2]),
     ("w[0] -= w.grad[0]", [-1, 2]), ("w[:] = 0", [0, 0]), ("w[w > 1] = 7", [1, 7]), ("w[[0, 1]] += 1", [2, 3]), ("w[0:2] = [5, 6]", [5, 6]), ("w[0:2] = (5, 6)", [5, 6]),
     ("w[0:2] = [zeros(2)[0], ones(2)[0]]", [0, 1]), ("w -= w.grad * w", [-1, -6]), ("w[0] = w[0] - 0.5 * w.grad[0]", [0, 2]), ("w += w.detach()", [2, 4]),
     ("no_grad { w += x }", [4, 5]), ("no_grad { w[0] = x }", [3, 2]), ("w.data += 1", [2, 3]), ("w.data[0] = 9", [9, 2]), ("w.data = [7., 8.]", [7, 8])],
)  # fmt: skip
def test_every_form_of_an_update(change: str, want: list[float]) -> None:
    session = Session(tracking=AUTO)
    shown(f"w = [1., 2.]; x = 3; y = sum(w^2); y.backward()\n{change}", session)
    w = session["w"]
    np.testing.assert_allclose(np.asarray(w.detach()), want)
    assert w.requires_grad
    assert w.grad_fn is None


@pytest.mark.parametrize(
    ("change", "want"),
    [("w.add_(1)", [2, 3]), ("w.sub_(0.5 * w.grad)", [0, 0]), ("w.mul_(2)", [2, 4]), ("w.zero_()", [0, 0]), ("w.fill_(3)", [3, 3]), ("w.copy_([5., 6.])", [5, 6]),
     ("w.clamp_(0, 1)", [1, 1]), ("w.neg_()", [-1, -2]), ("w.view(2)[0] = 9", [9, 2]), ("w.T[0] = 9", [9, 2]), ("v = w[0:1]; v += 1", [2, 2]), ("v = w[0:1]; v[0] = 7", [7, 2]),
     ("for v in w { v += 1 }", [2, 3])],
)  # fmt: skip
def test_a_change_of_a_leaf_is_never_an_error(change: str, want: list[float]) -> None:
    session = Session(tracking=AUTO)
    shown(f"w = [1., 2.]; y = sum(w^2); y.backward()\n{change}", session)
    np.testing.assert_allclose(np.asarray(session["w"].detach()), want)
    assert session["w"].requires_grad
    assert session["w"].grad_fn is None
    shown("w.grad = none; z = sum(w^2); z.backward()", session)
    np.testing.assert_allclose(np.asarray(session["w"].grad), 2 * np.asarray(want))


def test_an_element_of_a_row_is_set_as_in_python() -> None:
    assert shown("A = [[1, 2], [3, 4]]; A[0][1] = 9; A[1][0] += 1; A") == [
        "tensor([[1., 9.],", "        [4., 4.]], requires_grad=True)",
    ]  # fmt: skip
    grads("A = [[1., 2.], [3., 4.]]; A[0][1] = 9; backward sum(A^2)", A=[[2, 18], [6, 8]])
    grads("A = zeros(2, 2); x = 3; A[0][1] = x; backward sum(A^2)", x=6.0)


def test_a_number_may_grow_into_a_vector() -> None:
    assert shown("t = 0; t += [1, 2]; t += [1, 2]; t")[0].startswith("tensor([2., 4.]")
    grads("t = 0; x = [1, 2]; for i in range(2) { t += x^2 }; backward sum(t)", x=[4, 8])


def test_the_training_loop() -> None:
    for body in ("loss = sum(w^2); loss.backward(); w -= 0.1 * w.grad; zero_grad()", "w.grad = none; backward sum(w^2); w -= 0.1 * w.grad",
                 "g = grad(sum(w^2), w); w -= 0.1 * g", "zero_grad(w); loss = sum(w^2); loss.backward(); no_grad { w -= 0.1 * w.grad }",
                 "zero_grad(); loss = sum(w^2); loss.backward(); w.sub_(0.1 * w.grad)", "zero_grad(); loss = sum(w^2); loss.backward(); w.data -= 0.1 * w.grad",
                 "zero_grad(); loss = sum(w^2); loss.backward(); for i in range(2) { w[i] -= 0.1 * w.grad[i] }"):  # fmt: skip
        session = Session(tracking=AUTO)
        shown(f"w = [1., 2.]\nfor k in range(3) {{ {body} }}", session)
        np.testing.assert_allclose(np.asarray(session["w"].detach()), [0.512, 1.024], err_msg=body)
        assert session["w"].requires_grad, body


def test_counters() -> None:
    assert shown("i = 0; while i < 3 { i += 1 }; i.item(); [1, 2, 3, 4][i].item()") == ["3.0", "4.0"]
    assert shown("n = 10; s = 0; for k in range(n) { s += k }; s.item()") == ["45.0"]


def test_two_counters_given_at_once_count_apart() -> None:
    assert shown("a = b = 0; for i in range(2) { a += 1 }; a.item(); b.item()") == ["2.0", "0.0"]


def test_a_change_of_what_is_no_leaf_is_pytorchs() -> None:
    grads("x = [1., 2.]; y = x * 2; y += 1; y[0] = 5; y.add_(1); backward sum(y)", x=[0, 2])
    grads("x = [1., 2.]; y = x * 2; y[0] += x[1]; backward sum(y)", x=[2, 3])
    assert failure_of("x = [1., 2.]; y = exp(x); y[0] = 5; backward sum(y)").kind == "AutogradFailure"
    assert shown("const c = [1., 2.]; c += 1; c; c[0] = 5; c") == ["tensor([2., 3.])", "tensor([5., 3.])"]


@pytest.mark.parametrize("kind", ["xs[0] += 1", "n += 1", "s += 'b'", "m |= [true, false]", "i += 1"])
def test_augmented_assignment_of_what_is_no_float_tensor(kind: str) -> None:
    text = "xs = [sin, 3][1:]; n = len([1, 2]); s = 'a'; m = [1, 2] > 1; i = [1, 2].long()\n"
    assert shown(f"{text}{kind}; [xs, n, s, m, i]")


def test_augmented_assignment_inside_functions() -> None:
    grads("def f() { t = 0; for i in range(3) { t += k^2 }; return t }; k = 2; backward f()", k=12.0)
    grads("def f() { b = zeros(3); for i in range(3) { b[i] = i * k }; return b }; k = 2; backward sum(f())", k=3.0)
    grads("def f(w, v) { w[0] = v }; w = zeros(2); v = 3; f(w, v); backward sum(w^2)", v=6.0)


def test_a_failing_change_leaves_a_leaf_a_leaf() -> None:
    for change in ("w[5] = x", "w[0] = [x, x]", 'w[0] = "a"', "w[0:2] = [x, x, x]", "w += [1, 2, 3]", "w += [x, x, x]", "w[5] += x", 'w["a"] = x', "w[0] += sin"):
        session = Session(tracking=AUTO)
        shown("w = [1., 2.]; x = 3", session)
        failure_of(change, session)
        assert shown("w", session) == ["tensor([1., 2.], requires_grad=True)"], change


@pytest.mark.parametrize("text", ["x, y[5] = 7, 8", "a = x = y[5] = 3", "del x, unknown", "x, (a, b) = 1, 2", "x = y[5]", "x, a = 5", "a = x.b = 4", "y[0], y[5] = 1, 2"])
def test_a_failing_statement_leaves_names_as_they_were(text: str) -> None:
    session = Session()
    shown("x = 1; y = zeros(2)", session)
    failure_of(text, session)
    assert shown("x", session) == ["tensor(1., requires_grad=True)"]
    assert "a" not in session


# ---- "A script whose code (not its comments) mentions requires_grad anywhere is explicit from its first line"


@pytest.mark.parametrize(
    "mention",
    ["x.requires_grad", "x.requires_grad_()", "zeros(2, requires_grad=true)", "zeros(2, requires_grad=false)", "x.requires_grad = true", 'f"{x.requires_grad}"',
     "if false { x.requires_grad_() }", "def f(v) { return v.requires_grad }", "g = v -> v.requires_grad_()", "[v.requires_grad for v in []]",
     "requires_grad = 3", "for i in range(0) { x.requires_grad_() }"],
)  # fmt: skip
def test_a_mention_anywhere_makes_a_script_explicit(mention: str) -> None:
    session = Session()
    shown(f"first = 3; x = [1., 2.]\n{mention}", session)
    assert session["first"] == 3
    assert not isinstance(session["first"], Tensor)


@pytest.mark.parametrize("text", ["# requires_grad", '"requires_grad"', "'x.requires_grad_()'", 'print("requires_grad=True")', "requires_gradient = 3", "x = 1 # requires_grad=True"])
def test_comments_strings_and_other_names_are_no_mention(text: str) -> None:
    assert tracked(f"first = 3\n{text}", "first", None)


# ---- "In the REPL the first mention switches the session, unmarks the leaves that auto had marked, and says so in one line"


def test_the_first_mention_switches_a_session() -> None:
    session = Session()
    shown("x = 3; y = [1., 2.]; const c = 4; n = len(y)", session)
    assert session["x"].requires_grad
    out, warnings, failure = outcome("z = tensor(2., requires_grad=true)", session)
    assert (out, failure) == ("", None)
    assert len(warnings) == 1
    assert "requires_grad" in warnings[0]
    assert "\n" not in warnings[0]
    assert not session["x"].requires_grad
    assert not session["y"].requires_grad
    assert session["z"].requires_grad
    shown("w = 5; v = [1., 2.]", session)
    assert session["w"] == 5
    assert not session["v"].requires_grad


def test_the_switch_is_said_once() -> None:
    session = Session()
    shown("x = 3", session)
    assert len(outcome("x.requires_grad", session).warnings) == 1
    assert outcome("x.requires_grad", session).warnings == []


def test_the_switch_needs_no_words_where_nothing_was_marked() -> None:
    session = Session()
    shown("n = len([1, 2])", session)
    assert outcome("x = zeros(2, requires_grad=true)", session).warnings == []


def test_a_text_that_does_not_parse_switches_nothing() -> None:
    session = Session()
    shown("x = 3", session)
    assert outcome("x.requires_grad +", session).warnings == []
    assert session["x"].requires_grad


def test_results_from_before_the_switch_keep_their_history() -> None:
    session = Session()
    shown("x = 3; y = x^2", session)
    outcome("x.requires_grad", session)
    assert shown("y.grad_fn", session) == ["<PowBackward0>"]


def test_after_the_switch_changes_of_leaves_are_errors() -> None:
    session = Session()
    shown("x = [1., 2.]; x += 1", session)
    outcome("w = [1., 2.]; w.requires_grad_()", session)
    assert failure_of("w += 1", session).kind == "AutogradFailure"
    shown("x += 1", session)


def test_functions_of_before_the_switch_work_after_it() -> None:
    session = Session()
    shown("f(x) = x^2; def g(t) { t += 1; return t }", session)
    outcome("w = tensor(3., requires_grad=true)", session)
    assert shown("backward f(w); g(2)", session) == ["w.grad = tensor(6.)", "3"]


# ---- "--tracking auto|explicit decides it outright"


def test_tracking_auto_stays_auto_whatever_is_mentioned() -> None:
    session = Session(tracking=AUTO)
    out, warnings, failure = outcome("x = 3; x.requires_grad; y = zeros(2, requires_grad=true); z = 4", session)
    assert (out, warnings, failure) == ("True\n", [], None)
    assert session["z"].requires_grad


def test_tracking_explicit_is_so_without_a_mention() -> None:
    session = Session(tracking=EXPLICIT)
    shown("x = 3; y = [1., 2.]", session)
    assert session["x"] == 3
    assert not session["y"].requires_grad


def test_tracking_takes_two_words() -> None:
    with pytest.raises(Exception, match="auto"):
        Session(tracking="both")


# ---- values set from Python


def test_an_array_given_through_the_api_is_given_to_a_name() -> None:
    auto, explicit = Session(), Session(tracking=EXPLICIT)
    for session in (auto, explicit):
        session["w"] = np.array([1.0, 2.0])
        session["n"] = np.array([1, 2])
    assert auto["w"].requires_grad
    assert not explicit["w"].requires_grad
    assert not auto["n"].requires_grad
    assert shown("backward sum(w^2)", auto) == ["w.grad = tensor([2., 4.])"]
