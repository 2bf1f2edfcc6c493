"""One direction falls silent: new connections complete the handshake, then nothing moves."""

from __future__ import annotations

from harness.wan.toxics.gate import Gate, GateStage
from harness.wan.toxics.registry import register


class Stall(Gate, frozen=True):
    """A new connection is accepted and not dialled on, whichever direction is stalled: no handshake would complete."""


register("stall", Stall, GateStage, original=False)
