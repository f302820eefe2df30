"""What a derivation must be, wherever its operations are tested: true to its lines and to the rules of backward."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from gradcli import GradcliError, Session, Tensor, tensor
from gradcli.analysis.derivation import Derivation, derive
from gradcli.analysis.symbols import Symbol, mentions, substituted, text_of, times
from gradcli.engine import grad
from gradcli.engine.operation import Op
from gradcli.render.derivation_text import lines_of
from tests.operations.inputs import Golden


def traced(source: str, **values: Any) -> Session:
    session = Session()
    session.tracing = True
    for name, value in values.items():
        session[name] = value
    for _ in session.run(source):
        pass
    return session


def explained(source: str, name: str = "y", **values: Any) -> Derivation:
    session = traced(source, **values)
    return derive(session.history_of(session[name]), names=session.named_tensors())


def in_the_language(expression: str, **values: Any) -> np.ndarray:
    """The value of an expression of the language, with arrays for its names."""
    session = Session(tracking="explicit")
    for name, value in values.items():
        session[name] = Tensor(np.asarray(value)[()])
    for _ in session.run(f"result_ = {expression}"):
        pass
    result = session["result_"]
    return result.array if isinstance(result, Tensor) else np.asarray(result, float)


def check_formula(op: Op, inputs: tuple, parameters: tuple) -> None:
    """The formulas of an operation, evaluated in the language, give what its rules give."""
    out = op.forward(*inputs, *parameters)
    g = np.asarray(np.arange(1.0, 1 + np.size(out)).reshape(np.shape(out)))[()]
    known = dict(zip(op.parameters[op.arity :], parameters, strict=True))
    names = dict(zip(("x", "y"), inputs, strict=False))
    restored = {"g": g, "out": out}
    axis = known.get("axis")
    if axis is not None and np.ndim(out) < np.ndim(inputs[0]):
        restored = {key: np.expand_dims(value, axis) for key, value in restored.items()}
    given = {key: Symbol(key, value.ndim) for key, value in names.items()} | known
    given["n"] = inputs[0].size // np.size(out)
    for position, rule in enumerate(op.rules):
        expression, words = substituted(op.formula[position], given)
        assert not words
        expected = rule(g, out, *inputs, *parameters)
        if not mentions(expression, "g"):
            expression = times(ast.Name("g"), expression)
        found = in_the_language(text_of(expression), **names, **restored)
        np.testing.assert_allclose(np.broadcast_to(found, expected.shape), expected, rtol=1e-12)


def check_explained(case: Golden) -> None:
    """There is a derivation that fits its lines, and its gradients are those of backward."""
    leaves = {
        name: tensor(array, dtype=array.dtype, requires_grad=array.dtype.kind == "f")
        for name, array in case.arrays().items()
    }
    session = traced(f"result = {case.expression}", **leaves)
    results = session["result"]
    for result in results if isinstance(results, (tuple, list)) else [results]:
        if not isinstance(result, Tensor) or not result.requires_grad:
            continue
        session["last"] = result
        try:
            history = session.history_of(result)
            history.gradients()
        except GradcliError:
            # No derivative, or values changed since: backward has none either.
            continue
        derivation = derive(history, names=session.named_tensors())
        for width in (40, 80, 120):
            assert all(len(line) <= width for line in lines_of(derivation, width))
        reached = [leaves[found.name] for found in derivation.gradients]
        expected = grad([result], reached, [Tensor(np.ones_like(result.array))], retain_graph=True)
        for found, gradient in zip(derivation.gradients, expected, strict=True):
            np.testing.assert_array_equal(found.gradient, gradient.array)
