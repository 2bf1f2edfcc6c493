"""Established connections are reset once."""

from __future__ import annotations

from typing import ClassVar

from harness.faults.contract import Capability, Hands, Strike
from harness.faults.links import LinkFault
from harness.faults.scene import Scene


class ConnectionReset(LinkFault):
    """Both ends of each established connection see a reset; new connections are allowed at once."""

    name: ClassVar[str] = "connection_reset"
    summary: ClassVar[str] = "Established connections are reset; new ones are allowed at once."
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.RESET})
    instant: ClassVar[bool] = True

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        return Strike((hands.reset(self.victims(scene)),))
