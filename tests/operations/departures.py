"""Golden cases in which gradcli departs from PyTorch, each with its reason."""

from tests.operations.inputs import read_golden

DEPARTURES: dict[str, str] = {
    "F.binary_cross_entropy(sigmoid(x), mask.double()) [float32]": "torch refuses to mix dtypes; here they're promoted",
    "take_along_dim(x, pick) [strided]": "torch fails on the strides; the operation is well defined",
    "kinks ** 0.5": "at -0.0 torch takes 1/sqrt, which is -inf; IEEE's (-0.0)^-0.5 is inf, and so is the slope here",
}
"""Not compared at all: an expression, or one variant of it."""

SECOND_ORDER: dict[str, str] = {
    "0 ** p": "torch computes 0 * log(0)^2 = nan; the function is constant, and its second derivative 0",
    "0 ** kinks": "as above",
    "var(col, 1)": "one element has no variance: torch's second derivative is nan along a dim and 0 over all",
    "F.binary_cross_entropy(sigmoid(x), mask.double())": "two sums in another order: equal to ten digits",
    "F.binary_cross_entropy_with_logits(100 * x, mask.double())": "1 - sigmoid rounds at 1: equal to eight digits",
    "logaddexp(1000 * x, 1000 * y)": "torch overflows to nan; 0 is the second derivative",
    "norm(zeros4)": "torch divides 0 by 0; here the subgradient 0 is constant",
}
"""Compared in value and first derivative only."""

NAMES_DIFFER: dict[str, str] = {
    "2 % x": "torch records an operation that has no derivative at all; here it has one, as `x % y` in y",
    "x // y": "torch's own class for it, torch::autograd::NotImplemented, prints as NotImplemented",
    "x // 2": "as above",
    "7 // x": "as above",
    "row @ cube.mT": "torch transposes the product of the transposed; here it's one product",
    "m @ batch": "as above",
} | {
    case.expression: "torch takes it apart into permutations and products; here it's one operation"
    for case in read_golden()
    if case.function in ("einsum", "inner")
}
"""Whose grad_fn is called otherwise."""
