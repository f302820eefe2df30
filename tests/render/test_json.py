"""JSON lines are strict JSON, as the schema in `docs/` describes it, and give every number back exactly."""

from __future__ import annotations

import inspect
import io
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gradcli import GradcliError, Session, Tensor, errors
from gradcli.analysis import claims, comparing
from gradcli.errors import LimitFailure, ShapeFailure, Span
from gradcli.events import Event, Grad, Printed, Value, Warned
from gradcli.render.json_lines import JsonRenderer, encoded, shortest

SCHEMA = Path(__file__).parents[2] / "docs" / "output.schema.json"

SPAN = Span("fit.gr", 3, 10, 3, 11)
PLACE = {"file": "fit.gr", "line": 3, "column": 10, "end_line": 3, "end_column": 11}
NO_PLACE = dict.fromkeys(PLACE)


@cache
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def strictly(text: str) -> Any:
    """Reads JSON that has no NaN, no infinity and no key twice."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} isn't JSON")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), f"a key twice: {pairs}"
        return dict(pairs)

    return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)


def read(line: str) -> dict[str, Any]:
    """Reads one line by a strict parser and holds it against the schema, the order of its keys included."""
    found = strictly(line)
    validator().validate(found)
    assert list(found) == validator().schema["$defs"][f"{found['type']}Event"]["required"]
    assert line.isascii()
    return found


def written(event: Event) -> dict[str, Any]:
    """The line that an event is written as, read back."""
    out, err = io.StringIO(), io.StringIO()
    JsonRenderer(out, err).event(event)
    assert err.getvalue() == ""
    assert out.getvalue().endswith("\n")
    (line,) = out.getvalue().splitlines()
    return read(line)


def value(thing: Any) -> Any:
    return written(Value(thing, None, 1))["value"]


def failed(failure: GradcliError) -> dict[str, Any]:
    out, err = io.StringIO(), io.StringIO()
    JsonRenderer(out, err).failure(failure)
    assert err.getvalue() == ""
    (line,) = out.getvalue().splitlines()
    return read(line)


def shown(script: str) -> list[Any]:
    """The values that a script shows, as JSON."""
    return [value(event.value) for event in Session().run(script) if isinstance(event, Value)]


def number(found: Any) -> float:
    """A number of the stream, the strings for those that JSON doesn't have included."""
    return float(found) if isinstance(found, str) else found


# ---- events


def test_value() -> None:
    assert written(Value(3, "n", 2)) == {"type": "value", "name": "n", "line": 2, "value": 3}
    assert written(Value(None, None, 2))["value"] is None


def test_grad() -> None:
    tensor = {"shape": [2], "dtype": "float64", "data": [0.0, 4.0], "requires_grad": False, "grad_fn": None}
    expected = {"type": "grad", "of": "y", "name": "x", "line": 3, "value": tensor}
    assert written(Grad("y", "x", Tensor(np.array([0.0, 4.0])), 3)) == expected
    assert written(Grad(None, "x", Tensor(np.array([0.0, 4.0])), 3))["of"] is None


def test_printed_text_keeps_its_line_end() -> None:
    assert written(Printed("a\tb\n")) == {"type": "print", "text": "a\tb\n"}
    assert written(Printed(""))["text"] == ""


def seen(script: str) -> dict[str, Any]:
    """The last event of a script, which shows a graph, a derivation or a check."""
    *_, last = Session(seed=0).run(script)
    return written(last)


def test_graph() -> None:
    found = seen("x = [1, inf]\ny = x * x[0] + 2\ngraph y")
    assert (found["type"], found["name"], found["line"]) == ("graph", "y", 3)
    nodes = {node["id"]: node for node in found["nodes"]}
    assert len(nodes) == len(found["nodes"])
    ends = {(nodes[edge["from"]]["kind"], nodes[edge["to"]]["kind"]) for edge in found["edges"]}
    assert ends == {("leaf", "operation"), ("operation", "operation"), ("operation", "result"), ("constant", "result")}
    assert nodes["n1"] | {"id": "n1", "kind": "leaf", "name": "x", "value": [1.0, "Infinity"]} == nodes["n1"]


def test_a_large_graph_is_whole() -> None:
    found = seen("x = 1\nfor i in range(1000) { x = x * 1.01 }\ngraph x")
    kinds = [node["kind"] for node in found["nodes"]]
    assert kinds.count("operation") == 999
    assert kinds[-1] == "result"
    assert len(found["edges"]) == 2000


def test_explain() -> None:
    found = seen("x = [1, 2]\ny = dot(x, x) + x[0]\nexplain y")
    assert (found["type"], found["name"], found["of"], found["line"]) == ("explain", "y", "y", 3)
    assert found["start"] == {"shape": [], "dtype": "float64", "data": 1.0}
    assert [given["name"] for given in found["given"]] == ["x"]
    assert len(found["backward"][-1]["paths"]) == 2
    assert found["gradients"] == [{"name": "x", "value": {"shape": [2], "dtype": "float64", "data": [3.0, 4.0]}}]


def test_explain_leaves_out_what_is_too_much() -> None:
    found = seen("x = ones(2000)\nfor i in range(100) { x = x * 0.5 }\nexplain x.sum()")
    (left_out,) = (step for step in found["forward"] if "left_out" in step)
    assert (left_out["rounds"], left_out["ops"], left_out["first_line"]) == (98, {"mul": 98}, 2)
    assert found["gradients"][0]["value"] == {"shape": [2000], "dtype": "float64", "data": None}


def test_explain_sums_the_paths_that_it_leaves_out() -> None:
    found = seen("x = 2; y = 0; for i in range(20) { y = y + i * x }; explain y")
    slope = found["backward"][-1]
    shown = sum(path["contribution"]["data"] for path in slope["paths"])
    assert len(slope["paths"]) + slope["left_out_paths"] == 20
    assert shown + slope["left_out_sum"]["data"] == slope["value"]["data"] == 190


def test_check() -> None:
    found = seen("x = [1, 2, 3]\ny = sum(x^2)\ncheck y claim x: x")
    assert (found["type"], found["name"], found["line"], found["passed"]) == ("check", "y", 3, False)
    ((leaf,), (claim,)) = found["leaves"], found["claims"]
    assert (leaf["verdict"], leaf["compared"], leaf["finding"]) == ("passed", 3, None)
    assert (claim["passed"], claim["wrong"], claim["against"]) == (False, 3, "autograd")
    assert claim["finding"] == {"kind": "factor", "factor": 0.5}


def test_check_of_random_directions() -> None:
    (leaf,) = seen("W = ones(20, 20)\ncheck (W^3).mean()")["leaves"]
    assert leaf["passed"]
    assert leaf["directions"] > 0
    assert 0 < leaf["compared"] < 400


def test_check_of_what_has_no_slope() -> None:
    (leaf,) = seen("x = [-1, 0, 2]\ncheck relu(x).sum()")["leaves"]
    (remark,) = leaf["remarks"]
    assert (remark["verdict"], remark["at"], remark["first"]["left"]) == ("kink", [[1]], 0)
    assert remark["first"]["right"] == pytest.approx(1)


def test_check_of_nothing_finite() -> None:
    (leaf,) = seen("x = 0\ncheck x * inf")["leaves"]
    assert leaf["worst"]["difference"] == "NaN"


def test_schema_knows_every_verdict_and_finding() -> None:
    schema = validator().schema["$defs"]
    assert set(schema["verdict"]["enum"]) == {
        *(comparing.PASSED, comparing.FAILED, comparing.ROUNDED, comparing.UNDEFINED),
        *(comparing.KINK, comparing.JUMP, comparing.STEEP, comparing.EDGE, comparing.UNCLEAR),
    }
    finding = schema["finding"]["anyOf"][0]["properties"]
    constants = [getattr(claims, name) for name in dir(claims) if name.isupper() and not name.startswith("_")]
    assert set(finding["kind"]["enum"]) == {constant for constant in constants if isinstance(constant, str)}
    assert set(finding) == set(claims.Finding.__slots__)


def test_warning() -> None:
    expected = {"type": "warning", "message": "careful", "help": "do that", **PLACE}
    assert written(Warned("careful", "do that", SPAN)) == expected
    assert written(Warned("careful")) == {"type": "warning", "message": "careful", "help": None, **NO_PLACE}


def test_error() -> None:
    failure = ShapeFailure("no", label="here", help="do that", span=SPAN)
    failure.calls = [("f", Span("fit.gr", 9, 1, 9, 5)), ("<lambda>", Span("fit.gr", 8, 2, 8, 7))]
    assert failed(failure) == {
        "type": "error",
        "kind": "ShapeFailure",
        "message": "no",
        "help": "do that",
        "label": "here",
        **PLACE,
        "calls": [
            {"function": "f", "file": "fit.gr", "line": 9, "column": 1, "end_line": 9, "end_column": 5},
            {"function": None, "file": "fit.gr", "line": 8, "column": 2, "end_line": 8, "end_column": 7},
        ],
    }


def test_error_without_place() -> None:
    expected = {"kind": "LimitFailure", "message": "no", "help": None, "label": None, **NO_PLACE, "calls": []}
    assert failed(LimitFailure("no")) == {"type": "error", **expected}


def test_places_that_nobody_named_are_named() -> None:
    failure = ShapeFailure("freed by {a}", help="keep {a.name}", places={"a": (None, 0)})
    found = failed(failure)
    assert "{" not in found["message"] + found["help"]


def test_schema_knows_every_kind_of_failure() -> None:
    kinds = [name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, GradcliError)]
    assert validator().schema["$defs"]["errorEvent"]["properties"]["kind"]["enum"] == kinds


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"value","name":null,"line":0,"value":1}',
        '{"type":"value","line":1,"value":1}',
        '{"type":"value","name":null,"line":1,"value":{"shape":[1]}}',
        '{"type":"grad","of":null,"name":"x","line":1,"value":3}',
        '{"type":"print","text":"a","more":1}',
        '{"type":"surprise"}',
        '{"type":"graph","name":"y","line":1,"nodes":[],"edges":[]}',
        '{"type":"check","name":"y","line":1,"passed":null,"leaves":[],"claims":[],"unrepeatable":null}',
        '{"type":"explain","name":"y","line":1,"of":"y","start":1,"given":[],"forward":[],"backward":[]}',
        '{"type":"value","name":null,"line":1,"value":{"shape":[],"dtype":"float64","data":"nan",'
        '"requires_grad":false,"grad_fn":null}}',
    ],
)
def test_schema_refuses(line: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(strictly(line))


@pytest.mark.parametrize("line", ['{"a":NaN}', '{"a":-Infinity}', '{"a":1,"a":2}'])
def test_the_parser_is_strict(line: str) -> None:
    with pytest.raises(AssertionError):
        strictly(line)


# ---- text


TEXTS = ["größe = 3", "π ≠ 3, 数, 🙂", 'a "quote" \\ and\r\n\ttab\0', "\u2028\u2029\x85\x1c", "\ud800 alone", ""]


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_on_one_line(text: str) -> None:
    assert written(Printed(text))["text"] == text
    assert value(text) == text
    failure = ShapeFailure(text, label=text, help=text, span=Span(text, 1, 1, 1, 2))
    failure.calls = [(text, SPAN)]
    found = failed(failure)
    assert found["message"] == found["file"] == text
    assert found["label"] == found["help"] == (text or None)
    assert found["calls"][0]["function"] == text


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    assert written(Printed(text))["text"] == text


def test_any_stream_can_take_it() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    JsonRenderer(out, io.StringIO()).event(Printed("größe\n"))
    assert read(raw.getvalue().decode())["text"] == "größe\n"


# ---- plain values


def test_numbers_keep_their_kind() -> None:
    found = value((1, 1.0, True, -0.0, 2**64))
    assert [type(part) for part in found] == [int, float, bool, float, int]
    assert found == [1, 1.0, True, 0.0, 2**64]
    assert math.copysign(1, found[3]) == -1


def test_non_finite_numbers_are_strings() -> None:
    assert value((math.nan, math.inf, -math.inf)) == ["NaN", "Infinity", "-Infinity"]


@given(st.floats())
def test_any_float_comes_back(expected: float) -> None:
    found = value(expected)
    assert isinstance(found, float) == math.isfinite(expected)
    assert number(found) == expected or math.isnan(expected)
    assert math.isnan(expected) or math.copysign(1, number(found)) == math.copysign(1, expected)


@given(st.integers())
def test_any_whole_number_comes_back(expected: int) -> None:
    assert value(expected) == expected


def test_whole_numbers_that_readers_refuse_are_text() -> None:
    longest = 10**4299
    assert value(longest) == longest
    assert value(-longest) == -longest
    assert value(-(10**4300)) == {"repr": "-1" + "0" * 4300}


def test_values_that_json_has_no_words_for() -> None:
    assert shown("float32") == [{"dtype": "float32"}]
    assert shown("x = 3; (x^2).grad_fn") == [{"grad_fn": "PowBackward0"}]
    assert shown("f(x) = x^2; f") == [{"function": "f"}]
    assert shown("sin") == [{"function": "sin"}]
    assert shown("x -> x") == [{"function": None}]
    assert shown("range(3)") == [{"repr": "range(0, 3)"}]


def test_text_of_anything_else_has_no_addresses() -> None:
    assert value(enumerate([])) == {"repr": "<enumerate object>"}
    assert value(...) == {"repr": "Ellipsis"}


def test_nested_values() -> None:
    found = value((1, [Tensor(np.array(2.0)), (None, "a", [])], ()))
    tensor = {"shape": [], "dtype": "float64", "data": 2.0, "requires_grad": False, "grad_fn": None}
    assert found == [1, [tensor, [None, "a", []]], []]


def test_shapes_and_parts_are_arrays() -> None:
    assert shown("ones(2, 3).shape") == [[2, 3]]
    ((values, indices),) = shown("max([[1, 5], [7, 2]], 1)")
    assert (values["data"], values["dtype"]) == ([5.0, 7.0], "float64")
    assert (indices["data"], indices["dtype"]) == ([1, 0], "int64")


def test_a_list_that_holds_itself_is_a_failure() -> None:
    endless: list[Any] = []
    endless.append(endless)
    out = io.StringIO()
    renderer = JsonRenderer(out, io.StringIO())
    with pytest.raises(LimitFailure, match="nested too deep"):
        renderer.event(Value(endless, None, 1))
    assert out.getvalue() == ""


# ---- tensors


def test_tensor_says_what_made_it() -> None:
    leaf, result, plain = shown("x = tensor([1, 2], requires_grad=true); x; 2 * x; x.detach()")
    assert (leaf["requires_grad"], leaf["grad_fn"]) == (True, None)
    assert (result["requires_grad"], result["grad_fn"]) == (True, "MulBackward0")
    assert (plain["requires_grad"], plain["grad_fn"]) == (False, None)


@pytest.mark.parametrize(
    ("shape", "data"), [((0,), []), ((0, 3), []), ((2, 0), [[], []]), ((1, 2, 0), [[[], []]]), ((), 0.0)]
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_shapes(shape: tuple[int, ...], data: Any, dtype: str) -> None:
    found = value(Tensor(np.zeros(shape, dtype)))
    assert found["shape"] == list(shape)
    assert found["data"] == data


def test_numpy_scalars_are_tensors_without_dimensions() -> None:
    found = value(Tensor(np.float32(0.1)))
    assert (found["shape"], found["data"]) == ([], 0.1)
    assert value(Tensor(np.float64(math.nan)))["data"] == "NaN"


DTYPES = ["float64", "float32", "float16", "int64", "int32", "uint8", "bool", "complex128", "complex64"]


@given(arrays.arrays(st.sampled_from(DTYPES), arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)))
def test_any_tensor_comes_back(array: np.ndarray) -> None:
    found = value(Tensor(array))
    assert found["shape"] == list(array.shape)
    assert found["dtype"] == array.dtype.name
    if array.dtype.kind == "c":
        array = np.stack((array.real, array.imag), -1)
    kind = {"b": bool, "f": float}.get(array.dtype.kind, int)
    elements = np.array(found["data"], dtype=object).ravel().tolist()
    assert {type(element) for element in elements} <= {kind, str}
    with np.errstate(all="ignore"):
        back = np.array([number(element) for element in elements]).astype(array.dtype).reshape(array.shape)
    np.testing.assert_array_equal(back, array)
    if kind is float:
        known = ~np.isnan(array)
        np.testing.assert_array_equal(np.signbit(back)[known], np.signbit(array)[known])


def test_non_contiguous_tensors_are_in_order() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert value(Tensor(array.T))["data"] == [[0, 3], [1, 4], [2, 5]]
    assert value(Tensor(array[::-1, ::2]))["data"] == [[3, 5], [0, 2]]


def test_huge_tensors_are_written_whole() -> None:
    found = value(Tensor(np.arange(20_000.0).reshape(200, 100)))
    assert found["data"] == np.arange(20_000.0).reshape(200, 100).tolist()


# ---- digits of narrow floats


FIRST_32, FIRST_16 = 2.0**-149, 2.0**-24


@pytest.mark.parametrize(
    ("element", "digits"),
    [
        (np.float32(0.1), "0.1"),
        (np.float32(1 / 3), "0.33333334"),
        (np.float32(16777216), "16777216.0"),
        (np.float32(16777218), "16777218.0"),
        (np.float32(3.4028235e38), "3.4028235e+38"),
        (np.float32(FIRST_32), "1e-45"),
        (np.float32(1e-40), "1e-40"),
        (np.float32(-0.0), "-0.0"),
        # The neighbour's digits, 7.038531e-26, mean another float32 when they are read as a float64 first.
        (np.nextafter(np.float32(7.0385313e-26), np.float32(0)), "7.038530691851209e-26"),
        (np.float16(0.1), "0.1"),
        (np.float16(0.015625), "0.01563"),
        (np.float16(65504), "65500.0"),
        (np.float16(FIRST_16), "6e-08"),
    ],
)
def test_fewest_digits(element: np.floating, digits: str) -> None:
    assert repr(shortest(np.asarray(element)).item()) == digits


def test_every_float16_has_numpys_digits() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    assert_numpys_digits(every[np.isfinite(every)])


def test_powers_of_two_have_numpys_digits() -> None:
    # Under a power of two the numbers are closer together than above it.
    powers = (2.0 ** np.arange(-149, 128)).astype(np.float32)
    assert_numpys_digits(powers)
    assert_numpys_digits(np.nextafter(powers, np.float32(0)))
    assert_numpys_digits(np.nextafter(powers[:-1], np.float32(np.inf)))


def test_powers_of_ten_have_numpys_digits() -> None:
    powers = (10.0 ** np.arange(-44, 39)).astype(np.float32)
    assert_numpys_digits(powers)
    assert_numpys_digits(np.nextafter(powers, np.float32(0)))
    assert_numpys_digits(np.nextafter(powers, np.float32(1e38)))


@given(arrays.arrays(np.uint32, st.integers(0, 50)), st.integers(-6, 9))
def test_any_float32_has_numpys_digits(bits: np.ndarray, exponent: int) -> None:
    anything = bits.view(np.float32)
    assert_numpys_digits(anything[np.isfinite(anything)])
    # And numbers of common sizes, which are few among all patterns of bits.
    assert_numpys_digits((bits / 2.0**32 * 10.0**exponent).astype(np.float32))


def assert_numpys_digits(array: np.ndarray) -> None:
    """The digits are NumPy's, and give the element back also to a reader that takes them for float64."""
    found = shortest(array)
    np.testing.assert_array_equal(found.astype(array.dtype), array)
    for element, got in zip(array, found.tolist(), strict=True):
        expected = float(str(element))
        assert got == expected or array.dtype.type(expected) != element


# ---- the stream


class Recorder(io.StringIO):
    """A stream that notes what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    def write(self, text: str) -> int:
        self.done.append(text)
        return super().write(text)

    def flush(self) -> None:
        self.done.append("flush")


def test_every_line_is_one_write_and_flushed_as_it_happens() -> None:
    out = Recorder()
    renderer = JsonRenderer(out, io.StringIO())
    with pytest.raises(GradcliError) as caught:
        Session().execute('print("a"); 1; x', "<text>", renderer.event)
    renderer.failure(caught.value)
    assert out.done[1::2] == ["flush"] * 3
    assert [read(line)["type"] for line in out.done[::2]] == ["print", "value", "error"]
    assert all(line.count("\n") == 1 and line.endswith("\n") for line in out.done[::2])


def test_a_value_that_cannot_be_written_is_the_scripts_failure() -> None:
    out = io.StringIO()
    renderer = JsonRenderer(out, io.StringIO())
    with pytest.raises(GradcliError) as caught:
        Session().execute("xs = ['a']\nxs.append(xs)\n1\nxs", "<text>", renderer.event)
    renderer.failure(caught.value)
    lines = [read(line) for line in out.getvalue().splitlines()]
    assert [line["type"] for line in lines] == ["value", "error"]
    assert (lines[1]["kind"], lines[1]["line"]) == ("LimitFailure", 4)


@pytest.mark.parametrize(
    "shape",
    [(0,), (3, 0), (0, 3), (2**16,), (70_000,), (70_000, 1), (1, 70_000), (2, 40_000), (40_000, 2), (3, 5, 9000)],
)
def test_what_is_written_in_steps_is_the_same_text(shape: tuple[int, ...]) -> None:
    value = {"a": [np.arange(np.prod(shape), dtype=float).reshape(shape).tolist(), "b"], "c": None}
    nested = {"data": value["a"][0], "c": [1, "x", [2, 3]]}
    for each in (value, nested, nested["data"]):
        assert encoded(each) == json.dumps(each, separators=(",", ":"))
