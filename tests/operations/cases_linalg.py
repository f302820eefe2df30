"""Cases of linear algebra, as in cases.py; PyTorch's results are in tests/golden/linalg.json.

`m.mT @ m` is positive definite and `batch + batch.mT` symmetric; `n.tril()` and the like are triangles. What an
eigenvector's or a singular vector's sign is, is LAPACK's choice: PyTorch and NumPy ask the same routines, but those of
different builds. So vectors are looked at through what doesn't depend on their signs.
"""

PRODUCTS = {
    "cross": (
        "cross(m, n)", "m.cross(n, dim=0)", "cross(a, a.flip(1))", "linalg.cross(batch, batch.flip(0))",
        "linalg.cross(m, n, dim=0)", "linalg.cross(m[:1], n)", "linalg.cross(batch, m[None], dim=-2)",
        "cross(a, a * a, 0)", "linalg.cross(blank2, blank2)", "cross(pick, index[:, 0])",
    ),
    "kron": (
        "kron(m, a)", "m.kron(v)", "kron(v, w)", "kron(s, m)", "kron(cube, m)", "kron(row, col)", "kron(one, one)",
        "kron(blank2, m)", "kron(pick, pick)",
    ),
    "tensordot": (
        "tensordot(a, b, 1)", "tensordot(x, y)", "tensordot(x, y, dims=2)", "tensordot(m, a, 0)",
        "tensordot(cube, x, ([1, 2], [0, 1]))", "tensordot(cube, x, dims=([-1], [1]))", "tensordot(v, w, 1)",
        "tensordot(cube, cube, ([0, 1], [0, 1]))", "tensordot(row, x, ([0], [0]))", "tensordot(s, r, 0)",
        "tensordot(x, row, ([0, 1], [0, 1]))", "tensordot(blank2, m, 1)",
    ),
    "linalg.multi_dot": (
        "linalg.multi_dot([a, b])", "linalg.multi_dot([m, a, b])", "linalg.multi_dot((v, x.mT, a, b))",
        "linalg.multi_dot([m, x, w])", "linalg.multi_dot([v, x.mT, n, col[:, 0]])", "linalg.multi_dot([v, w])",
        "chain_matmul(m, n, a)",
    ),
    "matrix_power": (
        "linalg.matrix_power(m, 0)", "matrix_power(m, 1)", "m.matrix_power(2)", "linalg.matrix_power(m, 3)",
        "matrix_power(m, 5)", "matrix_power(batch, 3)", "linalg.matrix_power(m, -1)", "linalg.matrix_power(m, -2)",
        "matrix_power(batch, -3)", "matrix_power(index[:2], 3)", "linalg.matrix_power(batch, 6)",
    ),
    "vdot": ("vdot(v, w)", "v.vdot(v)", "vdot(blank, blank)", "vdot(pick, pick)"),
    "linalg.vecdot": (
        "linalg.vecdot(x, y)", "linalg.vecdot(x, y, dim=0)", "linalg.vecdot(x, row)", "linalg.vecdot(v, w)",
        "linalg.vecdot(cube, x, dim=1)", "linalg.vecdot(blank2, blank2)", "linalg.vecdot(s, r)",
    ),
    "addmm": (
        "addmm(m, a, a.mT)", "addmm(v[:3], m, n)", "addmm(col, m, n, beta=2, alpha=0.5)", "m.addmm(m, n)",
        "addmm(nonfinite[:3], m, n, beta=0)", "addmm(s, a, b, alpha=-1.5)",
        "addmm(index[:2], index[:2], index[:2].mT[:, :2])", "addmm(m, blank2.mT, blank2)", "addmm(m, m, m)",
    ),
    "addmv": (
        "addmv(v[:3], x, w)", "addmv(s, x, w, beta=0.5, alpha=2)", "one.addmv(x, w)", "addmv(v[:3], x, w, beta=0)",
        "addmv(w[:3], x, w, alpha=0)",
    ),
    "addr": (
        "addr(x, v[:3], w)", "addr(row, w[:3], v, beta=0.5, alpha=2)", "addr(s, v, w)", "x.addr(v[1:], w, beta=0)",
        "addr(index, pick, pick[:2])",
    ),
    "addbmm": (
        "addbmm(m, batch, batch.flip(0))", "addbmm(v[:3], batch, batch, beta=2, alpha=0.5)",
        "m.addbmm(batch, batch, beta=0)",
    ),
    "baddbmm": (
        "baddbmm(batch, batch, batch.flip(0))", "baddbmm(m, batch, batch, beta=2, alpha=0.5)",
        "batch.baddbmm(batch, batch, beta=0)", "baddbmm(s, cube, cube.mT)",
    ),
    "addcmul": (
        "addcmul(x, x, y)", "addcmul(x, row, col, value=0.5)", "x.addcmul(y, y, value=-2)", "addcmul(s, x, col)",
        "addcmul(pick, pick, pick, value=2)",
    ),
    "addcdiv": (
        "addcdiv(x, y, p)", "addcdiv(x, row, p, value=0.5)", "x.addcdiv(y, q, value=-2)", "addcdiv(s, x, col)",
        "addcdiv(v, w, zeros4)",
    ),
    "block_diag": (
        "block_diag(m, a)", "block_diag(v, s, b)", "block_diag(m)", "block_diag(blank, m)",
        "block_diag(col, row, one)", "block_diag(pick, m)",
    ),
    "vander": (
        "vander(v)", "vander(v, 3)", "vander(v, N=3, increasing=True)", "vander(w, 1)", "vander(v, 0)",
        "vander(zeros4)",
    ),
    "linalg.vander": ("linalg.vander(v)", "linalg.vander(x, N=3)", "linalg.vander(w, N=6)", "linalg.vander(pick)"),
    "linalg.diagonal": (
        "linalg.diagonal(m)", "linalg.diagonal(cube)", "linalg.diagonal(cube, offset=1)",
        "linalg.diagonal(cube, dim1=0, dim2=1)", "linalg.diagonal(batch, offset=-1, dim1=-1, dim2=-2)",
    ),
    "mH": ("m.mH", "cube.mH", "x.H", "s.H"),
}  # fmt: skip

SYSTEMS = {
    "linalg.inv": (
        "linalg.inv(m)", "inverse(m)", "m.inverse()", "linalg.inv(batch)", "linalg.inv(m[:1, :1])",
        "linalg.inv(blank2[:, :0])", "linalg.inv(m).sum() * m",
    ),
    "linalg.inv_ex": ("linalg.inv_ex(m)", "linalg.inv_ex(batch).inverse", "linalg.inv_ex(m, check_errors=True).info"),
    "linalg.det": (
        "det(m)", "linalg.det(batch)", "m.det()", "linalg.det(m[:1, :1])", "linalg.det(blank2[:, :0])", "det(n @ m)",
        "log(abs(det(batch)))",
    ),
    "linalg.slogdet": (
        "slogdet(m)", "linalg.slogdet(batch)", "linalg.slogdet(-m).logabsdet", "m.slogdet()[0]",
        "linalg.slogdet(zeros4.reshape(2, 2))[0]",
    ),
    "logdet": ("logdet(m.mT @ m)", "m.logdet()", "logdet(batch)", "logdet(-m)", "logdet(batch.mT @ batch)"),
    "linalg.solve": (
        "linalg.solve(m, n)", "linalg.solve(m, x)", "linalg.solve(m, v[:3])", "linalg.solve(batch, n)",
        "linalg.solve(m, batch)", "linalg.solve(batch, m[:2])", "linalg.solve(m, x.mT, left=False)",
        "linalg.solve(batch, m, left=False)", "linalg.solve(batch, v[:3])", "linalg.solve(m[None], batch)",
        "linalg.solve(m, blank2.mT)", "linalg.solve(m[:1, :1], one)",
    ),
    "linalg.solve_ex": (
        "linalg.solve_ex(m, x)", "linalg.solve_ex(m, v[:3]).result", "linalg.solve_ex(batch, m, left=False).result",
    ),
    "linalg.solve_triangular": (
        "linalg.solve_triangular(m, x, upper=True)", "linalg.solve_triangular(m, x, upper=False)",
        "linalg.solve_triangular(m, x.mT, upper=True, left=False)",
        "linalg.solve_triangular(m, x.mT, upper=False, left=False)",
        "linalg.solve_triangular(m, x, upper=True, unitriangular=True)",
        "linalg.solve_triangular(batch, m, upper=False)", "linalg.solve_triangular(m, batch, upper=True)",
        "linalg.solve_triangular(batch, m, upper=False, left=False, unitriangular=True)",
        "linalg.solve_triangular(batch, batch, upper=True, left=False)",
        "linalg.solve_triangular(m, blank2.mT, upper=True)",
        "linalg.solve_triangular(zeros4.reshape(2, 2), b[:2], upper=True)",
    ),
    "triangular_solve": (
        "triangular_solve(x, m)", "triangular_solve(x, m, False)", "x.triangular_solve(m, transpose=True)",
        "triangular_solve(x, m, upper=False, transpose=True, unitriangular=True).solution",
    ),
    "linalg.pinv": (
        "linalg.pinv(a)", "linalg.pinv(b)", "pinverse(x)", "linalg.pinv(cube)", "linalg.pinv(m)",
        "linalg.pinv(batch.mT)", "linalg.pinv(a, rtol=0.5)", "linalg.pinv(a, atol=1e-3)",
        "linalg.pinv(m + m.mT, hermitian=True)", "a.pinverse()", "linalg.pinv(blank2)",
        "linalg.pinv(col @ row[:, :2])", "linalg.pinv(zeros4.reshape(2, 2))",
    ),
    "linalg.matrix_rank": (
        "linalg.matrix_rank(m)", "linalg.matrix_rank(cube)", "linalg.matrix_rank(col @ row)",
        "linalg.matrix_rank(m, tol=2.5)",
    ),
    "matrix_exp": (
        "matrix_exp(m)", "linalg.matrix_exp(batch)", "m.matrix_exp()", "matrix_exp(m * 1e-3)", "matrix_exp(8 * n)",
        "matrix_exp(m[:1, :1])", "matrix_exp(blank2[:, :0])", "matrix_exp(m.triu(1))", "matrix_exp(-0.5 * batch)",
    ),
    "linalg.lstsq": (
        "linalg.lstsq(x, n)", "linalg.lstsq(a.mT, w.repeat(2)[:5])", "linalg.lstsq(a.mT, b).solution",
        "linalg.lstsq(a.mT, b, driver='gelsd')", "linalg.lstsq(b, a.mT, driver='gels').residuals",
        "linalg.lstsq(cube, batch[:, :, :2]).solution", "linalg.lstsq(m, n).rank",
        "linalg.lstsq(cube.mT, cube.flip(0).mT[:, :, :1], driver='gelss')",
        "linalg.lstsq(col @ row, v[:3, None])[2]",
    ),
    "linalg.tensorinv": (
        "linalg.tensorinv(x.reshape(3, 2, 2)[:2, :, :1], 1)", "linalg.tensorinv((m @ m).reshape(3, 1, 3), ind=2)",
    ),
    "linalg.tensorsolve": (
        "linalg.tensorsolve(m.reshape(3, 3, 1), v[:3])",
        "linalg.tensorsolve(m.reshape(3, 1, 3).movedim(0, 2), v[:3, None].mT, dims=(1,))",
    ),
    "cholesky_solve": (
        "cholesky_solve(x, m.tril())", "cholesky_solve(x, m.triu(), upper=True)", "x.cholesky_solve(n.tril())",
        "cholesky_solve(batch, batch.tril())", "cholesky_solve(x, m)",
    ),
    "cholesky_inverse": (
        "cholesky_inverse(m.tril())", "cholesky_inverse(m.triu(), upper=True)", "cholesky_inverse(batch.tril())",
        "m.cholesky_inverse()",
    ),
}  # fmt: skip

FACTORIZATIONS = {
    "linalg.cholesky": (
        "linalg.cholesky(m.mT @ m)", "linalg.cholesky(batch.mT @ batch)", "linalg.cholesky(m.mT @ m, upper=True)",
        "linalg.cholesky(m)", "linalg.cholesky(p[:1, :1])", "cholesky(m.mT @ m)", "cholesky(n.mT @ n, upper=True)",
        "linalg.cholesky(blank2[:, :0])",
    ),
    "linalg.cholesky_ex": (
        "linalg.cholesky_ex(m.mT @ m)", "linalg.cholesky_ex(-m).info",
        "linalg.cholesky_ex(batch.mT @ batch, upper=True).L",
    ),
    "linalg.eigh": (
        "linalg.eigh(m + m.mT).eigenvalues", "linalg.eigh(m)[0]", "linalg.eigh(m, 'U')[0]",
        "linalg.eigh(batch, UPLO='U')[0]", "linalg.eigh(m + m.mT)[1] ** 2", "linalg.eigh(batch)[1].abs()",
        "linalg.eigh(m)[1][:, :1] @ linalg.eigh(m)[1][:, :1].mT",
        "(linalg.eigh(m)[1] * linalg.eigh(m)[0].exp()) @ linalg.eigh(m)[1].mT", "linalg.eigh(p[:1, :1])[0]",
    ),
    "linalg.eigvalsh": (
        "linalg.eigvalsh(m)", "linalg.eigvalsh(batch, 'U')", "linalg.eigvalsh(m + m.mT)",
        "linalg.eigvalsh(n, UPLO='u')", "linalg.eigvalsh(batch.mT @ batch)",
    ),
    "linalg.svd": (
        "linalg.svd(a).S", "linalg.svd(a, full_matrices=False)[0].abs()",
        "linalg.svd(a, full_matrices=False).Vh ** 2", "linalg.svd(b, False)[0] ** 2", "linalg.svd(b)[2].abs()",
        "linalg.svd(cube, full_matrices=False).U ** 2", "linalg.svd(m)[0][:, :1] @ linalg.svd(m)[2][:1]",
        "svd(a).V ** 2", "svd(x)[1]", "x.svd(some=False)[0].abs()", "linalg.svd(b).U[:, :2] ** 2",
        "svd(a, compute_uv=False)", "svd(b, some=False).V.abs()", "linalg.svd(blank2).Vh",
        "linalg.svd(cube.mT, full_matrices=False).Vh.abs()", "linalg.svd(batch).S",
    ),
    "linalg.svdvals": (
        "linalg.svdvals(a)", "linalg.svdvals(cube)", "linalg.svdvals(b)", "linalg.svdvals(blank2)",
        "linalg.svdvals(m)",
    ),
    "linalg.qr": (
        "linalg.qr(m)", "linalg.qr(b)", "linalg.qr(a)", "linalg.qr(cube)", "linalg.qr(cube.mT)",
        "linalg.qr(m, mode='complete')", "linalg.qr(a, 'complete')", "qr(b)", "x.qr()",
        "linalg.qr(b.detach(), mode='complete')", "linalg.qr(b.detach(), mode='r')", "linalg.qr(b)[1].abs()",
        "linalg.qr(blank2)", "linalg.qr(col)",
    ),
    "linalg.householder_product": (
        "linalg.householder_product(m, v[:3])", "linalg.householder_product(b, v[:2])",
        "linalg.householder_product(batch, m[:2])", "linalg.householder_product(m, v[:2])", "orgqr(b, one)",
    ),
    "ormqr": (
        "ormqr(m, v[:3], x)", "ormqr(m, v[:3], x, transpose=True)", "ormqr(m, v[:3], x.mT, left=False)",
        "m.ormqr(v[:3], n, False, True)",
    ),
    "linalg.lu_factor": (
        "linalg.lu_factor(m)", "linalg.lu_factor(a)", "linalg.lu_factor(b)", "linalg.lu_factor(batch).LU",
        "linalg.lu_factor(cube)", "linalg.lu_factor(cube.mT)", "linalg.lu_factor_ex(m)",
        "linalg.lu_factor_ex(zeros4.reshape(2, 2)).info", "lu(m)", "m.lu(get_infos=True)",
    ),
    "linalg.lu": (
        "linalg.lu(m)", "linalg.lu(a)", "linalg.lu(b)", "linalg.lu(batch)", "linalg.lu(cube).U",
        "linalg.lu(cube.mT)",
    ),
    "lu_unpack": (
        "lu_unpack(*linalg.lu_factor(m))", "lu_unpack(*linalg.lu_factor(a)).L", "lu_unpack(*linalg.lu_factor(b))",
        "lu_unpack(*linalg.lu_factor(batch)).P", "lu_unpack(*linalg.lu_factor(m), unpack_data=False).P",
    ),
    "linalg.lu_solve": (
        "linalg.lu_solve(*linalg.lu_factor(m), x)", "linalg.lu_solve(*linalg.lu_factor(m), x, adjoint=True)",
        "linalg.lu_solve(*linalg.lu_factor(m), x.mT, left=False)",
        "linalg.lu_solve(*linalg.lu_factor(m), x.mT, left=False, adjoint=True)",
        "linalg.lu_solve(*linalg.lu_factor(batch), m)", "lu_solve(x, *linalg.lu_factor(m))",
        "linalg.lu_solve(*linalg.lu_factor(m), batch)",
    ),
}  # fmt: skip

MEASURES = {
    "linalg.norm": (
        "linalg.norm(m)", "linalg.norm(m, 2)", "linalg.norm(a, -2)", "linalg.norm(m, 'nuc')",
        "linalg.norm(a, 'fro')", "linalg.norm(a, 1)", "linalg.norm(a, -1)", "linalg.norm(a, torch.inf)",
        "linalg.norm(a, -torch.inf)", "linalg.norm(cube, 2, (0, 2))",
        "linalg.norm(cube, 'nuc', dim=(-1, 0), keepdim=True)", "linalg.norm(cube, 1, (2, 0))",
        "linalg.norm(cube, torch.inf, (1, 2), True)", "linalg.norm(v, 3)", "linalg.norm(v, 1)",
        "linalg.norm(x, 2, 1)", "linalg.norm(x, 3, dim=(0,))", "linalg.norm(cube)", "linalg.norm(zeros4)",
        "linalg.norm(m, 2, dtype=float64)", "linalg.norm(s)", "linalg.norm(blank2, 1)", "linalg.norm(blank2, 2)",
        "linalg.norm(blank2, 'nuc')", "linalg.norm(ties, 1)", "linalg.norm(ties, torch.inf)",
    ),
    "linalg.matrix_norm": (
        "linalg.matrix_norm(m)", "linalg.matrix_norm(cube)", "linalg.matrix_norm(cube, 2)",
        "linalg.matrix_norm(cube, -2, (0, 1))", "linalg.matrix_norm(cube, 'nuc', keepdim=True)",
        "linalg.matrix_norm(cube, 2, (2, 0), True)", "linalg.matrix_norm(cube, -1, dim=(0, 2))",
        "linalg.matrix_norm(a, ord=torch.inf)", "linalg.matrix_norm(zeros4.reshape(2, 2))",
    ),
    "norm": ("norm(m, 'nuc')", "norm(cube, 'nuc', (1, 2))", "m.norm(p='nuc', dim=(0, 1), keepdim=True)"),
    "linalg.cond": (
        "linalg.cond(m)", "linalg.cond(a)", "linalg.cond(m, 'fro')", "linalg.cond(m, 'nuc')", "linalg.cond(m, 1)",
        "linalg.cond(batch, -torch.inf)", "linalg.cond(cube, -2)", "linalg.cond(cube, p=2)",
        "linalg.cond(zeros4.reshape(2, 2), 1)", "linalg.cond(blank2)",
    ),
    "dist": (
        "dist(x, y)", "x.dist(y, 1)", "dist(x, row, 3)", "dist(x, col, p=0)", "dist(x, y, torch.inf)", "dist(x, x)",
        "dist(s, r, 1)", "dist(x, s, -torch.inf)",
    ),
    "cdist": (
        "cdist(x, y)", "cdist(x, y, 1)", "cdist(x, y, p=3)", "cdist(cube, x)",
        "cdist(cube, cube.flip(0), torch.inf)", "cdist(x, y[:2], 0)", "cdist(x, x)", "cdist(x, row, 1.5)",
        "cdist(m, blank2)", "cdist(col[:, :0], m[:2, :0])", "cdist(x, y, 2.0, 'donot_use_mm_for_euclid_dist')",
    ),
    "diff": (
        "diff(x)", "x.diff(2)", "diff(x, dim=0)", "diff(x, 2, 0)", "diff(x, prepend=col)",
        "diff(x, append=row, dim=0)", "diff(v, 9)", "diff(x, 0)", "diff(mask)", "diff(pick)",
        "diff(cube, n=2, dim=-2, prepend=cube, append=cube)", "diff(blank)",
    ),
    "cov": (
        "cov(x)", "x.cov(correction=0)", "cov(v)", "cov(a.mT)", "cov(m, fweights=pick)", "cov(m, aweights=p[0, :3])",
        "cov(m, correction=0, fweights=pick, aweights=p[0, :3])", "cov(s)", "cov(row)", "cov(index)",
        "cov(one, correction=0)",
    ),
    "corrcoef": ("corrcoef(x)", "x.corrcoef()", "corrcoef(v)", "corrcoef(a)"),
}  # fmt: skip

CASES = PRODUCTS | SYSTEMS | FACTORIZATIONS | MEASURES

ERRORS = {
    "linalg.inv": (
        "linalg.inv(x)", "linalg.inv(v)", "linalg.inv(m * 0)", "linalg.inv(index[:2])", "linalg.inv(batch * 0)",
        "linalg.inv(m.half())",
    ),
    "linalg.det": ("det(x)", "det(v)", "logdet(x)", "slogdet(index[:2])"),
    "linalg.solve": (
        "linalg.solve(m * 0, x)", "linalg.solve(m, v)", "linalg.solve(m, b)", "linalg.solve(x, x)",
        "linalg.solve(m, x, left=False)", "linalg.solve(batch, cube[:, :, :3].repeat(2, 1, 1)[:3])",
        "linalg.solve(m, single[:3])",
    ),
    "linalg.inv_ex": ("linalg.inv_ex(m * 0, check_errors=True)",),
    "linalg.solve_triangular": (
        "linalg.solve_triangular(m, x)", "linalg.solve_triangular(x, x, upper=True)",
        "linalg.solve_triangular(m, v[:3], upper=True)", "linalg.solve_triangular(m, b, upper=True)",
    ),
    "linalg.pinv": ("linalg.pinv(v)", "linalg.pinv(index)", "linalg.pinv(nonfinite.reshape(2, 3))"),
    "linalg.cholesky": ("linalg.cholesky(-m)", "linalg.cholesky(batch)", "linalg.cholesky(a)", "cholesky(-m)"),
    "linalg.eigh": ("linalg.eigh(x)", "linalg.eigh(m, 'X')"),
    "linalg.svd": ("linalg.svd(v)", "linalg.svd(nonfinite.reshape(2, 3))", "linalg.svdvals(index)"),
    "linalg.qr": ("linalg.qr(m, 'full')", "linalg.qr(v)"),
    "linalg.lu_factor": (
        "linalg.lu_factor(m * 0)", "linalg.lu(v)", "linalg.lu(m, pivot=False)",
        "linalg.lu_solve(*linalg.lu_factor(m), b)",
    ),
    "linalg.householder_product": ("linalg.householder_product(a, v[:3])", "linalg.householder_product(b, v)"),
    "linalg.multi_dot": (
        "linalg.multi_dot([m])", "linalg.multi_dot([m, b])", "linalg.multi_dot([m, v, m])",
        "linalg.multi_dot([s, m])",
    ),
    "matrix_power": ("matrix_power(x, 2)", "matrix_power(m * 0, -1)"),
    "matrix_exp": ("matrix_exp(x)", "matrix_exp(index[:2])"),
    "tensordot": (
        "tensordot(x, a, ([0, 1], [0, 1]))", "tensordot(m, n, 3)", "tensordot(m, n, -1)",
        "tensordot(m, n, ([0], [0, 1]))", "tensordot(m, n, ([0, 0], [0, 1]))",
    ),
    "vdot": ("vdot(v, w[:2])", "vdot(m, m)"),
    "linalg.vecdot": ("linalg.vecdot(pick, pick)", "linalg.vecdot(v, w[:2])"),
    "linalg.cross": (
        "linalg.cross(x, y)", "linalg.cross(m, v[:3])", "cross(v, w)", "linalg.cross(m, n[:2])", "cross(m, n, 5)",
    ),
    "addmm": (
        "addmm(m, x, x)", "addmm(m, m, v)", "addmm(v, m, n)", "addmv(v, m, w[:3])", "addr(x, m, v)",
        "addmm(batch, m, n)", "addbmm(m, batch, cube)", "baddbmm(m, m, m)", "addcmul(x, x, v[:3])",
        "addcdiv(pick, pick, pick)",
    ),
    "block_diag": ("block_diag(batch)",),
    "vander": ("vander(x)", "linalg.vander(v, N=1)", "linalg.vander(s)"),
    "linalg.norm": (
        "linalg.norm(m, 3)", "linalg.norm(cube, 2)", "linalg.norm(v, 'nuc')", "linalg.norm(v, 'fro')",
        "linalg.norm(cube, 2, (0, 1, 2))",
    ),
    "linalg.matrix_norm": (
        "linalg.matrix_norm(v)", "linalg.matrix_norm(m, 'x')", "linalg.matrix_norm(m, 2, (0, 0))",
        "linalg.matrix_norm(m, 2, (0,))", "linalg.matrix_norm(index)", "linalg.matrix_norm(m, dim=(0, 2))",
    ),
    "linalg.cond": ("linalg.cond(v)", "linalg.cond(m, 3)", "linalg.cond(a, 1)"),
    "dist": ("dist(x, v[:3])", "dist(pick, pick)"),
    "cdist": ("cdist(x, a)", "cdist(v, x)", "cdist(x, y, -1)", "cdist(index, index)", "cdist(x, y, 2.0, 'x')"),
    "diff": ("diff(s)", "diff(x, -1)", "diff(x, prepend=v)", "diff(x, prepend=m, dim=0)"),
    "cov": (
        "cov(cube)", "cov(m, fweights=v[:3])", "cov(m, fweights=pick[:2])", "cov(m, aweights=pick)",
        "corrcoef(cube)",
    ),
    "linalg.lstsq": ("linalg.lstsq(m, b)", "linalg.lstsq(m, n, driver='x')"),
    "linalg.tensorinv": ("linalg.tensorinv(x, 1)", "linalg.tensorinv(m, 0)"),
    "linalg.tensorsolve": ("linalg.tensorsolve(x, v)",),
    "H": ("v.H", "v.mH", "cube.H"),
}  # fmt: skip
