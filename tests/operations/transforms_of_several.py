"""Transforms of functions of several arguments, on trees of tensors, and of what doesn't depend on them.

As tests/library/transform_cases.py, whose tensors these are. PyTorch's results are in
tests/golden/breadth_transforms.json, made by tests/golden/make_breadth.py.
"""

FUNCTIONS = {
    "three": "lambda x, y, z: (x * y.exp()).sum() * z ** 2",
    "pair": "lambda x, y: (x * y, (x ** 2).sum() * y)",
    "tree": "lambda p: (p[0] * p[1][0]).sum() * p[1][1] ** 2",
    "treed": "lambda p: (p[0] * p[1][1], (p[1][0] ** 2, p[0].sum() * p[1][1]))",
    "mixedtree": "lambda p, z: (p[0] ** 2 * z).sum() + p[1] ** 3",
    "listed": "lambda p: (p[0] * p[1]).sum()",
    "left": "lambda x, y: x ** 3",
    "none_of": "lambda x, y: torch.ones(2, dtype=torch.float64)",
    "part": "lambda x, y: ((x ** 2).sum(), torch.ones(2, dtype=torch.float64))",
    "scalars": "lambda a, b: a ** 2 * b",
    "linear": "lambda x, y: x + 2 * y",
    "matvec": "lambda A, x: A @ x",
    "detached": "lambda x: (x.detach() ** 2).sum()",
    "whole": "lambda x: torch.floor(x)",
    "picked": "lambda x, i: x[i] ** 2",
}

GRADIENTS = (
    "grad(three)(x, w, s)", "grad(three, argnums=2)(x, w, s)", "grad(three, argnums=(0, 2))(x, w, s)",
    "grad(three, (2, 1, 0))(x, w, s)", "grad(three, -2)(x, w, s)", "torch.func.grad(tree)((x, (w, s)))",
    "torch.func.grad(mixedtree, argnums=(0, 1))((x, s), w)", "torch.func.grad(listed)([x, w])",
    "torch.func.grad(mixedtree, argnums=0)((x, s), w)", "value_and_grad(three, argnums=(1, 2))(x, w, s)",
    "torch.func.grad_and_value(tree)((x, (w, s)))", "grad(scalars, (0, 1))(s, s * 2)",
    "grad(grad(scalars), 1)(s, s * 2)", "grad(grad(scalars, 1))(s, s * 2)", "grad(detached)(x)",
    "grad(lambda x: whole(x).sum())(x)", "grad(lambda x, y: left(x, y).sum(), argnums=(0, 1))(x, w)",
)  # fmt: skip

JACOBIANS = (
    "jacrev(pair)(x, w)", "jacrev(pair, argnums=1)(x, w)", "jacrev(pair, argnums=(0, 1))(x, w)",
    "jacrev(treed)((x, (w, s)))", "jacrev(tree)((x, (w, s)))", "jacrev(left, argnums=(0, 1))(x, w)",
    "jacrev(none_of, argnums=(0, 1))(x, w)", "jacrev(part, (0, 1))(x, w)", "jacrev(matvec, (0, 1))(A, x)",
    "jacrev(whole)(x)", "jacrev(scalars, (0, 1))(s, s * 2)", "jacfwd(pair)(x, w)", "jacfwd(pair, argnums=1)(x, w)",
    "jacfwd(pair, argnums=(0, 1))(x, w)", "jacfwd(left, argnums=(0, 1))(x, w)",
    "jacfwd(none_of, argnums=(0, 1))(x, w)", "jacfwd(part, (0, 1))(x, w)", "jacfwd(matvec, (0, 1))(A, x)",
    "jacfwd(treed)((x, (w, s)))", "jacfwd(tree)((x, (w, s)))", "jacfwd(scalars, (0, 1))(s, s * 2)",
    "torch.func.hessian(three)(x, w, s)", "torch.func.hessian(three, argnums=(0, 2))(x, w, s)",
    "torch.func.hessian(tree)((x, (w, s)))", "torch.func.hessian(lambda x, y: left(x, y).sum(), argnums=(0, 1))(x, w)",
    "torch.func.hessian(none_of, argnums=(0, 1))(x, w)", "torch.func.hessian(scalars, (0, 1))(s, s * 2)",
    "torch.func.hessian(pair, argnums=(0, 1))(x, w)", "torch.func.hessian(mixedtree, argnums=0)((x, s), w)",
    "torch.func.hessian(lambda x: linear(x, w).sum())(x)",
)  # fmt: skip

PRODUCTS = (
    "vjp(pair, x, w)[0]", "vjp(pair, x, w)[1]((v, x))", "vjp(left, x, w)[1](v)", "vjp(none_of, x, w)[1](v[:2])",
    "vjp(treed, (x, (w, s)))[1]((v, (w, s)))", "vjp(three, x, w, s)[1](s)", "vjp(matvec, A, x)[1](v[:2])",
    "vjp(tree, (x, (w, s)))[1](s)", "vjp(part, x, w)[1]((s, v[:2]))", "jvp(pair, (x, w), (v, x))",
    "jvp(left, (x, w), (v, x))", "jvp(none_of, (x, w), (v, x))", "jvp(treed, ((x, (w, s)),), ((v, (x, s)),))",
    "jvp(three, (x, w, s), (v, x, s))", "jvp(matvec, (A, x), (A * 2, v))", "jvp(part, (x, w), (v, x))",
    "jvp(whole, (x,), (v,))",
)  # fmt: skip

MAPS = (
    "vmap(pair)(A, A * 2)", "vmap(pair, in_dims=(0, None))(A, w)",
    "vmap(pair, in_dims=(None, 0), out_dims=(1, 0))(x, A)", "vmap(tree, in_dims=((0, (None, None)),))((A, (w, s)))",
    "vmap(left, in_dims=(0, None))(A, x)", "vmap(lambda p: (p[0] + p[1], (p[0],)))((A, A))",
    "vmap(none_of, in_dims=(0, 0))(A, A)", "vmap(grad(three), in_dims=(0, None, None))(A, w, s)",
    "vmap(grad(three, (0, 2)), in_dims=(0, None, None))(A, w, s)", "vmap(lambda x: jvp(left, (x, w), (v, x))[1])(A)",
    "vmap(lambda x: vjp(left, x, w)[1](v))(A)", "vmap(jacfwd(pair, (0, 1)), in_dims=(0, None))(A, w)",
    "vmap(torch.func.hessian(lambda x: (x ** 3).sum()))(A)", "vmap(matvec, in_dims=(None, 0))(A, torch.stack([x, w]))",
    "vmap(lambda x: x.sort().values)(A)", "vmap(lambda x: torch.linalg.solve(M, x[:2]))(A)",
    "vmap(lambda x: torch.where(x > 0, x, -x).cumsum(0))(A)", "vmap(lambda x: torch.einsum('i,j->ij', x, w))(A)",
    "vmap(lambda x: x[[0, 2]])(A)", "vmap(lambda x: torch.nn.functional.softmax(x, -1).max(0).values)(A)",
    "vmap(lambda x: torch.cat([x, w]))(A)", "vmap(lambda x: torch.linalg.norm(x))(A)",
    "vmap(lambda x: x.unsqueeze(0) @ x.unsqueeze(1))(A)", "vmap(torch.det)(torch.stack([M, M @ M]))",
    "vmap(lambda x: torch.topk(x, 2).values)(A)", "vmap(lambda x: x.reshape(3, 1).expand(3, 2).flip(0))(A)",
)  # fmt: skip

MODULE = (
    "torch.autograd.functional.jacobian(pair, (x, w))", "torch.autograd.functional.jacobian(left, (x, w))",
    "torch.autograd.functional.jacobian(none_of, (x, w))", "torch.autograd.functional.hessian(three, (x, w, s))",
    "torch.autograd.functional.hessian(lambda x, y: left(x, y).sum(), (x, w))",
    "torch.autograd.functional.hvp(three, (x, w, s), (v, x, s))",
    "torch.autograd.functional.vhp(three, (x, w, s), (v, x, s))",
    "torch.autograd.functional.hvp(lambda x, y: left(x, y).sum(), (x, w), (v, x))",
    "torch.autograd.functional.vjp(pair, (x, w), (v, x))", "torch.autograd.functional.jvp(pair, (x, w), (v, x))",
    "torch.autograd.functional.jvp(left, (x, w), (v, x))",
    "torch.autograd.functional.hvp(lambda x: linear(x, w).sum(), x, v)",
)  # fmt: skip

CASES = GRADIENTS + JACOBIANS + PRODUCTS + MAPS + MODULE
