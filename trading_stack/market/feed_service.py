"""The feed service of one provider: sources in, one merged stream out to its pricing service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

import msgspec

from trading_stack import keys, running, settings
from trading_stack.admin import health, metrics, serve_admin
from trading_stack.dial import Client
from trading_stack.events import log
from trading_stack.market.feed_handler import FeedHandler, Passed
from trading_stack.market.freshness import Vigil
from trading_stack.market.messages import Follow, FromSource
from trading_stack.market.source_service import PUBLIC_KEY
from trading_stack.wire import Callbacks, Codec, Connection, Counters, serve

WATCH_S: Final = 0.1
SILENT_WATCHES: Final = 10  # a source that says nothing for a second is dialled again
REPEAT_WATCHES: Final = 3


class Feed:
    """Connections to the sources and from the followers."""

    def __init__(self, sources: Mapping[str, settings.Address], codec: Codec) -> None:
        self.handler = FeedHandler(tuple(sources))
        self.counters = codec.counters
        self._followers: set[Connection] = set()
        self._clients = {
            source: Client(
                address,
                codec,
                on_message=partial(self._hear, source),
                on_up=partial(self._subscribe, source),
            )
            for source, address in sources.items()
        }
        self._quiet = dict.fromkeys(sources, 0)
        self._quiet_out = 0
        self._vigil = Vigil()
        self._telling = False

    def start(self) -> None:
        """Begin to dial the sources."""
        for client in self._clients.values():
            client.start()

    def follow(self, connection: Connection, _: Follow) -> None:
        """Tell a new follower what it needs, and from now on everything."""
        self._send((connection,), self.handler.welcome(time.monotonic_ns()))
        self._followers.add(connection)

    def forget(self, connection: Connection, _: str) -> None:
        """A follower's connection ended."""
        self._followers.discard(connection)

    async def watch(self) -> None:
        """Drop silent sources, show followers a sign of life, and notice when this process was frozen."""
        while True:
            await asyncio.sleep(WATCH_S)
            self._wake()
            self._drop_silent()
            self._quiet_out += 1
            if self._quiet_out > REPEAT_WATCHES:
                self._tell(self.handler.repeat(time.monotonic_ns()))

    def _subscribe(self, source: str) -> None:
        self._quiet[source] = 0
        self._clients[source].send(self.handler.subscription(source))

    def _hear(self, source: str, message: FromSource) -> None:
        if self._wake():
            return
        self._quiet[source] = 0
        for request in self.handler.hear(source, message, time.monotonic_ns()):
            self._clients[source].send(request)
        if not self._telling:  # once everything that this turn of the loop brings was heard
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell_news)

    def _tell_news(self) -> None:
        self._telling = False
        self._tell(self.handler.news(time.monotonic_ns()))

    def _tell(self, messages: list[Passed]) -> None:
        if messages:
            self._quiet_out = 0
            self._send(self._followers, messages)

    def _send(self, followers: Iterable[Connection], messages: list[Passed]) -> None:
        for follower in followers:
            for message in messages:
                follower.send(message)

    def _wake(self) -> bool:
        """Whether this process was frozen; what then waits in its sockets is old, and is asked for anew."""
        if not self._vigil.awake(time.monotonic_ns()):
            return False
        self.counters.add("thaws")
        for client in self._clients.values():
            client.drop("this process was frozen")
        return True

    def _drop_silent(self) -> None:
        for source, client in self._clients.items():
            self._quiet[source] += 1
            if client.up and self._quiet[source] > SILENT_WATCHES:
                self.counters.add("silent_sources_dropped")
                client.drop("silent")


async def _serve(environ: Mapping[str, str]) -> None:
    provider = settings.required(environ, "PROVIDER")
    sources = settings.addresses(environ, "SOURCES")
    if not sources:
        raise settings.SettingsError("SOURCES: not set; it reads name=host:port,name=host:port")
    counters = Counters()
    name = f"feed-{provider}"
    public = Codec(name, PUBLIC_KEY, msgspec.msgpack.Decoder(FromSource), counters=counters)
    private = Codec(
        name,
        keys.link_key(settings.secret(environ)),
        msgspec.msgpack.Decoder(Follow),
        counters=counters,
    )
    feed = Feed(sources, public)
    routes = {
        "/health": health(lambda: feed.handler.unready(time.monotonic_ns())),
        "/metrics": metrics(lambda: {"feed_gaps": feed.handler.gaps, **counters.values}),
    }
    callbacks = Callbacks(on_message=feed.follow, on_down=feed.forget)
    await serve(private, callbacks, *settings.address(environ, "LISTEN"))
    await serve_admin(settings.address(environ, "ADMIN"), routes)
    log(f"{name}: hearing {', '.join(sources)}")
    feed.start()
    await feed.watch()


def main(environ: Mapping[str, str]) -> int:
    """Run the feed until a signal ends it."""
    return running.run(_serve(environ))
