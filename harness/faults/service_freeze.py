"""Services are paused, and go on where they were when the fault ends."""

from __future__ import annotations

from typing import ClassVar

from harness.faults.contract import Capability, Hands, Strike
from harness.faults.scene import Scene
from harness.faults.services import ServiceFault


class ServiceFreeze(ServiceFault):
    """The services stop running and keep their memory and connections, as in a long pause of a virtual machine."""

    name: ClassVar[str] = "service_freeze"
    summary: ClassVar[str] = "Services are frozen, and thawed at the end."
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.PAUSE})

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        return Strike((hands.pause(scene.services(self.target)),))
