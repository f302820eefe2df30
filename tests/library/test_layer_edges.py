"""Layers at the edges of what they're for: nothing to attend to, all dropped, a sample without a batch, a step."""

from __future__ import annotations

import numpy as np
import pytest

from gradcli.errors import ShapeFailure
from gradcli.events import Warned
from tests.sessions import ran

QUERY = np.array([[1.0, 2.0], [3.0, 4.0]])


def test_attention_to_nothing_is_0_with_no_gradient_and_no_warning() -> None:
    script = """
        mask = tensor([[true, false], [false, false]])
        y = F.scaled_dot_product_attention(q, eye(2), v, mask)
        y.sum().backward()
        g = q.grad
        h = v.grad
    """
    session = ran("", q=QUERY, v=QUERY)
    assert not [event for event in session.run(script) if isinstance(event, Warned)]
    np.testing.assert_array_equal(session["y"].array, [[1, 2], [0, 0]])
    np.testing.assert_array_equal(session["g"].array, np.zeros((2, 2)))
    np.testing.assert_array_equal(session["h"].array, [[1, 1], [0, 0]])


@pytest.mark.parametrize(
    ("layer", "mask"),
    [
        ("dropout1d", (20, 1)),
        ("dropout2d", (20, 10, 1)),  # Samples and channels, as in PyTorch, though (C, H, W) would be three too.
        ("dropout3d", (20, 1, 1, 1)),
    ],
)
def test_channels_of_inputs_with_fewer_dims_than_the_layer_has(layer: str, mask: tuple[int, ...]) -> None:
    x = np.ones((20, 10, *(30,) * (len(mask) - 2)))
    y = ran(f"y = F.{layer}(x)", x=x)["y"].array
    one = y[tuple(slice(n) for n in mask)]
    np.testing.assert_array_equal(y, np.broadcast_to(one, y.shape))
    assert set(one.ravel()) == {0, 2}
    assert len(np.unique(one, axis=0)) > 1
    assert mask[1] == 1 or len(np.unique(one, axis=1)[0]) > 1


def test_dropout2d_wants_samples_and_channels() -> None:
    with pytest.raises(ShapeFailure, match="dropout2d wants an input with channels"):
        ran("y = F.dropout2d(x)", x=np.ones(3))


@pytest.mark.parametrize("layer", ["dropout", "alpha_dropout"])
def test_all_is_dropped_at_1(layer: str) -> None:
    session = ran(f"y = F.{layer}(x, 1., true); y.sum().backward(); g = x.grad", x=np.array([1.0, -2.0]))
    np.testing.assert_array_equal(session["y"].array, [0, 0])
    np.testing.assert_array_equal(session["g"].array, [0, 0])
    assert str(session["y"].grad_fn) == "<MulBackward0>"


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_the_nearest_pixel_is_a_step_of_its_place(padding: str) -> None:
    script = f"""
        y = F.grid_sample(arange(6.).reshape(1, 1, 2, 3), grid, "nearest", "{padding}", true)
        y.sum().backward()
        g = grid.grad
    """
    session = ran(script, grid=np.array([[[[-1.0, 1.0], [0.3, -0.8], [5.0, 0.0]]]]))
    assert session["y"].array.ravel()[:2].tolist() == [3, 1]
    np.testing.assert_array_equal(session["g"].array, np.zeros((1, 1, 3, 2)))
