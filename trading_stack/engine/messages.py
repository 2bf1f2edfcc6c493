"""What gateways and engines say to each other.

A gateway holds one connection to each engine and sends commands and reads to the one that leads. The answer may be
`Done`, `NotPrimary`, or none at all (the engine died): the gateway then sends the same command to the new primary.
"""

from __future__ import annotations

import msgspec


class Submit(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=1):
    """Make this command durable on a majority, apply it, and tell its result. `request` is the gateway's own number."""

    request: int
    command: bytes


class Read(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=2):
    """Answer this query from a state that no newer primary can have outrun."""

    request: int
    query: bytes


class Done(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=3):
    """The command was applied as entry `index` of `epoch`; for a read, the state it was answered from."""

    request: int
    index: int
    epoch: int
    result: bytes


class NotPrimary(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=4):
    """This engine does not lead, as far as it knows; `primary` is who does. The command may still take effect."""

    request: int
    primary: str | None
    epoch: int


class Leading(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5):
    """Who leads, pushed to every gateway at each change and when it connects."""

    epoch: int
    primary: str | None


FromGateway = Submit | Read
FromEngine = Done | NotPrimary | Leading
