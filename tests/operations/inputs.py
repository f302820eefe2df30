"""The arrays that the cases name, and what PyTorch gave for each case.

The arrays are literals, so they are the same bits on every machine. Their values are multiples of 1/16: exact in
float32 too, so that a case in float32 stands at the same point as in float64, with the same ties and the same kinks.
"""

import base64
import functools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

GOLDEN_FILE = Path(__file__).parent.parent / "golden" / "ops.json"
VARIANTS = ("float64", "float32", "strided")


def _real(*sixteenths: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.array([count / 16 for count in sixteenths]).reshape(shape)


def _spread(step: int, shape: tuple[int, ...]) -> np.ndarray:
    """Odd sixteenths about 0, each once, in steps that leave no pattern."""
    size = int(np.prod(shape))
    return ((2 * (step * np.arange(size) % size) - size + 1) / 16).reshape(shape)


# Down to the edges, no value is whole or a half and no two of an input agree in size, and x divided by y, row, col or s
# is never whole: no case is near a kink unless its expression or its inputs say so.
INPUTS: dict[str, np.ndarray] = {
    "x": _real(13, -19, 37, -5, 27, 3, -43, 17, -11, 51, -29, 7, shape=(3, 4)),
    "y": _real(-23, 9, 21, 33, -15, -35, 11, -25, 31, 5, -7, 45, shape=(3, 4)),
    "v": _real(11, -21, 6, 35, shape=(4,)),
    "w": _real(-14, 19, 43, -5, shape=(4,)),
    "row": _real(21, -13, 7, -30, shape=(1, 4)),
    "col": _real(-18, 25, 10, shape=(3, 1)),
    "s": _real(20, shape=()),
    "r": _real(-11, shape=()),
    "one": _real(22, shape=(1,)),
    # domains
    "p": _real(9, 21, 39, 3, 49, 15, 27, 5, 35, 11, 17, 69, shape=(3, 4)),  # p > 0
    "u": _real(3, -11, 7, -2, 13, 1, -14, 9, -5, 10, -12, 6, shape=(3, 4)),  # -0.9 < u < 0.9
    "q": _real(17, 41, 23, 29, 53, 19, 37, 25, 71, 21, 31, 45, shape=(3, 4)),  # q > 1
    # matrices
    "m": _real(37, -9, 14, 5, 29, -19, -13, 7, 43, shape=(3, 3)),
    "n": _real(-27, 11, 3, 18, 39, -6, 21, -13, 25, shape=(3, 3)),
    "a": _real(7, -22, 13, 41, -3, 19, 5, -30, 11, 26, -15, 33, 9, -4, 21, shape=(3, 5)),
    "b": _real(-11, 23, 14, -6, 37, 3, -19, 28, 9, -25, shape=(5, 2)),
    "batch": _real(21, -5, 13, 12, 34, -17, -26, 3, 29, 15, 11, -22, -7, 27, 4, 19, -14, 31, shape=(2, 3, 3)),
    "cube": _real(
        *(14, -7, 33, 5, -21, 27, -3, 18, 9, -35, 22, 1),
        *(-17, 41, 6, -29, 13, -2, 38, 25, -11, 30, -26, 10),
        shape=(2, 3, 4),
    ),
    # images (samples, channels, ...) and kernels (out, in, ...): all elements of one differ
    "image": _spread(37, shape=(1, 4, 4, 5)),
    "volume": _spread(29, shape=(1, 2, 3, 3, 4)),
    "filters": _spread(29, shape=(4, 2, 2, 3)),
    # edges
    "blank": np.zeros((0,)),
    "blank2": np.zeros((0, 3)),
    "zeros4": np.zeros((4,)),
    "ties": _real(16, 48, 48, 32, 32, 32, 32, 32, 0, -16, 0, -16, shape=(3, 4)),
    "kinks": np.array([-2.5, -1.5, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 1.5, 2.5]),
    "gap": _real(24, -12, 20, 36, 28, 0, -20, 12, 0, 40, 0, -28, shape=(3, 4)),  # rows with no, one and two zeros
    "nonfinite": np.array([np.inf, -np.inf, np.nan, 0.0, 1.5, -2.0]),
    # other dtypes
    "single": _real(18, -7, 29, 12, shape=(4,)).astype(np.float32),  # float32 in every variant
    "index": np.array([[2, 0], [1, 1], [0, 2]], dtype=np.int64),
    "pick": np.array([2, 0, 2], dtype=np.int64),
    "mask": np.array([[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 0, 0]], dtype=bool),
    "keep": np.array([True, False, True]),
}
for _array in INPUTS.values():
    _array.flags.writeable = False


def weights(shape: tuple[int, ...], which: int = 0) -> np.ndarray:
    """The vector that a result's gradient is taken with: odd eighths without a pattern that sums cancel. float64."""
    size = int(np.prod(shape, dtype=np.int64))
    return ((((5 * np.arange(size) + 3 * which) % 13) * 2 - 13) / 8).reshape(shape)


def make_inputs(names: tuple[str, ...], variant: str = "float64") -> dict[str, np.ndarray]:
    """The named arrays in a variant: read-only, but for "strided", whose arrays are views that own no memory."""
    convert = {"float64": _as_they_are, "float32": _as_float32, "strided": _strided}[variant]
    return {name: convert(INPUTS[name]) for name in names}


def _as_they_are(array: np.ndarray) -> np.ndarray:
    return array


def _as_float32(array: np.ndarray) -> np.ndarray:
    if array.dtype != np.float64:
        return array
    array = array.astype(np.float32)
    array.flags.writeable = False
    return array


def _strided(array: np.ndarray) -> np.ndarray:
    """The same values in the opposite order of dimensions, with gaps: what reads the memory straight gives nonsense."""
    gap = np.nan if array.dtype.kind == "f" else True
    memory = np.full((*array.shape[::-1], 2), gap, dtype=array.dtype)
    memory[..., 1] = array.T
    return memory[..., 1].T


@dataclass(frozen=True, eq=False)
class Golden:
    """What PyTorch gave for one case in one variant.

    `gradients` are those of the sum over results k of `(result * weights(result.shape, k)).sum()`, integer and bool
    results left out. `second` are those of the sum over inputs i, in the order of `inputs`, of
    `(gradient * weights(gradient.shape, i + 1)).sum()`. An input that isn't there has no gradient (None in PyTorch,
    zero in mathematics). `second` is None where PyTorch has no second derivative, `gradients` where it has not even a
    first: then `error` is what it said. Where the expression itself fails, `error` is there and `values` is empty.
    """

    function: str
    expression: str
    variant: str
    inputs: tuple[str, ...]
    values: tuple[object, ...]  # an array for each tensor, else the plain number, bool, string or list
    grad_fns: tuple[str | None, ...]  # as long as values
    gradients: dict[str, np.ndarray] | None
    second: dict[str, np.ndarray] | None
    exception: str | None  # the name of the exception's class
    error: str | None  # the first line of its message

    @property
    def id(self) -> str:
        return f"{self.expression} [{self.variant}]"

    @property
    def differentiable(self) -> bool:
        return bool(self.gradients)

    def arrays(self) -> dict[str, np.ndarray]:
        return make_inputs(self.inputs, self.variant)


@functools.cache
def read_golden(file: Path = GOLDEN_FILE) -> tuple[Golden, ...]:
    """Every case in every variant that was recorded, in the order of the cases."""
    document = json.loads(file.read_text(encoding="utf-8"))
    return tuple(_golden(case, variant) for case in document["cases"] for variant in VARIANTS if variant in case)


def _golden(case: dict, variant: str) -> Golden:
    record = case[variant]
    if isinstance(record, str):  # the same as in the variant named
        record = case[record]
    head = (case["function"], case["expression"], variant, tuple(case["inputs"]))
    values = tuple(decode(value) for value in record.get("values", ()))
    return Golden(
        *head,
        values=values,
        grad_fns=tuple(record.get("grad_fns", [None] * len(values))),
        gradients=_arrays(record.get("gradients", {})),
        second=_arrays(record.get("second", {})),
        exception=record.get("exception"),
        error=record.get("error"),
    )


def _arrays(encoded: dict[str, dict] | None) -> dict[str, np.ndarray] | None:
    return None if encoded is None else {name: decode(value) for name, value in encoded.items()}


def encode(value: object) -> object:
    """An array as `{"float64[3,4]": base64 of its little-endian bytes}`; a plain value as JSON, in a list of one."""
    if not isinstance(value, np.ndarray):
        return [_strict(value)]
    if value.dtype.kind == "f":
        # One NaN for all: the sign of a NaN differs between machines, and would make a difference in the file.
        value = np.where(np.isnan(value), np.asarray(np.nan, value.dtype), value)
    data = value.astype(value.dtype.newbyteorder("<")).tobytes()
    return {f"{value.dtype.name}[{','.join(map(str, value.shape))}]": base64.b64encode(data).decode("ascii")}


def decode(value: object) -> object:
    """The inverse of `encode`."""
    if isinstance(value, list):
        return _loose(value[0])
    ((kind, data),) = value.items()
    name, _, sizes = kind[:-1].partition("[")
    shape = tuple(int(size) for size in sizes.split(",") if size)
    dtype = np.dtype(name)
    return np.frombuffer(base64.b64decode(data), dtype.newbyteorder("<")).astype(dtype, copy=False).reshape(shape)


def _strict(value: object) -> object:
    """Strict JSON has no non-finite numbers: they go as {"float": "nan"}."""
    if isinstance(value, (list, tuple)):
        return [_strict(part) for part in value]
    if isinstance(value, float) and not np.isfinite(value):
        return {"float": repr(value)}
    return value


def _loose(value: object) -> object:
    if isinstance(value, list):
        return [_loose(part) for part in value]
    if isinstance(value, dict):
        return float(value["float"])
    return value
