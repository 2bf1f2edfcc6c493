"""Links lose packets."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import Field, field_validator

from harness.faults.contract import Capability, Direction, Hands, Strike
from harness.faults.links import LinkFault
from harness.faults.scene import Scene
from harness.model.quantities import Share

MOST: Final = 0.9


class PacketLoss(LinkFault):
    """Each packet is lost with a probability of `share`, and sent again: services see delays, and streams that stall."""

    name: ClassVar[str] = "packet_loss"
    summary: ClassVar[str] = "Links lose packets, which are sent again."
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.LOSE_PACKETS})

    share: Share = Field(description="How many of all packets are lost.", examples=["2%"])
    direction: Direction = Field(
        default=Direction.BOTH, description="Which way, seen from the link's source: to, from or both."
    )

    @field_validator("share")
    @classmethod
    def _some_get_through(cls, share: float) -> float:
        if not 0 < share <= MOST:
            raise ValueError(
                "a link loses more than 0% and at most 90% of its packets: a `partition` loses all"
            )
        return share

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        return Strike((hands.lose(self.victims(scene), share=self.share, direction=self.direction),))
