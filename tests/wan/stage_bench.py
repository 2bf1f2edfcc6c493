"""One toxic's stage at work on a clock that the test moves."""

from __future__ import annotations

from random import Random
from typing import Any

from wan_support import FakeTime, Recorder, Source

from harness.wan.toxics.contract import End, Place, Stage
from harness.wan.toxics.registry import ToxicType

MS = 1_000_000


class Bench:
    """One stage at work, between a test and a recorder."""

    def __init__(self, kind: ToxicType, settings: Any) -> None:
        self.time = FakeTime()
        self.out = Recorder(self.time)
        self.valve = Source()
        self.severed = 0
        place = Place(self.time.timer, self.valve, lambda: Random(7), self._sever)
        self.stage: Stage = kind.start(settings, place)
        self.stage.next = self.out

    def _sever(self) -> None:
        self.severed += 1

    def feed(self, data: bytes) -> None:
        self.stage.feed(data, self.time.now)

    def end(self, how: End = End.EOF) -> None:
        self.stage.end(how, self.time.now)
