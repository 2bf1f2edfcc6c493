"""Sentinels of whole clusters decide the same again from their logs, which begin anew whenever they can."""

from __future__ import annotations

import msgspec
import pytest

from trading_stack.sentinel.config import Config
from trading_stack.sentinel.decisions.recorder import Recorder
from trading_stack.sentinel.decisions.records import ENCODER, Input, Record
from trading_stack.sentinel.events import Ballot
from trading_stack.sentinel.replay import replay
from trading_stack.simulation import sentinel as nodes
from trading_stack.simulation.generators import GENERATORS
from trading_stack.simulation.playing import run

TURN_EVERY = 60


class Pages:
    """The logs of all sentinels of a world, in memory; each begins anew after a few inputs if it can."""

    def __init__(self) -> None:
        self.written: list[bytearray] = []

    def sentinel(
        self, config: Config, *, voted: Ballot | None, seed: int, moves_ns: tuple[int, ...]
    ) -> Recorder:
        """Stands where a world makes its sentinels."""
        return Recorder(config, Book(self), voted=voted, seed=seed, moves_ns=moves_ns)


class Book:
    def __init__(self, pages: Pages) -> None:
        self.full = False
        self._pages = pages
        self._inputs = 0
        self._page = bytearray()

    def note(self, record: Record) -> None:
        self._page += ENCODER.encode(record) + b"\n"
        self._inputs += isinstance(record, Input)
        self.full = self._inputs >= TURN_EVERY

    def open(self, first: Record) -> None:
        self._page, self._inputs = bytearray(), 0
        self._pages.written.append(self._page)
        self.note(first)


@pytest.mark.parametrize("name", GENERATORS)
def test_all_decisions_follow_from_the_logs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Pages()
    monkeypatch.setattr(nodes, "Sentinel", pages.sentinel)
    for seed in range(5):
        schedule = msgspec.structs.replace(GENERATORS[name](seed), sentinels=True)
        assert run(schedule, dozing=False).finding is None
    told = [replay(bytes(page)) for page in pages.written]
    assert [each.difference for each in told if each.difference] == []
    assert sum(each.inputs for each in told) > 1000
    assert sum(each.decisions for each in told) > 50
    assert len(told) > 5 * 3 * 2, "pages were turned in the middle of lives"
