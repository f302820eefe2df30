"""Walls: no way leads from a script to Python, to the session's inside, or to another session's names."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gradcli import GradcliError, Session, Tensor
from gradcli.engine import modes
from gradcli.language.dictionary import BUILTINS
from gradcli.library import CONSTANTS, FUNCTIONS
from tests.language.running import failure_of, outcome, shown

HOLDERS = {
    "a tensor": "[1.5, 2]",
    "a number": "(1)",
    "a fraction": "(1.5)",
    "a truth value": "true",
    "a string": '"ab"',
    "a list": "[sin, 3]",
    "a tuple": "(1, 2)",
    "a shape": "zeros(2).shape",
    "a dtype": "float64",
    "none": "none",
    "a range": "range(3)",
    "a library function": "sin",
    "a plain function": "print",
    "a lambda": "(v -> v)",
    "a derivative": "sin'",
    "named parts": "max([1, 2], 0)",
    "a grad_fn": "(w^2).grad_fn",
    "a hook's handle": "w.register_hook(v -> v)",
    "a grad mode": "torch.no_grad()",
    "an enumeration": "enumerate([1])",
    "an ellipsis": "(...)",
}
INSIDES = [
    "array", "meta", "node", "op", "edges", "saved", "body", "func_globals", "gi_frame", "gi_code", "f_globals", "f_back", "cr_frame",
    "tb_frame", "co_consts", "func_code", "mro", "im_func", "ensure_meta", "fields", "kind", "_functions", "_key", "_x", "real", "base",
    "ctypes", "tofile", "dump", "to_bytes", "from_bytes", "encode", "translate", "maketrans", "format_map", "sort", "name",
    "func", "args", "gen", "obj", "self", "start", "on",
]  # fmt: skip


# ---- attributes and methods


@pytest.mark.parametrize("inside", INSIDES)
@pytest.mark.parametrize("holder", HOLDERS.values(), ids=HOLDERS)
def test_what_is_behind_a_dot_is_a_closed_list(holder: str, inside: str) -> None:
    session = Session()
    shown("w = [1.5, 2]", session)
    failure = failure_of(f"v = {holder}\nv.{inside}", session)
    assert failure.kind == "NameFailure"
    assert "has no attribute" in failure.message or failure.help.startswith("it's a method")


@pytest.mark.parametrize("name", ["__class__", "__dict__", "__globals__", "__init__", "__", "__x", "__builtins__"])
@pytest.mark.parametrize(
    "text",
    ["{}", "x = 3; x.{}", "sin.{}", "sin.{}()", "f(x) = x; f({}=3)", "{} = 3", "{} -> 3", "({}, y) -> 3", "def {}() {{ }}",
     "def f({}) {{ }}", "for {} in [1] {{ }}", "[{} for {} in [1]]", 'f"{{{}}}"', 'x = 3; f"{{x.{}}}"', "del {}", "const {} = 3",
     "x = 3; backward x wrt {}", "import x; {}", "torch.{}", "torch.sum.{}", "linalg.{}", "x = 3; x.{} = 3", "x = 3; x.{} += 3",
     "with torch.no_grad() as {} {{ }}", '"{{}}".format({}=3)'],
)  # fmt: skip
def test_names_with_two_underscores_are_no_names(text: str, name: str) -> None:
    failure = failure_of(text.format(*[name] * text.count("{}")) if "{{" not in text else text.replace("{}", name)
                         .replace("{{", "{").replace("}}", "}"))  # fmt: skip
    assert failure.kind == "SyntaxFailure"
    assert f"the name `{name}` is reserved" in failure.message


@pytest.mark.parametrize(
    "name",
    ["＿＿class＿＿", "_＿class__", "︳︳class", "﹍﹍class__", "__ⅽlass__", "__cl𝐚ss__", "＿_globals_＿", "__bu𝒾ltins__"],
)
@pytest.mark.parametrize("text", ["x = 3; x.{}", "{}", "f(x) = x; f({}=3)", 'f"{{{}}}"'])
def test_lookalikes_of_reserved_names_are_none_either(text: str, name: str) -> None:
    assert failure_of(text.replace("{}", name).replace("{{", "{").replace("}}", "}")).kind == "SyntaxFailure"


@pytest.mark.parametrize("name", ["𝐍𝐨𝐧𝐞", "𝐓𝐫𝐮𝐞", "Ｆａｌｓｅ", "𝐝𝐞𝐟", "ｉｆ", "𝒇𝒐𝒓", "ｎｏｎｅ", "ｔｒｕｅ"])
@pytest.mark.parametrize("text", ["{}", "{} = 3", "f({}) = 3", "f(x) = x; f({}=3)", "x = 3; x.{}"])
def test_lookalikes_of_words_bind_nothing(text: str, name: str) -> None:
    assert failure_of(text.format(name)).kind in ("SyntaxFailure", "NameFailure", "TypeFailure")


def test_a_lookalike_is_the_name_that_it_looks_like() -> None:
    assert shown("ｘ = 3; x; 𝐱") == ["tensor(3., requires_grad=True)"] * 2


@pytest.mark.parametrize("name", sorted(key for key in BUILTINS if key.startswith("@")))
def test_the_names_of_lowered_code_do_not_lex(name: str) -> None:
    assert failure_of(f"x = {name}(3)").kind == "SyntaxFailure"
    assert failure_of(f"x = torch.{name}").kind == "SyntaxFailure"


def test_no_builtin_of_pythons_is_there() -> None:
    import builtins

    own = {"abs", "bool", "enumerate", "float", "int", "len", "list", "max", "min", "pow", "print", "range", "reversed", "round",
           "str", "sum", "tuple", "zip", "all", "any", "sorted"}  # fmt: skip
    shared = {name for name in dir(builtins) if name in BUILTINS and not name.startswith("_")}
    assert shared <= own
    for name in shared:
        assert BUILTINS[name] is not getattr(builtins, name)


@pytest.mark.parametrize(
    "name",
    ["open", "eval", "exec", "compile", "globals", "locals", "vars", "dir", "getattr", "setattr", "type", "object", "super", "id",
     "input", "exit", "quit", "breakpoint", "memoryview", "bytes", "map", "filter", "iter", "next", "isinstance", "callable", "hash",
     "os", "sys", "subprocess", "Session", "Tensor", "Node", "GradMode", "context", "modes", "self"],
)  # fmt: skip
def test_pythons_names_are_unknown(name: str) -> None:
    assert failure_of(name).kind == "NameFailure"
    assert failure_of(f"torch.{name}").kind == "NameFailure"
    assert failure_of(f"np.{name}").kind == "NameFailure"


@pytest.mark.parametrize(
    "path",
    ["torch._C", "torch.ops", "torch.jit.script", "torch.utils.data", "torch.hub.load", "torch.sys", "torch.os", "torch.nn.Module",
     "np.lib", "np.lib.npyio", "np.core", "np.ctypeslib", "np.random.seed", "np.fromfile", "np.memmap", "np.load.body", "np.os",
     "math.os", "math.factorial.real", "F.torch", "F.relu.body", "linalg.np", "special.sp", "fft.np", "torch.autograd.Function",
     "numpy.sys", "nn.os", "nn.functional.os", "torch.sum.body", "torch.torch", "torch.f_globals"],
)  # fmt: skip
def test_what_is_behind_a_module_is_a_closed_list(path: str) -> None:
    assert failure_of(path).kind == "NameFailure"
    assert failure_of(f"{path}()").kind == "NameFailure"
    assert failure_of(f"x = {path}").kind == "NameFailure"


@pytest.mark.parametrize("module", ["torch", "np", "numpy", "math", "F", "nn", "linalg", "special", "fft", "nn.functional"])
def test_a_module_is_no_value(module: str) -> None:
    assert failure_of(f"x = {module}").kind == "NameFailure"
    assert failure_of(f"print({module})").kind == "NameFailure"


# ---- strings


@pytest.mark.parametrize(
    "text",
    ['"{0.array}".format([1, 2])', '"{0.__class__}".format(3)', '"{0[0]}".format([1, 2])', '"{a.real}".format(a=3)',
     '"{a[b]}".format(a=3)', '"{:{0.__class__}}".format(3)', '"{0!r:{1.x}}".format(1, 2)', '"{.x}".format(3)', '"{[0]}".format((1, 2))'],
)  # fmt: skip
def test_fields_of_format_reach_nothing(text: str) -> None:
    failure = failure_of(text)
    assert failure.kind in ("NameFailure", "TypeFailure")
    assert "a format field is a number or a name" in failure.message


def test_formats_that_are_allowed() -> None:
    assert shown('"{} {1}".replace("{1}", "{}").format(1, "b")') == ["'1 b'"]
    assert shown('"{0!r:>5}|{a:.2f}|{b:{w}}".format("x", a=pi, b=2, w=3)') == ["\"  'x'|3.14|  2\""]


@pytest.mark.parametrize("text", ['x = 3; f"{x:__class__}"', 'f"{sin:.3f}"', 'f"{[1, 2]:x}"', 'f"{none:5}"', 'f"{(1, 2):d}"'])
def test_format_specs_of_f_strings_are_only_formats(text: str) -> None:
    assert failure_of(text).kind == "TypeFailure"


@pytest.mark.parametrize("text", ['f"{3!z}"', 'f"{3!}"', 'f"{3:{4}}"', 'f"{}"', 'f"{lambda: 3}"', 'f"{(yield)}"', 'f"{x := 3}"'])
def test_what_f_strings_do_not_hold(text: str) -> None:
    assert failure_of(text).kind in ("SyntaxFailure", "NameFailure")


@pytest.mark.parametrize(
    "value", ["sin", "print", "x -> x", "x -> { return x }", "enumerate([1])", "zip([1])", "torch.no_grad()", "sin'", "...",
              "w.register_hook(g -> g)", "[sin, x -> x]", "(sin, print)", "(w^2).grad_fn", "max([1, 2], 0)"],
)  # fmt: skip
def test_no_text_of_a_value_shows_an_address_or_a_name_of_pythons(value: str) -> None:
    session = Session()
    shown("w = [1.5, 2]", session)
    for text in (f"v = {value}; v", f"print({value})", f'v = {value}; f"{{v}} {{v!r}}"', f"str({value})", f'"{{}} {{!r}}".format({value}, {value})'):
        out = outcome(text, session).out
        for word in (" at 0x", "<locals>", "<lambda>", "gradcli.", "<names>", "@", "built-in"):
            assert word not in out, text


# ---- imports


@pytest.mark.parametrize(
    "line",
    ["import os", "import os as sum", "from os import system", "from builtins import *", "import sin", "from math import pi as e",
     "from __future__ import annotations", "import gradcli.session as torch", "import torch, numpy as np", "from . import x",
     "from ... import x", "from os import (path,\n    sep)"],
)  # fmt: skip
def test_import_lines_do_nothing(line: str) -> None:
    session = Session()
    assert shown(f"{line}\nsum([1, 2]); e; torch.sin(0)", session) == ["tensor(3.)", "2.718281828459045", "tensor(0.)"]
    assert failure_of("os", session).kind == failure_of("system", session).kind == "NameFailure"
    assert "os" not in session
    assert "path" not in session


@pytest.mark.parametrize("line", ["import", "from", "import import", "from (", "import (", "import 3", 'import "os"', "from x import 3"])
def test_import_lines_that_are_none(line: str) -> None:
    assert failure_of(line).kind == "SyntaxFailure"


# ---- a session's names are its own


REBINDINGS = [
    "sum = 3", "def sum(x) { return 42 }", "sum(x) = 42", "for sum in [1] { }", "const sum = 3", "[sum, y] = [1, 2]", "sum += 3",
    "with torch.no_grad() as sum { }", "(sum, (y, z)) = (1, (2, 3))", "sum = x -> 42", "del sum",
]  # fmt: skip


@pytest.mark.parametrize("text", REBINDINGS)
def test_rebinding_a_library_name_stays_in_the_session(text: str) -> None:
    before = dict(BUILTINS), dict(FUNCTIONS), dict(CONSTANTS)
    first, second = Session(), Session()
    outcome(text, first)
    assert shown("sum([1, 2])", second) == ["tensor(3.)"]
    assert shown("sum([1, 2])") == ["tensor(3.)"]
    assert (dict(BUILTINS), dict(FUNCTIONS), dict(CONSTANTS)) == before


@pytest.mark.parametrize("name", ["sum", "torch.sum", "np.sum"])
def test_a_module_before_a_name_is_always_the_librarys(name: str) -> None:
    assert shown(f"{name}([1, 2])") == ["tensor(3.)"]
    if "." in name:
        for rebinding in ("sum = 3", "def sum(x) { return 42 }", "sum = torch.sum([1, 2])"):
            assert shown(f"{rebinding}\n{name}([1, 2])") == ["tensor(3.)"], rebinding


def test_a_function_may_call_the_librarys_of_its_own_name() -> None:
    assert shown("def relu(x) { return 2 * torch.relu(x) }\nrelu([-1, 3])") == ["tensor([0., 6.])"]
    assert shown("def softplus(x) { return 2 * F.softplus(x) }\nsoftplus([0])") == ["tensor([1.3863])"]
    assert shown("exp(x) = np.exp(x) + 1; exp([0])") == ["tensor([2.])"]


def test_methods_are_the_librarys_whatever_the_names_say() -> None:
    assert shown("sum = 3; [1, 2].sum()") == ["tensor(3.)"]
    assert shown("def item(x) { return 42 }; tensor(2).item()") == ["2.0"]


def test_statements_do_what_they_do_whatever_the_names_say() -> None:
    text = "grad = 3; backward = 4; show = 5; leaf = 6; tensor = 7; print = 8; slice = 9; list = 10; array = 11\n"
    assert shown(text + "x = [1, 2]; y = sum(x^2); backward y\nx.grad[0:1]\n[x, y][0]") == [
        "x.grad = tensor([2., 4.])", "tensor([2.])", "tensor([1., 2.], requires_grad=True)",
    ]  # fmt: skip


@pytest.mark.parametrize("constant", ["pi", "e", "inf", "nan", "tau"])
def test_constants_are_shadowed_not_changed(constant: str) -> None:
    before = shown(constant)
    session = Session()
    shown(f"{constant} = 42", session)
    outcome(f"{constant}.zero_(); {constant}.add_(1)", session)
    assert shown(constant) == before


@pytest.mark.parametrize("text", ["float64.foo = 3", "sin.x = 3", "torch.sum = 3", "math.pi = 3", "np.pi += 1", "pi.data = 3"])
def test_what_belongs_to_the_library_cannot_be_set(text: str) -> None:
    assert failure_of(text).kind in ("NameFailure", "TypeFailure", "SyntaxFailure")
    assert shown("pi; math.pi; torch.sum([1])")[:2] == ["3.141592653589793"] * 2


def test_deleting_a_name_gives_the_built_in_back() -> None:
    session = Session()
    assert shown("sum = 3; del sum; sum([1, 2])", session) == ["tensor(3.)"]
    assert shown("sum([1, 2])", session) == ["tensor(3.)"]
    shown("len = 3; f(x) = len", session)
    shown("del len", session)
    assert shown("f(1)([1, 2, 3])", session) == ["3"]


def test_a_built_in_that_no_one_shadowed_cannot_be_deleted() -> None:
    session = Session()
    outcome("del sum", session)
    assert shown("sum([1, 2])", session) == ["tensor(3.)"]


def test_names_of_functions_comprehensions_and_parameters_stay_inside() -> None:
    assert shown("x = 5; y = [x for x in range(3)]; x") == ["tensor(5., requires_grad=True)"]
    assert shown("f = x -> { y = x; return y }; x = 5; f(1); x") == ["1", "tensor(5., requires_grad=True)"]
    assert failure_of("f = x -> { inside = x; return inside }; f(1); inside").kind == "NameFailure"
    assert failure_of("[v for v in range(3)]; v").kind == "NameFailure"
    assert failure_of("def f(a, b=2) { }; f(1); b").kind == "NameFailure"
    assert shown("x = 5; def f() { x = 6; g = () -> { x = 7; return x }; g(); return x }; f(); x") == [
        "6", "tensor(5., requires_grad=True)",
    ]  # fmt: skip


def test_defaults_are_evaluated_where_they_stand() -> None:
    assert shown("a = 3; f = (x, y=a) -> x + y; a = 100; f(1)") == ["tensor(4., grad_fn=<AddBackward0>)"]
    assert shown("fs = [(k=i) -> { return k } for i in range(3)]; fs[0](); fs[2]()") == ["0", "2"]
    assert shown("f = (x -> x) if true else ((k=1/0) -> { return k }); f(3)") == ["3"]
    assert failure_of("f = (x, y=undefined) -> x").kind == "NameFailure"


def test_sessions_do_not_see_each_other() -> None:
    first, second = Session(seed=1), Session(seed=1)
    shown("secret = 3; f(x) = secret * x; set_default_dtype(float32); manual_seed(7)", first)
    for name in ("secret", "f"):
        assert failure_of(name, second).kind == "NameFailure"
    assert shown("[1.5]", second) == ["tensor([1.5000])"]
    assert shown("[1.5]", first) == ["tensor([1.5000])"]
    assert shown("[1.5].dtype", first) == ["torch.float32"]
    assert shown("[1.5].dtype", second) == ["torch.float64"]
    assert shown("rand(2)", second) == shown("rand(2)", Session(seed=1))
    assert modes.default_dtype == np.float64


def test_a_functions_value_from_another_session_keeps_its_own_names() -> None:
    first, second = Session(), Session()
    shown("k = 2; f(x) = k * x", first)
    second["f"] = first["f"]
    assert shown("k = 5; f(3)", second) == ["tensor(6., grad_fn=<MulBackward0>)"]


@pytest.mark.parametrize("name", ["@leaf", "__x", "a b", "", "x.y", "3", "if", "none", "True", "def", "x\n"])
def test_names_that_a_session_does_not_take(name: str) -> None:
    with pytest.raises(GradcliError):
        Session()[name] = 3


# ---- whoever runs a script keeps the state


SUSPENDED = "no_grad {\n    1\n    2\n}\n3"


def recording(session: Session) -> bool:
    return shown("x = 3; y = x^2; backward y", session) == ["x.grad = tensor(6.)"]


def test_a_run_that_is_given_up_leaves_the_session_as_it_was() -> None:
    session = Session()
    run = session.run(SUSPENDED)
    next(run)
    run.close()
    assert recording(session)
    assert modes.recording


def test_a_run_that_is_forgotten_leaves_the_session_as_it_was() -> None:
    session = Session()
    next(session.run(SUSPENDED))
    assert recording(session)
    assert modes.recording


def test_suspended_runs_of_one_session_do_not_mix_their_modes() -> None:
    session = Session()
    first, second = session.run(SUSPENDED), session.run("enable_grad {\n    5\n    6\n}\n7")
    next(first)
    assert recording(session)
    next(second)
    list(first)
    list(second)
    assert recording(session)
    assert modes.recording


def test_suspended_runs_of_two_sessions_do_not_mix_their_modes() -> None:
    one, other = Session(), Session(dtype="float32")
    first, second = one.run(SUSPENDED), other.run("x = 3\n x\n y = x^2\n backward y\n y")
    next(first)
    next(second)
    assert modes.recording
    list(first)
    assert len(list(second)) == 2
    assert recording(one)
    assert modes.default_dtype == np.float64


@pytest.mark.parametrize("end", ["1/0", "undefined", "zeros(2)[5]", "f()", "assert false", "backward 3"])
def test_a_failure_inside_a_block_leaves_the_mode_as_it_was(end: str) -> None:
    session = Session()
    shown("def f() { no_grad { return 1/0 } }", session)
    failure_of(f"no_grad {{ enable_grad {{ no_grad {{ {end} }} }} }}", session)
    assert recording(session)


@pytest.mark.parametrize("end", ["return 3", "break", "continue"])
def test_leaving_a_block_early_leaves_the_mode_as_it_was(end: str) -> None:
    session = Session()
    if end == "return 3":
        shown("def f() { no_grad { return 3 } }; f()", session)
    else:
        shown(f"for i in range(2) {{ no_grad {{ {end} }} }}", session)
    assert recording(session)


def test_a_hook_may_run_the_session_that_it_is_in() -> None:
    session = Session()
    seen: list[str] = []

    def hook(g: Tensor) -> None:
        seen.extend(shown("x + 1; z = 2; backward z^2", session))

    session["hook"] = hook
    assert shown("x = 3; y = x^2; y.register_hook(hook); backward y", session) == ["x.grad = tensor(6.)"]
    assert seen == ["tensor(4., grad_fn=<AddBackward0>)", "z.grad = tensor(4.)"]
    assert recording(session)


def test_a_function_of_the_host_may_go_on_with_the_run_that_calls_it() -> None:
    session = Session()
    session["again"] = lambda: next(run)
    run = session.run("again()")
    with pytest.raises((GradcliError, ValueError)):
        list(run)
    assert recording(session)


# ---- recursion


@pytest.mark.parametrize(
    "text",
    ["def f(x) { return f(x) }; f(1)", "f = x -> f(x); f(1)", "f = x -> f.apply(x); f(1)", "f = x -> f'(x); f(1.)", "f(x) = grad(f)(x); f(1.)",
     "x = 3; y = x^2; y.register_hook(g -> y.backward(retain_graph=true)); backward y",
     "x = 3; y = x^2; def h(g) { z = x^2; z.register_hook(h); z.backward() }; y.register_hook(h); backward y",
     "def f(x) { return f(x) } backward(g) { return g }; x = 3; f(x)",
     "def f(x) { return x^2 } backward(g) { y = f(x); y.backward(); return g }; x = 3; y = f(x); y.backward()",
     "f = x -> [f(v) for v in [x]]; f(1)", "f = x -> sum([f(x), 1]); f(1)", "f = x -> (y -> { return f(y) })(x); f(1)",
     "xs = [sin]; xs.append(xs); tensor(xs)", "xs = [sin]; xs.append(xs); xs * [1, 2]",
     "f = x -> x^2; for k in range(3000) { f = grad(f) }; f(1.)"],
)  # fmt: skip
def test_endless_recursion_is_a_limit(text: str) -> None:
    failure = failure_of(text)
    assert failure.kind in ("LimitFailure", "AutogradFailure"), failure.message
    assert failure.span is not None


def test_a_list_that_holds_itself_is_shown_or_a_limit() -> None:
    for last in ("print(xs)", "xs", 'f"{xs}"'):
        failure = outcome(f"xs = [sin]; xs.append(xs); {last}").failure
        assert failure is None or failure.kind == "LimitFailure"


def test_recursion_500_deep_works() -> None:
    assert shown("def f(n) { if n == 0 { return 0 }; return 1 + f(n - 1) }; f(500)") == ["500"]
    assert shown("f = n -> 0 if n == 0 else 1 + f(n - 1); f(500)") == ["500"]
    assert shown("def f(n) { return 0 if n == 0 else f(n - 1) + x }; x = 2; backward f(500)") == ["x.grad = tensor(500.)"]


@pytest.mark.parametrize("kind", ["for v in [1] ", "while true ", "no_grad ", "if true ", "with torch.no_grad() ", "enable_grad "])
@pytest.mark.parametrize("depth", [15, 25, 200])
def test_nested_blocks_run_or_are_a_limit(kind: str, depth: int) -> None:
    _, _, failure = outcome((kind + "{ ") * depth + "1/0" + " }" * depth)
    assert failure is not None
    assert failure.kind in ("ValueFailure", "LimitFailure")
    assert failure.kind == "ValueFailure" or depth > 15
    assert failure.span is not None


# ---- what must not end the process: each in one of its own

NO_END = [
    "it = [1, 2]; for k in range(300000) { it = enumerate(it) }; for a in it { break }",
    "it = [sin]; for k in range(300000) { it = zip(it) }; list(it)",
    "it = [sin]; for k in range(300000) { it = zip(it) }; it = none",
    "xs = [sin]; for k in range(300000) { ys = []; ys.append(xs); xs = ys }; xs = none",
    "xs = [sin]; for k in range(300000) { ys = []; ys.append(xs); xs = ys }; print(xs)",
    "xs = (sin,); for k in range(300000) { xs = (xs,) }; xs",
    "xs = (sin,); ys = (sin,); for k in range(300000) { xs = (xs,); ys = (ys,) }; xs == ys",
    "xs = (1,); for k in range(300000) { xs = (xs,) }; tensor(xs)",
    "xs = (1,); for k in range(300000) { xs = (xs,) }; zeros(2)[xs]",
    "compose(f) = x -> f(x); f = sin; for k in range(300000) { f = compose(f) }; f(1)",
    "compose(f) = x -> f(x); f = sin; for k in range(300000) { f = compose(f) }; f = none",
    "f = sin; for k in range(3000) { f = grad(f) }; f(1.)",
]


@pytest.mark.parametrize("text", NO_END)
def test_no_script_crashes_the_interpreter(text: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "gradcli", "eval", "-e", text], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode in (0, 1), result.returncode
    assert "Traceback" not in result.stderr
    assert "this is a bug" not in result.stderr


# ---- files


class _Touches:
    """An object whose unpickling would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.mkdir, (str(self.path),)


def test_loading_never_unpickles(tmp_path: Path) -> None:
    trap = np.empty(1, object)
    trap[0] = _Touches(tmp_path / "made")
    np.save(tmp_path / "trap.npy", trap, allow_pickle=True)
    np.savez(tmp_path / "trap.npz", x=trap)
    (tmp_path / "trap.txt").write_bytes(pickle.dumps(trap[0]))
    (tmp_path / "plain.npy").write_bytes(pickle.dumps(trap[0]))
    for name in ("trap.npy", "trap.npz", "trap.txt", "plain.npy"):
        failure = failure_of(f'x = load("{(tmp_path / name).as_posix()}"); sum(x)')
        assert failure.kind in ("FileFailure", "ValueFailure", "TypeFailure"), name
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("call", ['load("{}")', 'save("{}", [1, 2])', 'torch.load("{}")', 'np.load("{}")', 'f = load; f("{}")', 'load.apply("{}")'])
def test_the_sandbox_refuses_all_files(call: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[1, 2]", encoding="utf-8")
    failure = failure_of(call.format(path.as_posix()), Session(sandbox=True))
    assert failure.kind == "FileFailure"
    assert "sandbox" in f"{failure.message} {failure.help}"
    assert path.read_text(encoding="utf-8") == "[1, 2]"


def test_a_function_of_a_free_session_does_not_open_the_sandbox(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[1, 2]", encoding="utf-8")
    free, shut = Session(), Session(sandbox=True)
    shown(f'read() = load("{path.as_posix()}"); go = load', free)
    shut["read"], shut["go"] = free["read"], free["go"]
    assert failure_of("read()", shut).kind == "FileFailure"
    assert failure_of(f'go("{path.as_posix()}")', shut).kind == "FileFailure"
    assert shown("read()", free) == ["tensor([1., 2.])"]
