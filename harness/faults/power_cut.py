"""Hosts lose their power, and get it back when the fault ends."""

from __future__ import annotations

from typing import ClassVar

from harness.faults.contract import Capability, Hands, Strike
from harness.faults.scene import Scene
from harness.faults.services import ServiceFault


class PowerCut(ServiceFault):
    """The hosts of the services stop at once and without a word, so that peers see silence and no reset.

    Of their disks everything after the last finished fsync is gone. The end of the fault starts the services again.
    """

    name: ClassVar[str] = "power_cut"
    summary: ClassVar[str] = (
        "Hosts lose power, and with it all that was not synced; they start again at the end."
    )
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.POWER})

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        return Strike((hands.hosts.lose_power(scene.services(self.target)),))
