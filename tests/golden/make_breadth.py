"""Writes breadth.json and breadth_transforms.json beside this file, and checks the slopes of tests/operations/edges.py.

What PyTorch gives for every case of cases_breadth.py, cases_breadth_layers.py and transforms_of_several.py. Run it as
make_ops.py is run, from the root of the repository: python -m tests.golden.make_breadth
"""

import json
import warnings

import torch

from tests.golden.make_ops import NAMESPACE, write
from tests.golden.make_transforms import recorded, value_and_grad
from tests.library.transform_cases import VALUES
from tests.operations import cases_breadth, cases_breadth_layers, transforms_of_several
from tests.operations.edges import BEYOND_PYTORCH, EDGES, FAR


def sloped(expression: str, point: list[float], dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """The value of an expression in x, and the gradient of its sum."""
    torch.set_default_dtype(dtype)
    x = torch.tensor([float(number) for number in point], requires_grad=True)
    value = eval(expression, {**NAMESPACE, "x": x})
    (slope,) = torch.autograd.grad(value.sum(), x, allow_unused=True, materialize_grads=True)
    return value, slope


def same(found: torch.Tensor, stated: object) -> bool:
    """To nine digits, or six of float32; within 1e-15 of 0, which is what PyTorch makes of sinc's slope at 1e-300."""
    wanted = torch.tensor(stated, dtype=torch.float64).expand(found.shape)
    digits = 1e-9 if found.dtype == torch.float64 else 1e-6
    return torch.allclose(found.double(), wanted, rtol=digits, atol=1e-15, equal_nan=True)


def check_edges() -> None:
    """Refuses to go on where PyTorch has another slope or value than the one that stands in edges.py."""
    wrong = []
    for group in EDGES.values():
        for expression, point, slope in group:
            for dtype in (torch.float64, torch.float32):
                found = sloped(expression, point, dtype)[1]
                if not same(found, slope):
                    wrong.append(f"{expression} at {point}, {dtype}: {found.tolist()}, not {slope}")
    for name, group in FAR.items():
        for expression, point, value, slope in () if name in BEYOND_PYTORCH else group:
            found = sloped(expression, point, torch.float64)
            if not (same(found[0], value) and same(found[1], slope)):
                wrong.append(f"{expression} at {point}: {[part.tolist() for part in found]}, not {value, slope}")
    if wrong:
        raise SystemExit("\n".join(wrong))


def check_fields() -> None:
    """Fails where the parts of a result have other names in PyTorch, or another order."""
    x = torch.tensor([[2.0, 1.0, -3.0], [0.5, 4.0, 1.5]])
    for expression, fields in cases_breadth.FIELDS.items():
        result = eval(expression, {**NAMESPACE, "x": x})
        for part, field in zip(result, fields.split(), strict=True):
            assert getattr(result, field) is part, f"{expression}: {field}"


def write_transforms() -> None:
    """What PyTorch's transforms give, by expression."""
    names = {"torch": torch, "value_and_grad": value_and_grad}
    names |= {name: getattr(torch.func, name) for name in ("grad", "vjp", "jvp", "jacrev", "jacfwd", "vmap")}
    names |= {name: torch.tensor(eval(text), dtype=torch.float64) for name, text in VALUES.items()}
    for name, text in transforms_of_several.FUNCTIONS.items():
        names[name] = eval(text, names)
    found = {}
    for expression in transforms_of_several.CASES:
        result = eval(expression, names)
        found[expression] = recorded(tuple(result) if isinstance(result, list) else result)
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in found.items())
    cases_breadth.GOLDEN_FILE.with_name("breadth_transforms.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # PyTorch's own, on degrees of freedom
    check_edges()
    check_fields()
    write_transforms()
    write(cases_breadth.GOLDEN_FILE, cases_breadth.CASES | cases_breadth_layers.CASES, {})
