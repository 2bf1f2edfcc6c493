"""Drives a fault proxy, the embedded one or a real Toxiproxy server, so that no fault goes unapplied unnoticed.

Each change is read back. The embedded proxy takes many changes in one call and says when they took effect; a real
server takes one at a time, from a small pool of threads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, TypeVar, assert_never

import msgspec

from harness.model.span import Span
from harness.wan.changes import (
    BASELINE,
    Disable,
    Enable,
    Link,
    LinkChange,
    PutToxic,
    RemoveToxic,
    Sever,
)
from harness.wan.consumer import Consumer
from harness.wan.errors import WanNotApplied, WanRefused, WanUnsupported
from harness.wan.messages import EXTENDED, BatchAnswer, BatchInput, ProxyStats, ProxyView
from harness.wan.readback import known, verify
from harness.wan.toxics import Latency, Stream
from harness.wan.toxics.registry import type_of
from harness.wan.translation import as_original, operation

T = TypeVar("T")
_NOT_FOUND: Final = 404
_POOL: Final = 8


class WanClient:
    """One fault proxy server. Safe to use from several threads.

    Every method raises `WanUnreachable` when the server doesn't answer in time and `WanRefused` on an error status;
    those that change something raise `WanNotApplied` when the state read back is not what was asked for.
    """

    def __init__(self, address: str, *, timeout_s: float = 5.0) -> None:
        self._consumer = Consumer(address, timeout_s=timeout_s)
        self._pool = ThreadPoolExecutor(_POOL, thread_name_prefix="wan")  # its threads start when first used
        self.address = address
        self.version = str(self._consumer.get("/version").json()["version"])

    @property
    def extended(self) -> bool:
        """Whether the server is the embedded one: `stall`, `drop` and `reject`, statistics, fractions of a ms."""
        return self.version.endswith(EXTENDED)

    def __enter__(self) -> WanClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the client's own threads and connections back; links stay as they are."""
        self._pool.shutdown()
        self._consumer.close()

    def create_link(self, name: str, listen: str, upstream: str) -> str:
        """Create a link and return the address where it listens, as `host:port`."""
        return self.populate([Link(name, listen, upstream)])[name]

    def populate(self, links: Iterable[Link]) -> dict[str, str]:
        """Create links, or replace those that lead elsewhere; returns where each listens."""
        wanted = [{"name": link.name, "listen": link.listen, "upstream": link.upstream} for link in links]
        if not wanted:
            return {}
        self._consumer.post("/populate", json=wanted)
        state = self.links()
        for link in wanted:
            view = state.get(link["name"])
            if view is None or not view.enabled or view.upstream != link["upstream"]:
                raise WanNotApplied(f"link {link['name']!r} was created, but reads back as {view}")
        return {link["name"]: state[link["name"]].listen for link in wanted}

    def links(self) -> dict[str, ProxyView]:
        """The state of every link."""
        return _decode(self._consumer.get("/proxies").content, dict[str, ProxyView])

    def baseline(self, name: str, latency_ms: float, jitter_ms: float) -> None:
        """Give a link its healthy delay: a round trip, half of it in each direction.

        A real Toxiproxy server takes whole milliseconds only; there the odd one is added upstream.
        """
        self.baselines({name: (latency_ms, jitter_ms)})

    def baselines(self, delays: Mapping[str, tuple[float, float]]) -> None:
        """`baseline` for many links at once: name to round trip and jitter in ms."""
        changes: list[LinkChange] = []
        for name, (latency_ms, jitter_ms) in delays.items():
            for stream, half_ms in zip(Stream, halves(latency_ms, whole=not self.extended), strict=True):
                settings = Latency(latency_ms=half_ms, jitter_ms=jitter_ms / 2)
                changes.append(PutToxic(name, f"{BASELINE}_{stream}", stream, settings))
        self.apply(changes)

    def apply(self, changes: Sequence[LinkChange]) -> Span:
        """Apply changes, and return when the first and the last took effect.

        The embedded server applies all of them in one step, in their order. A real server gets one call a change,
        the changes of one link in their order; the span then runs from the first call to the last answer.

        Raises:
            WanUnsupported: A real Toxiproxy server has no such toxic; nothing was changed.
        """
        if not changes:
            now_ns = time.monotonic_ns()
            return Span(now_ns, now_ns)
        if self.extended:
            return self._apply_batch(changes)
        self._refuse_unsupported(changes)
        return self._apply_singly(changes)

    def stats(self, names: Iterable[str] | None = None) -> dict[str, ProxyStats]:
        """What links have carried, by name; all of them if no names are given.

        Raises:
            WanUnsupported: A real Toxiproxy server keeps no such counters.
        """
        if not self.extended:
            raise WanUnsupported(
                f"the Toxiproxy server {self.version} at {self.address} keeps no counters of its links"
            )
        found = _decode(self._consumer.get("/stats").content, dict[str, ProxyStats])
        return found if names is None else {name: known(found, name) for name in names}

    def reset(self) -> Span:
        """Make every link healthy: take every toxic but its baseline away, and enable it."""
        changes: list[LinkChange] = []
        for name, view in self.links().items():
            changes += [
                RemoveToxic(name, toxic.name) for toxic in view.toxics if not toxic.name.startswith(BASELINE)
            ]
            if not view.enabled:
                changes.append(Enable(name))
        return self.apply(changes)

    def delete(self, name: str) -> None:
        """Remove a link; one that is not there is no error."""
        try:
            self._consumer.delete(f"/proxies/{name}")
        except WanRefused as error:
            if error.status != _NOT_FOUND:
                raise

    def _apply_batch(self, changes: Sequence[LinkChange]) -> Span:
        body = msgspec.json.encode(BatchInput([operation(change) for change in changes]))
        answer = _decode(self._consumer.post("/batch", data=body).content, BatchAnswer)
        verify(changes, answer.proxies)
        return Span(answer.first_ns, answer.last_ns)

    def _apply_singly(self, changes: Sequence[LinkChange]) -> Span:
        by_link: dict[str, list[LinkChange]] = {}
        for change in changes:
            by_link.setdefault(change.link, []).append(change)
        first_ns = time.monotonic_ns()
        for future in [self._pool.submit(self._apply_to_link, name, todo) for name, todo in by_link.items()]:
            future.result()
        last_ns = time.monotonic_ns()
        verify([as_original(change) for change in changes], self.links())
        return Span(first_ns, last_ns)

    def _apply_to_link(self, name: str, changes: Sequence[LinkChange]) -> None:
        proxy = self._library_proxy(name)
        for change in changes:
            self._apply_one(proxy, as_original(change))

    def _library_proxy(self, name: str) -> Any:
        return self._consumer.proxy_class(**self._consumer.get(f"/proxies/{name}").json())

    def _apply_one(self, proxy: Any, change: LinkChange) -> None:
        match change:
            case PutToxic():
                self._put_toxic(proxy, change)
            case RemoveToxic():
                _tolerate_absent(lambda: proxy.destroy_toxic(change.name))
            case Enable():
                proxy.enable()
            case Disable():
                proxy.disable()
            case Sever():
                proxy.disable()
                proxy.enable()
            case _:
                assert_never(change)

    def _put_toxic(self, proxy: Any, change: PutToxic) -> None:
        """Change the toxic in place where there is one of its kind, since removing some closes connections."""
        kind = type_of(change.settings).name
        settings = {"toxicity": change.toxicity, "attributes": msgspec.to_builtins(change.settings)}
        existing = proxy.get_toxic(change.name)
        if existing is not None and (existing.type, existing.stream) == (kind, change.stream):
            self._consumer.post(f"/proxies/{proxy.name}/toxics/{change.name}", json=settings)
            return
        if existing is not None:
            _tolerate_absent(lambda: proxy.destroy_toxic(change.name))
        proxy.add_toxic(name=change.name, type=kind, stream=change.stream.value, **settings)

    def _refuse_unsupported(self, changes: Sequence[LinkChange]) -> None:
        for change in changes:
            if isinstance(change, PutToxic) and not type_of(change.settings).original:
                raise WanUnsupported(
                    f"the Toxiproxy server {self.version} at {self.address} has no toxic {type_of(change.settings).name!r}",
                    next_step="use a platform with the embedded proxy, or one with a packet filter",
                )


def halves(round_trip_ms: float, *, whole: bool) -> tuple[float, float]:
    """A round trip's delay upstream and downstream; in whole ms, the odd one is upstream, and none becomes 0.

    >>> halves(2.5, whole=False), halves(5, whole=True), halves(0.4, whole=True)
    ((1.25, 1.25), (3, 2), (1, 0))
    """
    if not whole:
        return round_trip_ms / 2, round_trip_ms / 2
    total = max(round(round_trip_ms), 1 if round_trip_ms > 0 else 0)
    return math.ceil(total / 2), total // 2


def _decode(content: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.MsgspecError as error:
        raise WanNotApplied(f"the fault proxy's answer can't be read: {error}") from error


def _tolerate_absent(call: Callable[[], object]) -> None:
    try:
        call()
    except WanRefused as error:
        if error.status != _NOT_FOUND:
            raise
