"""The table of products: dot, matrix products, einsum, trace."""

from __future__ import annotations

import numpy as np

from gradcli.engine.broadcasting import unbroadcast
from gradcli.engine.operation import differentiable, shape_of, variant
from gradcli.engine.shaping import mT
from gradcli.errors import ShapeFailure


def matmul(x, y):
    try:
        return np.matmul(x, y)
    except ValueError:
        raise matmul_clash(x.shape, y.shape) from None


def matmul_clash(a, b):
    """The failure of two shapes that can't be multiplied, in torch's words."""
    if not a or not b:
        return ShapeFailure(
            f"both arguments to matmul need to be at least 1D, but they are {len(a)}D and {len(b)}D",
            help="a number multiplies with `*`",
        )
    if len(a) == len(b) == 1:
        message = (
            f"inconsistent tensor size, expected tensor [{a[0]}] and src [{b[0]}] to have the same number of elements"
        )
    elif len(a) == 2 and len(b) == 1:
        message = f"size mismatch, got input ({a[0]}), mat ({a[0]}x{a[1]}), vec ({b[0]})"
    elif len(a) == 1 and len(b) == 2:
        message = f"size mismatch, got input ({b[1]}), mat ({b[1]}x{b[0]}), vec ({a[0]})"
    else:
        rows = "x".join(map(str, a[-2:]))
        columns = "x".join(map(str, b[-2:]))
        message = f"mat1 and mat2 shapes cannot be multiplied ({rows} and {columns})"
    return ShapeFailure(
        message,
        label=f"shapes {a} and {b}",
        help="the last size of the first must be the first size of the second matrix",
    )


def _left(g, x_shape, y):
    if y.ndim == 1:
        return g * y if len(x_shape) == 1 else np.expand_dims(g, -1) * y
    if len(x_shape) == 1:
        return unbroadcast(np.squeeze(np.matmul(y, np.expand_dims(g, -1)), -1), x_shape)
    return unbroadcast(np.matmul(g, mT(y)), x_shape)


def _right(g, x, y_shape):
    if x.ndim == 1:
        return g * x if len(y_shape) == 1 else unbroadcast(np.expand_dims(x, -1) * np.expand_dims(g, -2), y_shape)
    if len(y_shape) == 1:
        return unbroadcast(np.squeeze(np.matmul(mT(x), np.expand_dims(g, -1)), -1), y_shape)
    return unbroadcast(np.matmul(mT(x), g), y_shape)


matmul = differentiable(
    matmul, lambda g, _z, x_shape, y: _left(g, shape_of(x_shape), y), lambda g, _z, x, y_shape: _right(g, x,
    shape_of(y_shape)),
    grad_name="UnsafeViewBackward0", numpy=np.matmul, real=False, formula=(
        "g * y if x.ndim == 1 and y.ndim == 1 else outer(g, y) if x.ndim == 2 and y.ndim == 1"
        " else g[..., none] * y if y.ndim == 1 else (y @ g[..., none])[..., 0] if x.ndim == 1 and y.ndim > 2"
        " else g @ y.mT",
        "g * x if x.ndim == 1 and y.ndim == 1 else outer(x, g) if x.ndim == 1 and y.ndim == 2"
        " else x[:, none] * g[..., none, :] if x.ndim == 1"
        " else g.flatten() @ x.flatten(0, -2) if x.ndim > 2 and y.ndim == 1 else x.mT @ g",
    ),
)  # fmt: skip
dot = variant(matmul, "DotBackward0")
mv = variant(matmul, "MvBackward0")
mm = variant(matmul, "MmBackward0")
bmm = variant(matmul, "BmmBackward0")
vector_by_matrix = variant(matmul, "SqueezeBackward4")


def einsum(operands, subscripts):
    from gradcli.engine.contraction import contracted

    return contracted(subscripts, operands)


def _einsum_slopes(needs, g, operands, subscripts):
    """Each operand's gradient: `g` and the other operands, summed into that operand's letters.

    Every letter of an operand occurs once in it, and the output is written out (the caller sees to both). A letter
    that stands in this operand alone, or in others with the size 1, was summed over: the gradient is the same all along
    it.
    """
    inputs, output = subscripts.split("->")
    letters = inputs.split(",")
    slopes = []
    for k, need in enumerate(needs):
        if not need:
            slopes.append(None)
            continue
        others = [i for i in range(len(letters)) if i != k]
        known = set(output).union(*(letters[i] for i in others))
        terms = [output, *(letters[i] for i in others)]
        found = "".join(letter for letter in letters[k] if letter in known)
        slope = _call_einsum(f"{','.join(terms)}->{found}", [g, *(operands[i] for i in others)])
        alone = tuple(axis for axis, letter in enumerate(letters[k]) if letter not in known)
        slope = np.expand_dims(slope, alone) if alone else slope
        whole = tuple(n if m == 1 else m for m, n in zip(slope.shape, operands[k].shape, strict=True))
        slope = slope if slope.shape == whole else np.broadcast_to(slope, whole)
        slopes.append(unbroadcast(slope, operands[k].shape))
    return slopes


def _call_einsum(subscripts, values):
    return einsum(values, subscripts)


einsum = differentiable(
    einsum, lambda needs, g, _y, xs, subscripts: _einsum_slopes(needs, g, xs, subscripts),
    variadic=True, joint=True, real=False, formula="g, times the other operands, summed into the letters of {x}",
)  # fmt: skip


def trace(x):
    return np.trace(x)


def _eye_like(g, shape):
    return g * np.eye(*shape, dtype=g.dtype)


trace = differentiable(
    trace,
    lambda g, _y, x_shape: _eye_like(g, x_shape),
    numpy=np.trace,
    real=False,
    formula="g, on the diagonal of zeros",
)
