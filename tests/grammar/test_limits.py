"""Large, long and deep texts: no recursion, no quadratic time, nothing left switched off."""

import gc
import time

import pytest

from gradcli.errors import SyntaxFailure
from gradcli.grammar import parse

DEPTH = 20_000


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * DEPTH + "1" + ")" * DEPTH,
        "x = " + "[" * DEPTH + "y" + "]" * DEPTH,
        "x = " + "[" * DEPTH + "1" + "]" * DEPTH,
        "x = " + "f(" * DEPTH + ")" * DEPTH,
        "x = " + "-" * DEPTH + "1",
        "x = " + "2^" * DEPTH + "1",
        "x = " + "not " * DEPTH + "1",
        "x = " + "y -> " * DEPTH + "1",
        "x = " + "a if b else " * DEPTH + "1",
        "if a {" * DEPTH + "}" * DEPTH,
        "x" + "[0]" * DEPTH,
        "x = y -> " + "{ return y -> " * DEPTH + "1" + "}" * DEPTH,
    ],
    ids=lambda text: text[:12],
)
def test_deep(text):
    assert parse(text)[0] == "program"


def test_deep_and_wrong():
    for text in ("(" * DEPTH, "(" * DEPTH + "1", "[" * DEPTH + "1, x", "(" * 1000 + ")" * 1001):
        with pytest.raises(SyntaxFailure):
            parse(text)


def test_flat():
    assert len(parse("x = " + " + ".join(["y"] * 10_000))[1][0][1][1][1]) == 19_999
    assert len(parse("\n".join(["y"] * 10_000))[1]) == 10_000
    assert len(parse("x = [" + ", ".join(["y"] * 10_000) + "]")[1][0][1][1][1]) == 10_000


@pytest.mark.parametrize(
    "piece",
    [
        "x = [.5, 1]; ",
        "x = 'a'; ",
        "f'{x}' + 1; ",
        "[[1, 2], x]; ",
        "a \\\n + b\n",
        " " * 20,
        "# " * 10,
        "x = y\n",
        "x'; ",
        "[1]\n",
    ],
)
def test_time_grows_with_the_text(piece):
    def seconds(count):
        best = 1e9
        for _ in range(3):
            begin = time.perf_counter()
            parse(piece * count)
            best = min(best, time.perf_counter() - begin)
        return best

    seconds(10)
    assert seconds(8_000) < 30 * seconds(1_000) + 0.01  # 8 if it's linear, 64 if it's quadratic


def test_ten_megabytes_on_a_line():
    numbers = ", ".join(["0.25"] * 1_700_000)
    ((_, (_, (kind, value, *_)), *_),) = parse(f"x = [{numbers}]")[1]
    assert kind == "ARRAY"
    assert len(value) == 1_700_000
    assert len(parse("x = '" + "a" * 10**7 + "'")[1][0][1][1][1]) == 10**7


def test_the_collector_is_left_as_it_was():
    for text in ("x = 1", "x = = 1"):
        for switch in (gc.enable, gc.disable):
            switch()
            try:
                parse(text)
            except SyntaxFailure:
                pass
            finally:
                was = gc.isenabled()
                gc.enable()
            assert was == (switch is gc.enable)
