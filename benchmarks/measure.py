"""Jobs: what their peers measure in interleaved rounds, and what is made of it: medians, quartiles, ratios.

Speeds drift while a machine runs, so the peers of a job are never timed one after the other: each round runs all of
them, in an order that turns from round to round, and a spread is that of the ratios within the rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import ceil
from statistics import median, quantiles
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

OURS = "gradcli"

Measurement = dict[str, float]
"""What one run of a peer gives: for each quantity (time, memory) its value."""

Result = Iterable[Any]
"""What a peer computed: numbers and arrays, in the order that all peers of a job share."""


class WrongResult(Exception):
    """Peers that don't compute the same: nothing is timed."""


class Ratio(NamedTuple):
    """The median of the ratios of single rounds, gradcli's measurement over a peer's, and their quartiles."""

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
    measured: dict[str, list[float]]
    """For each peer its measurements, one a round."""

    def ratio(self, peer: str) -> Ratio | None:
        """None where that peer took no part."""
        if peer not in self.measured:
            return None
        ours, theirs = self.measured[OURS], self.measured[peer]
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        return Ratio(median(ratios), *quartiles(ratios))

    def as_json(self) -> dict[str, object]:
        measured = {}
        for peer, values in self.measured.items():
            low, high = quartiles(values)
            measured[peer] = {"median": median(values), "low": low, "high": high}
        ratios = {peer: found._asdict() for peer in self.measured if peer != OURS and (found := self.ratio(peer))}
        return {"job": self.job, "unit": self.unit, "reference": self.reference, "measured": measured, "ratios": ratios}


@dataclass
class Job:
    """What several peers do, each in its own way.

    `results` gives what each computes, to be compared; `peers` what each measures. Where gradcli has several ways to
    do the job, `ours` are their names, and each has a row of its own.
    """

    name: str
    reference: str
    peers: dict[str, Callable[[], Measurement]]
    results: Callable[[], dict[str, Result]]
    rounds: int
    units: dict[str, str] = field(default_factory=lambda: {"time": "s"})
    ours: tuple[str, ...] = (OURS,)

    def check(self) -> tuple[str, ...]:
        """Those who took part, whose results are all the same. Raises WrongResult."""
        results = {name: [np.asarray(part) for part in parts] for name, parts in self.results().items()}
        expected = results.get(self.reference, next(iter(results.values())))
        for name, parts in results.items():
            for number, (found, right) in enumerate(zip(parts, expected, strict=True), 1):
                if found.shape != right.shape:
                    raise WrongResult(
                        f"{self.name}: result {number} by {name} has shape {found.shape}, not {right.shape}"
                    )
                if not np.allclose(found, right, rtol=1e-8, atol=1e-11):
                    error = np.max(np.abs(found - right))
                    raise WrongResult(f"{self.name}: result {number} by {name} is wrong by {error:.3g}")
        return tuple(results)

    def rows(self) -> list[Row]:
        found = interleave(self.peers, self.rounds)
        rows = []
        for quantity, unit in self.units.items():
            columns = {
                name: [one[quantity] for one in values] for name, values in found.items() if quantity in values[0]
            }
            others = {name: values for name, values in columns.items() if name not in self.ours}
            for way in self.ours:
                if way in columns:
                    words = [self.name] + [way] * (way != OURS) + [quantity] * (quantity != "time")
                    rows.append(Row(", ".join(words), unit, self.reference, {OURS: columns[way]} | others))
        return rows


def job_of_runs(
    name: str, reference: str, runs: dict[str, Callable[[int], Result]], rounds: int, shortest: float = 0.05
) -> Job:
    """A job whose peers are functions of this process: called with a number of passes, each gives its last result.

    A measurement has so many passes that it takes at least `shortest` seconds.
    """

    def timed(run: Callable[[int], Result]) -> Callable[[], Measurement]:
        passes = 0

        def measure() -> Measurement:
            nonlocal passes
            if not passes:
                run(1)
                passes = 1
                # What a run costs once, such as compiling a script, says little of what a pass costs.
                while (seconds := _seconds(run, passes)) < shortest:
                    passes = ceil(passes * min(10, max(1.5, 1.2 * shortest / seconds)))
            return {"time": _seconds(run, passes) / passes}

        return measure

    return Job(
        name,
        reference,
        {peer: timed(run) for peer, run in runs.items()},
        lambda: {peer: run(2) for peer, run in runs.items()},
        rounds,
        {"time": "s a pass"},
    )


def _seconds(run: Callable[[int], Result], passes: int) -> float:
    start = perf_counter()
    run(passes)
    return perf_counter() - start


def quartiles(values: list[float]) -> tuple[float, float]:
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high


def interleave(peers: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[Any]]:
    """Runs each peer once a round; a peer gives its own measurement."""
    found: dict[str, list[Any]] = {name: [] for name in peers}
    order = list(peers)
    for _ in range(rounds):
        for name in order:
            found[name].append(peers[name]())
        order.append(order.pop(0))
    return found
