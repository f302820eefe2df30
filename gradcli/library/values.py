"""Values a script meets beside tensors and numbers: shapes, dtypes, handles, results with named parts."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from gradcli.engine import Tensor, as_tensor
from gradcli.errors import IndexFailure, TypeFailure


class List(list):
    """A list of the language. Arithmetic takes the tensor that its elements stack to; `+` of two lists joins them."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        if key.__class__ is tuple and stacks(self):
            return as_tensor(self)[key]
        part = list.__getitem__(self, key)
        return List(part) if key.__class__ is slice else part

    def __add__(self, other: Any) -> Any:
        if isinstance(other, list):
            return List([*self, *other])
        if type(other) is Tensor and not stacks(self):
            raise TypeFailure(
                "`+` isn't defined for a list and a tensor",
                help="`xs.append(v)` puts a value at the end of a list, `cat([a, b])` joins tensors",
            )
        return _stacked(operator.add, self, other)

    def __mul__(self, other: Any) -> Any:
        if type(other) is int and not stacks(self):
            return List(list.__mul__(self, other))
        return _stacked(operator.mul, self, other)

    def copy(self) -> List:
        return List(self)


def stacks(values: Any) -> bool:
    """Whether a list holds tensors and numbers alone, so that it stands for the tensor that they stack to."""
    return bool(values) and all(
        type(value) in (Tensor, float, int, bool) or (type(value) is List and stacks(value)) for value in values
    )


def _stacked(operation: Any, values: List, other: Any) -> Any:
    return operation(as_tensor(values), other) if stacks(values) else NotImplemented


def _with_operators(names: str) -> None:
    for name in names.split():
        operation = getattr(operator, name)
        if f"__{name}__" not in List.__dict__:
            setattr(List, f"__{name}__", lambda self, other, by=operation: _stacked(by, self, other))
        if name not in ("lt", "le", "gt", "ge"):
            by_right = lambda self, other, by=operation: (  # noqa: E731
                by(other, as_tensor(self)) if stacks(self) else NotImplemented
            )
            setattr(List, f"__r{name}__", by_right)


_with_operators("add sub mul truediv floordiv mod matmul pow lt le gt ge")
List.__neg__ = lambda self: _stacked(lambda x, _: -x, self, None)  # type: ignore[attr-defined]


class Size(tuple):
    """A shape, printed as torch prints it."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        try:
            part = tuple.__getitem__(self, key)
        except IndexError:
            # Python also says so of a number that is no machine word.
            raise IndexFailure(
                f"index {key} is out of bounds for a shape of {len(self)} dimension{'s' * (len(self) != 1)}",
                help="dims count from 0; negative ones from the end",
            ) from None
        return Size(part) if isinstance(key, slice) else part

    def __add__(self, other: Any) -> Any:
        return Size((*self, *other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return Size((*other, *self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, count: Any) -> Any:
        return Size(tuple.__mul__(self, count))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        product = 1
        for size in self:
            product *= size
        return product


class DType:
    """A dtype word of the language, `float64` and its like."""

    __slots__ = ("name", "numpy")

    def __init__(self, name: str) -> None:
        self.name = name
        self.numpy = np.dtype(name)

    @property
    def is_floating_point(self) -> bool:
        return self.numpy.kind == "f"

    def __repr__(self) -> str:
        return f"torch.{self.name}"


class TruthWord(DType):
    """`bool`: the dtype, and Python's function of that name."""

    __slots__ = ()

    def __call__(self, *values: Any) -> bool:
        if len(values) > 1:
            raise TypeFailure(f"bool() takes 1 argument, and got {len(values)}", help="it is called bool(value=false)")
        return bool(*values)


DTYPES = {
    name: TruthWord(name) if name == "bool" else DType(name)
    for name in ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
}
DTYPE_WORDS = DTYPES | {
    "double": DTYPES["float64"], "float": DTYPES["float32"], "half": DTYPES["float16"],
    "long": DTYPES["int64"], "int": DTYPES["int32"], "short": DTYPES["int16"],
}  # fmt: skip


def dtype_of(array_dtype: np.dtype) -> DType:
    return DTYPES[array_dtype.name]


class Handle:
    """What `register_hook` returns: `remove()` takes the hook off again."""

    __slots__ = ("_functions", "_key")

    def __init__(self, functions: dict[object, Any], key: object) -> None:
        self._functions = functions
        self._key = key

    def __repr__(self) -> str:
        return "<hook>"

    def remove(self) -> None:
        self._functions.pop(self._key, None)


class Parts(tuple):
    """Several results with torch's field names: they unpack, and `.values` is the first of them."""

    __slots__ = ()
    fields: tuple[str, ...] = ()
    kind = ""

    def __repr__(self) -> str:
        inner = ",\n".join(f"{name}={value!r}" for name, value in zip(self.fields, self, strict=True))
        return f"torch.return_types.{self.kind}(\n{inner})"


def parts_type(kind: str, *fields: str) -> type[Parts]:
    """The type of a function's results, such as `max`'s values and indices."""
    return type(kind, (Parts,), {"__slots__": (), "fields": fields, "kind": kind})


def text_of(value: Any, quoted: bool = False, outer: tuple[int, ...] = ()) -> str:
    """A value as print writes it (`quoted`: as it stands in a list); a function by its name, without an address."""
    if type(value) in (List, list, tuple):
        if id(value) in outer:
            return "(...)" if type(value) is tuple else "[...]"
        inner = ", ".join(text_of(item, True, (*outer, id(value))) for item in value)
        comma = "," if type(value) is tuple and len(value) == 1 else ""
        return f"({inner}{comma})" if type(value) is tuple else f"[{inner}]"
    name = getattr(value, "__name__", None)
    if callable(value) and isinstance(name, str):
        return f"<function {name}>" if name.isidentifier() or name.endswith("'") else "<function>"
    return repr(value) if quoted else str(value)
