"""Interleaved rounds, and what is made of them: medians, quartiles, ratios.

Speeds drift while a machine runs, so the peers of a job are never timed one after the other: each round runs all of
them, in an order that turns from round to round, and a spread is that of the ratios within the rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles
from typing import NamedTuple

Times = dict[str, list[float]]
"""For each peer its measurements, one a round."""


class Ratio(NamedTuple):
    """gradcli's median over a peer's, with the quartiles of the ratios of single rounds."""

    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.ratio:.3g} ({self.low:.3g} to {self.high:.3g})"


@dataclass
class Row:
    """One line of the table: what was done, in which unit, and the measurements of those who did it."""

    job: str
    unit: str
    reference: str
    times: Times

    def ratio(self, peer: str) -> Ratio | None:
        """None where that peer took no part."""
        if peer not in self.times:
            return None
        ours, theirs = self.times["gradcli"], self.times[peer]
        low, high = quartiles([a / b for a, b in zip(ours, theirs, strict=True)])
        return Ratio(median(ours) / median(theirs), low, high)

    def as_json(self) -> dict[str, object]:
        measured = {}
        for peer, times in self.times.items():
            low, high = quartiles(times)
            measured[peer] = {"median": median(times), "low": low, "high": high}
        ratios = {peer: found._asdict() for peer in self.times if peer != "gradcli" and (found := self.ratio(peer))}
        return {"job": self.job, "unit": self.unit, "reference": self.reference, "measured": measured, "ratios": ratios}


def quartiles(values: list[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high


def interleave(peers: dict[str, Callable[[], float]], rounds: int) -> Times:
    """Runs each peer once a round; a peer gives its own measurement."""
    times: Times = {name: [] for name in peers}
    order = list(peers)
    for _ in range(rounds):
        for name in order:
            times[name].append(peers[name]())
        order.append(order.pop(0))
    return times


class WrongResult(Exception):
    """Peers that don't compute the same: nothing is timed."""
