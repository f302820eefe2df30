"""The library's edges: every function, called with whatever a person could pass by mistake.

A call ends well or with a failure in the user's words: never with a bug of gradcli's, never with Python's or NumPy's
own messages, and in bounded time and memory. The arguments are the same for all functions, so that a new function is
hunted without a line here.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from gradcli import GradcliError, Session
from gradcli.language.failures import is_bug
from gradcli.library.vocabulary import FUNCTIONS, METHODS
from tests.bounds import TimeUp, bounded

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="bounds time by an alarm")

SECONDS = 2.0
"""That a call may take at most: each is over in a fraction of a millisecond, on any machine that isn't stuck."""

VALUES = {
    "nothing": "none", "text": '"a"', "word": '"sum"', "no_list": "[]", "strings": '["a", "b"]', "mixed": "[none, 1]",
    "ragged": "[[tensor(1.), 2], [3]]", "pair": "(1, 2)", "no_tuple": "()", "deep": "((1, 2), (3, 4))",
    "ranged": "range(3)", "no_range": "range(0)", "long_range": "range(10^11)", "call": "sin", "made": "v -> v",
    "yes": "true", "zero": "0", "three": "3", "minus": "-1", "far": "-7", "half": "2.5", "missing": "nan",
    "endless": "inf", "huge": "10^20", "big": "10^11", "scalar": "tensor(2.)", "vector": "tensor([1., -2., 3.])",
    "matrix": "tensor([[1., 2., 3.], [4., 5., 6.]])", "cube": "ones(2, 3, 3)", "thin": "ones(3, 1)",
    "tracked": "tensor([1., 2., 3.], requires_grad=true)", "whole": "tensor([0, 1, 2], dtype=int64)",
    "grid": "tensor([[0, 1], [2, 9]], dtype=int64)", "small": "tensor([0, 1, 2], dtype=uint8)",
    "single": "tensor([1., 2., 3.], dtype=float32)", "mask": "tensor([true, false, true])",
    "whole_one": "tensor(1, dtype=int64)", "no_tensor": "zeros(0)", "no_columns": "zeros(2, 0)",
    "many_dims": "ones((1,)*64)", "tensors": "[tensor([1., 2.]), tensor([3.])]",
    "tangled": "[[tensor(1.)], 2, (3, none)]",
    "kind": "float64", "kinds": "(int64, bool)", "sizes": "zeros(2, 3).shape", "parts": "max(ones(2, 3), 1)",
    "node": "(tensor([1.], requires_grad=true) * 2).grad_fn", "same": "(0, 0)", "beyond": "(0, 9)",
    "mode": "no_grad()", "pairs": "zip([1], [2])", "not_numbers": "tensor([nan, inf, -inf])",
}  # fmt: skip
"""Names that the session gets, and what they are."""

ODD = ("nothing", "text", "minus", "half", "huge", "big", "same", "beyond", "matrix", "no_tensor", "call")
"""Those that also stand as a second or third argument, and under each argument's name."""

OUT_OF_HERE = {"load", "save"}
"""Files have tests of their own."""

PYTHONS = re.compile(
    r"Traceback|NoneType|<locals>|<lambda>|object at 0x|object has no|__|positional argument|takes exactly"
    r"|numpy\.|\bnp\.|ufunc|'(?:int|float|str|Tensor|tuple|list)'|doesn't take these|doesn't work with these values"
    r"|not enough memory|\ba (?:NoneType|str|builtin_function_or_method|_Cut|ndarray)\b"
)
"""What no message of the library's may say: Python's and NumPy's words, and words that say nothing."""

RAGGED = "[[1, 2], [3]]"
"""No name can have it: where it stands it's refused."""


def parameters(call: Any) -> tuple[str, ...]:
    """The names of a function's arguments."""
    code = getattr(getattr(call, "body", call), "__code__", None)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code else ()


def calls(name: str, call: Any, method: bool) -> Iterator[str]:
    """Calls of a function: with nothing, one odd argument, one beside a sound one, too many, and by wrong names."""
    lists = ["", "*no_tuple", "qq=3", "vector, qq=3", "3, 3, 3, 3, 3, 3, 3, 3, 3", RAGGED, *VALUES]
    lists += [f"matrix, {odd}" for odd in VALUES]
    lists += [f"{odd}, vector" for odd in ODD]
    for odd in ODD:
        lists += [f"matrix, 0, {odd}", f"matrix, {odd}, whole", f"cube, {odd}, {odd}, {odd}"]
    for key in parameters(call):
        lists += [f"{key}=no_list", *(f"matrix, {key}={odd}" for odd in ODD)]
    for arguments in lists:
        if not method:
            yield f"{name}({arguments})"
        else:
            first, _, rest = arguments.partition(", ")
            if first in VALUES:
                yield f"{first}.{name}({rest})"


def _hunted() -> Iterator[tuple[str, Any, bool]]:
    """Each function and method once, under the first of its names."""
    seen = set()
    for words, method in ((FUNCTIONS, False), (METHODS, True)):
        for name in sorted(words):
            if id(words[name]) not in seen and name not in OUT_OF_HERE:
                seen.add(id(words[name]))
                yield name, words[name], method


HUNTED = list(_hunted())


def prepared() -> Session:
    """A session in which all odd values have names."""
    session = Session(seed=0, tracking="explicit", sandbox=True)
    for _ in session.run("\n".join(f"{name} = {text}" for name, text in VALUES.items())):
        pass
    return session


def failure_of(session: Session, source: str) -> GradcliError | None:
    """What a call ended with, none where it ended well."""
    try:
        with bounded(SECONDS):
            for event in session.run(source):
                str(event)
    except GradcliError as failure:
        return failure
    return None


def findings(name: str, call: Any, method: bool) -> Iterator[str]:
    """Calls that end otherwise than they should, each with what came out."""
    session = prepared()
    for source in calls(name, call, method):
        try:
            failure = failure_of(session, source)
        except TimeUp:
            yield f"{source}: it takes longer than {SECONDS} s"
            session = prepared()
            continue
        except Exception as problem:
            yield f"{source}: {type(problem).__name__} came out: {problem}"
            continue
        if failure is not None and (is_bug(failure) or PYTHONS.search(failure.message)):
            yield f"{source}: {failure.message[:200]}"


@pytest.mark.parametrize(("name", "call", "method"), HUNTED, ids=[f"{'.' * m}{n}" for n, _, m in HUNTED])
def test_a_call_ends_well_or_in_the_users_words(name: str, call: Any, method: bool) -> None:
    found = list(islice(findings(name, call, method), 20))
    assert not found, "\n".join(found)
