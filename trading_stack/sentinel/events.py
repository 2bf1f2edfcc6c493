"""What a sentinel is told, and what it asks for: plain data."""

from __future__ import annotations

import msgspec

from trading_stack.sentinel.messages import FromPeer, Grant, HandOver, Heartbeat


class Ballot(msgspec.Struct, frozen=True):
    """What a sentinel signed: one candidate for one epoch. Durable before it is sent."""

    old_epoch: int
    new_epoch: int
    candidate: str


class EngineUp(msgspec.Struct, frozen=True, array_like=True, tag="engine_up"):
    """The engine's application answered the hello on the connection that this sentinel dialled."""

    engine: str


class EngineDown(msgspec.Struct, frozen=True, array_like=True, tag="engine_down"):
    """That connection was closed or reset."""

    engine: str
    reason: str


class DialFailed(msgspec.Struct, frozen=True, array_like=True, tag="dial_failed"):
    """A new connection was refused, closed before its hello, or not answered in time."""

    engine: str


class Beat(msgspec.Struct, frozen=True, array_like=True, tag="beat"):
    engine: str
    heartbeat: Heartbeat


class PeerUp(msgspec.Struct, frozen=True, array_like=True, tag="peer_up"):
    """The connection that this sentinel dials to the peer is up; what was said before may be lost."""

    peer: str


class Heard(msgspec.Struct, frozen=True, array_like=True, tag="heard"):
    """A message from another sentinel."""

    sender: str
    message: FromPeer


class Saved(msgspec.Struct, frozen=True, array_like=True, tag="saved"):
    """The ballot is durable."""

    ballot: Ballot


class Order(msgspec.Struct, frozen=True, array_like=True, tag="order"):
    """An administrator orders that the primary of `old_epoch` hands over to `target`."""

    old_epoch: int
    target: str


class Tick(msgspec.Struct, frozen=True, array_like=True, tag="tick"):
    """The time asked for with `SetTimer` has come, or it is later."""


Event = EngineUp | EngineDown | DialFailed | Beat | PeerUp | Heard | Saved | Order | Tick


class ToEngine(msgspec.Struct, frozen=True, array_like=True, tag="to_engine"):
    engine: str
    message: Grant | HandOver


class ToPeer(msgspec.Struct, frozen=True, array_like=True, tag="to_peer"):
    peer: str
    message: FromPeer


class Save(msgspec.Struct, frozen=True, array_like=True, tag="save"):
    ballot: Ballot


class SaveMoves(msgspec.Struct, frozen=True, array_like=True, tag="save_moves"):
    """Write down when the primary moved of late, for a later life; nothing waits for it."""

    moves_ns: tuple[int, ...]


class Tell(msgspec.Struct, frozen=True, array_like=True, tag="tell"):
    """Emit a stack event."""

    kind: str
    fields: dict[str, str | int]


class SetTimer(msgspec.Struct, frozen=True, array_like=True, tag="set_timer"):
    at_ns: int


Effect = ToEngine | ToPeer | Save | SaveMoves | Tell | SetTimer
