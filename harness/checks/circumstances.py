"""What makes a run as a whole untrustworthy, whatever its checks would say. Each reason is a sentence.

A green result that saw nothing is worse than a red one: a fault that never struck, a load that was not sent, a
history that is not whole make a run UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from harness.checks.strain import contended_shares, unexplained_stalls
from harness.history.run import Run
from harness.model.events import (
    Collected,
    FaultInjected,
    HostContended,
    LoadDrained,
    LoadStarted,
    PhaseTimedOut,
    RunAborted,
    ServiceExited,
    SteadyStateJudged,
)
from harness.model.outcome import Outcome
from harness.model.units import format_ns

LATE_LIMIT_NS: Final = 50_000_000
"""A generator whose 99th percentile of lateness is above this did not send the load that was asked for: it is a fifth of
the deadline by which an answer counts as on time."""

ONSET_LIMIT_NS: Final = 250_000_000
"""A fault that struck later than this after its moment is another fault: what is due next, its end above all, came too
soon after it. Measured on a quiet machine: 4 ms at the median, under 40 ms at worst."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a run is UNKNOWN; `environment_caused` says that the machine is to blame, so that trying again may help."""

    text: str
    environment_caused: bool = False


def reasons(run: Run) -> tuple[Reason, ...]:
    """Every reason why the run cannot be trusted, worst first; empty for a sound run."""
    return (
        *_of_history(run),
        *_of_phases(run),
        *_of_faults(run),
        *_of_onsets(run),
        *_of_load(run),
    )


def _of_history(run: Run) -> Iterator[Reason]:
    if run.cut:
        yield Reason(f"the history is not whole: {run.cut}")
    for event in run.events:
        if isinstance(event, Collected) and event.missing:
            yield Reason(f"the end state could not be read: {'; '.join(event.missing)}")


def _of_phases(run: Run) -> Iterator[Reason]:
    for event in run.events:
        if isinstance(event, PhaseTimedOut):
            lines = "; ".join(
                f"{service}: {said[-1]}" for service, said in sorted(event.last_lines.items()) if said
            )
            yield Reason(
                f"the phase {event.phase!r} took longer than {format_ns(event.limit_ns)}"
                + (f" ({lines})" if lines else "")
            )
        elif isinstance(event, RunAborted):
            yield Reason(f"the run was aborted ({event.cause}): {event.reason}")
        elif isinstance(event, ServiceExited) and not event.expected:
            yield Reason(f"{event.service} died by itself (exit code {event.code}); no fault meant it")


def _of_faults(run: Run) -> Iterator[Reason]:
    for event in run.events:
        if isinstance(event, SteadyStateJudged) and event.outcome is not Outcome.PASS:
            stalled = any(stall.at_ns <= event.at_ns for stall in unexplained_stalls(run))
            others = _share_of_others(run)
            told = f", while other processes used {others:.0%} of the machine" if others else ""
            yield Reason(
                f"the steady state before the fault is {event.outcome}: {event.summary}{told}",
                environment_caused=stalled or bool(others) or _fell_behind(run),
            )
    faults = run.faults
    for fault_id, failed, convincing in zip(
        faults["fault_id"].astype(object),
        faults["failed"].astype(object),
        faults["convincing"].astype(object),
        strict=True,
    ):
        if isinstance(failed, str):
            yield Reason(f"the fault {fault_id} could not be injected: {failed}")
        elif convincing is not True:
            yield Reason(f"the fault {fault_id} has no convincing evidence that it took effect")
    if not _broke_off(run):
        for fault_id in _never_struck(run):
            yield Reason(f"the fault {fault_id} of the timeline never struck")


def _of_onsets(run: Run) -> Iterator[Reason]:
    disturbed = bool(unexplained_stalls(run) or contended_shares(run))
    for event in run.events:
        if isinstance(event, FaultInjected) and event.first_effect_ns - event.asked_ns > ONSET_LIMIT_NS:
            late = format_ns(event.first_effect_ns - event.asked_ns)
            yield Reason(
                f"the fault {event.fault_id} struck {late} after its moment (limit {format_ns(ONSET_LIMIT_NS)})",
                environment_caused=disturbed,
            )


def _broke_off(run: Run) -> bool:
    """Whether the timeline was not played to its end, which is a reason of its own."""
    return any(
        isinstance(event, RunAborted | PhaseTimedOut)
        or (isinstance(event, SteadyStateJudged) and event.outcome is not Outcome.PASS)
        for event in run.events
    )


def _share_of_others(run: Run) -> float:
    """The largest share of the machine that processes outside the run were seen to use; 0 when none was told."""
    return max((event.share for event in run.events if isinstance(event, HostContended)), default=0.0)


def _fell_behind(run: Run) -> bool:
    """Whether the generators did not send what was due."""
    return any(isinstance(event, LoadDrained) and event.late_ns_p99 > LATE_LIMIT_NS for event in run.events)


def _never_struck(run: Run) -> list[str]:
    timeline = run.meta.document.get("timeline")
    told = set(run.faults["fault_id"])
    asked = timeline if isinstance(timeline, list) else []
    return [
        str(step["id"])
        for step in asked
        if isinstance(step, dict) and step.get("fault") and step.get("id") and step["id"] not in told
    ]


def _of_load(run: Run) -> Iterator[Reason]:
    if not any(isinstance(event, LoadStarted) for event in run.events):
        if any(isinstance(event, FaultInjected) for event in run.events):
            yield Reason("no load was started, so nothing was asked of the stack")
        return
    drained = next((event for event in run.events if isinstance(event, LoadDrained)), None)
    if drained is None:
        yield Reason("the load was never drained: what became of the last orders is not recorded")
    elif drained.late_ns_p99 > LATE_LIMIT_NS:
        yield Reason(
            f"the load generators fell behind: 99 % of the operations were sent up to {format_ns(drained.late_ns_p99)} late "
            f"(limit {format_ns(LATE_LIMIT_NS)}, worst {format_ns(drained.late_ns_max)})",
            environment_caused=True,
        )
