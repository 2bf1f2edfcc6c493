"""What a gateway says by itself. All else is the venue's own reply, passed on as it came.

A gateway never refuses an order for good by itself, but for one that no gateway could read: it can't know what
became of copies that went through others.
"""

from __future__ import annotations

from typing import Final

import msgspec


class Ok(msgspec.Struct, frozen=True, gc=False, tag="ok", tag_field="outcome"):
    """Heard."""


class Fail(msgspec.Struct, frozen=True, gc=False, tag="fail", tag_field="outcome"):
    """Refused here: no engine has seen it, and none will by this request."""

    code: str
    reason: str


class Info(msgspec.Struct, frozen=True, gc=False, tag="info", tag_field="outcome"):
    """Nobody knows what became of it."""

    reason: str


_encode: Final = msgspec.json.Encoder().encode

PONG: Final = _encode(Ok())
UNKNOWN: Final = _encode(Info("unknown: no engine answered before the deadline"))
EXPIRED: Final = _encode(Info("unknown: the request was over its deadline when it was read"))
OVERLOADED: Final = _encode(Info("unknown: too many requests are in flight here; this copy went nowhere"))


def malformed(reason: str) -> bytes:
    """The refusal of a request that can't be read."""
    return _encode(Fail("malformed", reason))
