"""The failover told in about ten timed sentences: what `harness explain RUN` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from harness.history.run import Run
from harness.model.events import (
    Event,
    FaultFailed,
    FaultHealed,
    FaultInjected,
    LoadDrained,
    LoadStarted,
    RunAborted,
    ServiceExited,
    StackSaid,
    SteadyStateJudged,
)
from harness.model.judgement import Judgement
from harness.model.stack_event import Moment, StackEvent
from harness.model.units import format_ns
from harness.report.page import headline
from harness.report.series import seconds
from harness.report.targets import homes, in_short

_FIRST_OF_EACH_EPOCH = (
    Moment.PRIMARY_SUSPECTED,
    Moment.MAJORITY_SUSPECTED,
    Moment.FAILOVER_DECIDED,
    Moment.CERTIFICATE_ISSUED,
    Moment.ELECTION_STARTED,
    Moment.LOG_SEALED,
    Moment.PRIMARY_PROMOTED,
    Moment.PRIMARY_STEPPED_DOWN,
)


def tell(run: Run, judgement: Judgement) -> tuple[str, ...]:
    """Sentences in the order of time, each with its time from the start of the load; the last one is the verdict."""
    timed = sorted([*_of_events(run), *_first_order(run)])
    onset = next((event.first_effect_ns for event in run.events if isinstance(event, FaultInjected)), None)
    lines = [f"{seconds(run, at):8.3f} s{_after(at, onset)}  {text}" for at, text in timed]
    return (*lines, f"Verdict: {judgement.outcome}. {headline(judgement)}")


def _after(at_ns: int, onset_ns: int | None) -> str:
    if onset_ns is None or at_ns < onset_ns:
        return " " * 12
    return f" (+{format_ns(at_ns - onset_ns)})".ljust(12)


def _of_events(run: Run) -> Iterator[tuple[int, str]]:
    told: set[tuple[str, int | None]] = set()
    providers = homes(run)
    for event in run.events:
        if isinstance(event, StackSaid):
            key = (event.event.kind, event.event.epoch)
            if event.event.kind in _FIRST_OF_EACH_EPOCH and key not in told and event.at_ns >= run.zero_ns:
                told.add(key)
                yield event.at_ns, _stack_sentence(event.event)
        else:
            yield from _sentence(event, providers)


def _sentence(event: Event, providers: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    match event:
        case LoadStarted():
            yield event.at_ns, "Orders begin to flow."
        case SteadyStateJudged():
            yield event.at_ns, f"The steady state before the fault is {event.outcome}: {event.summary}."
        case FaultInjected():
            spread = format_ns(event.last_effect_ns - event.first_effect_ns)
            led = f", where the primary of epoch {event.epoch} ran" if event.primary is not None else ""
            yield (
                event.first_effect_ns,
                f"The fault {event.fault_id} ({event.fault}) strikes {in_short(event.targets, providers)}; its last effect "
                f"follows {spread} later. The primary was on {event.primary}{led}."
                if event.primary
                else f"The fault {event.fault_id} ({event.fault}) strikes {in_short(event.targets, providers)}.",
            )
        case FaultHealed():
            yield (
                event.last_lifted_ns,
                f"The fault {event.fault_id} is healed and read back (by the {event.by}).",
            )
        case FaultFailed():
            yield event.at_ns, f"The fault {event.fault_id} could not be injected: {event.reason}"
        case ServiceExited(expected=False):
            yield event.at_ns, f"{event.service} died by itself with code {event.code}."
        case LoadDrained():
            yield (
                event.at_ns,
                f"The load is drained: {event.operations:,} operations, {event.unresolved} of unknown outcome.",
            )
        case RunAborted():
            yield event.at_ns, f"The run is stopped ({event.cause}): {event.reason}"
        case _:
            return


def _stack_sentence(event: StackEvent) -> str:
    epoch = "" if event.epoch is None else f" of epoch {event.epoch}"
    in_epoch = "" if event.epoch is None else f" in epoch {event.epoch}"
    because = f" ({event.reason})" if event.reason else ""
    sentences = {
        Moment.PRIMARY_SUSPECTED: f"{event.service} is the first to suspect the primary{epoch}{because}.",
        Moment.MAJORITY_SUSPECTED: f"{event.service} knows that a majority suspects the primary{epoch}.",
        Moment.FAILOVER_DECIDED: f"{event.service} decides to fail over to {event.candidate or 'a candidate'}{in_epoch}.",
        Moment.CERTIFICATE_ISSUED: f"A majority has signed the certificate{epoch} for {event.candidate or 'the candidate'}.",
        Moment.ELECTION_STARTED: f"{event.service} stands for epoch {event.epoch}.",
        Moment.LOG_SEALED: f"{event.service} has sealed the log at a majority for epoch {event.epoch}.",
        Moment.PRIMARY_PROMOTED: f"{event.service} serves as the primary{epoch}.",
        Moment.PRIMARY_STEPPED_DOWN: f"{event.service} steps down{epoch}{because}.",
    }
    return sentences[Moment(event.kind)]


def _first_order(run: Run) -> Iterator[tuple[int, str]]:
    """The first acknowledgement that carries the newest epoch, if a promotion came after the first fault."""
    faults = [event for event in run.events if isinstance(event, FaultInjected)]
    if not faults:
        return
    onset = faults[0].first_effect_ns
    answered = run.operations[
        (run.operations["outcome"] == "ok").fillna(value=False)
        & (run.operations["completed_ns"] > onset).fillna(value=False)
        & (run.operations["epoch"] > (faults[0].epoch or 0)).fillna(value=False)
    ]
    if answered.empty:
        return
    first = answered.sort_values("completed_ns").iloc[0]
    waited = int(first["completed_ns"]) - int(first["intended_ns"])
    gateway = "" if pd.isna(first["gateway"]) else f" through {first['gateway']}"
    yield (
        int(first["completed_ns"]),
        f"The first order is acknowledged in the new epoch{gateway}; it had waited {format_ns(waited)}.",
    )
