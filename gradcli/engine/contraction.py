"""Einstein sums of arrays, by way of matrix products where that's quicker.

`np.einsum` goes through all combinations of its letters one by one. Where a letter of two operands is summed over, and
each has letters of its own too, every element takes part in many products: then it is a product of matrices, once the
letters are brought into order, and BLAS does it several times faster.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

_WORTH = 2**14
"""How many products it takes for BLAS to save more than the ten microseconds that the rearranging costs."""

_ROOM = 2**24
"""How many elements a product of two may have, of three and more: beyond it all are multiplied at once."""


def contracted(subscripts: str, operands: list[Any]) -> Any:
    """`np.einsum(subscripts, *operands)`.

    What isn't an ndarray of floats, or isn't written out (an implicit output, `...`, a letter twice in an operand), is
    left to np.einsum.
    """
    if prod([array.size for array in operands]) < _WORTH:
        # There can't be more products than that.
        return np.einsum(subscripts, *operands)
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    if not _is_plain(operands, terms, subscripts):
        return np.einsum(subscripts, *operands, optimize=len(operands) > 2)
    sizes: dict[str, int] = {}
    for term, array in zip(terms, operands, strict=True):
        for letter, size in zip(term, array.shape, strict=True):
            # A size of 1 broadcasts.
            if sizes.get(letter, 1) == 1:
                sizes[letter] = size
    if prod(sizes.values()) < _WORTH:
        return np.einsum(subscripts, *operands)
    if len(operands) == 2:
        return _of_two(*operands, *terms, output)
    return _of_several(list(operands), terms, output)


def _is_plain(operands: list[Any], terms: list[str], subscripts: str) -> bool:
    return (
        len(operands) > 1
        and "->" in subscripts
        and "." not in subscripts
        and " " not in subscripts
        and all(type(array) is np.ndarray for array in operands)
        and {array.dtype.char for array in operands} in ({"d"}, {"f"})
        and all(len(set(term)) == len(term) == array.ndim for term, array in zip(terms, operands, strict=True))
    )


def _of_several(operands: list[np.ndarray], terms: list[str], output: str) -> Any:
    """Two at a time, in the order that makes the fewest products."""
    room = max(_ROOM, *(array.size for array in operands))
    path, _ = np.einsum_path(f"{','.join(terms)}->{output}", *operands, optimize=("greedy", room))
    for step in path[1:]:
        picked = sorted(step, reverse=True)
        arrays, letters = [operands.pop(k) for k in picked], [terms.pop(k) for k in picked]
        wanted = set(output).union(*terms)
        result = output if not terms else "".join(dict.fromkeys(c for term in letters for c in term if c in wanted))
        if len(arrays) == 2:
            operands.append(_of_two(*arrays, *letters, result))
        else:
            operands.append(np.einsum(f"{','.join(letters)}->{result}", *arrays))
        terms.append(result)
    return operands[0]


def _of_two(x: np.ndarray, y: np.ndarray, a: str, b: str, output: str) -> Any:
    """The sum for operands x and y with the letters a and b."""
    # What takes part in no product goes first: sizes of 1 that broadcast, letters that are summed over in one alone.
    ones = {c for k, c in enumerate(a) if c in b and x.shape[k] != y.shape[b.index(c)]}
    x, a = _added_up(x, a, [k for k, c in enumerate(a) if c in ones and x.shape[k] == 1])
    y, b = _added_up(y, b, [k for k, c in enumerate(b) if c in ones and y.shape[k] == 1])
    x, a = _added_up(x, a, [k for k, c in enumerate(a) if c not in b and c not in output])
    y, b = _added_up(y, b, [k for k, c in enumerate(b) if c not in a and c not in output])
    shared = [letter for letter in a if letter in b]
    sizes = dict(zip(a + b, x.shape + y.shape, strict=True))
    if any(x.shape[a.index(letter)] != sizes[letter] for letter in shared):
        return np.einsum(f"{a},{b}->{output}", x, y)
    batch = [letter for letter in shared if letter in output]
    inner = [letter for letter in shared if letter not in output]
    rows, columns = [letter for letter in a if letter not in b], [letter for letter in b if letter not in a]

    def shape(*groups: list[str]) -> tuple[int, ...]:
        return tuple(sizes[letter] for group in groups for letter in group)

    n, k, m = prod(shape(rows)), prod(shape(inner)), prod(shape(columns))
    if not inner or n < 2 or m < 2 or prod(sizes.values()) < _WORTH:
        return np.einsum(f"{a},{b}->{output}", x, y)
    x = np.reshape(np.transpose(x, _order(a, batch, rows, inner)), (*shape(batch), n, k))
    y = np.reshape(np.transpose(y, _order(b, batch, inner, columns)), (*shape(batch), k, m))
    z = np.reshape(np.matmul(x, y), shape(batch, rows, columns))
    return np.ascontiguousarray(np.transpose(z, _order("".join([*batch, *rows, *columns]), list(output))))


def _order(letters: str, *groups: list[str]) -> list[int]:
    return [letters.index(letter) for group in groups for letter in group]


def _added_up(x: np.ndarray, a: str, axes: list[int]) -> tuple[np.ndarray, str]:
    """The sum along axes, and the letters that are left."""
    if not axes:
        return x, a
    return np.add.reduce(x, tuple(axes)), "".join(letter for k, letter in enumerate(a) if k not in axes)
