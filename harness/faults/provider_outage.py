"""A provider goes away, in one of four ways."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, assert_never

from pydantic import Field, field_validator

from harness.faults.contract import Capability, Change, Cut, Fault, Hands, Strike
from harness.faults.scene import Scene
from harness.scenario.target import PRIMARY, Target


class OutageMode(StrEnum):
    DARK = "dark"
    ABRUPT = "abrupt"
    FROZEN = "frozen"
    UNREACHABLE = "unreachable"


_NEEDS = {
    OutageMode.DARK: frozenset({Capability.CUT, Capability.DROP_HANDSHAKES, Capability.KILL}),
    OutageMode.ABRUPT: frozenset({Capability.KILL}),
    OutageMode.FROZEN: frozenset({Capability.PAUSE}),
    OutageMode.UNREACHABLE: frozenset({Capability.CUT, Capability.DROP_HANDSHAKES}),
}


class ProviderOutage(Fault):
    """All services of one provider are lost to the others.

    `dark`: its links fall silent, then its processes die, so that no reset or close escapes, as when a data
    centre goes. `abrupt`: its processes are killed and peers see resets. `frozen`: all are paused.
    `unreachable`: they live, and all links are cut.
    """

    name: ClassVar[str] = "provider_outage"
    summary: ClassVar[str] = "A provider goes dark, dies, freezes or cannot be reached."
    needs: ClassVar[frozenset[Capability]] = frozenset()

    target: Target = Field(
        default=Target(provider=PRIMARY),
        description="The provider that is lost.",
        examples=[{"provider": "primary"}],
    )
    mode: OutageMode = Field(
        default=OutageMode.DARK, description="How it is lost: dark, abrupt, frozen or unreachable."
    )

    @field_validator("target")
    @classmethod
    def _a_provider(cls, target: Target) -> Target:
        if target.provider is None or target.role is not None:
            raise ValueError("an outage strikes a whole provider: write `target: {provider: …}`")
        return target

    def needed(self) -> frozenset[Capability]:
        return _NEEDS[self.mode]

    def hits_primary(self, scene: Scene) -> bool:
        return scene.primary in scene.services(self.target)

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        target = Target(provider=scene.providers(self.target.provider or PRIMARY)[0])
        services = scene.services(target)
        cuts = [Cut(link) for link in scene.links_of(target)]
        changes: tuple[Change, ...]
        match self.mode:
            case OutageMode.DARK:
                changes = (hands.cut(cuts), hands.kill(services))
            case OutageMode.ABRUPT:
                changes = (hands.kill(services),)
            case OutageMode.FROZEN:
                changes = (hands.pause(services),)
            case OutageMode.UNREACHABLE:
                changes = (hands.cut(cuts),)
            case _:
                assert_never(self.mode)
        return Strike(changes)
