"""What each kind costs: its time of detection when it may make at most so many mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.detectors.contract import Kind
from harness.detectors.curve import Curve, Point
from harness.detectors.registry import KINDS

BUDGETS: Final = (100.0, 10.0, 1.0, 0.1)
"""Mistakes an hour. Those that a trace is too short to tell from none are left out."""
NONE: Final = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """One kind: for each budget the setting that detects soonest within it, None where every setting makes more."""

    kind: Kind
    points: tuple[Point | None, ...]


def budgets(curve: Curve) -> tuple[float, ...]:
    """Mistakes an hour that this trace can tell apart, falling; the last is none at all."""
    return (*(budget for budget in BUDGETS if budget * curve.distinct_hours >= 3), NONE)


def told_budget(budget: float) -> str:
    """A budget as the head of a column."""
    return f"at most {budget:g}/h" if budget else "none seen"


def offers(curve: Curve) -> tuple[Offer, ...]:
    """One row a kind."""
    return tuple(
        Offer(kind, tuple(curve.soonest(kind, most_per_h=budget) for budget in budgets(curve)))
        for kind in KINDS
    )
