"""The proof that a cluster works: commands are sent until one is acknowledged, by a majority alone and by all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trading_stack.simulation.draws import Draws
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.rules import Rule

if TYPE_CHECKING:
    from trading_stack.simulation.nemesis import Nemesis
    from trading_stack.simulation.world import World

RECOVERY_NS: Final = 10_000 * MS  # hold-downs, exclusions and two promotions that run out of time fit in
MAJORITY_NS: Final = 3_000 * MS  # stores that open hear from each other first, and then there is an election
STEP_NS: Final = 20 * MS
ORACLE_NS: Final = 1_000 * MS
PROBE: Final = 1 << 40  # above the requests of all clients
LEFT_OUT: Final = 2  # draws of their own, apart from those of the world and of the schedule


class Probes:
    """Commands to whoever leads; without sentinels, an oracle elects while nobody does."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._last = PROBE
        self._elected_ns = world.now_ns - ORACLE_NS

    def committed(self, *, within_ns: int, everywhere: bool = False) -> bool:
        """Whether a new one is acknowledged within so long; `everywhere`: and applied by all, who all may vote."""
        world, before = self._world, self._last
        end_ns = world.now_ns + within_ns
        while world.now_ns < end_ns:
            self._elect()
            primary = world.primary()
            if primary is not None and not self._acknowledged(before):
                self._last += 1
                world.propose(primary, self._last)
            world.run(STEP_NS)
            index = self._acknowledged(before)
            if index and (not everywhere or self._applied_by_all(index)):
                return True
        return False

    def _elect(self) -> None:
        world = self._world
        if world.sentinels or world.primary() is not None or world.now_ns - self._elected_ns < ORACLE_NS:
            return
        self._elected_ns = world.now_ns
        able = [node for node in world.disks if world.engines[node].replica.view().proven]
        if able:
            world.certify(world.draws.pick(able))

    def _acknowledged(self, after: int) -> int:
        """The greatest index of the later probes that were acknowledged, or 0."""
        acked = self._world.judge.acked
        return max((entry.index for request, entry in acked.items() if request > after), default=0)

    def _applied_by_all(self, index: int) -> bool:
        world = self._world
        return all(
            len(engine.applied) >= index and world.votes(node) for node, engine in world.engines.items()
        )


def judge_majority(world: World, nemesis: Nemesis, probes: Probes, seed: int) -> int | None:
    """Two providers that are healed and may vote get on without the third, which stays dead; how long that took.

    None when it can't be asked of them: a store has lost its vote, or has forgotten and doesn't know it yet. Where there
    was no reason to replace the primary, there still is none: then a standby stays dead.
    """
    spared = world.primary() if world.judge.harmless else None
    left_out = Draws(seed + LEFT_OUT).pick([node for node in NODES if node != spared])
    nemesis.heal(but=left_out)
    pair = [node for node in NODES if node != left_out]
    if not all(world.votes(node) and not world.forgetful(node) for node in pair):
        return None
    began_ns = world.now_ns
    if not probes.committed(within_ns=MAJORITY_NS):
        world.judge.blame(Rule.PROGRESS, tuple(pair), _trouble(world, f"all but {left_out}", MAJORITY_NS))
    return world.now_ns - began_ns


def judge_recovery(world: World, probes: Probes) -> bool:
    """A command is committed, and on all replicas, within the bound after healing."""
    recovered = probes.committed(within_ns=RECOVERY_NS, everywhere=True)
    if not recovered:
        world.judge.blame(Rule.PROGRESS, (), _trouble(world, "all", RECOVERY_NS))
    return recovered


def _trouble(world: World, healed: str, bound_ns: int) -> str:
    views = {node: engine.replica.view() for node, engine in world.engines.items()}
    states = [
        f"{node}: {view.role} epoch {view.epoch} promised {view.promised_epoch} commit {view.commit_index}"
        f"{'' if view.proven else ' without a vote'}{' broken' if view.broken else ''}"
        for node, view in views.items()
    ]
    return f"no progress {bound_ns // MS} ms after {healed} were healed ({'; '.join(states)})"
