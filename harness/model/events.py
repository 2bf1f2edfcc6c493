"""The typed events of a run: what the engine writes into the journal, and the only thing that listeners see.

`at_ns` counts from the run's origin on the host's monotonic clock. Time zero of a scenario, the start of the load, is
`LoadStarted.at_ns`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from harness.model.outcome import Outcome
from harness.model.stack_event import StackEvent


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    at_ns: int


class RunStarted(_Event, frozen=True):
    """`origin_mono_ns` is the host's monotonic clock at `at_ns` 0; `document` the resolved scenario."""

    run_id: str
    scenario: str
    seed: int
    platform: str
    stack: str
    origin_mono_ns: int
    document: dict[str, Any]


class ServiceStarted(_Event, frozen=True):
    service: str
    provider: str | None
    role: str
    pid: int | None


class ServiceReady(_Event, frozen=True):
    service: str


class ServiceExited(_Event, frozen=True):
    """`expected` says whether a fault or the teardown meant it."""

    service: str
    expected: bool
    code: int | None


class StackReady(_Event, frozen=True):
    """`entry_points` maps each gateway's name to the provider it stands in."""

    took_ns: int
    entry_points: dict[str, str | None]


class LoadStarted(_Event, frozen=True):
    """Time zero of the scenario."""

    workers: int


class SteadyStateJudged(_Event, frozen=True):
    outcome: Outcome
    summary: str


class FaultTriggered(_Event, frozen=True):
    """A `when:` was met: `trigger_ns` is when the event it waited for happened."""

    fault_id: str
    trigger: str
    trigger_ns: int


class FaultInjected(_Event, frozen=True):
    """A fault was commanded and took effect.

    `asked_ns` is the scheduled onset, `first_effect_ns` and `last_effect_ns` are what was measured.
    """

    fault_id: str
    fault: str
    targets: tuple[str, ...]
    primary: str | None
    epoch: int | None
    asked_ns: int
    first_effect_ns: int
    last_effect_ns: int
    parameters: dict[str, Any]


class FaultChanged(_Event, frozen=True):
    """A step of a fault that moves (a ramp, a spike train)."""

    fault_id: str
    detail: str
    first_effect_ns: int
    last_effect_ns: int


class FaultEvidence(_Event, frozen=True):
    """A fact that proves, or fails to prove, that a fault reached its victim.

    `source` says who saw it (`victim` or `far_end`), `subject` whom it is about; `asked` and `measured` are in `unit`.
    """

    fault_id: str
    subject: str
    source: str
    fact: str
    convincing: bool
    asked: float | None = None
    measured: float | None = None
    unit: str = ""


class FaultHealed(_Event, frozen=True):
    """Undone and read back. Services that had to be started again report their readiness in `ServiceReady`."""

    fault_id: str
    asked_ns: int
    first_lifted_ns: int
    last_lifted_ns: int
    by: str = "engine"


class FaultFailed(_Event, frozen=True):
    fault_id: str
    reason: str


class StackSaid(_Event, frozen=True):
    """An event of the stack; `at_ns` is when it happened, `seen_ns` when the harness read it."""

    seen_ns: int
    event: StackEvent


class HostStalled(_Event, frozen=True):
    """The harness's own clock thread was late by `stall_ns`; `stack_cpu_ns` is what the stack's processes used meanwhile."""

    stall_ns: int
    stack_cpu_ns: int


class HostContended(_Event, frozen=True):
    """Processes that don't belong to the run used `share` (0 to 1) of all processors for about two seconds."""

    share: float


class LoadDrained(_Event, frozen=True):
    """All operations were completed or given up. `late_ns_p99` is how late the generators sent (99th percentile)."""

    operations: int
    unresolved: int
    late_ns_p99: int
    late_ns_max: int


class Collected(_Event, frozen=True):
    """What was read from the stack at the end; `missing` names what could not be read, and why."""

    replicas: int
    quotes: int
    accounts: int
    missing: tuple[str, ...] = ()


class PhaseTimedOut(_Event, frozen=True):
    phase: str
    limit_ns: int
    last_lines: dict[str, tuple[str, ...]]


class RunAborted(_Event, frozen=True):
    """`cause` is `guard`, `interrupted`, `timeout` or `error`."""

    cause: str
    reason: str


class StackStopped(_Event, frozen=True):
    left: tuple[str, ...] = ()


class RunEnded(_Event, frozen=True):
    pass


Event: TypeAlias = (
    RunStarted
    | ServiceStarted
    | ServiceReady
    | ServiceExited
    | StackReady
    | LoadStarted
    | SteadyStateJudged
    | FaultTriggered
    | FaultInjected
    | FaultChanged
    | FaultEvidence
    | FaultHealed
    | FaultFailed
    | StackSaid
    | HostStalled
    | HostContended
    | LoadDrained
    | Collected
    | PhaseTimedOut
    | RunAborted
    | StackStopped
    | RunEnded
)
