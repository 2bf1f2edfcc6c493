"""A clock that only waiting moves, and a world that writes down what is done to it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty

from harness.engine.play import Acts, Play, Stop, Task
from harness.engine.timeline import Due
from harness.faults.contract import Fault, Move
from harness.faults.latency import Latency
from harness.model.span import Span
from harness.model.stack_event import StackEvent
from harness.scenario.scenario import Scenario, Source, TimelineEntry, Trigger
from harness.scenario.settings import Allow, Load, SteadyState
from harness.scenario.target import Target

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

S = 1_000_000_000
ZERO = 500 * S


def entry(
    name: str,
    *,
    at_s: float | None = None,
    when: tuple[str, float] | None = None,
    lasts_s: float | None = None,
) -> TimelineEntry:
    """A fault at a time, or `when=("election_started" | "other.onset", after_s)`."""
    trigger = None
    if when is not None:
        event, _, edge = when[0].partition(".")
        trigger = Trigger(event, when[1], Source(edge) if edge else Source.STACK)
    fault = Latency(target=Target(provider="alpha"), latency_ms=5)
    return TimelineEntry(name, at_s, trigger, "latency", fault, lasts_s)


def scenario(
    *timeline: TimelineEntry, ends_s: float = 10.0, steady_s: float = 1.0, **more: object
) -> Scenario:
    values: dict[str, object] = {
        "name": "scripted",
        "summary": "",
        "tags": (),
        "path": Path("scripted.yaml"),
        "load": Load(),
        "steady_state": SteadyState(for_s=steady_s),
        "timeline": timeline,
        "ends_s": ends_s,
        "timeout_s": ends_s + 60,
        "expect": {},
        "abort_when": None,
        "allow": Allow(),
        "seed": 7,
    }
    return Scenario(**{**values, **more})  # type: ignore[arg-type]


@dataclass
class ScriptedInbox:
    """Events at given times; waiting for one moves the clock, and nothing else does."""

    script: list[tuple[float, StackEvent | None]] = field(default_factory=list)
    now_ns: int = ZERO

    def say(self, at_s: float, kind: str) -> None:
        """An event of the stack, seen as soon as it happens."""
        at_ns = ZERO + round(at_s * S)
        self.script.append((at_s, StackEvent(service="engine-bravo", kind=kind, mono_ns=at_ns)))
        self.script.sort(key=lambda item: item[0])

    def put(self, event: StackEvent | None) -> None:
        """As a queue's: there at once."""
        self.script.insert(0, ((self.now_ns - ZERO) / S, event))

    def wake(self, at_s: float) -> None:
        """Something at `at_s` that only wakes."""
        self.script.append((at_s, None))
        self.script.sort(key=lambda item: item[0])

    def get(self, *, timeout: float) -> StackEvent | None:
        until_ns = self.now_ns + round(timeout * S)
        if self.script and ZERO + round(self.script[0][0] * S) <= until_ns:
            at_s, event = self.script.pop(0)
            self.now_ns = max(self.now_ns, ZERO + round(at_s * S))
            return event
        self.now_ns = until_ns
        raise Empty

    def get_nowait(self) -> StackEvent | None:
        if self.script and ZERO + round(self.script[0][0] * S) <= self.now_ns:
            return self.script.pop(0)[1]
        raise Empty


class World:
    """What playing did, as lines `<seconds> <deed>`."""

    def __init__(self) -> None:
        self.inbox = ScriptedInbox()
        self.log: list[str] = []
        self.steady = True
        self.prepares = False
        self.moves: dict[str, tuple[float, ...]] = {}
        self.triggers: dict[str, tuple[str | None, int | None]] = {}
        self.tick: Callable[[], Stop | None] = lambda: None
        self.ticks: list[float] = []

    @property
    def now_s(self) -> float:
        return (self.inbox.now_ns - ZERO) / S

    def play(self, played: Scenario) -> Stop:
        self.playing = Play(played, zero_ns=ZERO, inbox=self.inbox, acts=self._acts())
        return self.playing.run()

    def _acts(self) -> Acts:
        return Acts(
            inject=self._inject,
            heal=lambda fault_id, asked_ns: self._write(f"heal {fault_id} asked {asked_ns / S:g}"),
            move=lambda fault_id, move: self._write(f"move {fault_id} {move.describe}"),
            steady=self._steady,
            tick=self._tick,
            prepare=self._prepare,
            clock_ns=lambda: self.inbox.now_ns,
        )

    def _inject(self, struck: TimelineEntry, fault: Fault, asked_ns: int, due: Due[Task]) -> tuple[Move, ...]:
        self._write(f"inject {struck.id} asked {asked_ns / S:g}")
        self.triggers[struck.id] = (due.trigger, due.trigger_ns)
        return tuple(
            Move(after_s, f"+{after_s:g}", lambda: Span(0, 0)) for after_s in self.moves.get(struck.id, ())
        )

    def _prepare(self, expected: TimelineEntry, fault: Fault) -> None:
        if self.prepares:
            self._write(f"prepare {expected.id}")

    def _steady(self) -> bool:
        self._write("steady state")
        return self.steady

    def _tick(self) -> Stop | None:
        self.ticks.append(self.now_s)
        return self.tick()

    def _write(self, deed: str) -> None:
        self.log.append(f"{self.now_s:g} {deed}")
