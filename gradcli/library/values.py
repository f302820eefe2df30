"""Values a script meets beside tensors and numbers: shapes, dtypes, handles, results with named parts."""

from __future__ import annotations

from typing import Any

import numpy as np


class Size(tuple):
    """A shape, printed as torch prints it."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        part = tuple.__getitem__(self, key)
        return Size(part) if isinstance(key, slice) else part

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


DTYPES = {
    name: DType(name) for name in ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
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
    if type(value) in (list, tuple):
        if id(value) in outer:
            return "[...]" if type(value) is list else "(...)"
        inner = ", ".join(text_of(item, True, (*outer, id(value))) for item in value)
        comma = "," if type(value) is tuple and len(value) == 1 else ""
        return f"[{inner}]" if type(value) is list else f"({inner}{comma})"
    name = getattr(value, "__name__", None)
    if callable(value) and isinstance(name, str):
        return f"<function {name}>" if name.isidentifier() or name.endswith("'") else "<function>"
    return repr(value) if quoted else str(value)
