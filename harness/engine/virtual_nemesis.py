"""The nemesis in virtual time: nothing outlives a run there, and to watch is to look once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.engine.nemesis import Nemesis
from harness.engine.record import Record
from harness.model.undo import Undo
from harness.platforms.sim.agenda import Agenda
from harness.platforms.sim.hands import SimHands
from harness.platforms.sim.world import World

FACTS_NS: Final = 1_000_000_000


class NoLeases:
    """Nothing outlives a run in virtual time, so nobody has to heal in its place."""

    def grant(self, name: str, undos: tuple[Undo, ...], *, limit_s: float) -> str:
        return name

    def extend(self, lease: str, undos: tuple[Undo, ...]) -> None:
        return

    def release(self, lease: str) -> None:
        return


class VirtualWatcher:
    """Gathers facts once, after a while of virtual time or when the fault is lifted, whichever is first."""

    def __init__(self, agenda: Agenda, gather: Callable[[], None]) -> None:
        self._gather: Callable[[], None] | None = gather
        agenda.after(FACTS_NS, self._look)

    def join(self, timeout: float) -> None:
        self._look()

    def _look(self) -> None:
        gather, self._gather = self._gather, None
        if gather is not None:
            gather()


def virtual_nemesis(world: World, record: Record, *, limit_s: float) -> Nemesis:
    """What applies and heals faults in a world."""
    agenda = world.agenda
    return Nemesis(
        hands=SimHands(world),
        leases=NoLeases(),
        emit=record.emit,
        origin_ns=record.origin_ns,
        limit_s=limit_s,
        clock_ns=lambda: agenda.now_ns,
        watch=lambda _, gather: VirtualWatcher(agenda, gather),
    )
