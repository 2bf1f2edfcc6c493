"""Disks take longer to make writes durable."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from harness.faults.contract import Capability, Hands, Strike
from harness.faults.scene import Scene
from harness.faults.services import ServiceFault
from harness.model.quantities import Milliseconds


class DiskSlow(ServiceFault):
    """Each fsync takes `latency` longer, give or take `jitter`; what waits meanwhile shares the next one."""

    name: ClassVar[str] = "disk_slow"
    summary: ClassVar[str] = "Each fsync takes longer."
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SLOW_DISK})

    latency_ms: Milliseconds = Field(
        alias="latency", description="How much longer each fsync takes.", examples=["50ms"]
    )
    jitter_ms: Milliseconds = Field(
        default=0.0,
        alias="jitter",
        description="It varies evenly by this much both ways.",
        examples=["10ms"],
    )

    @model_validator(mode="after")
    def _never_negative(self) -> DiskSlow:
        if self.jitter_ms > self.latency_ms:
            raise ValueError(
                f"jitter {self.jitter_ms:g}ms is above latency {self.latency_ms:g}ms: a delay can't be negative"
            )
        return self

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        services = scene.services(self.target)
        return Strike(
            (hands.hosts.slow_disks(services, latency_ms=self.latency_ms, jitter_ms=self.jitter_ms),)
        )
