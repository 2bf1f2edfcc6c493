"""What faults of links share: a target that means WAN links, by their ends or by the services that they touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.faults.contract import Fault
from harness.faults.scene import Scene
from harness.model.errors import UsageError
from harness.scenario.target import Target

if TYPE_CHECKING:
    from harness.stack.description import Link


class LinkFault(Fault):
    """A fault of WAN links: those named, or all that begin or end at the services named."""

    target: Target = Field(
        description="The links that are struck: by their ends, by name, or all links of a provider or service.",
        examples=[{"provider": "primary"}, {"link": {"between": ["alpha", "bravo"]}}],
    )

    def victims(self, scene: Scene) -> tuple[Link, ...]:
        """The links meant now; raises `UsageError` when there is none, since such a fault could have no effect."""
        links = scene.links_of(self.target)
        if not links:
            raise UsageError(
                f"{self.target} means no WAN link: only links between providers, from clients or to the "
                "outside can be made faulty",
                next_step="`harness plan` lists all links",
            )
        return links
