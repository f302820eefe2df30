"""Products of vectors and matrices."""

from __future__ import annotations

import numpy as np

from gradcli.engine import Tensor, linear
from gradcli.engine import elementwise as e
from gradcli.engine import shaping as s
from gradcli.engine.conversion import promoted
from gradcli.engine.protocols import product
from gradcli.errors import ShapeFailure, TypeFailure, ValueFailure
from gradcli.library.arguments import Tensors, Text
from gradcli.library.vocabulary import function


def _same_dtype(x: Tensor, y: Tensor, name: str) -> None:
    if x.dtype != y.dtype:
        raise TypeFailure(
            f"{name} : expected both vectors to have same dtype, but found {x.dtype} and {y.dtype}",
            help="convert one of them, `.double()` or `.float()`",
        )


def _expects(x: Tensor, y: Tensor, name: str, dims: tuple[int, int]) -> None:
    for number, (tensor, want) in enumerate(zip((x, y), dims, strict=True), 1):
        if tensor.ndim != want:
            raise ShapeFailure(
                f"{name}: argument {number} must be {want}D, and it is {tensor.ndim}D (shape {tensor.shape})",
                help="`x @ y` multiplies whatever the dimensions are",
            )
    _same_dtype(x, y, name)


@function()
def dot(input: Tensor, tensor: Tensor):
    """The dot product of two vectors: the sum of the products of their elements.

    Shapes: (n), (n) -> ()
    Derivative: input: g * tensor; tensor: g * input
    Kink: of empty vectors it is 0, as a sum of nothing is.
    Example: x = [1., 2., 3.]
        y = dot(x, [4., 5., 6.])
        y
        backward y
    """
    if input.ndim != 1 or tensor.ndim != 1:
        raise ShapeFailure(
            f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors",
            help="for matrices: `x @ y`; for the sum of all products: `(x * y).sum()`",
        )
    _same_dtype(input, tensor, "dot")
    if input.shape != tensor.shape:
        raise linear.matmul_clash(input.shape, tensor.shape)
    return linear.dot(input, tensor)


@function(also=("linalg.matmul",), steady=True)
def matmul(input: Tensor, other: Tensor):
    """The matrix product, written `x @ y`: of matrices, of a matrix and a vector, or of batches of matrices.

    Shapes: (..., n, k), (..., k, m) -> (..., n, m), the dims before the last two broadcast; a vector (k) on the left is
        one row, on the right one column, and the result lacks that dim; two vectors -> ()
    Derivative: input: g @ other.mT; other: input.mT @ g; a vector's are those of its row or column, and dims that were
        broadcast are summed
    Kink: a sum over no elements is 0: (2, 0) @ (0, 3) is (2, 3) of zeros.
    Example: A = [[1., 2.], [3., 4.]]
        x = [5., 6.]
        matmul(A, x)
        backward (A @ x)[0]
    """
    return product(input, other)


@function()
def mm(input: Tensor, mat2: Tensor):
    """The product of two matrices, without broadcasting.

    Shapes: (n, k), (k, m) -> (n, m)
    Derivative: input: g @ mat2.mT; mat2: input.mT @ g
    Example: A = [[1., 2.], [3., 4.]]
        B = [[5.], [6.]]
        mm(A, B)
        backward mm(A, B).sum()
    """
    _expects(input, mat2, "mm", (2, 2))
    return linear.mm(input, mat2)


@function()
def mv(input: Tensor, vec: Tensor):
    """The product of a matrix and a vector: the dot product of every row with it.

    Shapes: (n, k), (k) -> (n)
    Derivative: input: outer(g, vec); vec: input.mT @ g
    Example: A = [[1., 2.], [3., 4.]]
        x = [5., 6.]
        y = mv(A, x)
        y
        backward y.sum()
    """
    _expects(input, vec, "mv", (2, 1))
    return linear.mv(input, vec)


@function()
def bmm(input: Tensor, mat2: Tensor):
    """The products of two batches of matrices, each with the one at the same place.

    Shapes: (b, n, k), (b, k, m) -> (b, n, m)
    Derivative: input: g @ mat2.mT; mat2: input.mT @ g
    Example: X = [[[1., 2.]], [[3., 4.]]]
        Y = bmm(X, [[[1.], [1.]], [[2.], [3.]]])
        Y
        backward Y.sum()
    """
    _expects(input, mat2, "bmm", (3, 3))
    if input.shape[0] != mat2.shape[0]:
        raise ShapeFailure(
            f"Expected size for first two dimensions of batch2 tensor to be: [{input.shape[0]}, "
            f"{input.shape[2]}] but got: "
            f"[{mat2.shape[0]}, {mat2.shape[1]}]."
        )
    return linear.bmm(input, mat2)


@function(also=("ger",))
def outer(input: Tensor, vec2: Tensor):
    """The matrix of all products of two vectors' elements.

    Shapes: (n), (m) -> (n, m)
    Derivative: input: g @ vec2; vec2: g.mT @ input
    Example: x = [1., 2.]
        A = outer(x, [3., 4., 5.])
        A
        backward A.sum()
    """
    if input.ndim != 1 or vec2.ndim != 1:
        raise ShapeFailure(f"outer: Expected 1-D arguments, and these are {input.ndim}-D and {vec2.ndim}-D")
    return e.mul(s.reshape(input, (-1, 1)), s.reshape(vec2, (1, -1)))


@function()
def inner(input: Tensor, other: Tensor):
    """The dot products over the last dims: of every vector of input with every vector of other.

    Shapes: (..., k), (*, k) -> (..., *): (n, k), (m, k) -> (n, m); a number multiplies any tensor
    Derivative: of vectors input: g * other; other: g * input; of matrices input: g @ other; other: g.mT @ input, and of
        more dims the same, summed over all of them but the last
    Example: x = [[1., 2.], [3., 4.]]
        y = inner(x, [10., 1.])
        y
        backward y[0]
    """
    if not input.ndim or not other.ndim:
        return e.mul(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise ShapeFailure(
            f"inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} and "
            f"{list(other.shape)}"
        )
    letters = "abcdefghijklmnopqrstuvw"
    left, right = letters[: input.ndim - 1], letters[input.ndim - 1 : input.ndim + other.ndim - 2]
    if not left and not right:
        return linear.dot(input, other)
    return linear.einsum([input, other], f"{left}z,{right}z->{left}{right}")


@function()
def trace(input: Tensor):
    """The sum of a matrix's diagonal.

    Shapes: (n, m) -> ()
    Derivative: g * eye(n, m)
    Example: A = [[1., 2.], [3., 4.]]
        trace(A)
        backward trace(A @ A)
    """
    if input.ndim != 2:
        raise ShapeFailure(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return linear.trace(input)


@function(plain=True)
def einsum(equation, *operands):
    """A sum of products by Einstein's convention: `einsum("ij,jk->ik", x, y)` is the product of two matrices.

    Each operand's dims are letters, and `...` stands for any others. The letters behind the arrow are the dims of the
    result; over all others is summed. A letter that stands twice in one operand takes its diagonal. Without an arrow
    the result has the letters that occur once, in alphabetical order.

    Shapes: a letter's dims have one size, or 1 -> the sizes of the letters behind the arrow
    Derivative: each operand: g and the other operands, summed into its letters; of "ij,jk->ik" einsum("ik,jk->ij", g,
        y) and einsum("ij,ik->jk", x, g)
    Example: A = [[1., 2.], [3., 4.]]
        einsum("ij->j", A)
        y = einsum("i,ij,j", [1., 2.], A, [1., 1.])
        y
        backward y
    """
    equation = Text(equation)
    tensors = Tensors(
        list(operands[0]) if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else list(operands)
    )
    if not tensors:
        raise TypeFailure("einsum() needs the tensors that its equation speaks of")
    subscripts, tensors = _written_out(equation, promoted(*tensors))
    return linear.einsum(tensors, subscripts)


def _written_out(equation: str, tensors: list[Tensor]) -> tuple[str, list[Tensor]]:
    """The equation with its output and without `...`, and each letter once in every operand.

    A letter that occurs twice in an operand (a diagonal) gets a second name there, tied to the first by an identity
    matrix: so the gradient of a diagonal is no case of its own.
    """
    text = equation.replace(" ", "")
    left, arrow, output = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        raise ValueFailure(
            f"einsum(): the equation has {len(terms)} operand{'s' * (len(terms) != 1)}, and {len(tensors)} were given"
        )
    used = {c for c in text if c.isalpha()}
    if any(not (c.isalpha() or c in ".,->") for c in text):
        raise ValueFailure(f'einsum(): letters, commas, `...` and `->` make an equation, and this is "{equation}"')
    spare = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in used]
    batch = max(
        (x.ndim - len(term.replace("...", "")) for term, x in zip(terms, tensors, strict=True) if "..." in term),
        default=0,
    )
    dots = "".join(spare[:batch])
    spare = spare[batch:]
    whole = []
    for number, (term, x) in enumerate(zip(terms, tensors, strict=True)):
        n = x.ndim - len(term.replace("...", ""))
        if n < 0 or (n > 0 and "..." not in term):
            raise ShapeFailure(
                f"einsum(): the number of subscripts in the equation ({len(term.replace('...', ''))}) "
                "does not match the "
                f"number of dimensions ({x.ndim}) for operand {number}"
            )
        whole.append(term.replace("...", dots[len(dots) - n :] if n else ""))
    if not arrow:
        letters = "".join(whole)
        output = dots + "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))
    else:
        output = output.replace("...", dots)
    if len(set(output)) != len(output) or set(output) - set("".join(whole)):
        raise ValueFailure(f'einsum(): each letter of the output "{output}" must stand once there, and in an operand')
    sizes: dict[str, int] = {}
    for term, x in zip(whole, tensors, strict=True):
        for letter, n in zip(term, x.shape, strict=True):
            if sizes.get(letter, 1) not in (1, n) and n != 1:
                raise ShapeFailure(
                    f"einsum(): subscript {letter} has size {n} for one operand which does not "
                    "broadcast with previously "
                    f"seen size {sizes[letter]}"
                )
            sizes[letter] = max(n, sizes.get(letter, 1)) if n else 0
    ties: list[tuple[str, Tensor]] = []
    for k, term in enumerate(whole):
        seen = ""
        for letter in term:
            if letter in seen:
                second = spare.pop(0)
                ties.append((letter + second, Tensor(np.eye(sizes[letter], dtype=tensors[k].dtype))))
                seen += second
            else:
                seen += letter
        whole[k] = seen
    return f"{','.join([*whole, *(t for t, _ in ties)])}->{output}", [*tensors, *(x for _, x in ties)]
