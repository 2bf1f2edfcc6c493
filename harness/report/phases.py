"""The phases of a failover, as a verdict's figures state them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.model.judgement import Judgement
from harness.model.verdicts import Figure, Verdict

ENDS: Final = {
    "detect": "a majority suspects the primary",
    "decide": "a new primary is decided on",
    "seal": "the log is sealed at a majority",
    "promote": "the new primary serves",
    "first_order": "clients are answered again",
}
"""The figures that are phases, in their order, and what ends each."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: what ends it, where it starts and how long it takes, in milliseconds from the fault's first effect."""

    name: str
    ends: str
    start_ms: float
    length_ms: float


def failover(judgement: Judgement) -> Verdict | None:
    """The verdict on the failover time, when the scenario asked for one."""
    return next((verdict for verdict in judgement.verdicts if verdict.check == "failover_time"), None)


def figure(verdict: Verdict | None, name: str) -> Figure | None:
    """A verdict's figure by its name; None without a verdict or such a figure."""
    if verdict is None:
        return None
    return next((item for item in verdict.figures if item.name == name), None)


def phases(verdict: Verdict | None) -> tuple[Phase, ...]:
    """The phases that were measured, one after another; empty where the stack told none."""
    spans: list[Phase] = []
    at_ms = 0.0
    for name, ends in ENDS.items():
        found = figure(verdict, name)
        if found is None:
            continue
        length_ms = _milliseconds(found)
        spans.append(Phase(name.replace("_", " "), ends, at_ms, length_ms))
        at_ms += length_ms
    return tuple(spans)


def _milliseconds(item: Figure) -> float:
    return item.value * {"s": 1000.0, "ms": 1.0, "µs": 1e-3, "ns": 1e-6}.get(item.unit, 1.0)
