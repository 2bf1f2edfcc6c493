"""Clocks run wrong."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import Field, model_validator

from harness.faults.contract import Capability, Hands, Strike
from harness.faults.scene import Scene
from harness.faults.services import ServiceFault
from harness.model.quantities import Milliseconds

MOST_MS: Final = 500.0


class ClockDrift(ServiceFault):
    """The hosts' monotonic clocks gain or lose some milliseconds each second. The end gives them their rate back.

    A monotonic clock never jumps: what it has gained or lost stays.
    """

    name: ClassVar[str] = "clock_drift"
    summary: ClassVar[str] = "Monotonic clocks run too fast or too slow."
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.DRIFT_CLOCK})

    gains_ms: Milliseconds | None = Field(
        default=None,
        alias="gains",
        description="How much too much a clock shows after each second.",
        examples=["5ms"],
    )
    loses_ms: Milliseconds | None = Field(
        default=None,
        alias="loses",
        description="How much too little a clock shows after each second.",
        examples=["5ms"],
    )

    @model_validator(mode="after")
    def _one_way(self) -> ClockDrift:
        given = [each for each in (self.gains_ms, self.loses_ms) if each is not None]
        if len(given) != 1:
            raise ValueError("a clock gains or it loses: write one of `gains` and `loses`")
        if not 0 < given[0] <= MOST_MS:
            raise ValueError(
                f"{given[0]:g}ms a second: a clock drifts by more than 0 and at most {MOST_MS:g}ms"
            )
        return self

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        gains_ms = (self.gains_ms or 0.0) - (self.loses_ms or 0.0)
        return Strike((hands.hosts.drift_clocks(scene.services(self.target), gains_ms=gains_ms),))
