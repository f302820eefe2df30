"""Writes notation.json: tensors of every kind, and the text that PyTorch prints for them.

Needs torch, which neither gradcli nor its tests do: run it by hand, `python tests/golden/make_notation.py`, and commit
the file. One case a line:

    {"id": ..., "dtype": "float64", "shape": [2, 2], "data": [...], "options": {...}, "text": "tensor(..."}

data: the elements in order, with "nan", "inf", "-inf" as strings and complex numbers as pairs; or, for large tensors,
{"start": a, "step": b}, element k being a + b*k (computed in float64, then cast).
options: the arguments of `tensor_text` that differ from its defaults.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch

TARGET = Path(__file__).with_name("notation.json")
NAN, INF = math.nan, math.inf
WHOLE_DTYPES = ("int64", "int32", "int16", "int8", "uint8")
LONG_NAMES = (
    "NativeBatchNormBackward",
    "BinaryCrossEntropyWithLogitsBackward",
    "AVeryLongFunctionNameThatNoLineOfEightyColumnsHasAnyRoomLeftForBackward",
)

cases: list[dict] = []


def case(name: str, data, dtype: str = "float64", shape: tuple[int, ...] | None = None, **options) -> None:
    """Adds a case; `data` is nested lists, an array, or (start, step) with `shape`."""
    if isinstance(data, tuple):
        start, step = data
        array = (start + step * np.arange(math.prod(shape), dtype=np.float64)).astype(dtype).reshape(shape)
        stored = {"start": start, "step": step}
    else:
        array = np.asarray(data, dtype=dtype)
        array = array if shape is None else array.reshape(shape)
        stored = [plain(value) for value in array.reshape(-1).tolist()]
    if any(known["id"] == name for known in cases):
        raise ValueError(f"two cases are called {name}")
    text = printed(array, **options)
    cases.append({"id": name, "dtype": dtype, "shape": array.shape, "data": stored, "options": options, "text": text})


def plain(value):
    if isinstance(value, complex):
        return [plain(value.real), plain(value.imag)]
    return value if math.isfinite(value) else str(value)


def printed(
    array: np.ndarray,
    *,
    requires_grad: bool = False,
    grad_fn: str | None = None,
    default_dtype: str = "float64",
    precision: int = 4,
    width: int = 80,
    threshold: float = 1000,
    edge: int = 3,
    indent: int = 0,
) -> str:
    torch.set_default_dtype(getattr(torch, default_dtype))
    torch.set_printoptions(precision=precision, linewidth=width, threshold=threshold, edgeitems=edge)
    tensor = torch.from_numpy(array.copy())
    if indent:
        # PyTorch prints the name of a subclass, and aligns to it: a longer name is an indentation.
        return repr(tensor.as_subclass(type("_" * indent + "tensor", (torch.Tensor,), {})))[indent:]
    if grad_fn is not None:
        return repr(made_by(grad_fn, tensor.requires_grad_()))
    return repr(tensor.requires_grad_(requires_grad))


def made_by(grad_fn: str, tensor: torch.Tensor) -> torch.Tensor:
    """The same elements, as the result of an operation whose node has that name."""
    builtin = {
        "MulBackward0": lambda t: t * 1,
        "CloneBackward0": torch.clone,
        "ViewBackward0": lambda t: t.view(t.shape),
        "AliasBackward0": torch.ops.aten.alias,
    }
    if grad_fn in builtin:
        result = builtin[grad_fn](tensor)
    else:
        function = type(grad_fn.removesuffix("Backward"), (torch.autograd.Function,), {"forward": copied})
        result = function.apply(tensor)
    if type(result.grad_fn).__name__ != grad_fn:
        raise ValueError(f"asked for {grad_fn}, made {type(result.grad_fn).__name__}")
    return result


@staticmethod
def copied(ctx, tensor: torch.Tensor) -> torch.Tensor:
    return tensor.clone()


def scalars() -> None:
    values = {
        "zero": 0.0, "negative-zero": -0.0, "one": 1.0, "28": 28.0, "negative": -3.0, "half": 0.5, "pi": math.pi,
        "rounds-up": 0.99995, "tie-even": 0.03125, "1e-4": 1e-4, "below-1e-4": 9.9999e-5, "1e8": 1e8,
        "above-1e8": 100000001.0, "just-above-1e8": 1e8 + 0.5, "large-fraction": 12345678.9, "1e300": 1e300,
        "1e308": 1e308, "1e-300": 1e-300, "smallest-subnormal": 5e-324, "largest": 1.7976931348623157e308,
        "nan": NAN, "inf": INF, "negative-inf": -INF,
    }  # fmt: skip
    for name, value in values.items():
        case(f"scalar-{name}", value)
    for name in ("28", "pi", "1e-4", "1e8", "nan", "negative-zero"):
        case(f"scalar-float32-{name}", values[name], "float32")
        case(f"scalar-float32-as-default-{name}", values[name], "float32", default_dtype="float32")
    case("scalar-float64-under-float32", math.pi, default_dtype="float32")
    case("scalar-float16", math.pi, "float16")
    case("scalar-float16-largest", 65504.0, "float16")
    case("scalar-float16-subnormal", 6e-8, "float16")
    case("scalar-mul", 28.0, grad_fn="MulBackward0")
    case("scalar-mul-float32", 0.1, "float32", grad_fn="MulBackward0")
    case("scalar-requires-grad", 3.0, requires_grad=True)
    case("scalar-true", True, "bool")
    case("scalar-false", False, "bool")
    for dtype in WHOLE_DTYPES:
        case(f"scalar-{dtype}", 7, dtype)
    case("scalar-int64-smallest", -(2**63), "int64")
    case("scalar-complex", 1.5 - 2j, "complex128")


def scientific_switch() -> None:
    vectors = {
        "ratio-1000": [1.0, 1000.0], "ratio-above-1000": [1.0, 1001.0], "ratio-1000-fraction": [0.5, 500.0],
        "ratio-above-fraction": [0.5, 500.001], "ratio-rounding": [0.1, 100.0], "ratio-barely": [1.0, 1000.0000001],
        "max-1e8": [1e8, 5e7], "max-above-1e8": [1e8 + 1, 5e7], "max-1e8-fraction": [1e8, 99999999.5],
        "max-negative": [-1e8 - 1, 5e7], "min-1e-4": [1e-4, 2e-4], "min-below-1e-4": [9.99e-5, 2e-4],
        "min-with-zero": [0.0, 1e-4], "below-with-zero": [0.0, 9e-5], "whole-with-zero": [0.0, 1.0, 2000.0],
        "ratio-with-inf": [1.0, INF, 10.0], "ratio-with-nan": [0.001, NAN, 10.0],
        "exponent-of-three-digits": [1e-300, 1e300, 1.0], "overflowing-ratio": [5e-324, 1e308],
        "subnormals": [5e-324, 2.5e-310, -1e-320], "negative-mantissas": [-1e-5, 1e5, -1.0],
        "zeros-nan-inf": [0.0, -0.0, NAN, INF, -INF, 1e-9, 1e9],
    }  # fmt: skip
    for name, data in vectors.items():
        case(f"switch-{name}", data)
    for name in ("ratio-1000", "ratio-rounding", "min-1e-4", "max-above-1e8", "zeros-nan-inf"):
        case(f"switch-float32-{name}", vectors[name], "float32", default_dtype="float32")
    case("switch-float32-subnormals", [1e-45, 1e-40, 1.1754944e-38], "float32")
    case("switch-float32-largest", [3.4028235e38, -3.4028235e38], "float32")
    case("switch-float16-ratio", [0.001, 1.0, 60000.0], "float16")
    case("switch-float16-1e-4", [1e-4, 2e-4], "float16")


def columns() -> None:
    vectors = {
        "whole": [0.0, 4.0, 8.0, 12.0], "one-digit": [0.0, 1.0, 2.0, 3.0], "negative-whole": [-1.0, 0.0, 1.0],
        "all-zero": [0.0, 0.0], "negative-zeros": [-0.0, 0.0], "negative-zero-beside-fraction": [-0.0, 0.5],
        "negative-zero-beside-whole": [-0.0, 5.0], "thirds": [1 / 3, 2 / 3, 1.0], "mixed-signs": [-0.25, 100.125],
        "mixed-magnitudes": [0.01, 1.5, 9.99], "rounds-to-wider": [9.99995, 1.0], "rounds-to-zero": [0.00010001, 0.05],
        "ties": [0.00625, 0.01875, 2.5, 0.5], "one-element": [42.0], "one-fraction": [0.1],
        "nan": [NAN], "inf": [INF], "nans": [NAN, NAN, NAN], "infs": [INF, -INF], "nan-inf": [NAN, -INF, INF],
        "nan-zero": [NAN, 0.0], "nan-whole": [NAN, 1.0], "nan-fraction": [NAN, 0.5], "inf-whole": [-INF, 1.0, 22.0],
        "inf-fraction": [INF, 0.25, -INF], "nan-two-digits": [NAN, 10.0, -0.0], "nan-large": [NAN, 12345.0, 100.0],
    }  # fmt: skip
    for name, data in vectors.items():
        case(f"vector-{name}", data)
    case("vector-float32-tenths", [0.1, 0.2, 0.3], "float32")
    case("vector-float32-as-default", [0.1, 0.2, 0.3], "float32", default_dtype="float32")
    case("vector-float64-under-float32", [0.1, 0.2, 0.3], default_dtype="float32")
    case("vector-float16", [0.1, 2.0, -3.5], "float16")
    case("vector-float16-under-float32", [1.0, 2.0], "float16", default_dtype="float32")
    case("vector-float16-as-default", [1.0, 2.0], "float16", default_dtype="float16")
    case("vector-float32-ties", [0.00625, 2.00005, 1.00015], "float32")
    case("vector-float16-special", [NAN, INF, -INF, -0.0, 6e-8], "float16")
    case("vector-bool", [True, False, True], "bool")
    case("vector-all-true", [True, True], "bool")
    case("vector-all-false", [False], "bool")
    case("matrix-bool", [[True, False], [False, False]], "bool")
    for dtype in WHOLE_DTYPES:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        case(f"vector-{dtype}", [1, 10, 100], dtype)
        case(f"vector-{dtype}-limits", [low, 0, high], dtype)
        case(f"vector-{dtype}-under-float32", [1, 2], dtype, default_dtype="float32")
    case("matrix-int64-negative", [[-1, 20], [300, -4000]], "int64")
    case("vector-complex", [1 + 2j, -1.5 - 0.25j, 0j], "complex128")
    case("vector-complex64", [1 + 2j, complex(NAN, -INF)], "complex64")
    case("vector-complex64-under-float32", [1 + 2j, 3j], "complex64", default_dtype="float32")
    case("matrix-complex", [[1e-6 + 1j, 1 - 100j], [1j, complex(-0.0, -0.0)]], "complex128")


def empty() -> None:
    for shape in ((0,), (0, 3), (3, 0), (1, 0, 2), (0, 0), (0, 1, 2, 3), (2, 2, 2, 2, 0)):
        name = "x".join(map(str, shape))
        for dtype in ("float64", "float32", "int64", "bool"):
            case(f"empty-{name}-{dtype}", [], dtype, shape)
        case(f"empty-{name}-requires-grad", [], "float64", shape, requires_grad=True)
    case("empty-float32-as-default", [], "float32", (0,), default_dtype="float32")
    case("empty-float64-under-float32", [], "float64", (0, 3), default_dtype="float32")
    case("empty-uint8", [], "uint8", (0, 3))
    case("empty-complex", [], "complex128", (0,))
    case("empty-long-grad-fn", [], "float32", (2, 0, 3), grad_fn=LONG_NAMES[1])


def dimensions() -> None:
    for shape in ((1, 1), (2, 3), (3, 1), (1, 3), (2, 2, 2), (1, 1, 1), (2, 1, 3), (2, 2, 2, 2), (1, 2, 1, 2),
                  (2, 1, 2, 1, 2), (1, 1, 1, 1, 1)):  # fmt: skip
        name = "x".join(map(str, shape))
        case(f"shape-{name}-whole", (0, 1), "float64", shape)
        case(f"shape-{name}-fractions", (-1, 0.75), "float64", shape)
        case(f"shape-{name}-int32", (0, 1), "int32", shape)
    case("matrix-of-zeros", (0, 0), "float64", (3, 3))
    case("matrix-nan-row", [[NAN, NAN], [1.0, 2.5]])
    case("matrix-scientific", [[1e-5, 1.0], [1e5, -1.0]])


def rows_that_wrap() -> None:
    for count in (10, 11, 16, 17, 20, 40, 100, 999, 1000):
        case(f"wrap-{count}-whole", (0, 1), "float64", (count,))
    for count in (8, 9, 10, 18, 27):
        case(f"wrap-{count}-fractions", (0, 0.1), "float64", (count,))
        case(f"wrap-{count}-float32-grad", (0, 0.1), "float32", (count,), requires_grad=True)
        case(f"wrap-{count}-scientific", (1e-6, 0.1), "float64", (count,))
    case("wrap-int64", (0, 1), "int64", (60,))
    case("wrap-bool", (0, 1), "bool", (30,))
    case("wrap-wide-ints", [2**62 + k for k in range(9)], "int64")
    case("wrap-matrix", (0, 1), "float64", (2, 40))
    case("wrap-matrix-fractions", (0, 0.37), "float64", (3, 12))
    case("wrap-3d", (-20, 1.5), "float64", (2, 2, 20))
    case("wrap-complex", [complex(k, -k / 4) for k in range(12)], "complex128")
    case("wrap-one-a-line", (1, 1), "float64", (4,), width=10)
    case("wrap-narrow", (0, 1), "float64", (12,), width=40)
    case("wrap-wide", (0, 1), "float64", (40,), width=120)
    for indent in (1, 9, 25):
        case(f"wrap-indent-{indent}", (0, 1), "float64", (30,), indent=indent)
        case(f"wrap-indent-{indent}-matrix", (0, 0.37), "float32", (2, 9), indent=indent)
    case("wrap-indent-25-suffix", (0, 1), "int32", (14,), indent=25)
    for indent in range(35, 40):
        case(f"wrap-indent-{indent}-suffix", (0, 1), "int32", (5,), indent=indent)


def suffixes() -> None:
    for name in ("MulBackward0", "CloneBackward0", "ViewBackward0", "AliasBackward0", *LONG_NAMES):
        case(f"suffix-{name}", [0.0, 1.0], grad_fn=name)
        case(f"suffix-{name}-float32", (0, 0.25), "float32", (8,), grad_fn=name)
        case(f"suffix-{name}-matrix", (0, 0.25), "float64", (2, 8), grad_fn=name)
    case("suffix-grad-fn-hides-requires-grad", [1.0], grad_fn="MulBackward0", requires_grad=True)
    # Around the 80th column, where the suffix moves to a line of its own.
    for count in range(9, 17):
        case(f"suffix-edge-{count}-requires-grad", (1, 1), "float64", (count,), requires_grad=True)
        case(f"suffix-edge-{count}-mul", (1, 1), "float64", (count,), grad_fn="MulBackward0")
        case(f"suffix-edge-{count}-float32-mul", (1, 1), "float32", (count,), grad_fn="MulBackward0")
        case(f"suffix-edge-{count}-int32", (1, 1), "int32", (count + 4,))
    for letters in range(31, 37):
        case(f"suffix-second-{letters}", (0, 0.25), "float32", (8,), grad_fn="F" * letters + "Backward")
    for letters in range(10, 20):
        case(f"suffix-column-{letters}", (0, 0.5), "float64", (5,), grad_fn="F" * letters + "Backward")


def summaries() -> None:
    for shape in ((1001,), (5000,), (1001, 1), (1, 1001), (2, 501), (501, 2), (40, 40), (7, 200), (200, 7), (6, 200),
                  (11, 10, 10), (2, 3, 300), (300, 2, 3), (2, 300, 3), (7, 7, 7, 7), (2, 2, 2, 2, 80),
                  (1, 1, 1100, 1)):  # fmt: skip
        name = "x".join(map(str, shape))
        case(f"summary-{name}-whole", (0, 1), "float64", shape)
        case(f"summary-{name}-fractions", (-3, 0.01), "float64", shape)
        case(f"summary-{name}-grad-float32", (0, 0.125), "float32", shape, requires_grad=True)
    case("summary-int64", (0, 1), "int64", (2000,))
    case("summary-bool", (0, 1), "bool", (40, 40))
    case("summary-uint8", (0, 0), "uint8", (1200,))
    case("summary-width-of-shown-elements", (-1000, 1), "float64", (2001,))
    case("summary-grad-fn", (0, 1), "float64", (1024, 1024), grad_fn=LONG_NAMES[0])
    case("summary-complex", (0, 1), "complex128", (1500,))
    case("summary-threshold-10", (0, 1), "float64", (4, 3), threshold=10)
    case("summary-threshold-large", (0, 1), "float64", (1100,), threshold=10**9)
    case("summary-edge-1", (0, 1), "float64", (50, 50), edge=1)
    case("summary-edge-5", (0, 0.5), "float64", (5, 2000), edge=5)
    case("summary-edge-0", (0, 1), "float64", (50, 50), edge=0)
    case("summary-edge-0-small", (0, 1), "float32", (2, 2), edge=0)


def precisions() -> None:
    data = [math.pi, -1 / 3, 100.0, 0.125]
    for digits in (0, 1, 2, 6, 8, 10):
        case(f"precision-{digits}", data, precision=digits)
        case(f"precision-{digits}-float32", data, "float32", precision=digits)
        case(f"precision-{digits}-scientific", [1e-7, *data], precision=digits)
        case(f"precision-{digits}-whole", [1.0, 2.0], precision=digits)
        case(f"precision-{digits}-scalar", 2 / 3, precision=digits)
        case(f"precision-{digits}-wrap", (0, 1 / 7), "float64", (14,), precision=digits)


def random_matrices() -> None:
    generator = np.random.default_rng(7)
    for rows, width in ((2, 3), (4, 4), (3, 10), (5, 12), (10, 3)):
        for scale in (1e-4, 1.0, 1e3, 1e7):
            for dtype in ("float64", "float32"):
                data = generator.standard_normal((rows, width)) * scale
                case(f"random-{rows}x{width}-{scale:g}-{dtype}", data, dtype, default_dtype="float32")
    for number in range(12):
        data = 10.0 ** generator.uniform(-6, 9, 6) * generator.choice([-1, 1], 6)
        case(f"random-magnitudes-{number}", data, ("float64", "float32")[number % 2])
        data = generator.choice([0.0, -0.0, NAN, INF, -INF, 1.0, 0.5, 1e-5], (2, 4))
        case(f"random-special-{number}", data, ("float64", "float32", "float16")[number % 3])


def main() -> None:
    for family in (scalars, scientific_switch, columns, empty, dimensions, rows_that_wrap, suffixes, summaries,
                   precisions, random_matrices):  # fmt: skip
        family()
    lines = ",\n".join(json.dumps(entry, separators=(",", ":"), allow_nan=False) for entry in cases)
    TARGET.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(cases)} cases, torch {torch.__version__}")


if __name__ == "__main__":
    main()
