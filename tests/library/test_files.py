"""`load` and `save`: what is read from every format, what is written, and what is said where that can't be."""

import io
import json
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gradcli.engine import Tensor
from gradcli.errors import FileFailure, GradcliError, LimitFailure, ShapeFailure, TypeFailure, ValueFailure
from gradcli.library import files
from gradcli.session import Session

ENDINGS = ("npy", "npz", "csv", "tsv", "json", "txt")
TEXTS = ("csv", "tsv", "json", "txt")
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test's own current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(source: str, x: object = None, **options: object) -> Session:
    session = Session(tracking="explicit", **options)
    if x is not None:
        session["x"] = x
    for _ in session.run(source):
        pass
    return session


def failure(source: str, x: object = None, **options: object) -> GradcliError:
    with pytest.raises(GradcliError) as caught:
        run(source, x, **options)
    return caught.value


def loaded(content: str | bytes, name: str = "a.csv", key: str = "", **options: object) -> np.ndarray:
    """What `load` gives for a file of this content."""
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    y = run(f'y = load("{name}"{key and ", " + key})', **options)["y"]
    assert type(y) is Tensor
    return np.asarray(y.array)


def refused(content: str | bytes, name: str = "a.csv", key: str = "") -> GradcliError:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return failure(f'load("{name}"{key and ", " + key})')


def assert_same(result: np.ndarray, expected: object, dtype: object = np.float64) -> None:
    expected = np.asarray(expected, dtype)
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    # Bit for bit, but for the many ways to write nan.
    np.testing.assert_array_equal(result, expected)
    if expected.dtype.kind == "f":
        known = ~np.isnan(expected)
        assert np.array_equal(np.signbit(result)[known], np.signbit(expected)[known])


# ---- round trips

ODD = [0.1, -0.0, 0.0, 1e-320, 1.7976931348623157e308, 1 / 3, np.nan, np.inf, -np.inf, 123456789.125, 5e-324]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("shape", [(11,), (11, 1), (1, 11)])
def test_round_trip_is_exact(ending: str, shape: tuple[int, ...]) -> None:
    x = np.array(ODD).reshape(shape)
    y = run(f'save("a.{ending}", x); y = load("a.{ending}")', x)["y"]
    # A table can't tell a row or a column from a vector.
    assert_same(y.array, x if ending in ("npy", "npz", "json") else x.reshape(-1))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int32", "uint8", "bool"])
def test_round_trip_of_dtypes(ending: str, dtype: str) -> None:
    x = (np.arange(6).reshape(2, 3) / 3 * (4 if dtype == "bool" else 100)).astype(dtype)
    y = run(f'save("a.{ending}", x); y = load("a.{ending}")', x)["y"]
    kept = ending in ("npy", "npz") or (ending == "json" and dtype == "bool")
    assert y.dtype == (dtype if kept else "float64")
    assert_same(y.array.astype(dtype), x, dtype)


@pytest.mark.parametrize("ending", TEXTS)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_narrow_floats_have_their_own_shortest_digits(ending: str, dtype: str) -> None:
    run(f'save("a.{ending}", x)', np.array([0.1, 1 / 3], dtype))
    text = Path(f"a.{ending}").read_text()
    assert [float(word) for word in text.strip("[]\n").replace(",", " ").split()] == [
        0.1,
        0.33333334 if dtype == "float32" else 0.3333,
    ]


@pytest.mark.parametrize("ending", TEXTS)
def test_text_has_the_default_dtype(ending: str) -> None:
    x = np.array([0.1, -0.0, 1e-45, 3.4028235e38, 1 / 3, np.nan, np.inf, -np.inf, 16777217], np.float32)
    y = run(f'save("a.{ending}", x); y = load("a.{ending}")', x, dtype="float32")["y"]
    assert_same(y.array, x, np.float32)


@pytest.mark.parametrize("ending", ["npy", "npz", "json"])
@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), (2, 3, 4), ()])
def test_every_shape_comes_back(ending: str, shape: tuple[int, ...]) -> None:
    x = np.arange(float(np.prod(shape))).reshape(shape)
    y = run(f'save("a.{ending}", x); y = load("a.{ending}")', x)["y"]
    assert_same(np.asarray(y.array), x)


@given(
    x=arrays.arrays(np.float64, arrays.array_shapes(max_dims=2, max_side=5)),
    ending=st.sampled_from(["csv", "tsv", "txt"]),
)
@SAME_FOLDER
def test_any_table_comes_back(x: np.ndarray, ending: str) -> None:
    y = run(f'save("a.{ending}", x); y = load("a.{ending}")', x)["y"]
    assert_same(y.array, x.reshape(-1) if 1 in x.shape else x)


@pytest.mark.parametrize(
    ("value", "ending", "text"),
    [
        ("3", "csv", "3.0\n"),
        ("3", "json", "3.0\n"),
        ("true", "txt", "1\n"),
        ("[1, 2.5]", "csv", "1.0\n2.5\n"),
        ("[[1, 2], [3, 4]]", "csv", "1.0,2.0\n3.0,4.0\n"),
        ("[[1, 2], [3, 4]]", "tsv", "1.0\t2.0\n3.0\t4.0\n"),
        ("[[1, 2], [3, 4]]", "txt", "1.0 2.0\n3.0 4.0\n"),
        ("[[1, 2], [3, 4]].long()", "csv", "1,2\n3,4\n"),
        ("[1, 2] > 1", "csv", "0\n1\n"),
        ("[1, 2] > 1", "json", "[false, true]\n"),
        ("[nan, inf, -inf, -0.0]", "txt", "nan\ninf\n-inf\n-0.0\n"),
        ("[nan, inf, -inf, -0.0]", "json", '["NaN", "Infinity", "-Infinity", -0.0]\n'),
        ("[tensor(1), tensor(2)]", "json", "[1.0, 2.0]\n"),
        ("zeros(0, 2)", "json", '{"shape": [0, 2], "dtype": "float64", "data": []}\n'),
    ],
)
def test_what_is_written(value: str, ending: str, text: str) -> None:
    run(f'save("a.{ending}", {value})')
    assert Path(f"a.{ending}").read_bytes() == text.encode()


def test_json_is_strict() -> None:
    run('save("a.json", [nan, inf])')
    json.loads(Path("a.json").read_text(), parse_constant=pytest.fail)


def test_save_takes_its_arguments_in_torchs_order_and_as_a_method() -> None:
    session = run('t = [1, 2]; t.save("a.npy"); save(t, "b.npy"); a = load("a.npy"); b = load("b.npy")')
    assert_same(session["a"].array, [1, 2])
    assert_same(session["b"].array, [1, 2])


def test_save_gives_none() -> None:
    assert list(Session().run('save("a.csv", [1, 2])')) == []


def test_what_is_loaded_has_no_history_and_can_be_changed() -> None:
    Path("a.csv").write_text("1\n2\n")
    np.save("a.npy", np.arange(3.0))
    for name in ("a.csv", "a.npy"):
        y = run(f'y = load("{name}"); y[0] = 7')["y"]
        assert y.is_leaf
        assert not y.requires_grad
        assert y.array[0] == 7


def test_in_auto_mode_data_are_tracked_like_any_other() -> None:
    Path("a.csv").write_text("1\n2\n")
    session = Session()
    for _ in session.run('x = load("a.csv"); backward sum(x^2)'):
        pass
    assert_same(session["x"].grad.array, [2, 4])


# ---- tables


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "1\n2\n3\n", [1, 2, 3]),
        ("a.csv", "1,2,3\n", [1, 2, 3]),
        ("a.csv", "7", [7]),
        ("a.csv", "1,2\n3,4", [[1, 2], [3, 4]]),
        ("a.csv", "1;2\n3;4\n", [[1, 2], [3, 4]]),
        ("a.csv", "1\t2\n3\t4\n", [[1, 2], [3, 4]]),
        ("a.csv", "1 2\n3 4\n", [[1, 2], [3, 4]]),
        ("a.CSV", " 1 , 2 \n 3 ,\t4\n", [[1, 2], [3, 4]]),
        ("a.csv", "\ufeffx,y\r\n1,2\r\n3,4\r\n", [[1, 2], [3, 4]]),
        ("a.csv", "1,2\r3,4\r", [[1, 2], [3, 4]]),
        ("a.csv", "\n# a table\n\nx, y # names\n\n1,2 # one\n   \n3,4\n\n", [[1, 2], [3, 4]]),
        ("a.csv", '"x","y # z"\n"1","2"\n3,4\n', [[1, 2], [3, 4]]),
        ("a.csv", '"two\nlines",y\n1,2\n3,\n', [[1, 2], [3, np.nan]]),
        ("a.csv", "1,,NA\nN/A,null,nan\n-,None,4\n", [[1, *[np.nan] * 2], [np.nan] * 3, [*[np.nan] * 2, 4]]),
        ("a.csv", ",x,y\n0,1.5,2\n1,3,4\n", [[0, 1.5, 2], [1, 3, 4]]),
        ("a.csv", "my value\n1\n2\n", [1, 2]),
        ("a.csv", "+1,-.5,1e3\n5.,-inf,Infinity\n", [[1, -0.5, 1e3], [5, -np.inf, np.inf]]),
        ("a.tsv", "x\ty\n1\t\n3\t4\n", [[1, np.nan], [3, 4]]),
        ("a.tsv", "my x\tmy y\n1\t2\n3\t4\n", [[1, 2], [3, 4]]),
        ("a.txt", "  1   2\n\t3\t4  \n", [[1, 2], [3, 4]]),
        ("a.txt", "1, 2\n3, 4\n", [[1, 2], [3, 4]]),
        ("a.txt", '"x" "y"\n1 NA\n3 4\n', [[1, np.nan], [3, 4]]),
        ("a.txt", "1 2 3", [1, 2, 3]),
        ("a.dat", "1 2\n3 4\n", [[1, 2], [3, 4]]),
        ("data", "1;2\n3;4\n", [[1, 2], [3, 4]]),
        ("data", "1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("data", "1\t2\n3\t4\n", [[1, 2], [3, 4]]),
        ("data", " [[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
    ],
)
def test_tables(name: str, content: str, expected: object) -> None:
    assert_same(loaded(content, name), expected)


@pytest.mark.parametrize(
    ("content", "key", "expected"),
    [
        ("x,y\n1,2\n3,4\n", '"y"', [2, 4]),
        ("x,y\n1,2\n3,4\n", "0", [1, 3]),
        ("x,y\n1,2\n3,4\n", "-1", [2, 4]),
        ("x,y\n1,2\n3,4\n", "tensor(1)", [2, 4]),
        ("1,2\n3,4\n", "1", [2, 4]),
        ("x,y\n1,2\n", '"y"', [2]),
        ("x,2020,2021\na,1,2\nb,3,NA\n", '"2021"', [2, np.nan]),
        ("1st,2nd\n1,2\n", '"2nd"', [2]),
        # Without names: the first row counts.
        ("5.1,0.2,setosa\n4.9,0.3,setosa\n", "1", [0.2, 0.3]),
        ("length,kind\n5.1,setosa\n4.9,setosa\n", '"length"', [5.1, 4.9]),
    ],
)
def test_columns(content: str, key: str, expected: object) -> None:
    assert_same(loaded(content, "a.csv", key), expected)


@pytest.mark.parametrize(
    ("content", "key", "kind", "message", "help"),
    [
        ("", "", "ValueFailure", "a.csv is empty", ""),
        (" \n\n", "", "ValueFailure", "a.csv is empty", ""),
        ("\ufeff", "", "ValueFailure", "a.csv is empty: it has nothing but comments and blank lines", ""),
        ("# 1\n\n", "", "ValueFailure", "a.csv is empty: it has nothing but comments and blank lines", ""),
        ("x,y\n", "", "ValueFailure", "a.csv has no numbers: line 1 is read as the names of columns", ""),
        ("1,2\n\n3\n", "", "ShapeFailure", "a.csv, line 3: expected 2 columns as in line 1, and found 1", ""),
        ("#\nx\n1\n3,4\n", "", "ShapeFailure", "a.csv, line 4: expected 1 column as in line 2, and found 2", ""),
        ("1,2\n3,4,5\n", "0", "ShapeFailure", "a.csv, line 2: expected 2 columns as in line 1, and found 3", ""),
        ("1,2\n3,cat\n", "", "ValueFailure", "a.csv, line 2, column 2: `cat` is no number", 'load("a.csv", 0)'),
        ("x,y\n1,2\n3,4 5\n", "", "ValueFailure", "a.csv, line 3, column 2 (`y`): `4 5` is no number", ""),
        # A slip in the first row isn't taken for a header, which would lose the row.
        ("1,2.O,3\n1,2,3\n", "", "ValueFailure", "a.csv, line 1, column 2: `2.O` is no number", ""),
        ("1,2\n1_000,2\n", "", "ValueFailure", "a.csv, line 2, column 1: `1_000` is no number", ""),
        ("1;2\n1,5;2\n", "", "ValueFailure", "a.csv, line 2, column 1: `1,5` is no number", "with a point"),
        ('x\n"1,234.5"\n', "", "ValueFailure", "a.csv, line 2, column 1 (`x`): `1,234.5` is no number", "thousands"),
        ("1\n" + "z" * 99, "", "ValueFailure", f"a.csv, line 2, column 1: `{'z' * 40}...` is no number", "NA"),
        ('1,2\n"3,4\n', "", "ValueFailure", "a.csv, line 2: unexpected end of data", "close every quote"),
        ("1,2\n3,4\n", "2", "IndexFailure", "a.csv has 2 columns, and no column 2", "count from 0"),
        ("1,2\n3,4\n", "0.5", "TypeFailure", "load() wants a whole number, and got 0.5 as the number of a column", ""),
        ("width,y\n3,4\n", '"widht"', "NameFailure", "there is no `widht` in a.csv", "did you mean `width`?"),
        ("width,y\n3,4\n", '"q"', "NameFailure", "there is no `q` in a.csv", "it has `width`, `y`"),
        ("1,2\n3,4\n", '"q"', "NameFailure", "the columns of a.csv have no names, and `q` is none", "a.csv"),
        (b"1,2\n\xff,3\n", "", "FileFailure", "a.csv isn't a UTF-8 text: byte 5 can't be read", "save it as UTF-8"),
    ],
)
def test_tables_that_are_wrong(content: str, key: str, kind: str, message: str, help: str) -> None:
    problem = refused(content, "a.csv", key)
    assert (problem.kind, problem.message) == (kind, message)
    assert help in problem.help
    assert problem.span is not None


FIELDS = st.one_of(
    st.sampled_from(
        ["1", "-2.5", "+.5", "5.", "1e5", "1E-400", "1e999", "nan", "-NaN", "inf", "-Infinity", "07", "3\t"]
    ),
    st.sampled_from(
        ["", "NA", "-", "1_0", '"1"', '"1', "0x10", "1e", "1d5", "7#", "\u0661", "1\u3000", "x", "1\x00", "\r"]
    ),
    st.text(alphabet='0123456789.eE+-_naifNA,; \t"#\n\rx\x0b\x85', max_size=9),
)


@given(st.lists(st.lists(FIELDS, min_size=1, max_size=3), max_size=4), st.sampled_from(",; "))
@SAME_FOLDER
def test_the_fast_way_reads_what_the_careful_way_reads(table: list[list[str]], mark: str) -> None:
    delimiter = None if mark == " " else mark
    data = "\n".join(mark.join(row) for row in table).encode()
    try:
        rows = list(files._rows(data, delimiter, "a"))
    except ValueFailure:
        rows = []
    if not rows or (fast := files._parsed_fast(data, delimiter, 0)) is None:
        return
    assert_same(fast, files._parsed(rows, (rows[0][0], len(rows[0][1])), None, None, "a"))


CONTENTS = st.one_of(st.binary(max_size=60), st.text(alphabet='01.,;\n "[]{}:aNx-', max_size=60).map(str.encode))


@given(CONTENTS, st.data())
@SAME_FOLDER
def test_no_file_breaks_load(content: bytes, data: st.DataObject) -> None:
    name = "a." + data.draw(st.sampled_from([*ENDINGS, "dat"]))
    start = data.draw(st.sampled_from([b"", b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04"]))
    key = data.draw(st.sampled_from(["", "0", '"a"']))
    with suppress(GradcliError):
        loaded(start + content, name, key)


def test_a_million_lines() -> None:
    x = np.arange(1e6) / 7
    y = loaded("x\n" + "\n".join(map(repr, x.tolist())))
    assert_same(y, x)


# ---- NumPy's formats


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([[1, 2, 3], [4, 5, 6]], ">f4"), "float32"),
        (np.asfortranarray([[1.0, 2, 3], [4, 5, 6]]), "float64"),
        (np.array([1, 60_000], "uint16"), "int32"),
        (np.array([1, 4_000_000_000], "uint32"), "int64"),
        (np.array(3.0), "float64"),
        (np.array([True, False]), "bool"),
    ],
)
def test_npy(array: np.ndarray, dtype: str) -> None:
    np.save("a.npy", array)
    y = loaded(Path("a.npy").read_bytes(), "a.npy")
    assert_same(y, array, dtype)
    assert_same(loaded(Path("a.npy").read_bytes(), "a.dat"), array, dtype)


class Unpickled:
    def __reduce__(self) -> tuple:
        return (pytest.fail, ("a pickle was read",))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([Unpickled()]), "a.npy holds Python objects, and these are never unpickled"),
        (np.array(["a"]), "a.npy holds values of dtype str32, which no tensor has"),
        (np.array([1j]), "a.npy holds values of dtype complex128, which no tensor has"),
        (np.array([(1, 2.0)], "i4,f8"), "a.npy holds values of dtype void96, which no tensor has"),
        (np.array([1], "uint64"), "a.npy holds values of dtype uint64, which no tensor has"),
        (np.array(["2020-01-01"], "M8[D]"), "a.npy holds values of dtype datetime64[D], which no tensor has"),
    ],
)
def test_npy_that_is_refused(array: np.ndarray, message: str) -> None:
    np.save("a.npy", array, allow_pickle=True)
    problem = failure('load("a.npy")')
    assert (problem.kind, problem.message) == ("TypeFailure", message)
    np.savez("b.npz", a=array)
    assert failure('load("b.npz", "a")').kind == "TypeFailure"


def test_a_bare_pickle_is_refused() -> None:
    import pickle

    problem = refused(pickle.dumps(Unpickled()), "a.npy")
    assert (problem.kind, problem.message) == ("ValueFailure", "a.npy isn't a valid .npy file")


def test_npy_that_ends_too_early() -> None:
    np.save("a.npy", np.arange(9.0))
    data = Path("a.npy").read_bytes()
    assert refused(data[:-8], "a.npy").message == "a.npy ends too early: its header promises the shape (9,)"
    assert refused(data[:20], "a.npy").message == "a.npy isn't a valid .npy file"


def test_npy_whose_header_promises_the_moon() -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(8)
    assert refused(data, "a.npy").kind == "ValueFailure"


def test_npz() -> None:
    np.savez("one.npz", weights=np.arange(3.0))
    np.savez_compressed("two.npz", weights=np.arange(3.0), bias=np.float32([7]))
    assert_same(run('y = load("one.npz")')["y"].array, [0, 1, 2])
    assert_same(run('y = load("two.npz", "bias")')["y"].array, [7], np.float32)
    problem = failure('load("two.npz")')
    assert (problem.kind, problem.message) == (
        "ValueFailure",
        "two.npz holds several things by name: `weights`, `bias`",
    )
    assert problem.help == 'choose one: `load("two.npz", "weights")`'
    problem = failure('load("two.npz", "wieghts")')
    assert (problem.kind, problem.help) == ("NameFailure", "did you mean `weights`?")
    assert refused(Path("two.npz").read_bytes()[:-30], "c.npz").message == "c.npz isn't a valid .npz file"
    np.savez("none.npz")
    assert failure('load("none.npz")').message == "none.npz holds no arrays"


def test_npz_that_unpacks_to_more_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed("small.npz", zeros=np.zeros(10**6))
    monkeypatch.setattr(files, "physical_memory", lambda: 10**6)
    problem = failure('load("small.npz")')
    assert problem.kind == "LimitFailure"
    assert problem.message.startswith("`zeros` in small.npz would take ")


@pytest.mark.parametrize("stopped", [MemoryError(), LimitFailure("the time limit is over")])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_limit_that_is_reached_while_reading_is_no_fault_of_the_file(
    name: str, stopped: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(f'save("{name}", [1, 2])')

    def stop(file: object) -> None:
        raise stopped

    monkeypatch.setattr(np.lib.format, "read_magic", stop)
    assert failure(f'load("{name}")').kind == "LimitFailure"


def test_a_key_where_there_is_nothing_to_choose() -> None:
    np.save("a.npy", np.zeros((2, 2)))
    problem = failure('load("a.npy", "w")')
    assert (problem.kind, problem.message) == (
        "ValueFailure",
        "a.npy holds one array: there is nothing for `w` to choose",
    )
    assert problem.help == 'index what it gives: `load("a.npy")[:, 0]`'
    assert refused("[1, 2]", "a.json", "0").kind == "ValueFailure"


# ---- JSON


@pytest.mark.parametrize(
    ("content", "key", "expected", "dtype"),
    [
        ("[1, 2]", "", [1, 2], "float64"),
        ("3", "", 3, "float64"),
        ("null", "", np.nan, "float64"),
        ("[]", "", [], "float64"),
        ("[[[1.5, 2]], [[3, 4]]]", "", [[[1.5, 2]], [[3, 4]]], "float64"),
        ("[true, false]", "", [True, False], "bool"),
        ('[[null, "NaN"], ["Infinity", "-Infinity"]]', "", [[np.nan, np.nan], [np.inf, -np.inf]], "float64"),
        ("[NaN, -Infinity, 1e999]", "", [np.nan, -np.inf, np.inf], "float64"),
        (f"[1, {10**400}, -{10**400}]", "", [1, np.inf, -np.inf], "float64"),
        ('{"w": [1, 2], "b": 3}', '"b"', 3, "float64"),
        ('{"a": {"b.c": {"d": [4]}}, "a.x": [5]}', '"a.x"', [5], "float64"),
        ('{"a": {"b": {"d": [4]}}}', '"a.b.d"', [4], "float64"),
        ('{"shape": [2], "dtype": "float32", "data": [0.5, "NaN"]}', "", [0.5, np.nan], "float32"),
        ('{"shape": [], "dtype": "int64", "data": 9007199254740993}', "", 9007199254740993, "int64"),
        ('{"type": "value", "value": {"shape": [1], "dtype": "bool", "data": [true]}}', '"value"', [True], "bool"),
    ],
)
def test_json(content: str, key: str, expected: object, dtype: str) -> None:
    assert_same(loaded(content, "a.json", key), expected, dtype)


@pytest.mark.parametrize(
    ("content", "key", "kind", "message"),
    [
        ("[1, 2", "", "ValueFailure", "a.json, line 1, column 6: not valid JSON (expecting ',' delimiter)"),
        ("[1,\n oops]", "", "ValueFailure", "a.json, line 2, column 2: not valid JSON (expecting value)"),
        ("[[1, 2], [3]]", "", "ShapeFailure", "a.json is ragged: [1] has shape (1,), and [0] has (2,)"),
        ("[[1, 2], 3]", "", "ShapeFailure", "a.json is ragged: [1] has shape (), and [0] has (2,)"),
        ('[[1, "x"], [3, 4]]', "", "ValueFailure", "a.json: [0][1] is `x`, which is no number"),
        ('[{"x": 1}]', "", "ValueFailure", "a.json: [0] is an object, which is no number"),
        ('"x"', "", "ValueFailure", "a.json: it is `x`, which is no number"),
        ("{}", "", "ValueFailure", "a.json holds no arrays"),
        ('{"a": 1}', "", "ValueFailure", "a.json holds several things by name: `a`"),
        ('{"a": {"b": 1}}', '"a"', "ValueFailure", "a.json holds several things by name: `a.b`"),
        ('{"a": 1}', '"b"', "NameFailure", "there is no `b` in a.json"),
        ('{"shape": [3], "data": [1]}', "", "ShapeFailure", "a.json: its data don't have the shape `[3]`"),
        ('{"shape": 3, "data": [1]}', "", "ShapeFailure", "a.json: its data don't have the shape `3`"),
        ('{"shape": [1], "dtype": "complex64", "data": [1]}', "", "TypeFailure",
         "a.json holds values of dtype `complex64`, which no tensor has"),
        ("[" * 100 + "]" * 100, "", "LimitFailure", "a.json is nested too deep"),
        ("[" * 100_000 + "]" * 100_000, "", "LimitFailure", "a.json is nested too deep"),
    ],
)  # fmt: skip
def test_json_that_is_wrong(content: str, key: str, kind: str, message: str) -> None:
    problem = refused(content, "a.json", key)
    assert (problem.kind, problem.message) == (kind, message)


# ---- standard input


class Input:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"1\n2\n3\n4\n5\n", [1, 2, 3, 4, 5]),
        (b"1 2 3\n", [1, 2, 3]),
        (b"5\n", [5]),
        (b"x,y\n1,2\n3,4\n", [[1, 2], [3, 4]]),
        (b"[[1, 2], [3, 4]]\n", [[1, 2], [3, 4]]),
    ],
)
def test_standard_input(data: bytes, expected: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Input(data))
    assert_same(run('y = load("-")')["y"].array, expected)


def test_standard_input_can_be_npy(monkeypatch: pytest.MonkeyPatch) -> None:
    np.save("a.npy", np.float32([1, 2]))
    monkeypatch.setattr(sys, "stdin", Input(Path("a.npy").read_bytes()))
    assert_same(run('y = load("-")')["y"].array, [1, 2], np.float32)


def test_standard_input_that_is_read_twice_or_wrong_or_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Input(b"1\n2\n"))
    problem = failure('load("-"); load("-")')
    assert (problem.kind, problem.message) == ("ValueFailure", "standard input is empty")
    assert problem.help == "it can be read once: give what `load` returns a name"
    monkeypatch.setattr(sys, "stdin", Input(b"1\ncat\n"))
    assert failure('load("-")').message == "standard input, line 2, column 1: `cat` is no number"
    monkeypatch.setattr(sys, "stdin", None)
    assert failure('load("-")').message == "can't read standard input: it is closed"


# ---- the file system


def test_a_file_that_isn_t_there(folder: Path) -> None:
    Path("data.csv").write_text("1\n")
    problem = failure('load("daat.csv")')
    assert isinstance(problem, FileFailure)
    assert problem.message == "can't read daat.csv: no such file or directory"
    assert problem.help == "did you mean `data.csv`?"
    assert failure(f'load("{folder}/Data.csv")').help == f"did you mean `{folder}/data.csv`?"
    assert failure('load("there/data.csv")').help == "there is no directory there"
    problem = failure('save("there/data.csv", 3)')
    assert problem.message == "can't write there/data.csv: no such file or directory"
    assert problem.help == "there is no directory there"


def test_what_is_no_file() -> None:
    Path("a.csv").mkdir()
    assert failure('load("a.csv")').message == "can't read a.csv: is a directory"
    assert failure('save("a.csv", 3)').message == "can't write a.csv: is a directory"
    assert os.listdir() == ["a.csv"]
    assert failure(r'load("a\0.csv")').message == r"'a\x00.csv' can't be the name of a file"
    assert failure(r'save("a\0.csv", 3)').message == r"'a\x00.csv' can't be the name of a file"
    assert failure('load("")').message == "the path is empty"


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may do anything")
def test_permissions_that_are_missing() -> None:
    Path("a.csv").write_text("1\n")
    os.chmod("a.csv", 0o000)
    assert failure('load("a.csv")').message == "can't read a.csv: permission denied"
    os.chmod("a.csv", 0o444)
    assert failure('save("a.csv", 3)').message == "can't write a.csv: permission denied"
    assert Path("a.csv").read_text() == "1\n"


def test_a_tilde_is_the_home_directory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = folder / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    assert_same(run('save("~/a.csv", [1, 2]); y = load("~/a.csv")')["y"].array, [1, 2])
    assert (home / "a.csv").exists()
    assert failure('load("~/b.csv")').help == "did you mean `~/a.csv`?"


@pytest.mark.parametrize("call", ['load("a.csv")', 'load("-")', 'save("a.csv", 3)', 'save("b.csv", 3)'])
def test_the_sandbox_has_no_files(call: str) -> None:
    Path("a.csv").write_text("1\n")
    problem = failure(call, sandbox=True)
    assert isinstance(problem, FileFailure)
    assert problem.message == f"{call[:4]}() isn't allowed in the sandbox: no files are read or written"
    assert os.listdir() == ["a.csv"]
    assert Path("a.csv").read_text() == "1\n"


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        ("load(3)", TypeFailure, "load() wants a string, and got 3 as `path`"),
        ("load()", TypeFailure, "load() needs an argument `path`"),
        ('save("a.csv")', TypeFailure, "save() needs an argument `x`"),
        ("save(3, 4)", TypeFailure, "save() wants the path of a file, a string"),
        ('save("-", 3)', FileFailure, "save() doesn't write to standard output"),
        ('save("a.xls", 3)', FileFailure, "save() doesn't know the format of a.xls"),
        ('save("a", 3)', FileFailure, "save() doesn't know the format of a"),
        ('save("a.csv", none)', TypeFailure, "expected a tensor or numbers, and got none"),
        ('save("a.csv", zeros(2, 2, 2))', ShapeFailure,
         "a tensor of shape (2, 2, 2) can't be saved as .csv: a table has no more than 2 dimensions"),
        ('save("a.txt", zeros(0))', ShapeFailure,
         "a tensor of shape (0,) can't be saved as .txt: there would be nothing in the file"),
    ],
)  # fmt: skip
def test_calls_that_are_wrong(call: str, kind: type[GradcliError], message: str) -> None:
    problem = failure(call)
    assert (type(problem), problem.message) == (kind, message)
    assert os.listdir() == []


def test_remedies() -> None:
    assert failure('save("w.csv", zeros(2, 2, 2))').help == "save it as w.npy, which keeps the shape"
    assert failure('save("a.xls", 3)').help == "end the name in .npy, .npz, .csv, .tsv, .json, .txt"
    assert failure('save("-", 3)').help == "print it: `print(x)`"


# ---- a file is replaced as a whole


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_leaves_the_old_file(
    ending: str, step: str, problem: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"a.{ending}"
    run(f'save("{name}", [1, 2])')
    before = Path(name).read_bytes()

    def fail(*args: object) -> None:
        if step == "write":
            args[0].write(b"half of")
        raise problem

    if step == "write":
        monkeypatch.setitem(files.WRITERS, ending, fail)
    else:
        monkeypatch.setattr(os, step, fail)
    with pytest.raises(KeyboardInterrupt if isinstance(problem, KeyboardInterrupt) else FileFailure) as caught:
        run(f'save("{name}", [3, 4])')
    if caught.type is FileFailure:
        assert caught.value.message == f"can't write {name}: no space left on device"
    assert os.listdir() == [name]
    assert Path(name).read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="the kill is POSIX's")
def test_a_process_that_is_killed_leaves_the_old_file() -> None:
    run('save("a.csv", [1, 2])')
    script = 'save("a.csv", rand(4000, 1000))'
    process = subprocess.Popen([sys.executable, "-m", "gradcli", "eval", "-e", script])
    while not any(name.startswith(".gradcli-") and os.stat(name).st_size > 10_000 for name in os.listdir()):
        assert process.poll() is None
    process.kill()
    process.wait()
    assert Path("a.csv").read_text() == "1.0\n2.0\n"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_permissions_and_links_are_kept() -> None:
    before = os.umask(0o027)
    try:
        run('save("new.csv", 1)')
        assert stat.S_IMODE(os.stat("new.csv").st_mode) == 0o640
        os.chmod("new.csv", 0o606)
        os.symlink("new.csv", "link.csv")
        run('save("link.csv", 2)')
    finally:
        os.umask(before)
    assert os.path.islink("link.csv")
    assert Path("new.csv").read_text() == "2.0\n"
    assert stat.S_IMODE(os.stat("new.csv").st_mode) == 0o606


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_what_isn_t_a_regular_file_is_not_replaced() -> None:
    os.mkfifo("a.csv")
    assert failure('save("a.csv", 3)').message == "can't write a.csv: isn't a regular file"
    assert stat.S_ISFIFO(os.stat("a.csv").st_mode)
