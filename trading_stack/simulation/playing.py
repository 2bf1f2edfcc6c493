"""Plays a schedule from its first event to its verdict."""

from __future__ import annotations

from typing import Final

import msgspec

from trading_stack.defects import Defect
from trading_stack.simulation.clients import Clients
from trading_stack.simulation.nemesis import Nemesis
from trading_stack.simulation.network import MS
from trading_stack.simulation.rules import EVERY_RULE, Finding, Rule, Violation
from trading_stack.simulation.schedule import Schedule
from trading_stack.simulation.trace import Trace
from trading_stack.simulation.world import World

RECOVERY_NS: Final = 10_000 * MS  # hold-downs, exclusions and two promotions that run out of time fit in
ANSWER_NS: Final = 3_000 * MS  # above what a primary without followers takes to step down
STEP_NS: Final = 20 * MS
ORACLE_NS: Final = 1_000 * MS
PROBE: Final = 1 << 40  # above the requests of all clients


class Outcome(msgspec.Struct, frozen=True):
    """What came of a schedule: the first rule that was broken (None: none), and how much happened.

    `virtual_ns` is the world's time at the end, `recovered_ns` how long after healing all was well again.
    """

    finding: Finding | None
    events: int
    virtual_ns: int
    recovered_ns: int
    acknowledged: int
    promotions: int


def run(
    schedule: Schedule,
    defects: frozenset[Defect] = frozenset(),
    *,
    judged: frozenset[Rule] = EVERY_RULE,
    trace: Trace | None = None,
    dozing: bool = True,
) -> Outcome:
    """Play a schedule: the storm, the healing, and the proof that the cluster works again."""
    world = World(
        schedule.seed,
        sentinels=schedule.sentinels,
        defects=defects,
        drift_ppm=schedule.drift_ppm,
        snapshot_every=schedule.snapshot_every,
        judged=judged,
        trace=trace,
        dozing=dozing,
    )
    finding = None
    try:
        _play(world, schedule)
    except Violation as violation:
        finding = violation.finding
    return Outcome(
        finding,
        world.events,
        world.now_ns,
        max(0, world.now_ns - schedule.storm_ns),
        len(world.judge.acked),
        len(world.judge.promotions),
    )


def _play(world: World, schedule: Schedule) -> None:
    world.judge.harmless = schedule.harmless
    nemesis = Nemesis(world, schedule)
    clients = Clients(world, schedule.load)
    world.run(schedule.storm_ns)
    clients.stop()
    nemesis.heal()
    if not _recovers(world):
        world.judge.blame(Rule.PROGRESS, (), _trouble(world))
        return
    world.judge.check_end()
    _check_answered(world)


def _check_answered(world: World) -> None:
    """Whoever asked a process that still lives has been told something, or is within the bound."""
    end_ns = world.now_ns + ANSWER_NS
    while waiting := {
        node: len(engine.unanswered) for node, engine in world.engines.items() if engine.unanswered
    }:
        if world.now_ns >= end_ns:
            world.judge.blame(
                Rule.ANSWERED, tuple(waiting), f"clients that are left without an answer: {waiting}"
            )
            return
        world.run(STEP_NS)


def _recovers(world: World) -> bool:
    """Whether a command is committed, and on all replicas, within the bound after healing."""
    end_ns = world.now_ns + RECOVERY_NS
    probe, asked_ns = PROBE, world.now_ns - ORACLE_NS
    while world.now_ns < end_ns:
        primary = world.primary()
        if primary is None and not world.sentinels and world.now_ns - asked_ns >= ORACLE_NS:
            asked_ns = world.now_ns
            able = [node for node in world.disks if world.engines[node].replica.view().proven]
            if able:
                world.certify(world.draws.pick(able))
        if primary is not None and not any(request >= PROBE for request in world.judge.acked):
            probe += 1
            world.propose(primary, probe)
        world.run(STEP_NS)
        if _converged(world):
            return True
    return False


def _converged(world: World) -> bool:
    """Whether a probe was acknowledged, and every replica, allowed to vote, has applied it."""
    probes = [entry.index for request, entry in world.judge.acked.items() if request >= PROBE]
    if not probes:
        return False
    return all(
        len(engine.applied) >= max(probes) and world.votes(node) for node, engine in world.engines.items()
    )


def _trouble(world: World) -> str:
    views = {node: engine.replica.view() for node, engine in world.engines.items()}
    states = [
        f"{node}: {view.role} epoch {view.epoch} promised {view.promised_epoch} commit {view.commit_index}"
        f"{'' if view.proven else ' without a vote'}{' broken' if view.broken else ''}"
        for node, view in views.items()
    ]
    return f"no progress {RECOVERY_NS // MS} ms after healing ({'; '.join(states)})"
