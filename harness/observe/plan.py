"""What the observing processes are told, and what they say: plans, commands, and the lines of both directions."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from harness.model.stack_event import StackEvent


class ServiceLog(msgspec.Struct, frozen=True):
    """A service, and the file that its standard output goes to."""

    service: str
    path: str


class Endpoint(msgspec.Struct, frozen=True):
    """A service, and where this process must dial to reach it."""

    name: str
    provider: str | None
    host: str
    port: int


class ObserverPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Follow `logs`; quotes go into `folder`. `base` is the folder of the stack's compose file."""

    adapter: str
    folder: str
    logs: tuple[ServiceLog, ...]
    base: str = "."
    poll_every_s: float = 0.002
    quotes_every_s: float = 0.2
    quotes_deadline_s: float = 1.0


class PollQuotes(msgspec.Struct, frozen=True):
    """Begin to read the quotes of these pricing services."""

    pricing: tuple[Endpoint, ...]


class Finish(msgspec.Struct, frozen=True):
    """Read everything once more, write it, and say `Finished`."""


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line to the observer: one of the two is set."""

    poll_quotes: PollQuotes | None = None
    finish: Finish | None = None


class Watching(msgspec.Struct, frozen=True, tag="watching", tag_field="said"):
    """The adapter is loaded and the logs are followed. `capabilities` are the optional protocols it offers."""

    capabilities: tuple[str, ...]


class Saw(msgspec.Struct, frozen=True, tag="saw", tag_field="said"):
    """The stack told an event; `seen_ns` is when this process read it (monotonic)."""

    seen_ns: int
    event: StackEvent


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished", tag_field="said"):
    """Over. `missing` says what could not be read, and why; `dropped` counts quotes that were overwritten unread."""

    quotes: int
    dropped: int
    events: int
    missing: tuple[str, ...]
    cpu_s: float


class Failed(msgspec.Struct, frozen=True, tag="failed", tag_field="said"):
    """It can't go on."""

    reason: str


Said: TypeAlias = Watching | Saw | Finished | Failed


class CollectPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Read each replica `reads` times and each account through each entry point, into `folder`.

    Each call has `deadline_s`. Before the first reading, replicas that are behind get `settle_s` to catch up with the
    highest commit index that any of them had; `gap_s` lies between readings.
    """

    adapter: str
    folder: str
    engines: tuple[Endpoint, ...]
    entry_points: tuple[Endpoint, ...]
    base: str = "."
    reads: int = 2
    gap_s: float = 0.3
    settle_s: float = 10.0
    deadline_s: float = 5.0


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """What was read. `replicas` counts readings, `accounts` reports; `settled` is whether every replica caught up."""

    replicas: int
    accounts: int
    settled: bool
    missing: tuple[str, ...]
