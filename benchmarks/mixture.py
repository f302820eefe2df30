"""The Gaussian mixture of ADBench: the log-likelihood of points, with a Wishart prior, and all its gradients.

Šrajer, Kukelova, Fitzgibbon: A benchmark of selected algorithmic differentiation tools (2018). The data are random
numbers, made here in the shape of its problem d = 10, K = 25 with 1,000 points; they aren't ADBench's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from measure import Job, Result
from peers import Task

GAMMA = 1.0
"""The prior's weight. Its other number, m, is 0; its constant terms are left out."""


def log_sum_exp(np: Any, x: Any) -> Any:
    """Over the last dim."""
    top = np.amax(x, axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(x - top), axis=-1)) + top[..., 0]


def objective(np: Any, alphas: Any, means: Any, logs: Any, lower: Any, points: Any, places: Any) -> Any:
    """`logs` are the logarithms of the inverse covariances' diagonals, (K, d); `lower` what is below, (K, d(d-1)/2).

    `places`, (d(d-1)/2, d*d), says where in a matrix, transposed, each of `lower` stands.
    """
    k, d = means.shape
    diagonals = np.exp(logs)
    centred = points - np.reshape(means, (k, 1, d))
    scaled = np.reshape(diagonals, (k, 1, d)) * centred + centred @ np.reshape(lower @ places, (k, d, d))
    inner = np.reshape(alphas + np.sum(logs, axis=1), (k, 1)) - 0.5 * np.sum(scaled * scaled, axis=2)
    likelihood = np.sum(log_sum_exp(np, inner.T)) - len(points) * log_sum_exp(np, alphas)
    return likelihood + 0.5 * GAMMA**2 * (np.sum(diagonals * diagonals) + np.sum(lower * lower))


def in_torch(torch: Any, alphas: Any, means: Any, logs: Any, lower: Any, points: Any, places: Any) -> Any:
    k, d = means.shape
    diagonals = torch.exp(logs)
    centred = points - means[:, None]
    scaled = diagonals[:, None] * centred + centred @ (lower @ places).reshape(k, d, d)
    inner = (alphas + logs.sum(1))[:, None] - 0.5 * (scaled * scaled).sum(2)
    likelihood = torch.logsumexp(inner, 0).sum() - len(points) * torch.logsumexp(alphas, 0)
    return likelihood + 0.5 * GAMMA**2 * ((diagonals * diagonals).sum() + (lower * lower).sum())


SCRIPT = f"""
diagonals = exp(logs)
centred = points - means[:, none]
scaled = diagonals[:, none] * centred + centred @ (lower @ places).reshape(means.shape[0], means.shape[1], -1)
inner = (alphas + logs.sum(1))[:, none] - 0.5 * (scaled * scaled).sum(2)
likelihood = logsumexp(inner, 0).sum() - len(points) * logsumexp(alphas, 0)
loss = likelihood + 0.5 * {GAMMA**2} * ((diagonals * diagonals).sum() + (lower * lower).sum())
"""


def by_hand(alphas: Any, means: Any, logs: Any, lower: Any, points: Any, places: Any) -> Result:
    k, d = means.shape
    diagonals = np.exp(logs)
    factors = (lower @ places).reshape(k, d, d)
    centred = points - means[:, None]
    scaled = diagonals[:, None] * centred + centred @ factors
    inner = (alphas + logs.sum(1))[:, None] - 0.5 * (scaled * scaled).sum(2)
    top = inner.max(0)
    shares = np.exp(inner - top)
    sums = shares.sum(0)
    shares /= sums
    weights = np.exp(alphas - alphas.max())
    likelihood = (np.log(sums) + top).sum() - len(points) * (np.log(weights.sum()) + alphas.max())
    loss = likelihood + 0.5 * GAMMA**2 * ((diagonals * diagonals).sum() + (lower * lower).sum())

    totals = shares.sum(1)
    g = -shares[:, :, None] * scaled
    means_grad = -(diagonals[:, None] * g + g @ factors.swapaxes(1, 2)).sum(1)
    logs_grad = (g * centred).sum(1) * diagonals + totals[:, None] + GAMMA**2 * diagonals**2
    lower_grad = (centred.swapaxes(1, 2) @ g).reshape(k, -1) @ places.T + GAMMA**2 * lower
    return loss, totals - len(points) * weights / weights.sum(), means_grad, logs_grad, lower_grad


def jobs(quick: bool) -> Iterator[Job]:
    generator = np.random.default_rng(3)
    n, d, k = (20, 3, 4) if quick else (1000, 10, 25)
    rows, columns = np.tril_indices(d, -1)
    places = np.zeros((len(rows), d * d))
    places[np.arange(len(rows)), columns * d + rows] = 1
    normal = generator.standard_normal
    yield Task(
        f"ADBench's Gaussian mixture, d = {d}, K = {k}, {n:,} points",
        objective,
        SCRIPT,
        by_hand,
        (normal(k), generator.uniform(0, 1, (k, d)), normal((k, d)), normal((k, len(rows)))),
        (normal((n, d)), places),
        own={"torch": in_torch},
    ).job(rounds=11)
