"""The nemesis: applies faults, gathers the proof that they struck, and heals them.

Every change's undo is on disk and with the guardian before the change is made. Whatever happens in between, a fault that
was begun is in `active` until it was healed and read back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.engine.ahead import Ahead
from harness.faults.contract import Change, Fact, Fault, Hands, Move, Strike
from harness.faults.scene import Scene
from harness.model.errors import HarnessError, HealFailed
from harness.model.events import Event, FaultChanged, FaultEvidence, FaultFailed, FaultHealed, FaultInjected
from harness.model.span import Span
from harness.platforms.contract import Leases

FACTS_WITHIN_S = 3.0


class Watcher(Protocol):
    """Who gathers facts while the run goes on."""

    def join(self, timeout: float) -> None:
        """Wait until they are told, at most `timeout` seconds."""


def in_thread(name: str, gather: Callable[[], None]) -> Watcher:
    """Gather at once, in a thread."""
    thread = threading.Thread(target=gather, name=name, daemon=True)
    thread.start()
    return thread


@dataclass(slots=True)
class Active:
    """A fault in force. `done` holds the changes that were begun, oldest first."""

    fault_id: str
    fault: Fault
    strike: Strike
    lease: str | None
    done: list[Change] = field(default_factory=list)
    watcher: Watcher | None = None


class Nemesis:
    """Applies and heals faults on one site. Called from one thread; facts are gathered on others."""

    def __init__(
        self,
        *,
        hands: Hands,
        leases: Leases,
        emit: Callable[[Event], None],
        origin_ns: int,
        limit_s: float,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        watch: Callable[[str, Callable[[], None]], Watcher] = in_thread,
    ) -> None:
        """`emit` must be safe to call from several threads; `limit_s` is how long the guardian waits for us.

        `watch` begins to gather facts for the fault that it is given the name of.
        """
        self._clock_ns = clock_ns
        self._start_watch = watch
        self._ahead = Ahead(hands=hands, leases=leases, limit_s=limit_s)
        self._leases = leases
        self._emit = emit
        self._origin_ns = origin_ns
        self.active: dict[str, Active] = {}
        self.failed: dict[str, str] = {}
        self.last_change_ns: int | None = None

    def prepare(self, fault_id: str, fault: Fault, scene: Scene) -> None:
        """Decide on a fault that is due soon, and put its undo on the disk; nothing is broken yet."""
        self._ahead.prepare(fault_id, fault, scene, changed_ns=self.last_change_ns)

    def inject(self, fault_id: str, fault: Fault, scene: Scene, *, asked_ns: int) -> tuple[Move, ...]:
        """Apply a fault now; answers the moves that it makes later. A fault that can't be applied is told, and healed."""
        active: Active | None = None
        try:
            secured = self._ahead.take(fault_id, fault, scene, changed_ns=self.last_change_ns)
            active = self.active[fault_id] = Active(fault_id, fault, secured.strike, secured.lease)
            spans = [self._apply(active, change) for change in secured.strike.changes]
        except (HarnessError, OSError) as error:
            self.failed[fault_id] = str(error)
            self._emit(FaultFailed(at_ns=self._now(), fault_id=fault_id, reason=str(error)))
            if active is not None:
                self.heal(fault_id, asked_ns=self._now(), by="engine")
            return ()
        self._tell(active, scene, asked_ns, spans)
        self._watch(active)
        if fault.instant:
            self._forget(active)
            return ()
        return active.strike.moves

    def move(self, fault_id: str, move: Move) -> None:
        """Take a later step of a fault that is still in force."""
        if fault_id not in self.active:
            return
        try:
            span = move.act()
        except HarnessError as error:
            self._emit(FaultFailed(at_ns=self._now(), fault_id=fault_id, reason=f"{move.describe}: {error}"))
            return
        self._emit(
            FaultChanged(
                at_ns=self._now(),
                fault_id=fault_id,
                detail=move.describe,
                first_effect_ns=span.first_ns - self._origin_ns,
                last_effect_ns=span.last_ns - self._origin_ns,
            )
        )

    def heal(self, fault_id: str, *, asked_ns: int, by: str = "engine") -> tuple[str, ...]:
        """Undo a fault, newest change first, and read it back; answers the subjects that were touched.

        Raises `HealFailed`; the fault then stays active, and its lease with the guardian.
        """
        active = self.active.get(fault_id)
        if active is None:
            return ()
        spans = [change.revert() for change in reversed(active.done)]
        if (
            active.watcher is not None
        ):  # it takes its last look before the lift: a short fault must stay short
            active.watcher.join(FACTS_WITHIN_S)
        self._forget(active)
        self.last_change_ns = self._clock_ns()
        now = self._now()
        self._emit(
            FaultHealed(
                at_ns=now,
                fault_id=fault_id,
                asked_ns=asked_ns,
                first_lifted_ns=min((span.first_ns - self._origin_ns for span in spans), default=now),
                last_lifted_ns=max((span.last_ns - self._origin_ns for span in spans), default=now),
                by=by,
            )
        )
        return tuple(subject for change in active.done for subject in change.subjects)

    def heal_all(self, *, by: str) -> tuple[str, ...]:
        """Heal every active fault, newest first; one that fails does not stop the others. Raises `HealFailed` at the end.

        What was prepared for faults that are still to come is given back.
        """
        failures: list[str] = []
        touched: list[str] = []
        for fault_id in reversed(tuple(self.active)):
            try:
                touched += self.heal(fault_id, asked_ns=self._now(), by=by)
            except (HarnessError, OSError) as error:
                failures.append(f"{fault_id}: {error}")
        failures += self._ahead.drop_all()
        if failures:
            raise HealFailed("; ".join(failures), next_step="harness heal")
        return tuple(touched)

    def _apply(self, active: Active, change: Change) -> Span:
        self.last_change_ns = self._clock_ns()
        active.done.append(change)
        return change.apply()

    def _forget(self, active: Active) -> None:
        if active.lease is not None:
            self._leases.release(active.lease)
        self.active.pop(active.fault_id, None)

    def _tell(self, active: Active, scene: Scene, asked_ns: int, spans: list[Span]) -> None:
        self._emit(
            FaultInjected(
                at_ns=self._now(),
                fault_id=active.fault_id,
                fault=active.fault.name,
                targets=tuple(
                    dict.fromkeys(subject for change in active.done for subject in change.subjects)
                ),
                primary=scene.primary_provider,
                epoch=scene.epoch,
                asked_ns=asked_ns,
                first_effect_ns=min(span.first_ns for span in spans) - self._origin_ns,
                last_effect_ns=max(span.last_ns for span in spans) - self._origin_ns,
                parameters=_parameters(active.fault),
            )
        )

    def _watch(self, active: Active) -> None:
        active.watcher = self._start_watch(f"facts-{active.fault_id}", lambda: self._gather(active))

    def _gather(self, active: Active) -> None:
        facts: list[Fact] = []
        for change in tuple(active.done):
            try:
                facts += change.facts()
            except (HarnessError, OSError) as error:
                facts.append(
                    Fact(
                        " ".join(change.subjects),
                        "victim",
                        f"no proof could be read: {error}",
                        convincing=False,
                    )
                )
        if not facts:
            facts = [
                Fact(
                    active.fault_id,
                    "victim",
                    "nothing was seen: no victim showed any effect",
                    convincing=False,
                )
            ]
        for fact in facts:
            self._emit(_evidence(active.fault_id, fact, at_ns=self._now()))

    def _now(self) -> int:
        return self._clock_ns() - self._origin_ns


def _evidence(fault_id: str, fact: Fact, *, at_ns: int) -> FaultEvidence:
    return FaultEvidence(
        at_ns=at_ns,
        fault_id=fault_id,
        subject=fact.subject,
        source=fact.source,
        fact=fact.fact,
        convincing=fact.convincing,
        asked=fact.asked,
        measured=fact.measured,
        unit=fact.unit,
    )


def _parameters(fault: Fault) -> dict[str, Any]:
    return fault.model_dump(mode="json", by_alias=True, exclude_none=True)
