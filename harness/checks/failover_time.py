"""failover_time: from the first measured effect of a fault until clients are served again, as clients see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from pydantic import Field

from harness.checks.bounds import told_bound
from harness.checks.contract import Check
from harness.checks.looks import look_gap_ns
from harness.checks.outage_cost import outage_cost
from harness.checks.phases import phases
from harness.checks.probes import DEADLINE_NS, NEVER, Stream, expected, streams
from harness.checks.strain import strained
from harness.checks.struck import struck_services
from harness.checks.taken import Taken, longest
from harness.checks.view import view
from harness.history.run import Run
from harness.model.events import FaultInjected, StackSaid
from harness.model.outcome import Outcome
from harness.model.quantities import Bound, Milliseconds, Settings
from harness.model.stack_event import Moment
from harness.model.verdicts import Evidence, Figure, Verdict

WINDOW_NS: Final = 1_000_000_000
SHARE: Final = 0.99
LEAST_PROBES: Final = 20
"""Fewer probes in the deciding second say nothing about 99 %."""


class FailoverExpectation(Bound[Milliseconds]):
    """How long clients may go without service after a fault."""

    deadline_ms: Milliseconds = Field(
        default=DEADLINE_NS / 1e6,
        alias="deadline",
        description="By when a probe must be acknowledged to count, from when it was due.",
        examples=["250ms"],
    )


@dataclass(frozen=True, slots=True)
class Outage:
    """One fault as one stream saw it. `ack_ns` begins the first good second; None when there never was one.

    `probes` were due in that second, `answered` of them acknowledged in time. `promoted_ns` is when the primary that had to
    answer said that it serves; None where no other had to.
    """

    fault: FaultInjected
    stream: Stream
    promoted_ns: int | None
    ack_ns: int | None = None
    probes: int = 0
    answered: int = 0

    @property
    def took_ns(self) -> int:
        """From the first measured effect to that acknowledgement; `NEVER` without one."""
        return NEVER if self.ack_ns is None else self.ack_ns - self.fault.first_effect_ns

    @property
    def taken(self) -> Taken:
        """It can have been less, where nobody looked; but nobody served before there was a primary who could."""
        if self.ack_ns is None:
            return Taken(NEVER, NEVER)
        least_ns = max(0, self.took_ns - look_gap_ns(self.stream, self.ack_ns))
        if self.promoted_ns is not None and self.promoted_ns <= self.ack_ns:
            least_ns = max(least_ns, self.promoted_ns - self.fault.first_effect_ns)
        return Taken(least_ns, self.took_ns)


class FailoverTime(Check[FailoverExpectation]):
    """From the first measured effect to the acknowledgement that begins one second with 99 % of the probes acknowledged.

    The worst fault, as the worst client saw it: at the gateways that should work, and reconnecting elsewhere. After a fault
    of the primary that made another one lead, that acknowledgement carries the new epoch. It is an upper bound: the service
    can have been back earlier, by no more than the gap between the probes around that acknowledgement, and not before that
    primary said that it serves. An expectation in between is neither kept nor broken: UNKNOWN.
    """

    name: ClassVar[str] = "failover_time"
    summary: ClassVar[str] = "How long clients were without service after a fault, by the worst of them."
    Expectation: ClassVar[type[Settings]] = FailoverExpectation

    def judge(self, run: Run, expectation: FailoverExpectation) -> Verdict:
        bound = told_bound(expectation, "ms")
        every = streams(view(run), deadline_ns=round(expectation.deadline_ms * 1e6))
        outages = outages_of(run, every)
        if not outages:
            return Verdict(self.name, Outcome.UNKNOWN, _why_nothing(run, every), bound=bound)
        worst = max(outages, key=lambda outage: (outage.took_ns, outage.stream.name))
        if worst.ack_ns is not None and worst.probes < LEAST_PROBES:
            text = f"only {worst.probes} probes of {worst.stream.name} in the deciding second: {LEAST_PROBES} are needed"
            return Verdict(self.name, Outcome.UNKNOWN, text, bound=bound)
        took = longest(outage.taken for outage in outages)
        figures = _figures(run, every, worst, outages)
        if worst.ack_ns is None:
            return Verdict(
                self.name,
                Outcome.FAIL,
                _never(worst),
                bound=bound,
                figures=figures,
                evidence=_cite(run, worst),
            )
        text = took.told(expectation, at=f"at {worst.stream.name} after {worst.fault.fault_id}")
        doubt, onset_ns = took.in_doubt(expectation), worst.fault.first_effect_ns
        return Verdict(
            self.name,
            took.judge(expectation),
            f"the failover took {text}" if doubt else text,
            bound=bound,
            figures=figures,
            evidence=_cite(run, worst),
            environment_caused=doubt and strained(run, onset_ns + took.least_ns, onset_ns + took.most_ns),
        )


def outages_of(run: Run, every: tuple[Stream, ...]) -> list[Outage]:
    """Each fault as each stream that should work saw it."""
    return [
        _outage(run, event, stream)
        for event in run.events
        if isinstance(event, FaultInjected)
        for stream in expected(every)
        if len(stream.intended_ns)
    ]


def _outage(run: Run, fault: FaultInjected, stream: Stream) -> Outage:
    """Find the first acknowledgement after the effect that begins a good second."""
    promoted = new_primary(run, fault)
    good = (stream.completed_ns >= fault.first_effect_ns) & (stream.completed_ns != NEVER)
    if promoted is not None:
        good &= (stream.epoch >= (promoted.event.epoch or 0)) | (stream.epoch < 0)
    acks = np.unique(stream.completed_ns[good])
    due = stream.intended_ns
    starts, ends = np.searchsorted(due, acks), np.searchsorted(due, acks + WINDOW_NS)
    answered = np.concatenate(([0], np.cumsum(stream.on_time)))
    count, on_time = ends - starts, answered[ends] - answered[starts]
    whole = acks + WINDOW_NS <= due[-1] + stream.spacing_ns
    found = np.flatnonzero(whole & (count > 0) & (on_time >= SHARE * count))
    outage = Outage(fault, stream, None if promoted is None else promoted.at_ns)
    if not len(found):
        return outage
    first = found[0]
    return replace(outage, ack_ns=int(acks[first]), probes=int(count[first]), answered=int(on_time[first]))


def new_primary(run: Run, fault: FaultInjected) -> StackSaid | None:
    """The promotion whose epoch answers must carry: of the first one after a fault of the primary; None when nobody else
    took over."""
    promoted = [
        event
        for event in run.events
        if isinstance(event, StackSaid)
        and event.event.kind == Moment.PRIMARY_PROMOTED
        and event.event.epoch is not None
    ]
    before = [event for event in promoted if event.at_ns < fault.first_effect_ns]
    struck = struck_services(run, fault.targets)
    if not before or max(before, key=lambda event: event.at_ns).event.service not in struck:
        return None
    led = max(event.event.epoch or 0 for event in before)
    later = [
        event for event in promoted if event.at_ns >= fault.first_effect_ns and (event.event.epoch or 0) > led
    ]
    return min(later, key=lambda event: (event.event.epoch or 0, event.at_ns), default=None)


def _why_nothing(run: Run, every: tuple[Stream, ...]) -> str:
    if not any(isinstance(event, FaultInjected) for event in run.events):
        return "no fault was injected, so there was nothing to fail over from"
    if not every:
        return run.problem("operations") or "no probes were sent"
    return "every gateway was struck, and no client reconnects elsewhere: nobody could tell"


def _never(worst: Outage) -> str:
    return (
        f"{worst.stream.name} was never served again after {worst.fault.fault_id}: no acknowledgement begins a second with "
        f"99 % of the probes acknowledged"
    )


def _cite(run: Run, worst: Outage) -> tuple[Evidence, ...]:
    onset = worst.fault.first_effect_ns
    first = Evidence(f"first measured effect of {worst.fault.fault_id}", onset)
    if worst.ack_ns is None:
        return (first,)
    operations = run.operations
    acked = operations[(operations["completed_ns"] == worst.ack_ns).fillna(value=False)]
    rows = tuple(f"operations:{op}" for op in acked["op"].tolist()[:1])
    second = f"{worst.answered} of the {worst.probes} probes that were due in it were acknowledged"
    text = f"the acknowledgement at {worst.stream.name} that begins the good second: {second}"
    return (first, Evidence(text, worst.ack_ns, rows))


def _figures(run: Run, every: tuple[Stream, ...], worst: Outage, outages: list[Outage]) -> tuple[Figure, ...]:
    """The total, its phases, what each client saw, and what the outage cost."""
    figures: list[Figure] = []
    if worst.ack_ns is not None:
        took = longest(outage.taken for outage in outages)
        faults = {outage.fault.fault_id for outage in outages}
        figures.append(took.figure("failover_time", samples=len(faults), note=f"at {worst.stream.name}"))
        same = longest(outage.taken for outage in outages if outage.fault == worst.fault)
        figures += phases(run, worst.fault, worst.ack_ns, slack_ns=same.slack_ns)
    spread_ns = worst.fault.last_effect_ns - worst.fault.first_effect_ns
    figures.append(Figure("onset_spread", round(spread_ns / 1e6, 3), "ms", samples=1))
    for outage in sorted(outages, key=lambda one: (one.fault.first_effect_ns, one.stream.name)):
        if outage.fault == worst.fault and outage.ack_ns is not None:
            figures.append(outage.taken.figure(f"at {outage.stream.name}"))
    return (*figures, *outage_cost(view(run), worst.stream, expected(every)))
