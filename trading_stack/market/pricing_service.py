"""The pricing service of one provider: frames in from its feed, marks out to its engine and its gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

import msgspec

from trading_stack import keys, running, settings
from trading_stack.admin import Query, Response, health, metrics, serve_admin
from trading_stack.dial import Client
from trading_stack.events import log
from trading_stack.market import calendar, switches
from trading_stack.market.black76 import Greeks
from trading_stack.market.chain import Chain, PricedChain
from trading_stack.market.desk import Desk, marks_frame
from trading_stack.market.freshness import INDEX_LIMIT_NS, Vigil
from trading_stack.market.messages import Follow, FromFeed
from trading_stack.wire import Callbacks, Codec, Connection, Counters, serve

WATCH_S: Final = 0.1
SILENT_WATCHES: Final = 10  # a feed repeats itself three times a second: after one it is dialled again


class ChainRow(msgspec.Struct, frozen=True):
    """One option as valued last: the implied volatility of its mark and its Greeks, in coin."""

    instrument: str
    mark: float
    volatility: float
    delta: float
    gamma: float
    vega: float
    theta: float
    net_transaction_delta: float


class Pricing:
    """Connections from the feed and to the followers around one desk."""

    def __init__(self, desk: Desk, feed: settings.Address, codec: Codec) -> None:
        self.desk = desk
        self.counters = codec.counters
        self._followers: set[Connection] = set()
        self._feed = Client(feed, codec, on_message=self._hear, on_up=self._follow_feed)
        self._quiet = 0
        self._vigil = Vigil()
        self._valuing = False

    def start(self) -> None:
        """Begin to dial the feed."""
        self._feed.start()

    def follow(self, connection: Connection, _: Follow) -> None:
        """Tell a new follower the last marks, if they are fresh, and from now on all."""
        last, now_ns = self.desk.last, time.monotonic_ns()
        if last is not None and self.desk.unready(now_ns) is None:
            later_ns = now_ns - last.published_mono_ns
            aged = last._replace(
                index_age_ns=last.index_age_ns + later_ns, surface_age_ns=last.surface_age_ns + later_ns
            )
            if aged.index_age_ns <= INDEX_LIMIT_NS:
                connection.send(marks_frame(aged))
        self._followers.add(connection)

    def forget(self, connection: Connection, _: str) -> None:
        """A follower's connection ended."""
        self._followers.discard(connection)

    async def watch(self) -> None:
        """Drop a silent feed, and notice when this process was frozen."""
        while True:
            await asyncio.sleep(WATCH_S)
            self._wake()
            self._quiet += 1
            if self._feed.up and self._quiet > SILENT_WATCHES:
                self._feed.drop("silent")

    def _follow_feed(self) -> None:
        self._quiet = 0
        self._feed.send(Follow())

    def _hear(self, message: FromFeed) -> None:
        if self._wake():
            return
        self._quiet = 0
        if self.desk.hear(message, time.monotonic_ns()) and not self._valuing:
            self._valuing = True  # once everything that this turn of the loop brings was heard
            asyncio.get_running_loop().call_soon(self._publish)

    def _publish(self) -> None:
        self._valuing = False
        published = self.desk.value(time.monotonic_ns())
        if published is None:
            return
        self.counters.add("valuations")
        frame = marks_frame(published)
        for follower in self._followers:
            follower.send(frame)

    def _wake(self) -> bool:
        """Whether this process was frozen; what then waits in its socket is old, and is asked for anew."""
        if not self._vigil.awake(time.monotonic_ns()):
            return False
        self.counters.add("thaws")
        self._feed.drop("this process was frozen")
        return True


def chain_rows(chain: Chain, priced: PricedChain) -> list[ChainRow]:
    """A priced chain, row by row."""
    sensitivities: Greeks = chain.greeks(priced)
    columns = (
        priced.prices,
        priced.volatilities,
        sensitivities.delta,
        sensitivities.gamma,
        sensitivities.vega,
        sensitivities.theta,
        sensitivities.net_transaction_delta,
    )
    values = zip(*(column.tolist() for column in columns), strict=True)
    return [ChainRow(terms.name, *row) for terms, row in zip(chain.options, values, strict=True)]


def _quotes(desk: Desk, query: Query) -> Response:
    since = query.get("since", "0")
    if not since.isdigit():
        raise ValueError(f"since={since!r}: not a cursor")
    return Response(msgspec.json.encode(desk.ring.since(int(since))))


def _chain(desk: Desk) -> Response:
    last = desk.last
    if last is None or last.valuation.chain is None:
        return Response(b"[]", 503)
    return Response(msgspec.json.encode(chain_rows(desk.pricer.chain, last.valuation.chain)))


async def _serve(environ: Mapping[str, str]) -> None:
    provider = settings.required(environ, "PROVIDER")
    desk = Desk(
        provider,
        defects=switches.switched_on(environ, provider),
        market_time_ns=lambda: calendar.market_time_ns(time.monotonic_ns()),
        first_cursor=time.monotonic_ns() // 1000,
    )
    counters, name = Counters(), f"pricing-{provider}"
    key = keys.link_key(settings.secret(environ))
    pricing = Pricing(
        desk,
        settings.address(environ, "FEED"),
        Codec(name, key, msgspec.msgpack.Decoder(FromFeed), counters=counters),
    )
    routes = {
        "/health": health(lambda: desk.unready(time.monotonic_ns())),
        "/metrics": metrics(lambda: {"window_samples": desk.pricer.samples, **counters.values}),
        "/quotes": lambda query: _quotes(desk, query),
        "/chain": lambda _: _chain(desk),
    }
    followers = Codec(name, key, msgspec.msgpack.Decoder(Follow), counters=counters)
    callbacks = Callbacks(on_message=pricing.follow, on_down=pricing.forget)
    await serve(followers, callbacks, *settings.address(environ, "LISTEN"))
    await serve_admin(settings.address(environ, "ADMIN"), routes)
    log(f"{name}: pricing {len(desk.pricer.chain.options) + len(desk.pricer.linear)} instruments")
    pricing.start()
    await pricing.watch()


def main(environ: Mapping[str, str]) -> int:
    """Run the pricing service until a signal ends it."""
    return running.run(_serve(environ))
