"""Market sources, feed handlers and pricing services in virtual time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from harness.model.quotes import QuoteBatch
from harness.stack.simulation import Ears, Machine, Wire
from trading_stack.market import calendar, switches
from trading_stack.market.desk import Desk, marks_frame
from trading_stack.market.feed_handler import FeedHandler, Passed
from trading_stack.market.feed_service import REPEAT_WATCHES, SILENT_WATCHES, WATCH_S
from trading_stack.market.freshness import INDEX_LIMIT_NS, Vigil
from trading_stack.market.messages import Follow
from trading_stack.market.seeded_market import SeededMarket
from trading_stack.market.source_service import Source
from trading_stack.virtual.addresses import named, port

WATCH_NS = round(WATCH_S * 1e9)


class SourceNode:
    """A market source: the service's own publisher on a virtual calendar."""

    def __init__(self, environment: Mapping[str, str], machine: Machine, market: SeededMarket) -> None:
        self._machine = machine
        self._port = port(environment)
        self._source = Source(market)

    def start(self) -> None:
        source = self._source
        source.publish(calendar.sequence_at(self._machine.now_ns()))
        self._machine.listen(self._port, Ears(on_message=source.answer, on_down=source.forget))  # type: ignore[arg-type]
        self._await_tick()

    def unready(self) -> str | None:
        return None

    def _await_tick(self) -> None:
        due_ns = calendar.due_ns(self._source.sequence + 1)
        self._machine.later(max(0, due_ns - self._machine.now_ns()), self._tick)

    def _tick(self) -> None:
        sequence = calendar.sequence_at(self._machine.now_ns())
        if sequence > self._source.sequence:
            self._source.publish(sequence)
        self._await_tick()


class FeedNode:
    """A feed handler between the sources and its followers."""

    def __init__(self, environment: Mapping[str, str], machine: Machine) -> None:
        self._machine = machine
        self._port = port(environment)
        self._sources = named(environment, "SOURCES")
        self._handler = FeedHandler(tuple(self._sources))
        self._followers: dict[Wire, None] = {}
        self._quiet = dict.fromkeys(self._sources, 0)
        self._quiet_out = 0
        self._vigil = Vigil()
        self._telling = False

    def start(self) -> None:
        self._machine.listen(
            self._port, Ears(on_message=self._follow, on_down=lambda wire, _: self._followers.pop(wire, None))
        )
        self._lines = {
            source: self._machine.dial(
                address,
                Ears(on_message=partial(self._hear, source), on_up=partial(self._subscribe, source)),
            )
            for source, address in self._sources.items()
        }
        self._machine.later(WATCH_NS, self._watch)

    def unready(self) -> str | None:
        return self._handler.unready(self._machine.now_ns())

    def _subscribe(self, source: str, wire: Wire) -> None:
        self._quiet[source] = 0
        wire.send(self._handler.subscription(source))

    def _follow(self, wire: Wire, _: object) -> None:
        for message in self._handler.welcome(self._machine.now_ns()):
            wire.send(message)
        self._followers[wire] = None

    def _hear(self, source: str, wire: Wire, message: object) -> None:
        if self._wake():
            return
        self._quiet[source] = 0
        for request in self._handler.hear(source, message, self._machine.now_ns()):  # type: ignore[arg-type]
            wire.send(request)
        if not self._telling:
            self._telling = True
            self._machine.later(0, self._tell_news)

    def _tell_news(self) -> None:
        self._telling = False
        self._tell(self._handler.news(self._machine.now_ns()))

    def _tell(self, messages: Sequence[Passed]) -> None:
        if not messages:
            return
        self._quiet_out = 0
        for follower in list(self._followers):
            for message in messages:
                follower.send(message)

    def _watch(self) -> None:
        self._machine.later(WATCH_NS, self._watch)
        self._wake()
        for source, line in self._lines.items():
            self._quiet[source] += 1
            if line.up and self._quiet[source] > SILENT_WATCHES:
                line.drop("silent")
        self._quiet_out += 1
        if self._quiet_out > REPEAT_WATCHES:
            self._tell(self._handler.repeat(self._machine.now_ns()))

    def _wake(self) -> bool:
        """Whether this process was frozen; what then waits in its sockets is old, and is asked for anew."""
        if not self._vigil.awake(self._machine.now_ns()):
            return False
        for line in self._lines.values():
            line.drop("this process was frozen")
        return True


class PricingNode:
    """A pricing service: the service's own desk between its feed and its followers."""

    def __init__(self, environment: Mapping[str, str], machine: Machine) -> None:
        self._machine = machine
        self._port = port(environment)
        self._feed = environment["FEED"]
        provider = environment["PROVIDER"]
        self._desk = Desk(
            provider,
            defects=switches.switched_on(environment, provider),
            market_time_ns=lambda: calendar.market_time_ns(machine.now_ns()),
            first_cursor=machine.now_ns() // 1000,
        )
        self._followers: dict[Wire, None] = {}
        self._quiet = 0
        self._vigil = Vigil()
        self._valuing = False

    def start(self) -> None:
        self._machine.listen(
            self._port, Ears(on_message=self._follow, on_down=lambda wire, _: self._followers.pop(wire, None))
        )
        self._line = self._machine.dial(self._feed, Ears(on_message=self._hear, on_up=self._ask))
        self._machine.later(WATCH_NS, self._watch)

    def unready(self) -> str | None:
        return self._desk.unready(self._machine.now_ns())

    def quotes(self, since: int) -> QuoteBatch:
        """What it published after a cursor, as an observer would read it."""
        encoded = msgspec.json.encode(self._desk.ring.since(since))
        return msgspec.json.decode(encoded, type=QuoteBatch)

    def _ask(self, wire: Wire) -> None:
        self._quiet = 0
        wire.send(Follow())

    def _follow(self, wire: Wire, _: object) -> None:
        last, now_ns = self._desk.last, self._machine.now_ns()
        if last is not None and self._desk.unready(now_ns) is None:
            later_ns = now_ns - last.published_mono_ns
            aged = last._replace(
                index_age_ns=last.index_age_ns + later_ns, surface_age_ns=last.surface_age_ns + later_ns
            )
            if aged.index_age_ns <= INDEX_LIMIT_NS:
                wire.send(marks_frame(aged))
        self._followers[wire] = None

    def _hear(self, _: Wire, message: object) -> None:
        if self._wake():
            return
        self._quiet = 0
        if self._desk.hear(message, self._machine.now_ns()) and not self._valuing:  # type: ignore[arg-type]
            self._valuing = True
            self._machine.later(0, self._publish)

    def _publish(self) -> None:
        self._valuing = False
        published = self._desk.value(self._machine.now_ns())
        if published is None:
            return
        frame = marks_frame(published)
        for follower in list(self._followers):
            follower.send(frame)

    def _watch(self) -> None:
        self._machine.later(WATCH_NS, self._watch)
        self._wake()
        self._quiet += 1
        if self._line.up and self._quiet > SILENT_WATCHES:
            self._line.drop("silent")

    def _wake(self) -> bool:
        if not self._vigil.awake(self._machine.now_ns()):
            return False
        self._line.drop("this process was frozen")
        return True
