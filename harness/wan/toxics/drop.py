"""A link goes dark as behind a packet filter: new handshakes stay unanswered, too."""

from __future__ import annotations

from typing import ClassVar

from harness.wan.toxics.gate import Gate, GateStage, Listening
from harness.wan.toxics.registry import register


class Drop(Gate, frozen=True):
    """Handshakes meet a full accept queue and time out, whichever direction is dropped: each needs both."""

    listening: ClassVar[Listening] = Listening.SATURATE


register("drop", Drop, GateStage, original=False)
