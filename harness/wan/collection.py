"""Every proxy of one server, and what the API may do to them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from harness.wan.connection import Runtime, Toxic
from harness.wan.listening import same_address
from harness.wan.messages import (
    ProxyInput,
    ProxyStats,
    ProxyView,
    StreamStats,
    ToxicChange,
    ToxicInput,
    ToxicView,
)
from harness.wan.proxy import Proxy
from harness.wan.toxics.contract import Stream
from harness.wan.toxics.registry import ToxicType, toxic_type


class ApiError(Exception):
    """An answer with an error status, as Toxiproxy words it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class Proxies:
    """The proxies by name. Methods raise `ApiError` for a caller's mistakes and `OSError` for the system's."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._proxies: dict[str, Proxy] = {}

    def __iter__(self) -> Iterator[Proxy]:
        return iter([self._proxies[name] for name in sorted(self._proxies)])

    def get(self, name: str) -> Proxy:
        proxy = self._proxies.get(name)
        if proxy is None:
            raise ApiError("proxy not found", 404)
        return proxy

    def create(self, wanted: ProxyInput) -> Proxy:
        name, upstream = _required(wanted)
        if name in self._proxies:
            raise ApiError("proxy already exists", 409)
        return self._add(name, upstream, wanted)

    def populate(self, wanted: Sequence[ProxyInput]) -> Iterator[Proxy]:
        """Create each proxy, or replace it if it listens or dials elsewhere; yields them as they are done."""
        for index, entry in enumerate(wanted):
            _required(entry, where=f" at proxy {index + 1}")
        for entry in wanted:
            name, upstream = _required(entry)
            existing = self._proxies.get(name)
            if existing is not None:
                if same_address(entry.listen or "", existing.listen) and upstream == existing.upstream_text:
                    yield existing
                    continue
                existing.close()
            yield self._add(name, upstream, entry)

    def update(self, name: str, wanted: ProxyInput) -> Proxy:
        proxy = self.get(name)
        enabled = proxy.enabled if wanted.enabled is None else wanted.enabled
        proxy.move(
            listen=proxy.listen if wanted.listen is None else wanted.listen,
            upstream=proxy.upstream_text if wanted.upstream is None else wanted.upstream,
        )
        (proxy.start if enabled else proxy.stop)()
        return proxy

    def delete(self, name: str) -> None:
        self.get(name).close()
        del self._proxies[name]

    def reset(self) -> None:
        """Enable every proxy and remove every toxic."""
        for proxy in self._proxies.values():
            proxy.start()
            proxy.remove_all()

    def close(self) -> None:
        for proxy in self._proxies.values():
            proxy.close()

    def add_toxic(self, proxy: Proxy, wanted: ToxicInput) -> Toxic:
        toxic = new_toxic(wanted)
        if proxy.toxic(toxic.name) is not None:
            raise ApiError("toxic already exists", 409)
        proxy.add(toxic)
        return toxic

    def _add(self, name: str, upstream: str, wanted: ProxyInput) -> Proxy:
        proxy = Proxy(self._runtime, name=name, listen=wanted.listen or "", upstream=upstream)
        if wanted.enabled is not False:
            proxy.start()
        self._proxies[name] = proxy
        return proxy


def new_toxic(wanted: ToxicInput) -> Toxic:
    """A toxic, not on any proxy yet."""
    stream = Stream.DOWNSTREAM if wanted.stream is None else wanted.stream.lower()
    if stream not in tuple(Stream):
        raise ApiError("stream was invalid, can be either upstream or downstream", 400)
    kind = toxic_type(wanted.type or "")
    if kind is None:
        raise ApiError("invalid toxic type", 400)
    return Toxic(
        name=wanted.name or f"{wanted.type}_{wanted.stream or stream}",
        kind=kind,
        stream=Stream(stream),
        toxicity=1 if wanted.toxicity is None else wanted.toxicity,
        settings=settings_of(kind, wanted.attributes),
    )


def changed_settings(toxic: Toxic, change: ToxicChange) -> msgspec.Struct:
    """The settings of a toxic with some attributes replaced."""
    return settings_of(toxic.kind, change.attributes, start=msgspec.to_builtins(toxic.settings))


def settings_of(
    kind: ToxicType, attributes: msgspec.Raw, *, start: dict[str, Any] | None = None
) -> msgspec.Struct:
    """Settings from a JSON object; what is left out, or null, is taken from `start`, or is the type's default."""
    try:
        given = msgspec.json.decode(attributes, type=dict[str, Any] | None)
        said = {name: value for name, value in (given or {}).items() if value is not None}
        return msgspec.convert({**(start or {}), **said}, kind.settings)
    except msgspec.MsgspecError as error:
        raise ApiError(f"bad request body: {error}", 400) from error


def toxic_view(toxic: Toxic) -> ToxicView:
    return ToxicView(
        attributes=msgspec.Raw(msgspec.json.encode(toxic.settings)),
        name=toxic.name,
        type=toxic.kind.name,
        stream=toxic.stream,
        toxicity=int(toxic.toxicity) if toxic.toxicity == int(toxic.toxicity) else toxic.toxicity,
    )


def proxy_view(proxy: Proxy) -> ProxyView:
    return ProxyView(
        name=proxy.name,
        listen=proxy.listen,
        upstream=proxy.upstream_text,
        enabled=proxy.enabled,
        toxics=tuple(toxic_view(toxic) for toxic in proxy.toxics()),
    )


def proxy_stats(proxy: Proxy) -> ProxyStats:
    return ProxyStats(
        at_ns=time.monotonic_ns(),
        listening=proxy.listening,
        accepted=proxy.accepted,
        active=proxy.active,
        dark=proxy.dark,
        severed=proxy.severed,
        failed_dials=proxy.failed_dials,
        upstream=_stream_stats(proxy, Stream.UPSTREAM),
        downstream=_stream_stats(proxy, Stream.DOWNSTREAM),
        pairs=tuple(proxy.pairs()),
    )


def _stream_stats(proxy: Proxy, stream: Stream) -> StreamStats:
    counter = proxy.counters[stream]
    return StreamStats(
        bytes_in=counter.bytes_in,
        bytes_out=counter.bytes_out,
        held_bytes=proxy.held_bytes(stream),
        last_in_ns=counter.last_in_ns,
        last_out_ns=counter.last_out_ns,
    )


def _required(wanted: ProxyInput, *, where: str = "") -> tuple[str, str]:
    if not wanted.name:
        raise ApiError(f"missing required field: name{where}", 400)
    if not wanted.upstream:
        raise ApiError(f"missing required field: upstream{where}", 400)
    return wanted.name, wanted.upstream
