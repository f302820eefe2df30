"""Writes ops.json beside this file: what PyTorch gives for every case of tests/operations/cases.py.

Run it by hand, from the root of the repository, after a change to the cases or their inputs. It needs PyTorch, which
nothing else here does:

    pip install torch==2.13.0
    python -m tests.golden.make_ops

The same cases give the same file, one case a line, so that a difference in it is a difference in PyTorch or in a case.
"""

import ast
import json
import warnings
from pathlib import Path

import torch

from tests.operations.cases import CASES, ERRORS
from tests.operations.inputs import GOLDEN_FILE, INPUTS, VARIANTS, encode, make_inputs, weights

TORCH_VERSION = "2.13.0"

NAMESPACE = {name: getattr(torch, name) for name in dir(torch) if not name.startswith("_")}
NAMESPACE |= {"torch": torch, "F": torch.nn.functional, "linalg": torch.linalg, "special": torch.special}
NAMESPACE |= {"fft": torch.fft, "len": len}
# Only what a script of gradcli may also say: none of Python's builtins but what PyTorch's own C++ code looks for here.
NAMESPACE["__builtins__"] = {"__import__": __import__}


def input_names(expression: str) -> tuple[str, ...]:
    """The inputs that an expression names, in order of first appearance."""
    names = [node for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Name)]
    names.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(node.id for node in names if node.id in INPUTS))


def tensors(names: tuple[str, ...], variant: str) -> dict[str, torch.Tensor]:
    """The inputs as leaves: the floating ones require grad."""
    made = {}
    for name, array in make_inputs(names, variant).items():
        # from_numpy keeps the strides, and wants to be able to write.
        tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
        made[name] = tensor.requires_grad_(tensor.is_floating_point())
    return made


def evaluate(expression: str, leaves: dict[str, torch.Tensor]) -> list[object]:
    """The results of an expression, one for each part of a tuple of tensors."""
    result = eval(expression, {**NAMESPACE, **leaves})
    if isinstance(result, (tuple, list)) and any(isinstance(part, torch.Tensor) for part in result):
        return list(result)
    return [result]


def plain(value: object) -> object:
    """A result as an array, or as what JSON can say."""
    if isinstance(value, torch.Tensor):
        return value.numpy(force=True)
    if isinstance(value, torch.Size):
        return list(value)
    if isinstance(value, torch.dtype):
        return str(value)
    return value


def vector(tensor: torch.Tensor, which: int) -> torch.Tensor:
    return torch.from_numpy(weights(tuple(tensor.shape), which)).to(tensor.dtype)


def gradients(outputs: list, leaves: dict[str, torch.Tensor], first: int, **options: bool) -> dict[str, torch.Tensor]:
    """Gradients of the weighted sum of outputs; output k has the weights of number first + k."""
    chosen = [(k, output) for k, output in enumerate(outputs, first) if getattr(output, "requires_grad", False)]
    floating = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad}
    if not chosen or not floating:
        return {}
    found = torch.autograd.grad(
        [output for _, output in chosen],
        list(floating.values()),
        grad_outputs=[vector(output, k) for k, output in chosen],
        allow_unused=True,
        retain_graph=True,
        **options,
    )
    return {name: grad for name, grad in zip(floating, found, strict=True) if grad is not None}


def second_order(outputs: list, leaves: dict[str, torch.Tensor]) -> dict[str, torch.Tensor] | None:
    """Gradients of the weighted sum of the gradients; None where PyTorch can't."""
    try:
        firsts = gradients(outputs, leaves, 0, create_graph=True)
        return gradients([firsts.get(name) for name in leaves], leaves, 1)
    except (RuntimeError, NotImplementedError) as error:
        if any(words in str(error) for words in ("not implemented", "not differentiable", "is unsupported")):
            return None
        raise


def failure(error: Exception) -> dict:
    return {"exception": type(error).__name__, "error": str(error).strip().split("\n")[0]}


def record(expression: str, names: tuple[str, ...], variant: str) -> dict:
    leaves = tensors(names, variant)
    try:
        outputs = evaluate(expression, leaves)
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        return failure(error)
    made: dict = {"values": [encode(plain(output)) for output in outputs]}
    if any(getattr(output, "grad_fn", None) is not None for output in outputs):
        made["grad_fns"] = [output.grad_fn and output.grad_fn.name() for output in outputs]
    try:
        firsts = gradients(outputs, leaves, 0)
    except RuntimeError as error:
        return made | {"gradients": None} | failure(error)
    if firsts:
        made["gradients"] = {name: encode(plain(grad)) for name, grad in firsts.items()}
        seconds = second_order(outputs, leaves)
        if seconds is None:
            made["second"] = None
        elif seconds:
            made["second"] = {name: encode(plain(grad)) for name, grad in seconds.items()}
    return made


def case(function: str, expression: str, *, fails: bool) -> dict:
    """One line of the file: the case in each variant; a strided one that changes nothing says "float64"."""
    names = input_names(expression)
    made = {"function": function, "expression": expression, "inputs": list(names)}
    # Without inputs there is nothing to vary, and an error is one in every variant.
    for variant in VARIANTS if names and not fails else VARIANTS[:1]:
        made[variant] = record(expression, names, variant)
    if fails != ("values" not in made["float64"]):
        raise SystemExit(f"{expression}: {made['float64'].get('error', 'expected an error')}")
    if made.get("strided") == made["float64"]:
        made["strided"] = "float64"
    return made


def write(file: Path, cases: dict[str, tuple[str, ...]], errors: dict[str, tuple[str, ...]]) -> None:
    """Records cases, which give values, and errors, in a golden file."""
    if torch.__version__.split("+")[0] != TORCH_VERSION:
        raise SystemExit(f"the golden file is PyTorch {TORCH_VERSION}'s; this is {torch.__version__}")
    if shadowed := INPUTS.keys() & NAMESPACE.keys():
        raise SystemExit(f"inputs named like functions: {sorted(shadowed)}")
    torch.set_default_dtype(torch.float64)
    warnings.simplefilter("ignore")  # PyTorch's own, on degrees of freedom and the like: the values say it
    torch.set_num_threads(1)  # more threads add in another order
    made = [case(name, text, fails=False) for name, group in cases.items() for text in group]
    made += [case(name, text, fails=True) for name, group in errors.items() for text in group]
    lines = ",\n".join(json.dumps(one, separators=(",", ":"), allow_nan=False) for one in made)
    file.write_text(f'{{"torch":"{TORCH_VERSION}","cases":[\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{len(made)} cases, {file.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    write(GOLDEN_FILE, CASES, ERRORS)
