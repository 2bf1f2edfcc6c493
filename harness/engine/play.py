"""Plays a scenario's timeline on a stack that is up and under load."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from queue import Empty
from typing import Protocol, TypeAlias

from harness.engine.timeline import Due, Timeline
from harness.faults.contract import Fault, Move
from harness.model.stack_event import StackEvent
from harness.scenario.scenario import Scenario, TimelineEntry

TICK_S = 0.05
AHEAD_NS = 100_000_000  # time enough to put an undo on a slow disk
STILL_NS = 20_000_000  # longer than a tick takes


class Stop(StrEnum):
    """Why a timeline is over."""

    ENDED = "ended"
    INTERRUPTED = "interrupted"
    GUARD = "guard"
    UNSTEADY = "unsteady"


@dataclass(frozen=True, slots=True)
class Preparation:
    entry: TimelineEntry


@dataclass(frozen=True, slots=True)
class Onset:
    entry: TimelineEntry


@dataclass(frozen=True, slots=True)
class Lift:
    fault_id: str


@dataclass(frozen=True, slots=True)
class Step:
    fault_id: str
    move: Move


@dataclass(frozen=True, slots=True)
class JudgeSteadyState:
    pass


@dataclass(frozen=True, slots=True)
class End:
    pass


class Inbox(Protocol):
    """Where events of the stack arrive; None only wakes. A queue; tests give one whose waiting moves their clock."""

    def get(self, *, timeout: float) -> StackEvent | None:
        """The next event; raises `queue.Empty` after `timeout` seconds."""

    def get_nowait(self) -> StackEvent | None:
        """The next event; raises `queue.Empty` when there is none."""


Task: TypeAlias = Preparation | Onset | Lift | Step | JudgeSteadyState | End


@dataclass(frozen=True, slots=True)
class Acts:
    """What playing does to the world; the run provides it, tests record it.

    `prepare` is called a little before `inject`, where that moment is known so early. `inject` answers the moves that the
    fault makes later; `steady` whether the steady state held; `tick` is called about every 50 ms and answers a reason to
    stop, or None.
    """

    inject: Callable[[TimelineEntry, Fault, int, Due[Task]], tuple[Move, ...]]
    heal: Callable[[str, int], None]
    move: Callable[[str, Move], None]
    steady: Callable[[], bool]
    tick: Callable[[], Stop | None]
    prepare: Callable[[TimelineEntry, Fault], None] = lambda entry, fault: None
    clock_ns: Callable[[], int] = time.monotonic_ns


class Play:
    """Takes what is due, at a time or at a moment, until the scenario ends or something stops it."""

    def __init__(self, scenario: Scenario, *, zero_ns: int, inbox: Inbox, acts: Acts) -> None:
        """`zero_ns` is the start of the load on the host's clock; None in the inbox only wakes."""
        self._zero_ns = zero_ns
        self._inbox = inbox
        self._acts = acts
        self._timeline: Timeline[Task] = Timeline()
        self._healed: set[str] = set()
        self._fill(scenario)

    def run(self) -> Stop:
        """Play to the end; answers why it is over. Nothing is healed here."""
        tick_at = 0
        while True:
            for due in self._timeline.take_due(self._now()):
                stop = self._stop_before(due.what) or self._do(due)
                if stop is not None:
                    return stop
            now = self._now()
            if now >= tick_at:
                tick_at = self._tick_after(now)
                stop = self._acts.tick()
                if stop is not None:
                    return stop
            if self._listen(tick_at):
                tick_at = 0

    def still_waiting(self) -> tuple[str, ...]:
        """Moments that faults waited for and that never came."""
        return self._timeline.still_waiting()

    def _fill(self, scenario: Scenario) -> None:
        self._timeline.add(round(scenario.steady_state.for_s * 1e9), JudgeSteadyState())
        for entry in scenario.timeline:
            if entry.when is not None:
                key, after_ns = entry.when.key, round(entry.when.after_s * 1e9)
                if after_ns >= AHEAD_NS:
                    self._timeline.wait_for(key, after_ns - AHEAD_NS, Preparation(entry))
                self._timeline.wait_for(key, after_ns, Onset(entry))
            else:
                at_ns = round((entry.at_s or 0.0) * 1e9)
                if at_ns >= AHEAD_NS:
                    self._timeline.add(at_ns - AHEAD_NS, Preparation(entry))
                self._timeline.add(at_ns, Onset(entry))
        self._timeline.add(round(scenario.ends_s * 1e9), End())

    def _stop_before(self, what: Task) -> Stop | None:
        """Whether to stop rather than break something: somebody may have asked for it since the last tick."""
        return self._acts.tick() if isinstance(what, Preparation | Onset) and self._listen(0) else None

    def _do(self, due: Due[Task]) -> Stop | None:
        match due.what:
            case Preparation(entry):
                self._acts.prepare(entry, _fault(entry))
            case Onset(entry):
                self._strike(entry, due)
            case Lift(fault_id):
                self._lift(fault_id, due.at_ns)
            case Step(fault_id, move):
                if fault_id not in self._healed:
                    self._acts.move(fault_id, move)
            case JudgeSteadyState():
                return None if self._acts.steady() else Stop.UNSTEADY
            case End():
                return Stop.ENDED
        return None

    def _strike(self, entry: TimelineEntry, due: Due[Task]) -> None:
        moves = self._acts.inject(entry, _fault(entry), due.at_ns, due)
        onset_ns = self._now()
        for move in moves:
            self._timeline.add(due.at_ns + round(move.after_s * 1e9), Step(entry.id, move))
        self._timeline.happened(f"{entry.id}.onset", onset_ns)
        if entry.lasts_s is not None:
            self._timeline.add(due.at_ns + round(entry.lasts_s * 1e9), Lift(entry.id))

    def _lift(self, fault_id: str, asked_ns: int) -> None:
        self._healed.add(fault_id)
        self._acts.heal(fault_id, asked_ns)
        self._timeline.happened(f"{fault_id}.end", self._now())

    def _tick_after(self, now_ns: int) -> int:
        """When to tick next: not just before something is due, which that could delay."""
        tick_ns = now_ns + round(TICK_S * 1e9)
        due_ns = self._timeline.next_due_ns()
        return due_ns if due_ns is not None and tick_ns < due_ns < tick_ns + STILL_NS else tick_ns

    def _listen(self, until_ns: int) -> bool:
        """Wait for the next thing that is due, or for an event of the stack; answers whether somebody woke us."""
        due_ns = self._timeline.next_due_ns()
        until_ns = until_ns if due_ns is None else min(until_ns, due_ns)
        get = partial(self._inbox.get, timeout=max(0, until_ns - self._now()) / 1e9)
        try:
            event = get()
            while event is not None:
                if event.mono_ns >= self._zero_ns:
                    self._timeline.happened(event.kind, event.mono_ns - self._zero_ns)
                event = self._inbox.get_nowait()
        except Empty:
            return False
        return True

    def _now(self) -> int:
        return self._acts.clock_ns() - self._zero_ns


def _fault(entry: TimelineEntry) -> Fault:
    assert isinstance(entry.parameters, Fault)
    return entry.parameters
