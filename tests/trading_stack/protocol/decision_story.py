"""A sentinel at its post that keeps a decision log in memory, and a story with most of what can happen to one."""

from __future__ import annotations

from sentinel_post import ALL, STANDBYS, Post, accused, beat

from trading_stack.sentinel.config import Config
from trading_stack.sentinel.decisions.recorder import Book, Recorder
from trading_stack.sentinel.decisions.records import ENCODER, Input, Record
from trading_stack.sentinel.events import (
    DialFailed,
    EngineDown,
    EngineUp,
    Event,
    Heard,
    Order,
    PeerUp,
    Save,
    Saved,
)
from trading_stack.sentinel.messages import Second
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.signing import sign

SECOND = 1000 * MS


class Page:
    """A book in memory. It would rather begin anew each `turn_every` inputs; `pages` are its segments."""

    def __init__(self, *, turn_every: int = 1 << 60) -> None:
        self.full = False
        self.pages: list[bytes] = []
        self._turn_every = turn_every
        self._inputs = 0

    def note(self, record: Record) -> None:
        self.pages[-1] += ENCODER.encode(record) + b"\n"
        self._inputs += isinstance(record, Input)
        self.full = self._inputs >= self._turn_every

    def open(self, first: Record) -> None:
        self._inputs = 0
        self.pages.append(b"")
        self.note(first)


class Desk(Post):
    """Bravo's sentinel, which keeps a log; its disk makes ballots durable at once."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        config = Config(
            name="bravo", peers=("alpha", "charlie"), engines=NODES, sign=lambda m: sign("bravo", m)
        )
        self.recorder = Recorder(config, book, voted=None, seed=3)
        self.sentinel = self.recorder  # type: ignore[assignment]

    def tell(self, event: Event) -> None:
        before = len(self.effects)
        super().tell(event)
        for effect in self.effects[before:]:
            if isinstance(effect, Save):
                self.tell(Saved(effect.ballot))


def story(desk: Desk) -> Desk:
    """A start, a failover, a handover, bad work, resets: everything that a sentinel decides about."""
    for engine in NODES:
        desk.tell(EngineUp(engine))
    desk.pass_time(100 * MS, beats=ALL)
    desk.tell(PeerUp("charlie"))
    desk.pass_time(300 * MS, beats=STANDBYS)
    accused(desk)
    desk.tell(Heard("charlie", Second(1, 2, "bravo", sign("charlie", b"?"), 2)))
    led = {name: beat(own=name, leader="bravo", epoch=2, primary_age_ns=MS) for name in NODES}
    desk.pass_time(2 * SECOND, beats=led)
    desk.tell(Order(2, "charlie"))
    desk.pass_time(50 * MS, beats=led)
    desk.pass_time(2 * SECOND, beats=led)
    desk.tell(EngineDown("charlie", "reset"))
    desk.tell(DialFailed("charlie"))
    desk.tell(EngineUp("charlie"))
    badly = {**led, "bravo": beat(own="bravo", leader="bravo", epoch=2, requests=50, latency_ns=3 * SECOND)}
    desk.pass_time(7 * SECOND, beats=badly)
    accused(desk)
    desk.pass_time(3 * SECOND, beats=led)
    return desk


def log_of_story(*, turn_every: int = 1 << 60) -> list[bytes]:
    """The segments of the story's log."""
    page = Page(turn_every=turn_every)
    story(Desk(page))
    return page.pages
