"""Kinks, ties, edges and far arguments, each with the number that it has: one line a convention.

The slopes are PyTorch 2.13's: tests/golden/make_breadth.py refuses to go on where it finds another one there.
"""

from math import inf, log, nan, pi, sqrt

Edge = tuple[str, list[float], list[float]]
"""An expression in x, the x, and the gradient of the expression's sum."""

_NORMS = ("0", "0.5", "1", "1.5", "2", "3", "inf", "-inf", "-1")

EDGES: dict[str, tuple[Edge, ...]] = {
    "amax and amin give equal values equal shares": (
        ("amax(x)", [1, 3, 3], [0, 0.5, 0.5]), ("amin(x, 0)", [1, 1, 3], [0.5, 0.5, 0]),
        ("amax(x.reshape(2, 2), (0, 1))", [3, 1, 3, 3], [1 / 3, 0, 1 / 3, 1 / 3]),
        ("aminmax(x).max", [1, 3, 3], [0, 0.5, 0.5]),
    ),
    "max and min of all elements share, too": (
        ("max(x)", [1, 3, 3], [0, 0.5, 0.5]), ("min(x)", [2, 2, 2, 2], [0.25, 0.25, 0.25, 0.25]),
    ),
    "max and min along a dim take the first of equal values": (
        ("max(x, 0).values", [1, 3, 3], [0, 1, 0]), ("min(x, 0).values", [1, 1, 3], [1, 0, 0]),
        ("F.max_pool1d(x[None, None], 3)", [1, 3, 3], [0, 1, 0]),
        ("F.adaptive_max_pool1d(x[None, None], 1)", [1, 3, 3], [0, 1, 0]),
    ),
    "cummax and cummin go on to the last of equal values": (
        ("cummax(x, 0).values", [3, 3, 1], [1, 2, 0]), ("cummin(x, 0).values", [1, 1, 3], [1, 2, 0]),
    ),
    "maximum and minimum give each of two equal arguments half": (
        ("maximum(x[0], x[1])", [2, 2], [0.5, 0.5]), ("minimum(x[0], x[1])", [2, 2], [0.5, 0.5]),
        ("max(x[0], x[1])", [2, 2], [0.5, 0.5]), ("maximum(x, x.detach())", [2, 0], [0.5, 0.5]),
    ),
    "fmax and fmin give the first of two equal arguments all": (
        ("fmax(x[0], x[1])", [2, 2], [1, 0]), ("fmin(x[0], x[1])", [2, 2], [1, 0]),
    ),
    "median of all elements is shared by those that equal it": (
        ("median(x)", [2, 2, 1, 3], [0.5, 0.5, 0, 0]), ("median(x)", [1, 1], [0.5, 0.5]),
        ("nanmedian(x)", [2, 2, nan], [0.5, 0.5, 0]),
    ),
    "median along a dim is one of them": (("median(x, 0).values", [2, 2, 1, 3], [1, 0, 0, 0]),),
    "sort keeps equal values in their order, each with its own place": (
        ("sort(x, stable=True).values * tensor([1.0, 2.0, 4.0])", [2, 1, 2], [2, 1, 4]),
        ("sort(x, descending=True, stable=True).values * tensor([1.0, 2.0, 4.0])", [2, 3, 2], [2, 1, 4]),
        ("topk(x, 1).values", [1, 3, 2], [0, 1, 0]),
    ),
    "quantile takes the places, whether equal or not": (
        ("quantile(x, 0.5)", [1, 1, 1], [0, 1, 0]), ("quantile(x, 0.5)", [1, 2], [0.5, 0.5]),
        ("quantile(x, 1.0)", [2, 2], [0, 1]),
    ),
    "clamp passes the gradient on at its bounds": (
        ("clamp(x, -1, 1)", [-2, -1, 0, 1, 2], [0, 1, 1, 1, 0]), ("clamp(x, min=-1)", [-2, -1, 0], [0, 1, 1]),
        ("clamp(x, max=1)", [0, 1, 2], [1, 1, 0]), ("clamp_min(x, -1)", [-2, -1, 0], [0, 1, 1]),
        ("clamp_max(x, 1)", [0, 1, 2], [1, 1, 0]), ("clamp_min(x, 0)", [-1, 0, 1], [0, 1, 1]),
        ("clamp(x[0], x[1], x[2])", [1, 1, 1], [1, 0, 0]), ("clamp(x[0], x[1], x[2])", [1, 1, 3], [1, 0, 0]),
        ("clamp_min(x[0], x[1])", [1, 1], [1, 0]), ("clamp_max(x[0], x[1])", [1, 1], [1, 0]),
    ),
    "where clamp's bounds cross, the upper one holds": (
        ("clamp(x, 2, -2)", [-3, 0, 3], [0, 0, 0]), ("clamp(x[0], x[1], x[2])", [2, 3, 1], [0, 0, 1]),
    ),
    "the activations pass nothing on at their bounds": (
        ("F.hardtanh(x)", [-1, 0, 1], [0, 1, 0]), ("F.relu6(x)", [0, 3, 6], [0, 1, 0]),
        ("F.hardsigmoid(x)", [-3, 3], [0, 0]), ("F.hardshrink(x)", [-0.5, 0.5, 1], [0, 0, 1]),
        ("F.softshrink(x)", [-0.5, 0.5, 1], [0, 0, 1]), ("F.threshold(x, 1, 0)", [1, 2], [0, 1]),
    ),
    "hardswish has the outer slope at its bounds": (("F.hardswish(x)", [-3, 0, 3], [0, 0.5, 1]),),
    "softplus is a line beyond its threshold, not at it": (
        ("F.softplus(x, 1, 2)", [2, 2.5], [1 / (1 + 2.718281828459045**-2), 1]),
    ),
    "relu is flat at 0": (
        ("relu(x)", [-1, 0, 1], [0, 0, 1]), ("relu(x)", [-0.0], [0]), ("F.relu(x)", [0, 2], [0, 1]),
    ),
    "abs and sign are flat at 0": (("abs(x)", [-2, 0, 2], [-1, 0, 1]), ("sign(x)", [-2, 0, 2], [0, 0, 0])),
    "relu's kin have the slope from below at 0": (
        ("F.leaky_relu(x, 0.1)", [-1, 0, 1], [0.1, 0.1, 1]), ("F.elu(x, 0.5)", [-0.0, 0], [0.5, 0.5]),
        ("F.selu(x)", [0], [1.0507009873554805 * 1.6732632423543772]), ("F.celu(x, 2.0)", [0], [1]),
        ("F.prelu(x, tensor([0.25]))", [0, 1], [0.25, 1]), ("F.gelu(x)", [0], [0.5]), ("F.softsign(x)", [0], [1]),
    ),
    "steps are flat, at their jumps too": (
        ("floor(x)", [0, 0.5, 1], [0, 0, 0]), ("ceil(x)", [0, 0.5, 1], [0, 0, 0]), ("round(x)", [0.5, 1.5], [0, 0]),
        ("trunc(x)", [-1, 0, 1], [0, 0, 0]),
    ),
    "remainders rise at their jumps": (
        ("frac(x)", [-1, 0, 1.5], [1, 1, 1]), ("remainder(x, 2)", [-2, 0, 2], [1, 1, 1]),
        ("fmod(x, 2)", [-2, 0, 2], [1, 1, 1]),
    ),
    "prod differentiates past one zero, and stops at two": (
        ("prod(x)", [2, 0, 3], [0, 6, 0]), ("prod(x)", [0, 0, 3], [0, 0, 0]), ("prod(x, 0)", [2, 0, 3], [0, 6, 0]),
        ("prod(x, 0)", [0, 0, 3], [0, 0, 0]), ("prod(x)", [0], [1]),
    ),
    "cumprod differentiates past zeros": (
        ("cumprod(x, 0)", [2, 0, 3], [1, 8, 0]), ("cumprod(x, 0)", [0, 2, 0, 3], [3, 0, 0, 0]),
        ("cumprod(x, 0)", [0, 0, 0], [1, 0, 0]),
    ),
    "scattered products differentiate past one zero, extremes share a tie": (
        ("scatter_reduce(zeros_like(x), 0, tensor([1, 1, 1]).long(), x, 'prod', include_self=False)",
         [2, 0, 3], [0, 6, 0]),
        ("scatter_reduce(zeros_like(x), 0, tensor([1, 1, 1]).long(), x, 'prod', include_self=False)",
         [0, 0, 3], [0, 0, 0]),
        ("scatter_reduce(zeros_like(x), 0, tensor([1, 1, 1]).long(), x, 'amax', include_self=False)",
         [3, 3, 1], [0.5, 0.5, 0]),
        ("scatter_reduce(zeros_like(x), 0, tensor([1, 1, 1]).long(), x, 'amin')", [0, 3, 1], [0.5, 0, 0]),
    ),
    "the norm of zero has the gradient 0, whatever its order": (
        *((f"{norm}(x, {p})", [0, 0, 0], [0, 0, 0]) for norm in ("norm", "linalg.vector_norm") for p in _NORMS),
        ("linalg.matrix_norm(x.reshape(2, 2))", [0, 0, 0, 0], [0, 0, 0, 0]),
        ("linalg.matrix_norm(x.reshape(2, 2), 1)", [0, 0, 0, 0], [0, 0, 0, 0]),
    ),
    "an element of 0 has slope 0 in every norm": (
        ("norm(x, 0)", [0, 4, 3], [0, 0, 0]), ("norm(x, 0.5)", [0, 4, 3], [0, 1 + sqrt(0.75), 1 + sqrt(4 / 3)]),
        ("norm(x, 1)", [0, 4, 3], [0, 1, 1]), ("norm(x, 2)", [0, 4, 3], [0, 0.8, 0.6]),
        ("norm(x, 1.5)", [0, 4, 3], [0, 2 / (8 + 27**0.5) ** (1 / 3), sqrt(3) / (8 + 27**0.5) ** (1 / 3)]),
        ("norm(x, 3)", [0, 4, 3], [0, 16 / 91 ** (2 / 3), 9 / 91 ** (2 / 3)]), ("norm(x, inf)", [0, 4, 3], [0, 1, 0]),
        ("norm(x, -inf)", [0, 4, 3], [0, 0, 0]), ("norm(x, -1)", [0, 4, 3], [0, 0, 0]),
    ),
    "the largest elements share the norm of order inf": (
        ("norm(x, inf)", [3, -3, 1], [0.5, -0.5, 0]), ("norm(x, -inf)", [1, -1, 2], [0.5, -0.5, 0]),
        ("linalg.vector_norm(x, inf)", [3, -3, 1], [0.5, -0.5, 0]),
        ("dist(x, zeros_like(x), inf)", [3, -3, 1], [0.5, -0.5, 0]),
    ),
    "the distance between equal points has no direction": (
        *((expression.format(p), [1, 2], [0, 0])
          for expression in ("dist(x, x.detach(), {})", "cdist(x[None], x.detach()[None], {})")
          for p in ("0", "1", "2", "3", "inf")),
        ("F.pairwise_distance(x[None], x.detach()[None], eps=0)", [1, 2], [0, 0]),
    ),
    "what is divided by its length is divided by eps at 0": (
        ("F.normalize(x, dim=0)", [0, 0], [1e12, 1e12]),
        ("F.cosine_similarity(x, tensor([3.0, 4.0]), 0)", [0, 0], [0.6e8, 0.8e8]),
    ),
    "hypot divides 0 by 0 at the origin, atan2 does not": (
        ("hypot(x[0], x[1])", [0, 0], [nan, nan]), ("atan2(x[0], x[1])", [0, 0], [0, 0]),
        ("atan2(x[0], x[1])", [0, -1], [-1, 0]),
    ),
    "x^0 is 1 everywhere, and flat": (
        ("pow(x, 0)", [-2, 0, 2], [0, 0, 0]), ("x ** 0.0", [0, inf], [0, 0]),
        ("pow(x, zeros_like(x))", [-2, 0, 2], [0, 0, 0]), ("float_power(x, 0)", [0, 1], [0, 0]),
    ),
    "0^0 is 1, flat in the base and in the exponent": (
        ("pow(x[0], x[1])", [0, 0], [0, 0]), ("0 ** x", [0, 1, 2], [0, 0, 0]), ("pow(x[0], x[1])", [0, 2], [0, 0]),
        ("pow(x[0], x[1])", [0, 1], [1, 0]), ("pow(x[0], x[1])", [2, 0], [0, log(2)]),
    ),
    "powers at 0": (
        ("x ** 1", [0], [1]), ("x ** 2", [0], [0]), ("x ** 0.5", [0], [inf]), ("x ** 1.5", [0], [0]),
        ("x ** -1", [0], [-inf]), ("x ** 3", [-0.0], [0]),
    ),
    "xlogy(0, y) is 0 for every y, and rises with log(y)": (
        ("xlogy(x[0], x[1])", [0, 2], [log(2), 0]), ("xlogy(x[0], x[1])", [0, inf], [inf, 0]),
        ("xlogy(x[0], x[1])", [1, 0], [-inf, inf]), ("special.xlog1py(x[0], x[1])", [0, 0], [0, 0]),
        ("special.entr(x)", [0, 1], [inf, -1]),
    ),
    "xlogy(0, y) is flat in x where log(y) isn't finite, and in y divides 0 by 0 at 0": (
        ("xlogy(x[0], x[1])", [0, 0], [0, nan]), ("xlogy(x[0], x[1])", [0, -1], [0, 0]),
        ("xlogy(0, x)", [0, 1], [nan, 0]), ("special.xlog1py(x[0], x[1])", [0, -1], [0, nan]),
    ),
    "sqrt rises infinitely at 0": (
        ("sqrt(x)", [0, 4], [inf, 0.25]), ("sqrt(x)", [-0.0], [-inf]), ("rsqrt(x)", [0], [-inf]),
        ("sqrt(x * x)", [0], [nan]), ("sqrt(x)", [-1], [nan]),
    ),
    "where multiplies the branch that isn't taken by 0, and inf by 0 is nan": (
        ("where(x > 0, log(x), zeros_like(x))", [0, 1], [nan, 1]), ("where(x > 0, 1 / x, x)", [0, 2], [nan, -0.25]),
        ("where(x > 0, sqrt(x), x)", [0, 4], [nan, 0.25]), ("masked_fill(1 / x, x == 0, 0)", [0, 2], [nan, -0.25]),
    ),
    "a constant inf in the other branch does no harm, nor does where inside the function": (
        ("where(x > 0, x, inf)", [0, 1], [0, 1]), ("where(x > 0, log(where(x > 0, x, 1.0)), 0.0)", [0, 2], [0, 0.5]),
    ),
    "one element has no spread": (
        ("std(x)", [3], [nan]), ("var(x)", [3], [nan]), ("std(x, 0)", [3], [nan]), ("std(x, correction=0)", [3], [0]),
        ("var(x, correction=0)", [3], [0]), ("std_mean(x)[1]", [3], [1]),
    ),
    "equal elements have no direction of spread": (
        ("std(x)", [2, 2, 2], [0, 0, 0]), ("var(x)", [2, 2, 2], [0, 0, 0]), ("std(x, 0)", [2, 2], [0, 0]),
    ),
    "functions at the ends of their domains": (
        ("log(x)", [0], [inf]), ("log2(x)", [0], [inf]), ("log1p(x)", [-1], [inf]), ("asin(x)", [-1, 1], [inf, inf]),
        ("acos(x)", [-1, 1], [-inf, -inf]), ("acosh(x)", [1], [inf]), ("atanh(x)", [-1, 1], [inf, inf]),
        ("reciprocal(x)", [0], [-inf]), ("erfinv(x)", [-1, 0, 1], [inf, sqrt(pi) / 2, inf]),
        ("logit(x)", [0, 1], [inf, inf]), ("special.ndtri(x)", [0, 1], [inf, inf]), ("digamma(x)", [0], [inf]),
        ("lgamma(x)", [0, -1], [-inf, nan]),
    ),
    "functions outside their domains": (("asin(x)", [2], [nan]), ("log(x)", [-1], [-1])),
    "logit is flat beyond the eps that it clamps to, not at it": (
        ("logit(x, 0.25)", [0.25, 0.5, 0.75], [16 / 3, 4, 16 / 3]), ("logit(x, 0.25)", [0.2, 0.8], [0, 0]),
    ),
    "even functions are flat at 0, odd ones rise": (
        ("sinc(x)", [0, 1], [0, -1]), ("i0(x)", [0], [0]), ("special.i0e(x)", [0], [0]), ("special.i1(x)", [0], [0.5]),
        ("special.i1e(x)", [0], [0.5]), ("copysign(x, -1)", [0, 1], [0, -1]),
    ),
    "sums of exponentials of infinities": (
        ("logsumexp(x, 0)", [-inf, -inf], [nan, nan]), ("logsumexp(x, 0)", [inf, 1], [nan, 0]),
        ("logsumexp(x, 0)", [-inf, 1], [0, 1]), ("logaddexp(x[0], x[1])", [-inf, -inf], [nan, nan]),
        ("logaddexp(x[0], x[1])", [inf, inf], [nan, nan]), ("logaddexp(x[0], x[1])", [0, 0], [0.5, 0.5]),
        ("softmax(x, 0)[0]", [-inf, 0], [0, 0]),
    ),
    "losses at their corners": (
        ("F.huber_loss(x, zeros_like(x), 'sum')", [-1, 0, 1], [-1, 0, 1]),
        ("F.smooth_l1_loss(x, zeros_like(x), reduction='sum')", [-1, 0, 1], [-1, 0, 1]),
        ("F.smooth_l1_loss(x, zeros_like(x), reduction='sum', beta=0)", [-1, 0, 1], [-1, 0, 1]),
        ("F.l1_loss(x, zeros_like(x), reduction='sum')", [-1, 0, 1], [-1, 0, 1]),
        ("F.margin_ranking_loss(x, zeros_like(x), ones_like(x), margin=1, reduction='sum')", [0, 1, 2], [-1, -1, 0]),
        ("F.hinge_embedding_loss(x, -ones_like(x), reduction='sum')", [0, 1, 2], [-1, -1, 0]),
        ("F.binary_cross_entropy(x, tensor([0.0, 1.0]), reduction='sum')", [0, 1], [0, 0]),
    ),
    "nan is the largest of all, is passed over by fmax, and is no part of a nansum": (
        ("max(x)", [nan, 1, nan], [0.5, 0, 0.5]), ("max(x, 0).values", [nan, 1, nan], [1, 0, 0]),
        ("maximum(x[0], x[1])", [nan, 1], [1, 1]), ("fmax(x[0], x[1])", [nan, 1], [0, 1]),
        ("nansum(x)", [nan, 1], [0, 1]), ("nanmean(x)", [nan, 1, 2], [0, 0.5, 0.5]),
        ("nan_to_num(x, 1, 2, 3)", [nan, inf, -inf, 4], [0, 0, 0, 1]),
    ),
    "singular values that are equal share the norms, and so do those of zero": (
        ("linalg.svdvals(x.reshape(2, 2))", [1, 0, 0, 1], [1, 0, 0, 1]),
        ("linalg.eigvalsh(x.reshape(2, 2))", [1, 0, 0, 1], [1, 0, 0, 1]),
        ("linalg.matrix_norm(x.reshape(2, 2), 2)", [1, 0, 0, 1], [0.5, 0, 0, 0.5]),
        ("linalg.det(x.reshape(2, 2))", [0, 0, 0, 0], [0, 0, 0, 0]),
    ),
}  # fmt: skip

Far = tuple[str, list[float], object, list[float]]
"""An expression in x, the x, the value, and the gradient of the sum."""

FAR: dict[str, tuple[Far, ...]] = {
    "softmax": (
        ("softmax(x, 0)[0]", [1e4, -1e4], 1, [0, 0]), ("softmax(x, 0)[0]", [-1e4, 1e4], 0, [0, 0]),
        ("softmax(x, 0)[0]", [1e4, 1e4], 0.5, [0.25, -0.25]),
        ("softmax(x, 0)[0]", [1e-300, -1e-300], 0.5, [0.25, -0.25]), ("F.softmin(x, 0)[0]", [1e4, -1e4], 0, [0, 0]),
    ),
    "log_softmax": (
        ("log_softmax(x, 0)[0]", [-1e4, 1e4], -2e4, [1, -1]), ("log_softmax(x, 0)[0]", [1e4, -1e4], 0, [0, 0]),
        ("log_softmax(x, 0)[0]", [-1e4, -1e4], -log(2), [0.5, -0.5]),
        ("log_softmax(x, 0)[0]", [1e-300, -1e-300], -log(2), [0.5, -0.5]),
    ),
    "logsumexp": (
        ("logsumexp(x, 0)", [1e4, -1e4], 1e4, [1, 0]), ("logsumexp(x, 0)", [-1e4, -1e4], -1e4 + log(2), [0.5, 0.5]),
        ("logsumexp(x, 0)", [1e4, 1e4], 1e4 + log(2), [0.5, 0.5]),
        ("logsumexp(x, 0)", [1e-300, -1e-300], log(2), [0.5, 0.5]), ("logcumsumexp(x, 0)[1]", [1e4, -1e4], 1e4, [1, 0]),
    ),
    "logaddexp": (
        ("logaddexp(x[0], x[1])", [1e4, -1e4], 1e4, [1, 0]), ("logaddexp(x[0], x[1])", [0, -1e4], 0, [1, 0]),
        ("logaddexp(x[0], x[1])", [-1e4, -1e4], -1e4 + log(2), [0.5, 0.5]),
        ("logaddexp(x[0], x[1])", [1e-300, -1e-300], log(2), [0.5, 0.5]),
    ),
    "softplus": (
        ("F.softplus(x)", [-1e4, -1e-300, 1e-300, 1e4], [0, log(2), log(2), 1e4], [0, 0.5, 0.5, 1]),
        ("F.softplus(-x, beta=2)", [-1e4, 1e-300, 1e4], [1e4, log(2) / 2, 0], [-1, -0.5, 0]),
    ),
    "logsigmoid": (
        ("F.logsigmoid(x)", [-1e4, -1e-300, 1e-300, 1e4], [-1e4, -log(2), -log(2), 0], [1, 0.5, 0.5, 0]),
        ("sigmoid(x)", [-1e4, -1e-300, 1e-300, 1e4], [0, 0.5, 0.5, 1], [0, 0.25, 0.25, 0]),
        ("tanh(x)", [-1e4, -1e-300, 1e-300, 1e4], [-1, -1e-300, 1e-300, 1], [0, 1, 1, 0]),
    ),
    "cross_entropy": (
        ("F.cross_entropy(x[None], tensor([0]).long())", [-1e4, 1e4], 2e4, [-1, 1]),
        ("F.cross_entropy(x[None], tensor([0]).long())", [1e4, -1e4], 0, [0, 0]),
        ("F.cross_entropy(x[None], tensor([0]).long())", [1e-300, -1e-300], log(2), [-0.5, 0.5]),
        ("F.cross_entropy(x[None], tensor([[0.25, 0.75]]))", [1e4, -1e4], 1.5e4, [0.75, -0.75]),
    ),
    "binary_cross_entropy_with_logits": (
        ("F.binary_cross_entropy_with_logits(x, tensor([0.0, 1.0, 0.0, 1.0]), reduction='none')",
         [1e4, 1e4, -1e4, -1e4], [1e4, 0, 0, 1e4], [1, 0, 0, -1]),
        ("F.binary_cross_entropy_with_logits(x, tensor([0.0, 1.0]), reduction='none')",
         [1e-300, -1e-300], [log(2), log(2)], [0.5, -0.5]),
        ("F.binary_cross_entropy_with_logits(x, tensor([0.0, 1.0]), pos_weight=tensor(3.0), reduction='none')",
         [1e4, -1e4], [1e4, 3e4], [1, -3]),
    ),
    "expm1 and log1p": (
        ("log1p(expm1(x))", [-1e-300, 1e-300, 1e-10], [-1e-300, 1e-300, 1e-10], [1, 1, 1]),
        ("expm1(log1p(x))", [-1e-300, 1e-300, 1e4], [-1e-300, 1e-300, 1e4], [1, 1, 1]),
        ("expm1(x)", [-1e4, -1e-300, 1e-300], [-1, -1e-300, 1e-300], [0, 1, 1]),
        ("log1p(x)", [-1e-300, 1e-300, 1e4], [-1e-300, 1e-300, log(10001)], [1, 1, 1 / 10001]),
        ("log1p(exp(-x))", [1e4, 1e-300], [0, log(2)], [0, -0.5]), ("log1p(-exp(x))", [-1e4], [0], [0]),
    ),
    "sinc": (
        ("sinc(x)", [-1e-300, 1e-300], [1, 1], [pi**2 / 3 * 1e-300, -(pi**2) / 3 * 1e-300]),
        ("sinc(x)", [-1e4, 1e4], [0, 0], [-1e-4, 1e-4]),
    ),
    "norm": (
        *((f"{norm}(x, {p})", [3 * scale, -4 * scale], value * scale, slope)
          for norm in ("norm", "linalg.vector_norm")
          for scale in (1e4, 1e-300)
          for p, value, slope in (
              ("1", 7, [1, -1]), ("inf", 4, [0, -1]), ("-inf", 3, [1, 0]),
              ("0.5", (sqrt(3) + 2) ** 2, [(sqrt(3) + 2) / sqrt(3), -(sqrt(3) + 2) / 2]),
          )),
        *((f"{norm}(x, {p})", [3e4, -4e4], value, slope)
          for norm in ("norm", "linalg.vector_norm")
          for p, value, slope in (
              ("2", 5e4, [0.6, -0.8]), ("3", 91 ** (1 / 3) * 1e4, [9 / 91 ** (2 / 3), -16 / 91 ** (2 / 3)]),
          )),
        ("F.normalize(x, dim=0)[0]", [3e4, 4e4], 0.6, [0.128e-4, -0.096e-4]),
        ("F.pairwise_distance(x[None], zeros_like(x)[None], eps=0)", [3e4, 4e4], [5e4], [0.6, 0.8]),
    ),
    "norms of numbers whose powers are lost": tuple(
        (expression, [3 * scale, -4 * scale], value * scale, slope)
        for scale in (1e-300, 1e200)
        for value, slope, expressions in (
            (5, [0.6, -0.8], (
                "norm(x)", "linalg.vector_norm(x)", "linalg.norm(x)", "linalg.matrix_norm(x[None], 'fro')",
                "dist(x, zeros_like(x))", "cdist(x[None], zeros_like(x)[None])",
                "F.pairwise_distance(x[None], zeros_like(x)[None], eps=0)",
            )),
            (91 ** (1 / 3), [9 / 91 ** (2 / 3), -16 / 91 ** (2 / 3)], ("norm(x, 3)", "linalg.vector_norm(x, 3)")),
            (2.4, [0.512, -0.216], ("norm(x, -2)",)),
            (sqrt(24.5), [sqrt(0.5), -sqrt(0.5)], ("std(x)", "std(x, 0)")),
        )
        for expression in expressions
    ),
    "hypot": (
        ("hypot(x[0], x[1])", [3e-300, 4e-300], 5e-300, [0.6, 0.8]),
        ("hypot(x[0], x[1])", [3e200, 4e200], 5e200, [0.6, 0.8]),
    ),
    "the smooth activations": (
        ("F.silu(x)", [-1e4, -1e-300, 1e-300, 1e4], [0, -5e-301, 5e-301, 1e4], [0, 0.5, 0.5, 1]),
        ("F.gelu(x)", [-1e4, 1e-300, 1e4], [0, 5e-301, 1e4], [0, 0.5, 1]),
        ("F.mish(x)", [-1e4, 1e-300, 1e4], [0, 6e-301, 1e4], [0, 0.6, 1]),
    ),
    "logarithms and entropies": (
        ("log(x)", [1e-300, 1e4], [log(1e-300), log(1e4)], [1e300, 1e-4]),
        ("xlogy(x, x)", [1e-300], [1e-300 * log(1e-300)], [log(1e-300) + 1]),
        ("special.entr(x)", [1e-300], [-1e-300 * log(1e-300)], [-log(1e-300) - 1]),
        ("erf(x)", [1e-300, 1e4], [2 / sqrt(pi) * 1e-300, 1], [2 / sqrt(pi), 0]),
    ),
    "products": (
        ("prod(x)", [1e4, 1e-300], 1e-296, [1e-300, 1e4]), ("cumprod(x, 0)[1]", [1e4, 1e-300], 1e-296, [1e-300, 1e4]),
    ),
}  # fmt: skip

BEYOND_PYTORCH = {"norms of numbers whose powers are lost": "there they are 0 or inf, and their gradients with them"}
"""Those of FAR whose values and gradients aren't PyTorch's."""
