"""What a scenario plays on: a stack under load, of processes or in virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from harness.engine.nemesis import Nemesis
from harness.engine.play import Inbox
from harness.engine.record import Record
from harness.engine.setup import Setup
from harness.faults.contract import Fault, Move


class Bench(Protocol):
    """One stack for one run. Methods are called from one thread, in the order in which they stand here."""

    setup: Setup
    record: Record
    zero_ns: int | None
    phase: str

    @property
    def timed_out(self) -> bool:
        """Whether the run took longer than its `timeout`, which was told."""

    @property
    def inbox(self) -> Inbox:
        """Where events of the stack arrive."""

    @property
    def has_site(self) -> bool:
        """Whether anything was started that may need healing."""

    @property
    def leaves_evidence(self) -> bool:
        """Whether its services hold anything that the history does not."""

    @property
    def nemesis(self) -> Nemesis:
        """What applies and heals faults; only after `bring_up`."""

    def clock_ns(self) -> int:
        """The clock that the run goes by: the host's monotonic one, or virtual time."""

    def wake(self) -> None:
        """Let whoever waits for an event look up; may be called from a signal handler."""

    def bring_up(self) -> None:
        """Start the stack and everything around it, and wait until clients are connected to it."""

    def begin_load(self) -> int:
        """Start the load; answers time zero on `clock_ns`."""

    def judge_steady_state(self) -> bool:
        """Whether the probes fared as they should before the first fault; tells it, too."""

    def availability(self, window_s: float) -> float | None:
        """The share of the probes of the last seconds that were answered in time; None when none was due."""

    def problem(self) -> str:
        """Why this run can't go on; empty while all is well."""

    def prepare(self, fault_id: str, fault: Fault) -> None:
        """Do what can be done before the moment of a fault that is due soon; nothing is broken yet."""

    def inject(self, fault_id: str, fault: Fault, *, asked_ns: int | None = None) -> tuple[Move, ...]:
        """Apply a fault now; answers its later moves. `asked_ns` is on the run's clock."""

    def heal(self, fault_id: str, *, asked_ns: int | None = None) -> None:
        """Heal a fault. Raises `HealFailed`."""

    def look_around(self) -> None:
        """Tell of services that ended since the last look."""

    def settle(self, *, by: str = "engine") -> None:
        """Heal whatever is still broken, and wait until every service is ready again. Raises `HealFailed`."""

    def beyond_healing(self) -> bool:
        """Whether what carried the faults is gone, and the faults with it."""

    def freeze(self) -> None:
        """Drain the load, read what the stack holds, and write the tables: from here on the history stands."""

    def save_evidence(self, directory: Path) -> None:
        """Keep what the services hold, as far as it can be had."""

    def tear_down(self) -> tuple[str, ...]:
        """End everything; answers what is left of the stack. Safe to call twice, and at any moment."""
