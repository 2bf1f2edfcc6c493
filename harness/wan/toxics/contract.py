"""What every toxic must keep, so that a link stays a TCP connection whatever is done to it.

A toxic has settings (one frozen struct) and, on each direction of each connection that it affects, a *stage*. The
stages of a direction form a chain from the source's socket to the sink's. A stage

- passes bytes on in the order in which they came, neither losing nor repeating one, unless losing is its purpose;
- passes each end of the stream on behind the bytes that came before it;
- passes on everything that it holds when its toxic is removed (`release`), unless cutting is its purpose;
- gives times on as the time at which the bytes *should* have moved, so that the lateness of timers doesn't add up;
- asks its source to pause, through the valve, when it holds more than its limit.

`tests/wan/test_toxic_contract.py` holds each registered toxic to this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from random import Random
from typing import Any, Protocol

from harness.wan.timing import Timer


class Stream(StrEnum):
    """The direction of bytes: from the client to the server is upstream."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


class End(IntEnum):
    """How a stream of bytes ends; a worse end may follow a milder one."""

    EOF = 1  # the source sends no more, and still reads
    CLOSE = 2  # the source is gone
    RESET = 3  # the source is gone, and said so with a reset


class Outlet(Protocol):
    """Where bytes go next."""

    def feed(self, data: bytes, at_ns: int) -> None:
        """Take bytes that moved at a time of the monotonic clock."""

    def end(self, how: End, at_ns: int) -> None:
        """Take the end of the stream, which lies behind every byte fed before."""


class Stage(Outlet, Protocol):
    """One toxic at work on one direction of one connection."""

    next: Outlet
    dark: bool  # no byte, close or reset may pass while this stage is in the chain

    def update(self, settings: Any, at_ns: int) -> None:
        """Work with new settings of the same type from now on."""

    def release(self, at_ns: int) -> None:
        """The toxic is removed: pass on all that is held, or end the stream if that is the toxic's way."""

    def discard(self) -> None:
        """The connection is gone: forget all that is held, and never pass anything on again."""

    def held_bytes(self) -> int:
        """How many bytes wait here."""


class Valve(Protocol):
    """Pauses reading from the source of a direction while anybody wants that."""

    def block(self, reason: object) -> None:
        """Stop reading; safe to call twice for one reason."""

    def unblock(self, reason: object) -> None:
        """Take one reason back; reading goes on when none is left."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stage works: what it may use of its connection."""

    timer: Timer
    valve: Valve
    draw: Callable[[], Random]  # a random source of this toxic on this direction of this connection
    sever: Callable[[], None]  # reset both ends as soon as no direction is dark


class Nowhere:
    """An outlet that loses everything: what a stage has before it is put into a chain, and after a cut."""

    __slots__ = ()

    def feed(self, data: bytes, at_ns: int) -> None:
        del data, at_ns

    def end(self, how: End, at_ns: int) -> None:
        del how, at_ns


NOWHERE = Nowhere()
