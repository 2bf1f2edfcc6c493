"""Judging one measured figure by a bound that a person wrote."""

from __future__ import annotations

import math
from typing import Any

from harness.model.outcome import Outcome
from harness.model.quantities import Bound


def judge_bound(bound: Bound[Any], value: float) -> tuple[Outcome, str]:
    """The outcome, and what to add to the figure's sentence. Without a bound nothing is judged: UNKNOWN."""
    if bound.is_empty():
        return Outcome.UNKNOWN, " (no bound was asked for: say min, max or exactly)"
    return (Outcome.PASS, "") if bound.admits(value) else (Outcome.FAIL, f", not within {told_bound(bound)}")


def judge_range(bound: Bound[Any], least: float, most: float) -> Outcome:
    """The outcome for a figure somewhere from `least` to `most`: UNKNOWN when it passes with some of that, not with all."""
    if bound.is_empty():
        return Outcome.UNKNOWN
    low = _either(bound.exactly, bound.min, -math.inf)
    high = _either(bound.exactly, bound.max, math.inf)
    if low <= least and most <= high:
        return Outcome.PASS
    return Outcome.FAIL if most < low or high < least else Outcome.UNKNOWN


def told_bound(bound: Bound[Any], unit: str = "") -> str:
    """A bound as people read it: `at most 2000 ms`."""
    words = (("at least", bound.min), ("at most", bound.max), ("exactly", bound.exactly))
    return " and ".join(
        f"{word} {_number(value)}{' ' + unit if unit else ''}" for word, value in words if value is not None
    )


def _either(first: float | None, second: float | None, otherwise: float) -> float:
    return next((value for value in (first, second) if value is not None), otherwise)


def _number(value: float) -> str:
    return f"{value:.10g}"
