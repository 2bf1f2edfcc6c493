"""latency: exact quantiles of the time from when an order was due to its answer, with and without the fault."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import ClassVar, Final

import numpy as np
from pydantic import Field

from harness.checks.bounds import judge_bound, told_bound
from harness.checks.contract import Check
from harness.checks.probes import NEVER
from harness.checks.struck import struck_gateways
from harness.checks.view import MISSING, Bools, Ints, View, view
from harness.history.run import Run
from harness.model.outcome import Outcome
from harness.model.quantities import Bound, Milliseconds, Settings, Share
from harness.model.record import FINAL
from harness.model.verdicts import Figure, Verdict

_SHOWN: Final = (0.5, 0.9, 0.99, 0.999)


class During(StrEnum):
    """Which orders count: all, those due while a fault was in force, or those due while none was."""

    ALL = "all"
    FAULT = "fault"
    QUIET = "quiet"


class LatencyExpectation(Bound[Milliseconds]):
    """How long an answer may take, counted from when its order was due (so nothing hides behind a slow answer)."""

    quantile: Share = Field(
        default=0.99, gt=0, le=1, description="Which quantile the bound is about.", examples=["99%"]
    )
    during: During = Field(default=During.QUIET, description="Which orders count: all, fault or quiet.")


class Latency(Check[LatencyExpectation]):
    """An order that was never answered counts as slower than any that was."""

    name: ClassVar[str] = "latency"
    summary: ClassVar[str] = "Exact quantiles of answers, counted from when orders were due."
    Expectation: ClassVar[type[Settings]] = LatencyExpectation

    def judge(self, run: Run, expectation: LatencyExpectation) -> Verdict:
        bound = told_bound(expectation, "ms")
        chosen = {during: _latencies(view(run), during) for during in During}
        kept = chosen[expectation.during]
        needed = math.ceil(1 / (1 - expectation.quantile)) if expectation.quantile < 1 else 1
        figures = tuple(figure for during in During for figure in _figures(during, chosen[during]))
        if len(kept) < needed:
            text = (
                run.problem("operations") or f"{len(kept)} orders, but this quantile needs at least {needed}"
            )
            return Verdict(self.name, Outcome.UNKNOWN, text, bound=bound, figures=figures)
        value = quantile(kept, expectation.quantile)
        name = f"the {expectation.quantile:.5g} quantile of {len(kept):,} orders ({expectation.during})"
        if value == NEVER:
            outcome = Outcome.UNKNOWN if expectation.is_empty() else Outcome.FAIL
            return Verdict(self.name, outcome, f"{name}: never answered", bound=bound, figures=figures)
        outcome, why = judge_bound(expectation, value / 1e6)
        return Verdict(
            self.name, outcome, f"{name} is {value / 1e6:.3f} ms{why}", bound=bound, figures=figures
        )


def quantile(sorted_ns: Ints, share: float) -> int:
    """The exact quantile of sorted values: the smallest that at least this share (0 to 1) does not exceed.

    Raises `IndexError` when there are no values.
    """
    at = max(0, math.ceil(round(share * len(sorted_ns), 9)) - 1)
    return int(sorted_ns[at])


def _latencies(seen: View, during: During) -> Ints:
    """Sorted latencies of new orders through gateways that should work; `NEVER` for those without an answer."""
    intended, completed = seen.ints("operations", "intended_ns"), seen.ints("operations", "completed_ns")
    answered = (completed != MISSING) & ~seen.equals("operations", "outcome", "info")
    kept = seen.asks() & ~seen.equals("operations", "purpose", FINAL) & _through_working(seen)
    if during is not During.ALL:
        faulty = _under_fault(seen.run, intended)
        kept &= faulty if during is During.FAULT else ~faulty
    latency = np.where(answered, completed - np.where(answered, intended, 0), NEVER)
    return np.sort(latency[kept])


def _through_working(seen: View) -> Bools:
    working = np.ones(seen.length("operations"), dtype=np.bool_)
    for gateway in sorted(struck_gateways(seen.run)):
        working &= ~seen.equals("operations", "gateway", gateway)
    return working


def _under_fault(run: Run, intended: Ints) -> Bools:
    """Where an order was due while a fault was in force (one without an end is in force to the end)."""
    faulty = np.zeros(len(intended), dtype=np.bool_)
    lifted = run.faults["lifted_ns"].to_numpy(dtype="int64", na_value=NEVER)
    for first, end in zip(run.faults["first_effect_ns"].tolist(), lifted.tolist(), strict=True):
        faulty |= (intended >= first) & (intended <= end)
    return faulty


def _figures(during: During, kept: Ints) -> list[Figure]:
    return [
        Figure(f"p{share * 100:g}_{during}", round(value / 1e6, 3), "ms", 0.001, len(kept))
        for share in _SHOWN
        if len(kept) * (1 - share) >= 1 and (value := quantile(kept, share)) != NEVER
    ]
