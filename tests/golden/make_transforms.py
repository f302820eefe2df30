"""Writes transforms.json beside this file: what PyTorch gives for the cases of tests/library/transform_cases.py.

Run it by hand, from the root of the repository, after a change to the cases. It needs PyTorch, which the tests don't:

    pip install torch==2.13.0
    python -m tests.golden.make_transforms
"""

import json
from pathlib import Path

import torch
from torch.autograd import functional

from tests.library.transform_cases import CASES, FUNCTIONS, VALUES


def value_and_grad(func, argnums=0, has_aux=False):
    """gradcli's order of the two, which torch gives the other way round."""

    def call(*args):
        gradient, value = torch.func.grad_and_value(func, argnums, has_aux)(*args)
        return value, gradient

    return call


def recorded(result):
    """A result as JSON has it: a tensor by shape and numbers, a tuple as an array."""
    if isinstance(result, tuple):
        return [recorded(part) for part in result]
    return {"shape": list(result.shape), "data": result.detach().flatten().tolist()}


def main() -> None:
    names = {
        "torch": torch, "value_and_grad": value_and_grad, "jacobian": functional.jacobian,
        "hessian": functional.hessian, "hvp": functional.hvp, "vhp": functional.vhp,
    }  # fmt: skip
    names |= {name: getattr(torch.func, name) for name in ("grad", "vjp", "jvp", "jacrev", "jacfwd", "vmap")}
    names |= {name: torch.tensor(eval(text), dtype=torch.float64) for name, text in VALUES.items()}
    for name, text in FUNCTIONS.items():
        names[name] = eval(text, names)
    found = {expression: recorded(eval(expression, names)) for expression in CASES}
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in found.items())
    Path(__file__).with_name("transforms.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
