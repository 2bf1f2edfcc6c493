"""A bench without a stack, with a real record: what a run does when something happens at one of its steps."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

sys.path.insert(0, str(Path(__file__).parent))
from scripted import ZERO, ScriptedInbox

from harness.engine.finished import Finished
from harness.engine.record import Record
from harness.engine.setup import Setup
from harness.history.run import load_run
from harness.model import events as e

CANNED = SimpleNamespace(name="canned", exclusive=True, capabilities=frozenset)


class FakeBench:
    """A bench without a stack; `at` maps the name of a step to what happens there."""

    at: ClassVar[dict[str, Callable[[], object]]] = {}
    made: ClassVar[FakeBench]
    trouble: ClassVar[str] = ""
    phase = "testing"
    leaves_evidence = True

    def __init__(self, setup: Setup, *, observers: object = ()) -> None:
        FakeBench.made = self
        self.setup = setup
        self.log: list[str] = []
        self.inbox = ScriptedInbox()
        self.zero_ns: int | None = None
        self.has_site, self.timed_out = False, False
        self.record = Record(setup, clock_ns=self.clock_ns)
        self.record.begin()
        self.nemesis = SimpleNamespace(active={}, move=lambda *_: None)

    def step(self, name: str) -> None:
        self.log.append(name)
        self.at.get(name, lambda: None)()

    def clock_ns(self) -> int:
        return self.inbox.now_ns

    def wake(self) -> None:
        self.inbox.put(None)

    def problem(self) -> str:
        return self.record.refused or FakeBench.trouble

    def beyond_healing(self) -> bool:
        return False

    def save_evidence(self, directory: Path) -> None:
        self.step("evidence")

    def availability(self, window_s: float) -> float | None:
        return None

    def bring_up(self) -> None:
        self.has_site = True
        self.step("bring_up")

    def begin_load(self) -> int:
        self.zero_ns = ZERO
        self.step("begin_load")
        return ZERO

    def judge_steady_state(self) -> bool:
        return "unsteady" not in self.at

    def look_around(self) -> None:
        pass

    def prepare(self, fault_id: str, fault: object) -> None:
        self.step("prepare")

    def inject(self, fault_id: str, fault: object, *, asked_ns: int) -> tuple[()]:
        self.step("inject")
        return ()

    def heal(self, fault_id: str, *, asked_ns: int) -> None:
        self.step("heal")

    def settle(self) -> None:
        self.step("settle")

    def freeze(self) -> None:
        self.step("freeze")
        self.record.emit(e.LoadDrained(at_ns=1, operations=1, unresolved=0, late_ns_p99=1, late_ns_max=1))
        self.record.emit(e.Collected(at_ns=2, replicas=0, quotes=0, accounts=0))

    def tear_down(self) -> tuple[str, ...]:
        self.step("tear_down")
        left = ("engine-alpha",) if "left" in self.at else ()
        self.record.close(left=left)
        return left


Runner = Callable[..., Finished]


def raising(error: BaseException) -> Callable[[], object]:
    def act() -> object:
        raise error

    return act


def told(finished: Finished) -> list[str]:
    """Why the run was aborted, as its journal has it."""
    assert finished.folder is not None
    events = load_run(finished.folder.path).events
    return [f"{event.cause}: {event.reason}" for event in events if isinstance(event, e.RunAborted)]
