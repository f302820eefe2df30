"""What the vocabulary says of itself, as data: for `gradcli functions`, `:help` and docs/functions.md.

All of it comes from where a function is made. Its signature is its own. Its docstring's first paragraph says what it
does; then, each on lines of its own, what else a reader wants to know:

    Shapes: (..., n) -> (...)
    Derivative: g * cos(x)
    Kink: at a tie the gradient is shared, as in PyTorch.
    Example: x = tensor([1., 2.])
        sin(x)

An elementwise function of the engine's table says in its entry what the derivative is and on which numbers it's
defined: its shapes, its derivative and an example follow from that, unless its doc says better.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from textwrap import dedent
from typing import Any, NamedTuple

from gradcli.engine import Tensor
from gradcli.engine.operation import Op
from gradcli.library.queries import ATTRIBUTES
from gradcli.library.vocabulary import FUNCTIONS, METHODS, load_all, loaded, signature_of

SECTIONS = {
    "Creation": "creation distributions",
    "Elementwise": "engine pointwise comparisons casts floating",
    "Special functions": "special",
    "Reductions": "reducing extremes statistics quantiles",
    "Along a dim": "running",
    "Products": "products matrix_products added_products",
    "Linear algebra": "linear_algebra systems decompositions lu matrix_norms",
    "Shapes": "shapes expanding arranging splitting strides",
    "Parts": "parts",
    "Writing at indices": "scattering",
    "Fourier transforms": "fourier",
    "Activations": "activations activations_in_place",
    "Losses": "functional losses margin_losses distances sequence_losses",
    "Layers": "layers normalizations convolutions pooling max_pooling resampling grids",
    "Transforms": "transforms jacobians mapping autograd_functional gradient_checks",
    "Gradients": "autograd",
    "Attributes": "",
    "Queries": "queries",
    "Plain values": "plain",
    "Files": "files",
}
"""The vocabulary's sections, and the modules of the library whose functions stand in each."""

_SECTION = {module: title for title, modules in SECTIONS.items() for module in modules.split()}

FIELDS = ("shapes", "derivative", "kink", "example")
_FIELD = re.compile(rf"^({'|'.join(FIELDS)}): ", re.IGNORECASE)

_NUMBERS = {
    "real": "-1., 0.5, 2.",
    "positive": "0.5, 1., 2.",
    "nonzero": "-1., 0.5, 2.",
    "unit": "-0.5, 0., 0.9",
    "above one": "1.5, 2., 3.",
    "probability": "0.1, 0.5, 0.9",
}
"""Numbers of each domain that an operation of the table can have, for its example."""


class Entry(NamedTuple):
    """One function, under all its names; or an attribute."""

    names: tuple[str, ...]
    """As a script calls it, the first as its page does; an attribute's and a method's begin with a dot."""
    section: str
    signature: str
    summary: str
    shapes: str
    derivative: str
    kink: str
    """What holds at kinks, ties and edges."""
    examples: tuple[str, ...]
    in_place: str
    """The name of the method that changes its tensor so, where there is one."""
    source: str
    """The file that says all this, and how it's computed."""

    @property
    def name(self) -> str:
        return self.names[0]


def entries() -> list[Entry]:
    """The vocabulary, by section and then by name. Loads all of it."""
    load_all()
    found: dict[int, tuple[Callable[..., Any], list[str]]] = {}
    for name, call in FUNCTIONS.items():
        if name != "no_grad" and name != "enable_grad":  # These are statements.
            found.setdefault(id(loaded(call)), (loaded(call), []))[1].append(name)
    for name, call in METHODS.items():
        base = name.removesuffix("_")
        if base == name or (base not in FUNCTIONS and base not in METHODS):
            found.setdefault(id(loaded(call)), (loaded(call), []))[1].append(f".{name}")
    for name, get in ATTRIBUTES[Tensor].items():
        found[id(get)] = get, [f".{name}"]
    made = [_entry(call, names) for call, names in found.values()]
    places = {title: number for number, title in enumerate(SECTIONS)}
    return sorted(made, key=lambda entry: (places[entry.section], _order(entry.name)))


def _order(name: str) -> tuple[str, str]:
    """By the bare name, so that `F.relu` stands at r."""
    return name.rpartition(".")[2].lower(), name


def _entry(call: Callable[..., Any], names: list[str]) -> Entry:
    op = _op_of(call)
    summary, facts = _parted(call.__doc__ or "")
    module = _module_of(call)
    if op is not None:
        facts = _of_the_table(op, names[0]) | facts
    attribute = names[0][1:] in ATTRIBUTES[Tensor]
    in_place = next((f"{name}_" for name in names if f"{name}_" in METHODS), "")
    return Entry(
        tuple(names),
        "Attributes" if attribute else _SECTION["engine" if op is not None else module.rpartition(".")[2]],
        f"x{names[0]}" if attribute else _signature(names[0], call),
        summary,
        *("".join(facts.get(field, ())[:1]) for field in FIELDS[:3]),
        tuple(facts.get("example", ())),
        in_place,
        module.replace(".", "/") + ".py",
    )


def _op_of(call: Callable[..., Any]) -> Op | None:
    """The operation of the engine's table that a function is, where it's no more than that."""
    return getattr(getattr(call, "body", call), "op", None)


def _module_of(call: Callable[..., Any]) -> str:
    op = _op_of(call)
    function = op.rules[0] if op is not None and op.rules[0] is not None else getattr(call, "body", call)
    return getattr(function, "__module__", "") or ""


def _signature(name: str, call: Callable[..., Any]) -> str:
    try:
        signature = signature_of(call, name)
        # What stands before the dot is no argument.
        return re.sub(r"\(\w+(, )?", "(", f"x{signature}", count=1) if name.startswith(".") else signature
    except (AttributeError, TypeError):
        return f"{name}(...)"


def _parted(doc: str) -> tuple[str, dict[str, list[str]]]:
    """A docstring as its text and its fields; what is indented below a field's line belongs to it."""
    first, _, rest = doc.strip().partition("\n")
    text, facts, into = [first], {}, None
    for line in dedent(rest).split("\n"):
        field = _FIELD.match(line)
        if field:
            into = facts.setdefault(field[1].lower(), [])
            into.append(line[field.end() :])
        elif into is None:
            text.append(line)
        elif line.strip():
            # An example's lines are a script's; elsewhere a line that goes on is one text.
            into[-1] += ("\n" if into is facts.get("example") else " ") + line.strip()
    return "\n".join(text).strip(), facts


def _of_the_table(op: Op, name: str) -> dict[str, list[str]]:
    """What an operation's entry says of it."""
    rules = [text or "none" for text in op.formula]
    numbers = _NUMBERS[op.domain]
    arguments = f"[{numbers}]" if op.arity == 1 else f"[{numbers}], [2., 3., 4.]"
    return {
        "shapes": ["any, and the result's is the same" if op.arity == 1 else "any two that broadcast together"],
        "derivative": [
            rules[0]
            if len(rules) == 1
            else "; ".join(f"{input}: {text}" for text, input in zip(rules, "xyz", strict=False))
        ],
        "example": [f"{name}({arguments})"],
    }


def find(name: str, among: list[Entry]) -> list[Entry]:
    """The functions of a name: `norm` is both `norm` and `linalg.norm`, `torch.sin` and `sin_` are `sin`."""
    changed = name.removesuffix("_") if name in METHODS else name
    exact = [
        entry
        for entry in among
        if name in entry.names or f".{name}" in entry.names or (entry.in_place and changed in entry.names)
    ]
    if name.startswith("nn.functional."):
        return find(name.replace("nn.functional", "F"), among)
    if "." in name and not exact:
        return find(name.partition(".")[2], among)
    bare = [entry for entry in among if any(key.rpartition(".")[2] == name for key in entry.names)]
    # `math.sin` is what `sin` is, for plain numbers.
    return exact + [entry for entry in bare if entry not in exact and not (exact and entry.name.startswith("math."))]


def search(words: str, among: list[Entry]) -> list[Entry]:
    """The functions in whose names or texts all words occur; those that are named so come first."""
    wanted = words.lower().split()
    named = [entry for entry in among if all(any(word in key.lower() for key in entry.names) for word in wanted)]
    told = [entry for entry in among if all(word in " ".join(map(str, entry)).lower() for word in wanted)]
    return named + [entry for entry in told if entry not in named]
