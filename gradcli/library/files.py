"""Tensors from files and into them: `load` and `save`.

Text is parsed by NumPy where it's clean; where it isn't, it's read again row by row, which knows missing values and
quotes, and says which line and column is wrong. Pickles are never read: an `.npy` file is a header and numbers here.
"""

from __future__ import annotations

import io
import os
import re
import sys
import warnings
from array import array as packed
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from itertools import chain, islice
from math import inf, nan
from typing import Any, BinaryIO

import numpy as np

from gradcli.engine import Tensor, as_tensor, modes
from gradcli.engine.memory import physical_memory
from gradcli.errors import FileFailure, IndexFailure, LimitFailure, NameFailure, ShapeFailure, TypeFailure, ValueFailure
from gradcli.filesystem import decoded, replace_file
from gradcli.library import context
from gradcli.library.arguments import Text, Whole
from gradcli.library.creation import made
from gradcli.library.values import DTYPES
from gradcli.library.vocabulary import function

MISSING = {"", "na", "n/a", "nan", "null", "none", "-"}
"""Fields of a table, in small letters, that stand for a number nobody has."""

NON_FINITE = {"NaN": nan, "Infinity": inf, "-Infinity": -inf}
"""What JSON has no numbers for, as our own output writes it."""

WIDER = {"uint16": "int32", "uint32": "int64"}
"""Dtypes that torch lacks, and those that hold the same numbers."""

DELIMITERS = {"csv": ";,\t", "tsv": "\t", "txt": ";,", "": ";\t,"}
"""What may separate the columns, by the file's ending, the surest first: no number has a semicolon in it."""


# ---- what a script calls


@function()
def load(path: Text, key=None):
    """The numbers in a file, .npy .npz .csv .tsv .json or .txt; "-" is standard input.

    A table of one column or one row is a vector, any other a matrix. `key` chooses a column by its name or its number
    (from 0), or an array of an .npz or .json file by its name. Text gives the default dtype, .npy keeps its own. Raises
    FileFailure where the file can't be read, ValueFailure and ShapeFailure where its contents are wrong.

    Shapes: a table of n rows and m columns -> (n, m), of one row or column -> (m) or (n), with a key -> (n); an array
        of .npy, .npz or .json -> its own
    Derivative: none: data that nothing was recorded of
    """
    _allow("load")
    data = _bytes(path)
    if not data or data.isspace():
        once = "it can be read once: give what `load` returns a name" if path == "-" else ""
        raise ValueFailure(f"{_shown(path)} is empty", help=once)
    kind = _ending(path) if _ending(path) in WRITERS else _kind(data)
    try:
        return made(READERS.get(kind, _read_table)(data, path, key.item() if type(key) is Tensor else key))
    except RecursionError:
        raise LimitFailure(f"{_shown(path)} is nested too deep") from None


@function()
def save(path, x):
    """Writes a tensor or a number to a file; the path's ending decides: .npy .npz .csv .tsv .json .txt.

    Text has as many digits as it takes to read the same numbers again. The file is replaced as a whole or not at all.
    Raises FileFailure where it can't be written, ShapeFailure where the format can't hold the shape.

    Shapes: any in .npy, .npz and .json; in a table (n, m), (n) as one column, or one number, and at least one element
    Derivative: none: the values are written, and nothing is recorded
    """
    if isinstance(x, str) and not isinstance(path, str):
        # As a method, `x.save(path)`, and in torch's order, the tensor comes first.
        path, x = x, path
    if not isinstance(path, str):
        raise TypeFailure("save() wants the path of a file, a string", help='it is called so: `save("x.csv", x)`')
    _allow("save")
    if path == "-":
        raise FileFailure("save() doesn't write to standard output", help="print it: `print(x)`")
    target = _expanded(path)
    write = WRITERS.get(_ending(path))
    if write is None:
        raise FileFailure(
            f"save() doesn't know the format of {path}",
            help=f"end the name in {', '.join('.' + known for known in WRITERS)}",
        )
    array = np.asarray(as_tensor(x).array)
    try:
        replace_file(target, lambda file: write(file, array, path))
    except OSError as problem:
        raise _file_failure("write", path, problem) from None


# ---- the file system


def _allow(name: str) -> None:
    if context.current().sandbox:
        raise FileFailure(
            f"{name}() isn't allowed in the sandbox: no files are read or written", help="run it without --sandbox"
        )


def _shown(path: str) -> str:
    return "standard input" if path == "-" else path


def _ending(path: str) -> str:
    return os.path.splitext(path)[1][1:].lower()


def _expanded(path: str) -> str:
    if not path or re.search("[\0\ud800-\udfff]", path):
        raise FileFailure(f"{path!r} can't be the name of a file" if path else "the path is empty")
    return os.path.expanduser(path)


def _bytes(path: str) -> bytes:
    try:
        if path != "-":
            with open(_expanded(path), "rb") as file:
                return file.read()
        stream = getattr(sys.stdin, "buffer", None)
        if stream is None or stream.closed:
            raise FileFailure("can't read standard input: it is closed")
        return stream.read()
    except OSError as problem:
        raise _file_failure("read", path, problem) from None


def _file_failure(verb: str, path: str, problem: OSError) -> FileFailure:
    """What the file system said, and the name that was perhaps meant."""
    help = ""
    if isinstance(problem, FileNotFoundError):
        folder, name = os.path.split(os.path.expanduser(path))
        with suppress(OSError), os.scandir(folder or ".") as entries:
            names = [entry.name for entry in islice(entries, 10_000) if entry.name.isprintable()]
            near = get_close_matches(name, names, 1) or get_close_matches(name.lower(), names, 1)
            help = f"did you mean `{os.path.join(os.path.dirname(path), near[0])}`?" if near else help
        if not help and not os.path.isdir(folder or "."):
            help = f"there is no directory {folder}"
    return FileFailure(f"can't {verb} {_shown(path)}: {(problem.strerror or str(problem)).lower()}", help=help)


# ---- what is in a file


def _kind(data: bytes) -> str:
    """The ending that the contents would have; "" is a table of text."""
    if data.startswith(b"\x93NUMPY"):
        return "npy"
    if data.startswith(b"PK\x03\x04"):
        return "npz"
    return "json" if re.match(rb"(\xef\xbb\xbf)?\s*[\[{]", data) else ""


def _text(data: bytes, path: str) -> str:
    return decoded(data, _shown(path)).removeprefix("\ufeff")


def _member(names: list[str], key: Any, path: str) -> str:
    """The name that `key` chooses among a file's names."""
    if key in names:
        return key
    if not names:
        raise ValueFailure(f"{_shown(path)} holds no arrays")
    listed = ", ".join(f"`{name}`" for name in names[:12]) + ", ..." * (len(names) > 12)
    if key is None:
        raise ValueFailure(
            f"{_shown(path)} holds several things by name: {listed}", help=f'choose one: `load("{path}", "{names[0]}")`'
        )
    near = get_close_matches(str(key), names, 1)
    raise NameFailure(
        f"there is no `{key}` in {_shown(path)}", help=f"did you mean `{near[0]}`?" if near else f"it has {listed}"
    )


def _no_key(key: Any, path: str) -> None:
    if key is not None:
        raise ValueFailure(
            f"{_shown(path)} holds one array: there is nothing for `{key}` to choose",
            help=f'index what it gives: `load("{path}")[:, 0]`',
        )


# ---- NumPy's formats


def _read_npy(data: bytes, path: str, key: Any = None) -> np.ndarray:
    _no_key(key, path)
    file = io.BytesIO(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, columns_first, dtype = header(file)
    except (LimitFailure, MemoryError):
        raise
    except Exception:
        # NumPy's reader meets bytes that are no header with many kinds of exceptions.
        raise ValueFailure(f"{_shown(path)} isn't a valid .npy file") from None
    if dtype.hasobject:
        raise TypeFailure(f"{_shown(path)} holds Python objects, and these are never unpickled")
    name = WIDER.get(dtype.name, dtype.name)
    if name not in DTYPES or dtype.shape:
        raise TypeFailure(
            f"{_shown(path)} holds values of dtype {dtype.name}, which no tensor has",
            help=f"save it as one of {', '.join(DTYPES)}",
        )
    count = 1
    for n in shape:
        count *= n
    if min(shape, default=0) < 0 or len(data) - file.tell() < count * dtype.itemsize:
        raise ValueFailure(f"{_shown(path)} ends too early: its header promises the shape {shape}")
    flat = np.frombuffer(data, dtype, count, file.tell()) if count else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if columns_first else "C").astype(name)


def _read_npz(data: bytes, path: str, key: Any) -> np.ndarray:
    from zipfile import ZipFile

    try:
        with ZipFile(io.BytesIO(data)) as archive:
            names = [name[:-4] for name in archive.namelist() if name.endswith(".npy")]
            name = _member(names, names[0] if len(names) == 1 and key is None else key, path)
            size = archive.getinfo(f"{name}.npy").file_size
            if size > physical_memory():
                raise LimitFailure(
                    f"`{name}` in {_shown(path)} would take {size / 1e9:,.0f} GB, more memory than there is"
                )
            member = archive.read(f"{name}.npy")
    except (NameFailure, ValueFailure, LimitFailure, MemoryError):
        raise
    except Exception:
        # A damaged archive fails in as many ways as there are parts of it.
        raise ValueFailure(f"{_shown(path)} isn't a valid .npz file") from None
    return _read_npy(member, path)


# ---- JSON


def _read_json(data: bytes, path: str, key: Any) -> np.ndarray:
    import json

    try:
        value = json.loads(_text(data, path))
    except json.JSONDecodeError as problem:
        raise ValueFailure(
            f"{_shown(path)}, line {problem.lineno}, column {problem.colno}: "
            f"not valid JSON ({problem.msg[0].lower()}{problem.msg[1:]})"
        ) from None
    except ValueError:
        raise ValueFailure(f"{_shown(path)} has a number with too many digits") from None
    if isinstance(value, dict) and not (key is None and _is_tensor(value)):
        value = _inside(value, key, path)
    else:
        _no_key(key, path)
    if not _is_tensor(value):
        array = np.asarray(_nested(value, path))
        return array if array.dtype == bool and array.size else array.astype(modes.default_dtype)
    dtype, shape = str(value.get("dtype", "float64")), value["shape"]
    if dtype not in DTYPES:
        raise TypeFailure(f"{_shown(path)} holds values of dtype {_short(dtype)}, which no tensor has")
    array = np.asarray(_nested(value["data"], path))
    try:
        return array.astype(dtype).reshape(tuple(shape))
    except (ValueError, TypeError):
        raise ShapeFailure(f"{_shown(path)}: its data don't have the shape {_short(shape)}") from None


def _is_tensor(value: Any) -> bool:
    """Whether it's written as our JSON output writes a tensor."""
    return isinstance(value, dict) and {"shape", "data"} <= value.keys()


def _inside(value: dict[str, Any], key: Any, path: str) -> Any:
    """What is at a key of an object; `a.b` is the key b of the object at a."""
    outer, _, inner = str(key).partition(".")
    if key not in value and inner and isinstance(value.get(outer), dict):
        return _inside(value[outer], inner, path)
    found = value[_member(list(value), key, path)]
    if isinstance(found, dict) and not _is_tensor(found):
        _member([f"{key}.{name}" for name in found], None, path)
    return found


def _nested(value: Any, path: str, place: str = "") -> Any:
    """Nested numbers as an array. Raises ShapeFailure for ragged ones and ValueFailure for what isn't a number."""
    if isinstance(value, list):
        with suppress(ValueError):
            array = np.array(value)
            if array.dtype.kind in "biuf":
                return array
        parts = [_nested(item, path, f"{place}[{i}]") for i, item in enumerate(value)]
        shapes = [getattr(part, "shape", ()) for part in parts]
        for i, shape in enumerate(shapes):
            if shape != shapes[0]:
                raise ShapeFailure(
                    f"{_shown(path)} is ragged: {place}[{i}] has shape {shape}, and {place}[0] has {shapes[0]}"
                )
        if len(shapes[0]) >= 64:
            raise LimitFailure(f"{_shown(path)} is nested too deep")
        return np.array(parts)
    if value is None or (isinstance(value, str) and value in NON_FINITE):
        return nan if value is None else NON_FINITE[value]
    if not isinstance(value, (int, float)):
        what = "an object" if isinstance(value, dict) else _short(value)
        raise ValueFailure(f"{_shown(path)}: {place or 'it'} is {what}, which is no number")
    if isinstance(value, float) or abs(value) < 2**63:
        return value
    return float(value) if abs(value) < 2**1023 else inf if value > 0 else -inf


# ---- tables


def _read_table(data: bytes, path: str, key: Any) -> np.ndarray:
    ending = _ending(path)
    delimiter = _delimiter(_text(data, path), ending if ending in DELIMITERS else "")
    rows = _rows(data, delimiter, path)
    beginning = [(line, [field.strip() for field in fields]) for line, fields in islice(rows, 2)]
    if not beginning:
        raise ValueFailure(f"{_shown(path)} is empty: it has nothing but comments and blank lines")
    line, first = beginning[0]
    header = first if _is_header(first, beginning[1][1] if beginning[1:] else first, key) else None
    column = None if key is None else _column(key, header, len(first), path)
    if header:
        del beginning[0]
    if not beginning:
        raise ValueFailure(f"{_shown(path)} has no numbers: line {line} is read as the names of columns")
    table = _parsed_fast(data, delimiter, line if header else 0)
    if table is None or table.shape[1] != len(first):
        table = _parsed(chain(beginning, rows), (line, len(first)), header, column, path)
    elif column is not None:
        table = table[:, column : column + 1]
    return (table.reshape(-1) if 1 in table.shape else table).astype(modes.default_dtype)


def _lines(data: bytes) -> Iterator[str]:
    return io.TextIOWrapper(io.BytesIO(data), "utf-8-sig")


def _rows(data: bytes, delimiter: str | None, path: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table with the line they end in, without comments and blank lines."""
    if delimiter is None:
        for line, text in enumerate(_lines(data), 1):
            if fields := [field.strip('"') for field in _uncommented(text).split()]:
                yield line, fields
        return
    import csv

    reader = csv.reader(map(_uncommented, _lines(data)), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        for fields in reader:
            if len(fields) > 1 or (fields and fields[0].strip()):
                yield reader.line_num, fields
    except csv.Error as problem:
        raise ValueFailure(f"{_shown(path)}, line {reader.line_num}: {problem}", help="close every quote") from None


def _uncommented(line: str) -> str:
    if "#" not in line:
        return line
    return re.match(r'(?:[^"#]|"[^"]*(?:"|$))*', line)[0]  # type: ignore[index]


def _delimiter(text: str, ending: str) -> str | None:
    """What separates the columns, seen at the first row; none is white space."""
    line = ""
    for match in re.finditer(r"[^\r\n]+", text):
        line = re.sub(r'"[^"]*"', "", _uncommented(match[0]))
        if line.strip() or '"' in match[0]:
            break
    for mark in DELIMITERS[ending]:
        if mark in line:
            return mark
    plain = ending in ("", "txt") or all(_number(field) is not None for field in line.split())
    return None if plain else {"csv": ",", "tsv": "\t"}[ending]


def _number(field: str) -> float | None:
    """A field's number, nan for a missing one, and none for what isn't a number."""
    try:
        # Python reads 1_000 as a number; in data it's a word.
        return None if "_" in field else float(field)
    except ValueError:
        return nan if field.strip().casefold() in MISSING else None


def _is_header(first: list[str], second: list[str], key: Any) -> bool:
    """Whether the first row names columns; a number with a slip in it isn't a name, lest its row be passed over."""
    if isinstance(key, str) and key in first:
        return True
    words = [field for field in first if _number(field) is None]
    if not words or any(re.match(r"[-+.]?\d", word) for word in words):
        return False
    # A column of words needs no name: `5.1,setosa` is a row like the next one.
    below = zip(first, second, strict=False)
    return len(words) == len(first) or any(_number(a) is None and _number(b) is not None for a, b in below)


def _column(key: Any, header: list[str] | None, width: int, path: str) -> int:
    """The column that a name or a number chooses, counted from 0."""
    if not isinstance(key, str):
        try:
            column = Whole(key)
        except TypeFailure as failure:
            raise TypeFailure(f"load() {failure.message} as the number of a column") from None
        if not -width <= column < width:
            raise IndexFailure(
                f"{_shown(path)} has {_columns(width)}, and no column {column}", help="columns count from 0"
            )
        return column % width
    if header is None:
        raise NameFailure(
            f"the columns of {_shown(path)} have no names, and `{key}` is none",
            help=f'choose one by its number, from 0: `load("{path}", 0)`',
        )
    return header.index(_member(header, key, path))


def _columns(count: int) -> str:
    return f"{count} column{'s' * (count != 1)}"


def _parsed_fast(data: bytes, delimiter: str | None, skipped: int) -> np.ndarray | None:
    """A clean table of numbers, or none: a tenth of the time that `_parsed` takes."""
    lines = _lines(data)
    for _ in islice(lines, skipped):
        pass
    with suppress(ValueError):
        return np.loadtxt(lines, delimiter=delimiter, ndmin=2)
    return None


def _parsed(
    rows: Iterable[tuple[int, list[str]]],
    expected: tuple[int, int],
    header: list[str] | None,
    column: int | None,
    path: str,
) -> np.ndarray:
    """A table with missing values or quotes, or the failure that says where it's wrong."""
    first, width = expected
    flat = packed("d")
    chosen = range(width) if column is None else (column,)
    for line, fields in rows:
        if len(fields) != width:
            raise ShapeFailure(
                f"{_shown(path)}, line {line}: expected {_columns(width)} as in line {first}, and found {len(fields)}"
            )
        for i in chosen:
            value = _number(fields[i])
            if value is None:
                name = f" (`{header[i]}`)" if header else ""
                raise ValueFailure(
                    f"{_shown(path)}, line {line}, column {i + 1}{name}: {_short(fields[i].strip())} is no number",
                    help=_remedy(fields[i].strip(), width, path),
                )
            flat.append(value)
    return np.array(flat).reshape(-1, len(chosen))


def _short(field: Any) -> str:
    return f"`{field}`" if len(str(field)) <= 40 else f"`{str(field)[:40]}...`"


def _remedy(field: str, width: int, path: str) -> str:
    if re.fullmatch(r"[-+]?[\d.]+(,\d+)+(\.\d*)?", field):
        return "write numbers with a point, and without commas between the thousands: 1234.5"
    if width > 1:
        return f'a missing number is empty, NA or nan; to read one column only, say which: `load("{path}", 0)`'
    return "a missing number is written NA or nan"


# ---- writing


def _digits(array: np.ndarray) -> np.ndarray:
    """The array with float64 for narrower floats, whose shortest digits are those of the narrow ones."""
    narrow = array.dtype.kind == "f" and array.dtype.itemsize < 8
    return array.astype(str).astype(np.float64) if narrow else array


def _write_json(file: BinaryIO, array: np.ndarray, path: str) -> None:
    import json

    values = _digits(array)
    if not np.isfinite(values).all():
        exact, values = values, values.astype(object)
        for name, number in NON_FINITE.items():
            values[np.isnan(exact) if name == "NaN" else exact == number] = name
    data = values.tolist()
    if np.shape(data) != array.shape:
        # Nested lists can't say how many columns no rows have.
        data = {"shape": array.shape, "dtype": array.dtype.name, "data": []}
    file.write(json.dumps(data).encode() + b"\n")


def _write_table(file: BinaryIO, array: np.ndarray, path: str) -> None:
    if array.ndim > 2 or not array.size:
        problem = "a table has no more than 2 dimensions" if array.size else "there would be nothing in the file"
        raise ShapeFailure(
            f"a tensor of shape {array.shape} can't be saved as .{_ending(path)}: {problem}",
            help=f"save it as {os.path.splitext(path)[0]}.npy, which keeps the shape",
        )
    mark = {"csv": ",", "tsv": "\t", "txt": " "}[_ending(path)]
    values = _digits(array.astype(np.int8) if array.dtype == bool else array)
    rows = values.reshape(-1, array.shape[1] if array.ndim == 2 else 1)
    for start in range(0, len(rows), 10_000):
        lines = (mark.join(map(repr, row)) + "\n" for row in rows[start : start + 10_000].tolist())
        file.write("".join(lines).encode())


READERS: dict[str, Callable[[bytes, str, Any], np.ndarray]] = {"npy": _read_npy, "npz": _read_npz, "json": _read_json}
WRITERS: dict[str, Callable[[BinaryIO, np.ndarray, str], None]] = {
    "npy": lambda file, array, path: np.save(file, array, allow_pickle=False),
    "npz": lambda file, array, path: np.savez(file, array),
    "csv": _write_table,
    "tsv": _write_table,
    "json": _write_json,
    "txt": _write_table,
}
