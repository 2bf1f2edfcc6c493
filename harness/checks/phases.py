"""The phases of a failover, from what the stack told: detect, decide, seal, promote, first order."""

from __future__ import annotations

from typing import Final

from harness.checks.taken import Taken
from harness.history.run import Run
from harness.model.events import FaultInjected, StackSaid
from harness.model.stack_event import Moment
from harness.model.verdicts import Figure

_ENDS: Final[tuple[tuple[str, tuple[Moment, ...]], ...]] = (
    ("detect", (Moment.MAJORITY_SUSPECTED, Moment.PRIMARY_SUSPECTED)),
    ("decide", (Moment.CERTIFICATE_ISSUED, Moment.FAILOVER_DECIDED)),
    ("seal", (Moment.LOG_SEALED,)),
    ("promote", (Moment.PRIMARY_PROMOTED,)),
)
_OF_THE_EPOCH: Final = frozenset({Moment.LOG_SEALED, Moment.PRIMARY_PROMOTED})


def phases(run: Run, fault: FaultInjected, ack_ns: int, *, slack_ns: int) -> list[Figure]:
    """One figure a phase; they add up to the failover time. Empty when no promotion was told between onset and end.

    Each phase ends with the first event of its kind after the onset; seal and promotion are those of the epoch that served.
    A phase that the stack does not tell is left out, and counts to the next. The last ends with what a probe saw, so it has
    the slack of the failover time.
    """
    told = [
        event
        for event in run.events
        if isinstance(event, StackSaid) and fault.first_effect_ns <= event.at_ns <= ack_ns
    ]
    served = max(
        (
            event.event.epoch
            for event in told
            if event.event.kind == Moment.PRIMARY_PROMOTED and event.event.epoch
        ),
        default=None,
    )
    if served is None:
        return []
    figures: list[Figure] = []
    at_ns = fault.first_effect_ns
    for name, kinds in _ENDS:
        end_ns = _end(told, kinds, served)
        if end_ns is None:
            continue
        end_ns = max(end_ns, at_ns)
        figures.append(Figure(name, round((end_ns - at_ns) / 1e6, 3), "ms", samples=1))
        at_ns = end_ns
    last = Taken(max(0, ack_ns - at_ns - slack_ns), ack_ns - at_ns)
    return [*figures, last.figure("first_order")]


def _end(told: list[StackSaid], kinds: tuple[Moment, ...], epoch: int) -> int | None:
    """When the first event of the first kind that was told happened."""
    for kind in kinds:
        times = [
            event.at_ns
            for event in told
            if event.event.kind == kind and (kind not in _OF_THE_EPOCH or event.event.epoch == epoch)
        ]
        if times:
            return min(times)
    return None
