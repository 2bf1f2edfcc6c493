"""Services are killed, and started again when the fault ends."""

from __future__ import annotations

from typing import ClassVar

from harness.faults.contract import Capability, Hands, Strike
from harness.faults.scene import Scene
from harness.faults.services import ServiceFault


class ServiceCrash(ServiceFault):
    """The services die by SIGKILL: peers see their connections reset. The end of the fault starts them again."""

    name: ClassVar[str] = "service_crash"
    summary: ClassVar[str] = "Services are killed, and started again at the end."
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.KILL})

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        return Strike((hands.kill(scene.services(self.target)),))
