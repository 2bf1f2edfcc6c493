"""Links get slower: by a fixed delay, with jitter, in a ramp, or in a train of spikes."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import partial
from typing import ClassVar, assert_never

from pydantic import Field, model_validator

from harness.faults.contract import Adjustable, Capability, Direction, Hands, Move, Strike
from harness.faults.links import LinkFault
from harness.faults.scene import Scene
from harness.model.quantities import Milliseconds, Seconds

RAMP_STEPS = 20


class Shape(StrEnum):
    FIXED = "fixed"
    RAMP = "ramp"
    SPIKES = "spikes"


class Latency(LinkFault):
    """Each direction named gets `latency` more, give or take `jitter`, on top of the link's baseline.

    `ramp` rises from nothing to `latency` over `over`; `spikes` adds `latency` for `spike` at the start of each `every`.
    """

    name: ClassVar[str] = "latency"
    summary: ClassVar[str] = "Links get slower: fixed, with jitter, in a ramp or in spikes."
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.DELAY})

    latency_ms: Milliseconds = Field(
        alias="latency", description="One-way delay that is added.", examples=["100ms"]
    )
    jitter_ms: Milliseconds = Field(
        default=0.0,
        alias="jitter",
        description="The delay varies evenly by this much both ways.",
        examples=["10ms"],
    )
    shape: Shape = Field(default=Shape.FIXED, description="fixed, ramp or spikes.")
    direction: Direction = Field(
        default=Direction.BOTH, description="Which way, seen from the link's source: to, from or both."
    )
    over_s: Seconds | None = Field(
        default=None, alias="over", description="How long a ramp rises.", examples=["3s"]
    )
    spike_ms: Milliseconds | None = Field(
        default=None, alias="spike", description="How long one spike lasts.", examples=["200ms"]
    )
    every_ms: Milliseconds | None = Field(
        default=None, alias="every", description="From the start of one spike to the next.", examples=["1s"]
    )
    count: int = Field(default=5, ge=1, le=1000, description="How many spikes.")

    @model_validator(mode="after")
    def _shape_has_its_settings(self) -> Latency:
        if self.jitter_ms > self.latency_ms:
            raise ValueError(
                f"jitter {self.jitter_ms:g}ms is above latency {self.latency_ms:g}ms: a delay can't be negative"
            )
        if (self.over_s is not None) != (self.shape is Shape.RAMP):
            raise ValueError("`over` goes with `shape: ramp`, and a ramp needs it")
        spikes = self.shape is Shape.SPIKES
        if (self.spike_ms is not None) != spikes or (self.every_ms is not None) != spikes:
            raise ValueError("`spike` and `every` go with `shape: spikes`, which needs both")
        if self.spike_ms is not None and self.every_ms is not None and self.spike_ms >= self.every_ms:
            raise ValueError("a spike must end before the next one starts: make `every` longer than `spike`")
        return self

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        links = self.victims(scene)
        start = self.latency_ms / RAMP_STEPS if self.shape is Shape.RAMP else self.latency_ms
        jitter = self.jitter_ms / RAMP_STEPS if self.shape is Shape.RAMP else self.jitter_ms
        delay = hands.delay(links, latency_ms=start, jitter_ms=jitter, direction=self.direction)
        return Strike((delay,), tuple(self._moves(delay)))

    def _moves(self, delay: Adjustable) -> Iterator[Move]:
        match self.shape:
            case Shape.FIXED:
                return
            case Shape.RAMP:
                for step in range(2, RAMP_STEPS + 1):
                    share = step / RAMP_STEPS
                    yield self._move(delay, (self.over_s or 0.0) * (step - 1) / (RAMP_STEPS - 1), share)
            case Shape.SPIKES:
                for spike in range(self.count):
                    start_s = spike * (self.every_ms or 0.0) / 1000
                    if spike:
                        yield self._move(delay, start_s, 1.0)
                    yield self._move(delay, start_s + (self.spike_ms or 0.0) / 1000, 0.0)
            case _:
                assert_never(self.shape)

    def _move(self, delay: Adjustable, after_s: float, share: float) -> Move:
        latency_ms, jitter_ms = self.latency_ms * share, self.jitter_ms * share
        return Move(
            after_s=after_s,
            describe=f"+{latency_ms:g} ms ± {jitter_ms:g} ms",
            act=partial(delay.adjust, latency_ms=latency_ms, jitter_ms=jitter_ms),
        )
