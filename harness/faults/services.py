"""What faults of single services share: a target that names services."""

from __future__ import annotations

from pydantic import Field, field_validator

from harness.faults.contract import Fault
from harness.faults.scene import Scene
from harness.scenario.target import Target


class ServiceFault(Fault):
    """A fault of one or more services."""

    target: Target = Field(
        description="The services that are struck.",
        examples=[{"service": "primary"}, {"role": "gateway", "provider": "bravo"}],
    )

    @field_validator("target")
    @classmethod
    def _services(cls, target: Target) -> Target:
        if target.link is not None:
            raise ValueError(
                "this fault strikes services: write `target: {service: …}`, `{role: …}` or `{provider: …}`"
            )
        return target

    def hits_primary(self, scene: Scene) -> bool:
        """Whether the service that leads is among the victims."""
        return scene.primary in scene.services(self.target)
