"""A market source, outside the providers: publishes its ticks to every feed handler that subscribes.

The past is computed again when somebody asks for it (see `seeded_market`), so that a source that has just started
answers as one that never stopped. What a source publishes is public: it holds no secret of the cluster, and its links
are keyed with a constant, which guards against accidents alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

import msgspec

from trading_stack import keys, running, settings
from trading_stack.admin import health, metrics, serve_admin
from trading_stack.events import log
from trading_stack.market import calendar
from trading_stack.market.basis_window import WINDOW
from trading_stack.market.line import KEEP
from trading_stack.market.messages import Channel, Missed, Resend, ToSource
from trading_stack.market.seeded_market import SeededMarket
from trading_stack.wire import Callbacks, Codec, Connection, serve

PUBLIC_KEY: Final = keys.link_key(b"public market data")
HISTORY: Final = WINDOW + 2 * calendar.SURFACE_EVERY  # ticks that a new subscriber is given
CHUNK: Final = 250
_DEFAULT_SEED: Final = "7"


class Source:
    """Subscribers and the two channels of one source."""

    def __init__(self, market: SeededMarket) -> None:
        self.sequence = -1
        self._market = market
        self._subscribers: set[Connection] = set()

    def publish(self, sequence: int) -> None:
        """Send one tick to all subscribers: the surface, when it is due, before the prices that it holds for."""
        ticks: list[object] = []
        held = calendar.surface_sequence(sequence)
        if held != calendar.surface_sequence(self.sequence):
            ticks.append(self._market.surface(held))
        ticks.append(self._market.prices(sequence))
        self.sequence = sequence
        for subscriber in self._subscribers:
            for tick in ticks:
                subscriber.send(tick)

    def answer(self, connection: Connection, request: ToSource) -> None:
        """Serve a subscription or a request for what was missed."""
        if isinstance(request, Resend):
            self._resend(connection, request)
            return
        first = max(request.prices_after + 1, self.sequence - HISTORY + 1)
        held = calendar.surface_sequence(self.sequence)
        self._resend(connection, Resend(Channel.SURFACE, request.surface_after + 1, held))
        self._send_prices(connection, first, self.sequence)
        self._subscribers.add(connection)

    def forget(self, connection: Connection, _: str) -> None:
        """A connection ended."""
        self._subscribers.discard(connection)

    @property
    def subscribers(self) -> int:
        return len(self._subscribers)

    def _resend(self, connection: Connection, request: Resend) -> None:
        if request.channel is Channel.PRICES:
            last = min(request.last, self.sequence)
            self._send_prices(connection, max(request.first, last - KEEP + 1), last)
            return
        last = min(request.last, calendar.surface_sequence(self.sequence))
        first = max(
            request.first, last - calendar.SURFACE_EVERY
        )  # older ones hold for no price that will be told
        connection.send(Missed(surfaces=[self._market.surface(number) for number in range(first, last + 1)]))

    def _send_prices(self, connection: Connection, first: int, last: int) -> None:
        for start in range(first, last + 1, CHUNK):
            numbers = range(start, min(start + CHUNK, last + 1))
            connection.send(Missed(prices=[self._market.prices(number) for number in numbers]))


async def _publish_for_ever(source: Source) -> None:
    """Publish each tick when it is due. Ticks that a stall has made late are skipped: subscribers see a gap."""
    while True:
        now_ns = time.monotonic_ns()
        sequence = calendar.sequence_at(now_ns)
        if sequence > source.sequence:
            source.publish(sequence)
        await asyncio.sleep(max(0, calendar.due_ns(sequence + 1) - time.monotonic_ns()) / 1e9)


async def _serve(environ: Mapping[str, str]) -> None:
    name = settings.required(environ, "NAME")
    seed = environ.get("SEED", "").strip() or _DEFAULT_SEED
    if not seed.isdigit():
        raise settings.SettingsError(f"SEED: {seed!r} is no whole number of at least 0")
    source = Source(SeededMarket(int(seed), name))
    source.publish(calendar.sequence_at(time.monotonic_ns()))
    codec = Codec(name=f"source-{name}", key=PUBLIC_KEY, decoder=msgspec.msgpack.Decoder(ToSource))
    callbacks = Callbacks(on_message=source.answer, on_down=source.forget)
    await serve(codec, callbacks, *settings.address(environ, "LISTEN"))
    routes = {
        "/health": health(lambda: None),
        "/metrics": metrics(
            lambda: {
                "source_sequence": source.sequence,
                "source_subscribers": source.subscribers,
                **codec.counters.values,
            }
        ),
    }
    await serve_admin(settings.address(environ, "ADMIN"), routes)
    log(f"source {name}: seed {seed}, publishing every {calendar.TICK_NS // 1_000_000} ms")
    await _publish_for_ever(source)


def main(environ: Mapping[str, str]) -> int:
    """Run the source until a signal ends it."""
    return running.run(_serve(environ))
