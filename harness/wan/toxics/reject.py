"""New connections are refused with a reset; established ones are cut unless said otherwise."""

from __future__ import annotations

from typing import ClassVar

from harness.wan.toxics.gate import Established, Gate, GateStage, Listening
from harness.wan.toxics.registry import register


class Reject(Gate, frozen=True):
    """Nobody listens any more; the port stays ours until the toxic is removed."""

    listening: ClassVar[Listening] = Listening.REFUSE
    established: Established = Established.CUT


register("reject", Reject, GateStage, original=False)
