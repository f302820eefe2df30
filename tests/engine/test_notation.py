"""The printed notation against what PyTorch printed (golden/make_notation.py), and what must hold for any array."""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gradcli.engine.notation import tensor_text

pytestmark = pytest.mark.filterwarnings("error")

GOLDEN = Path(__file__).parents[1] / "golden" / "notation.json"
CASES = json.loads(GOLDEN.read_text(encoding="utf-8"))
INTEGERS = ("int64", "int32", "int16", "int8", "uint8")
SHAPES = arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=9)


def rebuilt(case: dict) -> np.ndarray:
    shape, dtype, data = case["shape"], np.dtype(case["dtype"]), case["data"]
    if isinstance(data, dict):
        elements = data["start"] + data["step"] * np.arange(np.prod(shape), dtype=np.float64)
        return elements.astype(dtype).reshape(shape)
    if dtype.kind == "c":
        data = [complex(float(real), float(imag)) for real, imag in data]
    elif dtype.kind == "f":
        data = [float(value) for value in data]
    return np.array(data, dtype=dtype).reshape(shape)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])
def test_prints_what_pytorch_prints(case):
    assert tensor_text(rebuilt(case), **case["options"]) == case["text"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES if case["shape"] == []])
def test_a_numpy_scalar_prints_like_its_0d_array(case):
    assert tensor_text(rebuilt(case)[()], **case["options"]) == case["text"]


@settings(deadline=None)
@given(data=st.data(), dtype=st.sampled_from(INTEGERS), width=st.integers(1, 120))
def test_printed_integers_read_back(data, dtype, width):
    array = data.draw(arrays.arrays(dtype, SHAPES))
    text = tensor_text(array, threshold=np.inf, width=width)
    body = re.fullmatch(r"tensor\((.*?)(,\s+size=\(.*\))?(,\s+dtype=torch\.\w+)?\)", text, re.DOTALL)[1]
    read = np.array(ast.literal_eval(" ".join(body.split())), dtype=dtype)
    np.testing.assert_array_equal(read.reshape(array.shape), array)


@settings(deadline=None)
@given(
    array=st.sampled_from(("float64", "float32", "float16", "complex128", "complex64", "bool", *INTEGERS)).flatmap(
        lambda dtype: arrays.arrays(dtype, SHAPES)
    ),
    requires_grad=st.booleans(),
    grad_fn=st.none() | st.just("MulBackward0"),
    default_dtype=st.sampled_from((np.float64, np.float32)),
    precision=st.integers(0, 20),
    width=st.integers(1, 200),
    threshold=st.integers(0, 1000),
    edge=st.integers(0, 5),
    indent=st.integers(0, 100),
)
def test_any_array_prints_in_balanced_brackets(array, **options):
    text = tensor_text(array, **options)
    assert text.startswith("tensor(")
    assert text.endswith(")")
    assert text.count("[") == text.count("]")
    assert all(line == line.rstrip() for line in text.split("\n"))


@given(value=st.floats(-1.7e308, 1.7e308) | st.sampled_from((np.nan, np.inf, -np.inf)))
def test_a_scalar_keeps_four_digits(value):
    read = float(tensor_text(np.float64(value)).removeprefix("tensor(").removesuffix(")"))
    assert read == pytest.approx(value, rel=1e-4, abs=0.00005, nan_ok=True)


@pytest.mark.parametrize("shape", [(10**12,), (10**6, 10**6), (10**4, 2, 10**4, 10**4)], ids=str)
def test_a_summary_reads_only_what_it_shows(shape):
    one = np.float64(1)
    assert "..." in tensor_text(np.broadcast_to(one, shape))


def test_strides_and_byte_order_leave_no_trace():
    array = np.arange(12.0).reshape(3, 4)
    assert tensor_text(np.asfortranarray(array)) == tensor_text(array)
    assert tensor_text(array.astype(">f8")) == tensor_text(array)
    assert tensor_text(array[::-1, ::-1][::-1, ::-1]) == tensor_text(array)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([object()]), np.array(["2024-01-01"], "datetime64[D]")])
def test_what_pytorch_has_no_dtype_for_is_an_error(array):
    with pytest.raises(TypeError, match="PyTorch has no tensors of dtype"):
        tensor_text(array)
