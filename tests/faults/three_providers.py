"""A literal stack of three providers, and hands that only write down what they are asked to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from harness.faults.contract import Cut, Direction, Fact
from harness.faults.scene import Scene
from harness.model.errors import HealFailed
from harness.model.span import Span
from harness.model.undo import RemoveToxics, Undo
from harness.stack.description import EntryPoint, Link, Service, Stack
from harness.stack.wan import Wan

PROVIDERS = ("alpha", "bravo", "charlie")


def _service(name: str, role: str, provider: str | None, environment: dict[str, str], port: int) -> Service:
    return Service(
        name=name,
        role=role,
        provider=provider,
        command=("run",),
        environment=environment,
        exposes=(port,),
        mounts=(),
        depends_on=(),
        image=None,
        health=None,
        process_command=None,
        line=1,
    )


def three_providers() -> Stack:
    services = [_service("source", "source", None, {}, 7400)]
    for provider in PROVIDERS:
        others = [other for other in PROVIDERS if other != provider]
        engines = ",".join(f"engine-{other}:7100" for other in PROVIDERS)
        peers = ",".join(f"engine-{other}:7100" for other in others)
        services += [
            _service(
                f"engine-{provider}", "engine", provider, {"PEERS": peers, "SOURCE": "source:7400"}, 7100
            ),
            _service(f"gateway-{provider}", "gateway", provider, {"ENGINES": engines}, 8080),
        ]
    return Stack(
        path=Path("stack.yml"),
        name="toy",
        services=tuple(services),
        wan=Wan(clients_ms=1.0, outside_ms=1.0, default_ms=4.0),
        entry_points=tuple(EntryPoint(f"gateway-{provider}", 8080, provider) for provider in PROVIDERS),
        adapter="toy:Adapter",
    )


def scene(*, primary: str | None = "engine-alpha", candidate: str | None = None, seed: int = 1) -> Scene:
    return Scene(stack=three_providers(), random=Random(seed), primary=primary, candidate=candidate, epoch=3)


@dataclass(eq=False)
class RecordedChange:
    """A change that writes down what is done to it."""

    what: str
    subjects: tuple[str, ...]
    log: list[str]
    links: tuple[Link, ...] = ()
    direction: Direction = Direction.BOTH
    cuts: tuple[Cut, ...] = ()
    seen: list[Fact] = field(default_factory=list)
    breaks: Exception | None = None
    heals: bool = True

    @property
    def undo(self) -> tuple[Undo, ...]:
        return (RemoveToxics("127.0.0.1:1", tuple((subject, self.what) for subject in self.subjects)),)

    def apply(self) -> Span:
        self.log.append(f"apply {self.what}")
        if self.breaks is not None:
            raise self.breaks
        return Span(1000, 2000)

    def facts(self) -> list[Fact]:
        return self.seen

    def revert(self) -> Span:
        self.log.append(f"revert {self.what}")
        if not self.heals:
            raise HealFailed(f"{self.what} stays")
        return Span(3000, 4000)

    def adjust(self, *, latency_ms: float, jitter_ms: float) -> Span:
        self.log.append(f"adjust {latency_ms:g} {jitter_ms:g}")
        return Span(1, 2)


@dataclass
class RecordingHands:
    """Hands that touch nothing."""

    log: list[str] = field(default_factory=list)
    made: list[RecordedChange] = field(default_factory=list)

    def _make(self, what: str, subjects: tuple[str, ...], **more: object) -> RecordedChange:
        change = RecordedChange(what, subjects, self.log, **more)  # type: ignore[arg-type]
        self.made.append(change)
        return change

    def kill(self, services: Sequence[str]) -> RecordedChange:
        return self._make("kill", tuple(services))

    def pause(self, services: Sequence[str]) -> RecordedChange:
        return self._make("pause", tuple(services))

    def cut(self, cuts: Sequence[Cut]) -> RecordedChange:
        return self._make("cut", tuple(cut.link.name for cut in cuts), cuts=tuple(cuts))

    def delay(
        self,
        links: Sequence[Link],
        *,
        latency_ms: float,
        jitter_ms: float = 0.0,
        direction: Direction = Direction.BOTH,
    ) -> RecordedChange:
        self.log.append(f"delay {latency_ms:g} {jitter_ms:g}")
        return self._make("delay", tuple(link.name for link in links), direction=direction)

    def lose(
        self, links: Sequence[Link], *, share: float, direction: Direction = Direction.BOTH
    ) -> RecordedChange:
        self.log.append(f"lose {share:g}")
        return self._make("lose", tuple(link.name for link in links), direction=direction)

    @property
    def hosts(self) -> RecordingHands:
        return self

    def lose_power(self, services: Sequence[str]) -> RecordedChange:
        return self._make("lose power", tuple(services))

    def slow_disks(
        self, services: Sequence[str], *, latency_ms: float, jitter_ms: float = 0.0
    ) -> RecordedChange:
        self.log.append(f"slow disks {latency_ms:g} {jitter_ms:g}")
        return self._make("slow disks", tuple(services))

    def fill_disks(self, services: Sequence[str], *, restart: bool) -> RecordedChange:
        self.log.append(f"fill disks, {'restart' if restart else 'no restart'}")
        return self._make("fill disks", tuple(services))

    def deceive(self, services: Sequence[str]) -> RecordedChange:
        return self._make("deceive", tuple(services))

    def drift_clocks(self, services: Sequence[str], *, gains_ms: float) -> RecordedChange:
        self.log.append(f"drift {gains_ms:g}")
        return self._make("drift clocks", tuple(services))

    def wipe(self, services: Sequence[str]) -> RecordedChange:
        return self._make("wipe", tuple(services))

    def reset(self, links: Sequence[Link]) -> RecordedChange:
        return self._make("reset", tuple(link.name for link in links))
