"""availability: the share of scheduled probes that were answered ok within their deadline, from the first onset on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

import numpy as np
from pydantic import Field

from harness.checks.bounds import judge_bound, told_bound
from harness.checks.contract import Check
from harness.checks.probes import DEADLINE_NS, Stream, expected, streams
from harness.checks.view import view
from harness.history.run import Run
from harness.model.events import FaultInjected
from harness.model.outcome import Outcome
from harness.model.quantities import Bound, Milliseconds, Settings, Share
from harness.model.verdicts import Figure, Verdict

LEAST_PROBES: Final = 100


class AvailabilityExpectation(Bound[Share]):
    """How much of the service must be there."""

    deadline_ms: Milliseconds = Field(
        default=DEADLINE_NS / 1e6,
        alias="deadline",
        description="By when an answer counts, from when its order was due.",
        examples=["250ms"],
    )


class Availability(Check[AvailabilityExpectation]):
    """The bound is about what clients get in the end: at gateways that should work, and after reconnecting elsewhere.

    Each provider's own share stands beside it, those that a fault took away among them.
    """

    name: ClassVar[str] = "availability"
    summary: ClassVar[str] = "The share of probes answered in time, from the first fault to the end."
    Expectation: ClassVar[type[Settings]] = AvailabilityExpectation

    def judge(self, run: Run, expectation: AvailabilityExpectation) -> Verdict:
        bound = told_bound(expectation)
        every = streams(view(run), deadline_ns=round(expectation.deadline_ms * 1e6))
        since_ns = counts_from_ns(run)
        counted = expected(every)
        finally_, probes = share(counted, since_ns)
        if probes < LEAST_PROBES:
            text = run.problem("operations") or f"only {probes} probes were due at gateways that should work"
            return Verdict(self.name, Outcome.UNKNOWN, f"{text} ({LEAST_PROBES} are needed)", bound=bound)
        outcome, why = judge_bound(expectation, finally_)
        text = f"{finally_:.3%} of {probes:,} probes were answered in time{why}"
        return Verdict(self.name, outcome, text, bound=bound, figures=_figures(every, counted, since_ns))


def share(kept: Iterable[Stream], since_ns: int, *, first_attempt: bool = False) -> tuple[float, int]:
    """The share of probes due since a time that were answered in time, and how many were due."""
    good = due = 0
    for stream in kept:
        after = stream.intended_ns >= since_ns
        due += int(after.sum())
        good += int((after & (stream.at_once if first_attempt else stream.on_time)).sum())
    return (good / due if due else 0.0), due


def counts_from_ns(run: Run) -> int:
    """From when on it matters what clients got: the first effect of the first fault; without one, the start of the load."""
    return min(
        (event.first_effect_ns for event in run.events if isinstance(event, FaultInjected)),
        default=run.zero_ns,
    )


def _figures(every: tuple[Stream, ...], counted: tuple[Stream, ...], since_ns: int) -> tuple[Figure, ...]:
    figures = [
        _figure("availability", counted, since_ns),
        _figure("first_attempt", counted, since_ns, first_attempt=True),
    ]
    places = {stream.provider for stream in every if not stream.moves}
    figures += [
        _figure(
            f"provider {name}",
            [stream for stream in every if stream.provider == name and not stream.moves],
            since_ns,
        )
        for name in sorted(places)
    ]
    moving = [stream for stream in every if stream.moves]
    if moving:
        figures.append(_figure("reconnecting", moving, since_ns))
    spacing = max((stream.spacing_ns for stream in counted), default=0)
    return (*figures, Figure("probe_spacing", float(np.round(spacing / 1e6, 3)), "ms"))


def _figure(name: str, kept: Iterable[Stream], since_ns: int, *, first_attempt: bool = False) -> Figure:
    value, due = share(kept, since_ns, first_attempt=first_attempt)
    resolution = round(100 / due, 6) if due else None
    return Figure(name, round(100 * value, 6), "%", resolution, due)
