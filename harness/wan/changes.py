"""What can be done to links, as data: typed, idempotent, and safe to keep in a ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from harness.wan.toxics.contract import Stream

BASELINE: Final = "baseline"  # toxics whose names begin so make up a link's healthy state


@dataclass(frozen=True, slots=True)
class Link:
    """A link to create: where it listens (`127.0.0.1:0` takes any free port) and where it leads."""

    name: str
    listen: str
    upstream: str


@dataclass(frozen=True, slots=True)
class PutToxic:
    """Add a toxic to one direction of a link, or change the one of that name to these settings.

    `settings` is one of the structs of `harness.wan.toxics`: `Latency(latency_ms=40, jitter_ms=5)`, `Stall()`, ...
    """

    link: str
    name: str
    stream: Stream
    settings: msgspec.Struct
    toxicity: float = 1.0


@dataclass(frozen=True, slots=True)
class RemoveToxic:
    """Remove a toxic from a link; one that is not there is no error."""

    link: str
    name: str


@dataclass(frozen=True, slots=True)
class Enable:
    """Let a link listen."""

    link: str


@dataclass(frozen=True, slots=True)
class Disable:
    """Close everything on a link, and let nobody in: new connections are refused."""

    link: str


@dataclass(frozen=True, slots=True)
class Sever:
    """Reset every established connection of a link once; new ones work."""

    link: str


LinkChange = PutToxic | RemoveToxic | Enable | Disable | Sever
