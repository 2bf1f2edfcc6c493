"""What travels over the HTTP API, in the shapes of Toxiproxy 2.12 and of our own extensions.

The extensions are `GET /stats`, `GET /proxies/{name}/stats` and `POST /batch`, and the toxics `stall`, `drop` and
`reject`. A client of plain Toxiproxy never meets them.
"""

from __future__ import annotations

from typing import Final

import msgspec

from harness.wan.toxics.contract import Stream

VERSION: Final = "2.12.0+harness"
EXTENDED: Final = "+harness"


class ProxyInput(msgspec.Struct, frozen=True):
    """A proxy to create, or the fields of one to change."""

    name: str | None = None
    listen: str | None = None
    upstream: str | None = None
    enabled: bool | None = None


class ToxicInput(msgspec.Struct, frozen=True):
    """A toxic to add. The settings are read once the type is known; a null is what is left out."""

    name: str | None = None
    type: str | None = None
    stream: str | None = None
    toxicity: int | float | None = None
    attributes: msgspec.Raw = msgspec.Raw(b"null")


class ToxicChange(msgspec.Struct, frozen=True):
    """New settings for a toxic; what is left out stays."""

    toxicity: int | float | None = None
    attributes: msgspec.Raw = msgspec.Raw(b"null")


class ToxicView(msgspec.Struct, frozen=True):
    """A toxic as it is."""

    attributes: msgspec.Raw
    name: str
    type: str
    stream: Stream
    toxicity: int | float


class ProxyView(msgspec.Struct, frozen=True):
    """A proxy as it is."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[ToxicView, ...]


class StreamStats(msgspec.Struct, frozen=True):
    """One direction of a proxy, since it was created. Times are of the host's monotonic clock; 0 means never."""

    bytes_in: int
    bytes_out: int
    held_bytes: int
    last_in_ns: int
    last_out_ns: int


class ProxyStats(msgspec.Struct, frozen=True):
    """What a link has carried, and what a new connection meets (open, saturate, refuse, or null when disabled)."""

    at_ns: int
    listening: str | None
    accepted: int
    active: int
    dark: int
    severed: int
    failed_dials: int
    upstream: StreamStats
    downstream: StreamStats
    pairs: tuple[
        tuple[int, int], ...
    ] = ()  # of each connection: the client's port, and the proxy's towards the upstream


class PutToxicOp(msgspec.Struct, frozen=True, tag="put_toxic", tag_field="op"):
    """Add a toxic, or change the one of that name to this."""

    proxy: str
    toxic: ToxicInput


class RemoveToxicOp(msgspec.Struct, frozen=True, tag="remove_toxic", tag_field="op"):
    """Remove a toxic; nothing happens if there is none of that name."""

    proxy: str
    name: str


class EnableOp(msgspec.Struct, frozen=True, tag="enable", tag_field="op"):
    """Listen, if the proxy doesn't."""

    proxy: str


class DisableOp(msgspec.Struct, frozen=True, tag="disable", tag_field="op"):
    """Close everything and stop listening, if the proxy listens."""

    proxy: str


class SeverOp(msgspec.Struct, frozen=True, tag="sever", tag_field="op"):
    """Reset every connection once."""

    proxy: str


Op = PutToxicOp | RemoveToxicOp | EnableOp | DisableOp | SeverOp


class BatchInput(msgspec.Struct, frozen=True):
    """Changes in the order in which they are applied."""

    changes: list[Op]


class OpFailure(msgspec.Struct, frozen=True):
    """A change that the system did not let happen; `index` counts from 0."""

    index: int
    error: str


class BatchAnswer(msgspec.Struct, frozen=True):
    """When a batch took effect, and the state of every proxy in it afterwards.

    `first_ns` and `last_ns` are of the host's monotonic clock: just before the first change, and just after the last.
    """

    first_ns: int
    last_ns: int
    failures: tuple[OpFailure, ...]
    proxies: dict[str, ProxyView]
