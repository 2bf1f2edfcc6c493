"""Disks report writes as durable that are not."""

from __future__ import annotations

from typing import ClassVar

from harness.faults.contract import Capability, Hands, Strike
from harness.faults.scene import Scene
from harness.faults.services import ServiceFault


class DiskLies(ServiceFault):
    """Each fsync is reported done and does nothing, as with a cache that has no battery. The end flushes the cache.

    By itself it harms nobody; a power cut that strikes meanwhile takes all that was written since the lie began.
    """

    name: ClassVar[str] = "disk_lies"
    summary: ClassVar[str] = "An fsync is reported done and does nothing; a power cut shows it."
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.LYING_DISK})

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        return Strike((hands.hosts.deceive(scene.services(self.target)),))
