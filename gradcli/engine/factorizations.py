"""The table of matrix factorizations: cholesky, eigh, svd, qr, lu; batched through LAPACK.

Each factorization has conditions that its factors keep (orthogonal columns, triangles). A rule projects what comes in
onto the changes that keep them. Sources: M. Seeger et al., "Auto-differentiating linear algebra" (2017), for cholesky,
eigh and qr; S. Walter and L. Lehmann (2010) and torch's own notes for svd and lu.
"""

from __future__ import annotations

import numpy as np

from gradcli.engine.operation import differentiable
from gradcli.engine.shaping import mT
from gradcli.engine.solving import batch_element, first_info, solve_triangular
from gradcli.engine.tensor import as_array
from gradcli.errors import AutogradFailure, ValueFailure


def _eye(n, like):
    return np.eye(n, dtype=like.dtype)


def _column(x):
    return np.expand_dims(x, -1)


def _row(x):
    return np.expand_dims(x, -2)


def _or_zero(part, like):
    """A part's gradient; zeros where nothing came to it."""
    return np.zeros_like(as_array(like)) if part is None else part


# ---- Cholesky


def cholesky(A):
    try:
        return np.linalg.cholesky(A)
    except np.linalg.LinAlgError:
        number, info = first_info("potrf", A)
        raise ValueFailure(
            f"linalg.cholesky: {batch_element(A.shape, number)}The factorization could not be completed because the "
            f"input is not positive-definite (the leading minor of order {info} is not positive-definite).",
            help="a small multiple of the identity makes it so where rounding did: `A + 1e-6*eye(n)`",
        ) from None


def _cholesky_slope(g, y):
    # One triangle of A is read, but A stands for a symmetric matrix, of which an element and its mirror image vary
    # together: each gets half of what they do. So a step along the gradient leaves A symmetric. (As torch.)
    half = np.tril(mT(y) @ g)
    middle = 0.5 * (half + mT(np.tril(half, -1)))
    return solve_triangular(y, solve_triangular(mT(y), middle, True, True, False), False, False, False)


cholesky = differentiable(
    cholesky, lambda g, y, _A: _cholesky_slope(g, y),
    name="linalg.cholesky", grad_name="LinalgCholeskyExBackward0", real=False,
    formula="inverse(out).mT @ (tril(out.mT @ g) + tril(out.mT @ g, -1).mT) @ inverse(out) / 2",
    doc="The lower triangular L with L @ L.mT equal to a positive definite matrix.",
)  # fmt: skip


# ---- eigenvalues of symmetric matrices; of each matrix one triangle is read


def eigh(A, UPLO="L"):
    try:
        return tuple(np.linalg.eigh(A, UPLO))
    except np.linalg.LinAlgError:
        raise _no_convergence("eigh", A) from None


def _no_convergence(name, x):
    finite = np.isfinite(x).all(axis=(-2, -1))
    why = (
        "the input matrix contained non-finite values."
        if not finite.all()
        else "the input matrix is ill-conditioned or has too many repeated values."
    )
    which = batch_element(x.shape, int(np.argmin(finite.ravel())))
    return ValueFailure(f"linalg.{name}: {which}The algorithm failed to converge because {why}")


def _eigh_slope(g, y):
    """Equal eigenvalues leave their eigenvectors undetermined: there the gradient is not finite, as in torch.

    Any rotation among such vectors is a decomposition too, so they don't follow the matrix, and inf or nan says so. The
    values follow it. The matrix is symmetric, and its gradient too, though one triangle is read: as for cholesky.
    """
    g_values, g_vectors = g
    values, vectors = y
    if g_vectors is None:
        return (vectors * _row(g_values)) @ mT(vectors)
    one = _eye(values.shape[-1], values)
    turn = mT(vectors) @ g_vectors
    # Vectors of length 1 only turn: half the difference to the transposed is the part of it that counts.
    middle = 0.5 * (turn - mT(turn)) / (_row(values) - _column(values) + one)
    if g_values is not None:
        middle = middle + one * _row(g_values)
    return vectors @ middle @ mT(vectors)


eigh = differentiable(
    eigh, lambda g, y, _A, _UPLO: _eigh_slope(g, y),
    name="linalg.eigh", grad_name="LinalgEighBackward0", several=True, real=False,
    formula="g, in the basis of eigenvectors, theirs divided by the differences of eigenvalues",
    doc="Eigenvalues, in ascending order, and eigenvectors of a symmetric matrix.",
)  # fmt: skip


def eigvalsh(A, UPLO="L"):
    try:
        return np.linalg.eigvalsh(A, UPLO)
    except np.linalg.LinAlgError:
        raise _no_convergence("eigh", A) from None


def _eigvalsh_slope(g, x, UPLO):
    # Where eigenvalues are equal any basis of their vectors will do: each splits the same total in another way.
    _, vectors = eigh(x, UPLO)
    return (vectors * _row(g)) @ mT(vectors)


eigvalsh = differentiable(
    eigvalsh, lambda g, _y, x, UPLO: _eigvalsh_slope(g, x, UPLO),
    name="linalg.eigvalsh", grad_name="LinalgEighBackward0", real=False,
    formula="g, on the diagonal in the basis of eigenvectors",
    doc="Eigenvalues of a symmetric matrix, in ascending order.",
)  # fmt: skip


# ---- singular values


def svd(A, full_matrices=True):
    _refuse_nonfinite(A)
    try:
        return tuple(np.linalg.svd(A, full_matrices))
    except np.linalg.LinAlgError:
        raise _no_convergence("svd", A) from None


def _refuse_nonfinite(x):
    # LAPACK takes an inf for a number, and some of it never come back from a nan.
    if not np.isfinite(x).all():
        raise _no_convergence("svd", x)


def _svd_slope(g, y):
    """Of full matrices only the columns that belong to singular values have a gradient, as in torch.

    Equal singular values leave their vectors undetermined: there the gradient is not finite. A value of 0 does so in a
    matrix that isn't square, whose longer vectors it no longer ties to the shorter. The further columns of full
    matrices are any that complete a basis, which no change of A decides.
    """
    u, s, vh = y
    k = s.shape[-1]
    rows, columns = u.shape[-2], vh.shape[-1]
    g_u, g_s, g_vh = g
    u, vh = u[..., :, :k], vh[..., :k, :]
    if g_u is None and g_vh is None:
        return (u * _row(g_s)) @ vh
    one = _eye(k, s)
    apart = (_row(s) - _column(s)) * (_row(s) + _column(s)) + one
    middle = 0 if g_s is None else one * _row(g_s)
    if g_u is not None:
        g_u = g_u[..., :, :k]
        turn = mT(u) @ g_u
        middle = middle + (turn - mT(turn)) / apart * _row(s)
    if g_vh is not None:
        g_vh = g_vh[..., :k, :]
        turn = vh @ mT(g_vh)
        middle = middle + _column(s) * ((turn - mT(turn)) / apart)
    slope = u @ middle @ vh
    if g_u is not None and rows > k:
        outside = g_u / _row(s)
        slope = slope + (outside - u @ (mT(u) @ outside)) @ vh
    if g_vh is not None and columns > k:
        outside = g_vh / _column(s)
        slope = slope + u @ (outside - (outside @ mT(vh)) @ vh)
    return slope


svd = differentiable(
    svd, lambda g, y, _A, _full: _svd_slope(g, y),
    name="linalg.svd", grad_name="LinalgSvdBackward0", several=True, real=False,
    formula="g, in the bases U and Vh, theirs divided by the differences of squared singular values",
    doc="U, S and Vh, with U @ diag(S) @ Vh equal to the matrix.",
)  # fmt: skip


def svdvals(A):
    _refuse_nonfinite(A)
    try:
        return np.linalg.svd(A, compute_uv=False)
    except np.linalg.LinAlgError:
        raise _no_convergence("svd", A) from None


def _svdvals_slope(g, x):
    # A singular value of 0 has a kink, like |x| at 0. Its vectors, whichever LAPACK takes, give a subgradient, and
    # torch's; 0 would be one too, but would leave a matrix at that rank.
    u, _, vh = svd(x, False)
    return (u * _row(g)) @ vh


svdvals = differentiable(
    svdvals, lambda g, _y, x: _svdvals_slope(g, x),
    name="linalg.svdvals", grad_name="LinalgSvdBackward0", real=False,
    formula="g, on the diagonal in the bases U and Vh",
    doc="The singular values of a matrix, in descending order.",
)  # fmt: skip


# ---- QR


def qr(A, mode="reduced"):
    if mode == "r":
        return np.zeros((0,), A.dtype), np.linalg.qr(A, "r")
    return tuple(np.linalg.qr(A, mode))


def _qr_slope(g, y, x, mode):
    q, r = y
    rows, columns = x.shape[-2:]
    if mode == "r":
        raise AutogradFailure(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, "
            "mode='reduced') if you are going to require gradients",
        )
    if mode == "complete" and rows > columns:
        raise AutogradFailure(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols",
            help="the columns of Q beyond A's are arbitrary: `linalg.qr(A)` leaves them out",
        )
    g_q, g_r = (_or_zero(part, like) for part, like in zip(g, y, strict=True))
    if rows >= columns:
        return _tall_qr_slope(g_q, g_r, q, r)
    # A = [X Y] with X = Q U square and Y = Q V: what comes to V goes to Y, and through Q = ... to X.
    g_v = g_r[..., :, rows:]
    g_x = _tall_qr_slope(g_q + x[..., :, rows:] @ mT(g_v), g_r[..., :, :rows], q, r[..., :, :rows])
    return np.concatenate([g_x, q @ g_v], axis=-1)


def _tall_qr_slope(g_q, g_r, q, r):
    # R is solved with: where columns of A depend on each other it is singular and Q's columns are arbitrary. There the
    # gradient is not finite, or means nothing where rounding hides it, as in torch.
    inside = g_r @ mT(r) - mT(q) @ g_q
    symmetric = np.triu(inside) + mT(np.triu(inside, 1))
    return solve_triangular(mT(r), g_q + q @ symmetric, False, False, False)


qr = differentiable(
    qr, lambda g, y, x, mode: _qr_slope(g, y, x, mode),
    name="linalg.qr", grad_name="LinalgQrBackward0", several=True, real=False,
    formula="g, projected onto rotations of Q and triangles R",
    doc="Q with orthonormal columns and upper triangular R, with Q @ R equal to the matrix.",
)  # fmt: skip


# ---- LU


def lu(A):
    """L below and U on and above the diagonal of one matrix, and the order that the rows of A were put in."""
    from scipy.linalg import lu as factorized

    if not A.size:
        order = np.broadcast_to(np.arange(A.shape[-2]), A.shape[:-1])
        return np.zeros_like(A), np.array(order)
    places, lower, upper = factorized(A, p_indices=True, check_finite=False)
    k = min(A.shape[-2:])
    both = np.zeros_like(A)
    both[..., :, :k] = np.tril(lower, -1)
    both[..., :k, :] += upper
    return both, np.argsort(places, axis=-1)


def _lu_slope(g, y):
    """The square part by L's and U's triangles; what a matrix has beyond it was solved for, and is solved back.

    A zero pivot divides: L is not determined below it, and the gradient not finite, as in torch. The order of the rows
    moves in steps, and is taken as it is.
    """
    both, order = y
    rows, columns = both.shape[-2:]
    k = min(rows, columns)
    g = g[0]
    head, g_head = both[..., :k, :k], g[..., :k, :k]
    upper, lower = np.triu(head), np.tril(head, -1) + _eye(k, both)
    g_upper, g_lower = np.triu(g_head), np.tril(g_head, -1)
    rest = None
    if columns > k:
        rest = solve_triangular(mT(lower), g[..., :, k:], True, True, True)
        g_lower = g_lower - rest @ mT(both[..., :, k:])
    elif rows > k:
        rest = solve_triangular(mT(upper), g[..., k:, :], False, False, False)
        g_upper = g_upper - mT(both[..., k:, :]) @ rest
    middle = np.tril(mT(lower) @ g_lower, -1) + np.triu(g_upper @ mT(upper))
    slope = solve_triangular(mT(lower), middle, True, True, True)
    slope = solve_triangular(mT(upper), slope, False, False, False)
    if rest is not None:
        slope = np.concatenate([slope, rest], axis=-1 if columns > k else -2)
    back = np.argsort(as_array(order), axis=-1)[..., None]
    return np.take_along_axis(slope, np.broadcast_to(back, slope.shape), -2)


lu = differentiable(
    lu, lambda g, y, _A: _lu_slope(g, y),
    name="linalg.lu_factor", grad_name="LinalgLuFactorExBackward0", several=True, real=False,
    formula="g, projected onto triangles L and U",
    doc="L and U, which are the matrix with its rows in another order.",
)  # fmt: skip
