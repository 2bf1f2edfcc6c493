"""Disks have no room left."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from harness.faults.contract import Capability, Hands, Strike
from harness.faults.scene import Scene
from harness.faults.services import ServiceFault


class DiskFull(ServiceFault):
    """Every write fails with "no space left on device", what was written before stays. The end makes room."""

    name: ClassVar[str] = "disk_full"
    summary: ClassVar[str] = "Writes fail for want of room, which is made at the end."
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.FULL_DISK})

    restart: bool = Field(
        default=True,
        description="Whether who makes room also starts the services anew whose writes failed.",
    )

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        return Strike((hands.hosts.fill_disks(scene.services(self.target), restart=self.restart),))
