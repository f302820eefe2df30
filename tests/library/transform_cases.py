"""Transforms as both PyTorch and gradcli write them, but for `lambda x:`, which is `(x) ->` in gradcli.

The bare names stand for those of torch.func, or of torch.autograd.functional where that alone has them. PyTorch's
results are in tests/golden/transforms.json: after a change here, run tests/golden/make_transforms.py.
"""

import re

VALUES = {
    "s": "1.3", "x": "[0.7, -1.2, 2.5]", "v": "[1.5, 0.0, -0.4]", "w": "[0.3, 1.1, -0.9]",
    "A": "[[1.5, -0.5, 2.0], [0.25, 3.0, -1.0]]", "B": "[[0.5, 1.0, -2.0], [1.25, -3.0, 0.75]]",
    "M": "[[2.0, 0.5], [-1.0, 1.5]]",
}  # fmt: skip
"""Tensors, float64 and not tracked."""

FUNCTIONS = {
    "cubes": "lambda x: (x ** 3).sum()",
    "each": "lambda x: x.sin() * x",
    "mixed": "lambda x, y: (x ** 2 * y.exp()).sum()",
    "wide": "lambda x: torch.cat([x, x ** 2, x.prod().reshape(1)])",
    "narrow": "lambda x: x[:2] * x[2]",
    "several": "lambda x: (x * 2, x.prod(), x.outer(x))",
    "two": "lambda x, y: (x * y, y.sum())",
    "flat": "lambda x: torch.ones(2, dtype=torch.float64)",
    "constant": "lambda x: torch.tensor(3.0, dtype=torch.float64)",
    "partly": "lambda x, y: (x ** 2).sum()",
    "matrices": "lambda A: A @ A.t()",
    "nested": "lambda p: (p[0] * p[1][0]).sum() + p[1][1] ** 2",
    "with_aux": "lambda x: ((x ** 3).sum(), x * 2)",
    "named": "lambda x, power=2: (x ** power).sum()",
    "indexed": "lambda x: x[[0, 2, 0]] * x.cumsum(0)",
    "soft": "lambda x: torch.softmax(x, 0)",
    "stable": "lambda x: torch.logsumexp(x ** 2, 0)",
    "kinked": "lambda x: (torch.relu(x) + x.abs() + torch.maximum(x, -x)).sum()",
}

GRADIENTS = (
    "grad(cubes)(x)", "grad(mixed)(x, w)", "grad(mixed, argnums=1)(x, w)", "grad(mixed, argnums=-1)(x, w)",
    "grad(mixed, argnums=(1, 0))(x, w)", "grad(partly, argnums=(0, 1))(x, w)", "grad(constant)(x)",
    "torch.func.grad(nested)((x, (w, s)))", "torch.func.grad(with_aux, has_aux=True)(x)", "grad(named)(x, power=3)",
    "grad(kinked)(x)", "grad(stable)(x)", "value_and_grad(cubes)(x)", "value_and_grad(mixed, argnums=(0, 1))(x, w)",
    "value_and_grad(with_aux, has_aux=True)(x)", "value_and_grad(constant)(x)", "torch.func.grad_and_value(cubes)(x)",
    "grad(grad(lambda x: x ** 4))(s)", "grad(grad(grad(lambda x: x ** 4)))(s)",
    "grad(lambda x: (grad(cubes)(x) * w).sum())(x)", "grad(lambda x: (grad(mixed, 1)(x, w) ** 2).sum())(x)",
)  # fmt: skip

PRODUCTS = (
    "vjp(cubes, x)[0]", "vjp(cubes, x)[1](s)", "vjp(mixed, x, w)[1](s)", "vjp(each, x)[1](v)", "vjp(flat, x)[1](v[:2])",
    "vjp(several, x)[0]", "vjp(several, x)[1]((v, s, x.outer(w)))", "vjp(wide, x)[1](torch.cat([x, w, v[:1]]))",
    "vjp(matrices, A)[1](M)", "jvp(cubes, (x,), (v,))", "jvp(each, (x,), (v,))", "jvp(mixed, (x, w), (v, x))",
    "jvp(several, (x,), (v,))", "jvp(flat, (x,), (v,))", "jvp(wide, (x,), (v,))", "jvp(matrices, (A,), (B,))",
    "jvp(lambda x: jvp(cubes, (x,), (w,))[1], (x,), (v,))", "jvp(grad(cubes), (x,), (v,))",
    "grad(lambda x: jvp(each, (x,), (v,))[1].sum())(x)", "grad(lambda v: jvp(each, (x,), (v,))[1].sum())(w)",
    "grad(lambda x: vjp(each, x)[1](v)[0].sum())(x)", "grad(lambda v: (vjp(each, x)[1](v)[0] ** 2).sum())(w)",
    "hvp(cubes, x, v)", "hvp(mixed, (x, w), (v, x))", "hvp(constant, x, v)", "hvp(partly, (x, w), (v, x))",
    "hvp(stable, x, v)", "vhp(cubes, x, v)", "vhp(mixed, (x, w), (v, x))",
)  # fmt: skip

JACOBIANS = (
    "jacrev(each)(x)", "jacrev(wide)(x)", "jacrev(narrow)(x)", "jacrev(mixed, (0, 1))(x, w)", "jacrev(several)(x)",
    "jacrev(two, argnums=(0, 1))(x, w)", "jacrev(flat)(x)", "jacrev(matrices)(A)", "jacrev(indexed)(x)",
    "jacrev(soft)(x)", "jacrev(with_aux, has_aux=True)(x)", "jacrev(lambda x: x.reshape(3, 1) * A.t())(x)",
    "jacrev(lambda s: s * x)(s)", "jacrev(lambda x: torch.zeros(0, dtype=torch.float64) * x.sum())(x)",
    "jacfwd(each)(x)", "jacfwd(wide)(x)", "jacfwd(narrow)(x)", "jacfwd(mixed, (0, 1))(x, w)", "jacfwd(several)(x)",
    "jacfwd(two, argnums=(0, 1))(x, w)", "jacfwd(flat)(x)", "jacfwd(matrices)(A)", "jacfwd(indexed)(x)",
    "jacobian(each, x)", "jacobian(several, x)", "jacobian(two, (x, w))", "jacobian(partly, (x, w))",
    "jacobian(flat, x)",
    "hessian(cubes, x)", "hessian(mixed, (x, w))", "hessian(stable, x)", "hessian(constant, x)",
    "hessian(partly, (x, w))", "torch.func.hessian(cubes)(x)", "torch.func.hessian(mixed, argnums=(0, 1))(x, w)",
    "torch.func.hessian(each)(x)", "torch.func.hessian(several)(x)", "jacfwd(jacrev(each))(x)",
    "jacrev(jacfwd(each))(x)",
    "jacrev(grad(mixed, argnums=1))(x, w)", "grad(lambda x: jacrev(each)(x).sum())(x)",
    "grad(lambda x: (jacfwd(wide)(x) ** 2).sum())(x)", "grad(lambda s: jacrev(lambda x: s * each(x))(x).sum())(s)",
    "grad(lambda s: (jacrev(lambda x: s * x ** 3)(x) * torch.func.hessian(cubes)(s * x)).sum())(s)",
    "torch.func.hessian(lambda s: jacrev(lambda x: s ** 3 * each(x))(x).sum())(s)",
    "grad(lambda w: (lambda u: (jacrev(lambda x: w * u * x ** 2)(x) ** 2).sum())(w * 3))(w)",
    "grad(lambda A: (lambda p: (jacrev(lambda x: p[0] * x ** 2 + p[1] * x)(x) ** 2).sum())(A.unbind(0)))(A)",
    "grad(lambda s: torch.func.hessian(lambda x: (s * x ** 3).sum())(s * x).sum())(s)",
    "jacrev(lambda s: torch.func.hessian(lambda x: (s ** 2 * x ** 3).sum())(x))(s)",
)  # fmt: skip

MAPS = (
    "vmap(torch.dot)(A, B)", "vmap(torch.dot, in_dims=(0, None))(A, w)", "vmap(cubes)(A)", "vmap(each, in_dims=1)(A)",
    "vmap(each, in_dims=1, out_dims=1)(A)", "vmap(each, in_dims=-1)(A)", "vmap(lambda x: (x, x.sum()))(A)",
    "vmap(lambda x, y: x + y, in_dims=(0, 1))(M, M)", "vmap(lambda x: (x, x.outer(x)), out_dims=(1, 2))(A)",
    "vmap(vmap(lambda x: x ** 2))(A)", "vmap(lambda p: p[0] * p[1], in_dims=((0, None),))((A, w))",
    "vmap(vmap(torch.dot, in_dims=(None, 0)), in_dims=(0, None))(A, B)", "vmap(grad(cubes))(A)",
    "vmap(jacrev(each))(A)",
    "vmap(lambda x: x.sum())(torch.zeros((0, 2), dtype=torch.float64))", "vmap(constant)(A)",
    "grad(lambda A: (vmap(stable)(A) ** 2).sum())(A)", "jacrev(vmap(cubes))(A)",
    "grad(lambda w: vmap(lambda a: (a * w).sum() ** 2)(A).sum())(w)",
)  # fmt: skip

MODULE = tuple(
    f"torch.autograd.functional.{call}"
    for call in (
        "jacobian(each, x)", "jacobian(mixed, (x, w))", "jacobian(several, x)", "jacobian(two, (x, w))",
        "jacobian(flat, x)", "jacobian(each, x, vectorize=True)", "hessian(cubes, x)", "hessian(mixed, (x, w))",
        "hessian(lambda x: (x ** 3).sum().reshape(1), x)", "vjp(cubes, x)", "vjp(each, x, v)", "vjp(mixed, (x, w))",
        "vjp(flat, x, v[:2])", "vjp(two, (x, w), (v, s))", "jvp(cubes, x, v)", "jvp(mixed, (x, w), (v, x))",
        "jvp(several, x, v)", "jvp(flat, x, v)", "jvp(lambda s: s * x, s)", "hvp(cubes, x, v)",
        "hvp(mixed, (x, w), (v, x))", "hvp(constant, x, v)", "hvp(lambda s: s ** 3, s)", "vhp(cubes, x, v)",
        "vhp(mixed, (x, w), (v, x))",
    )
)  # fmt: skip

CASES = GRADIENTS + PRODUCTS + JACOBIANS + MAPS + MODULE


def in_gradcli(expression: str) -> str:
    """An expression of Python's in the language of gradcli."""
    return re.sub(r"lambda ([\w, =]+):", r"(\1) ->", expression)
