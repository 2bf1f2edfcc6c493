"""What a sentinel is told, and what it asks for: plain data."""

from __future__ import annotations

import msgspec

from trading_stack.sentinel.messages import FromPeer, Grant, HandOver, Heartbeat


class Ballot(msgspec.Struct, frozen=True):
    """What a sentinel signed: one candidate for one epoch. Durable before it is sent."""

    old_epoch: int
    new_epoch: int
    candidate: str


class EngineUp(msgspec.Struct, frozen=True):
    """The engine's application answered the hello on the connection that this sentinel dialled."""

    engine: str


class EngineDown(msgspec.Struct, frozen=True):
    """That connection was closed or reset."""

    engine: str
    reason: str


class DialFailed(msgspec.Struct, frozen=True):
    """A new connection was refused, closed before its hello, or not answered in time."""

    engine: str


class Beat(msgspec.Struct, frozen=True):
    engine: str
    heartbeat: Heartbeat


class PeerUp(msgspec.Struct, frozen=True):
    """The connection that this sentinel dials to the peer is up; what was said before may be lost."""

    peer: str


class Heard(msgspec.Struct, frozen=True):
    """A message from another sentinel."""

    sender: str
    message: FromPeer


class Saved(msgspec.Struct, frozen=True):
    """The ballot is durable."""

    ballot: Ballot


class Order(msgspec.Struct, frozen=True):
    """An administrator orders that the primary of `old_epoch` hands over to `target`."""

    old_epoch: int
    target: str


class Tick(msgspec.Struct, frozen=True):
    """The time asked for with `SetTimer` has come, or it is later."""


Event = EngineUp | EngineDown | DialFailed | Beat | PeerUp | Heard | Saved | Order | Tick


class ToEngine(msgspec.Struct, frozen=True):
    engine: str
    message: Grant | HandOver


class ToPeer(msgspec.Struct, frozen=True):
    peer: str
    message: FromPeer


class Save(msgspec.Struct, frozen=True):
    ballot: Ballot


class Tell(msgspec.Struct, frozen=True):
    """Emit a stack event."""

    kind: str
    fields: dict[str, str | int]


class SetTimer(msgspec.Struct, frozen=True):
    at_ns: int


Effect = ToEngine | ToPeer | Save | Tell | SetTimer
