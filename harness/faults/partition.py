"""Some places can no longer talk to some others, although all are alive."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from harness.faults.contract import (
    Capability,
    Cut,
    Direction,
    Established,
    Fault,
    Hands,
    NewConnections,
    Strike,
)
from harness.faults.scene import Scene
from harness.model.errors import UsageError
from harness.scenario.target import CLIENTS, PRIMARY, LinkSelector, Target

if TYPE_CHECKING:
    from harness.stack.description import Link


class Shape(StrEnum):
    FULL = "full"
    ONE_WAY = "one_way"
    PARTIAL = "partial"
    CLIENTS = "clients"


class Partition(Fault):
    """Links are cut; nobody dies.

    `full`: the target is cut off from all other providers, yet clients reach it. `partial`: it is cut off from
    the provider `from` alone, while both reach the third. `one_way`: as `full`, yet only in one direction:
    `direction: from` silences what the target says, `to` what it is told. `clients`: clients alone can't reach it.
    """

    name: ClassVar[str] = "partition"
    summary: ClassVar[str] = "Links are cut: full, one way, partial, or from clients only."
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.CUT})

    shape: Shape = Field(default=Shape.FULL, description="full, one_way, partial or clients.")
    target: Target = Field(
        default=Target(provider=PRIMARY),
        description="The provider that is cut off.",
        examples=[{"provider": "primary"}],
    )
    peer: str | None = Field(
        default=None,
        alias="from",
        description="With `partial`: the provider that it is cut off from.",
        examples=["standby"],
    )
    direction: Direction = Field(
        default=Direction.BOTH, description="With `one_way`: `from` the target or `to` it, which is silenced."
    )
    established: Established = Field(
        default=Established.STALL,
        description="Connections that exist: stall (silent, severed at the end), reset or keep.",
    )
    new: NewConnections = Field(
        default=NewConnections.DROP, description="Connections that are tried: drop, stall, reject or allow."
    )

    @model_validator(mode="after")
    def _fits_its_shape(self) -> Partition:
        if self.target.provider is None or self.target.role is not None:
            raise ValueError("a partition cuts a whole provider off: write `target: {provider: …}`")
        if (self.peer is not None) != (self.shape is Shape.PARTIAL):
            raise ValueError(
                "`from` goes with `shape: partial`, which needs it: whom the target is cut off from"
            )
        if (self.direction is Direction.BOTH) == (self.shape is Shape.ONE_WAY):
            raise ValueError(
                "`direction: to` or `direction: from` goes with `shape: one_way`, which needs it"
            )
        if self.established is Established.KEEP and self.new is NewConnections.ALLOW:
            raise ValueError("`established: keep` with `new: allow` cuts nothing")
        if self.shape is Shape.ONE_WAY and self.established is Established.RESET:
            raise ValueError("a reset goes both ways: take `established: stall` with `shape: one_way`")
        return self

    def needed(self) -> frozenset[Capability]:
        drops = {Capability.DROP_HANDSHAKES} if self.new is NewConnections.DROP else set()
        return self.needs | drops

    def hits_primary(self, scene: Scene) -> bool:
        return self.shape is not Shape.CLIENTS and scene.primary in scene.services(self.target)

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        provider = scene.providers(self.target.provider or PRIMARY)[0]
        links = self._links(scene, provider)
        if not links:
            raise UsageError(
                f"a partition of {provider} ({self.shape}) means no link of this stack",
                next_step="`harness plan` lists all links",
            )
        return Strike((hands.cut([self._cut(link, provider) for link in links]),))

    def _links(self, scene: Scene, provider: str) -> tuple[Link, ...]:
        if self.shape is Shape.CLIENTS:
            return scene.links(LinkSelector(between=(CLIENTS, provider)))
        peers = scene.providers(self.peer) if self.peer is not None else scene.stack.providers
        return tuple(
            link
            for peer in peers
            if peer != provider
            for link in scene.links(LinkSelector(between=(provider, peer)))
        )

    def _cut(self, link: Link, provider: str) -> Cut:
        direction = self.direction
        if direction is not Direction.BOTH and link.source_provider == provider:
            # What the provider says travels to the target of a link that it dialled itself.
            direction = Direction.TO if direction is Direction.FROM else Direction.FROM
        return Cut(link, direction=direction, established=self.established, new=self._new(direction))

    def _new(self, direction: Direction) -> NewConnections:
        # One way, a handshake cannot succeed either, whichever way is silent: it needs both.
        return (
            self.new
            if direction is Direction.BOTH or self.new is not NewConnections.ALLOW
            else NewConnections.STALL
        )
