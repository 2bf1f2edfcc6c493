"""Hosts are lost with their disks, and come back with empty ones."""

from __future__ import annotations

from typing import ClassVar

from harness.faults.contract import Capability, Hands, Strike
from harness.faults.scene import Scene
from harness.faults.services import ServiceFault


class DiskWiped(ServiceFault):
    """The hosts lose power, as in a power cut, and their services start again on empty disks when the fault ends."""

    name: ClassVar[str] = "disk_wiped"
    summary: ClassVar[str] = "Hosts lose power, and come back with empty disks."
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.POWER, Capability.WIPED_DISK})

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        services = scene.services(self.target)
        return Strike((hands.hosts.lose_power(services), hands.hosts.wipe(services)))
