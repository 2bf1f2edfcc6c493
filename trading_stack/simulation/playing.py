"""Plays a schedule from its first event to its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from trading_stack.defects import Defect
from trading_stack.simulation.clients import Clients
from trading_stack.simulation.nemesis import Nemesis
from trading_stack.simulation.network import MS
from trading_stack.simulation.recovery import STEP_NS, Probes, judge_majority, judge_recovery
from trading_stack.simulation.rules import EVERY_RULE, Finding, Rule, Violation
from trading_stack.simulation.schedule import Schedule
from trading_stack.simulation.trace import Trace
from trading_stack.simulation.world import World

ANSWER_NS: Final = 3_000 * MS  # above what a primary without followers takes to step down


class Outcome(msgspec.Struct, frozen=True):
    """What came of a schedule: the first rule that was broken (None: none), and how much happened.

    `virtual_ns` is the world's time at the end, `recovered_ns` how long after healing all was well again, and
    `majority_ns` how long two providers, the third still dead, took before that (None: it was not asked of them).
    Before healing so many actions struck (some of them after an event that they waited for), primaries followed the first,
    and commands were `acknowledged`; `promotions` are those of the whole.
    """

    finding: Finding | None
    events: int
    virtual_ns: int
    recovered_ns: int
    majority_ns: int | None
    struck: int
    struck_after_events: int
    failovers: int
    acknowledged: int
    promotions: int


@dataclass(slots=True)
class Course:
    """What a world has come through; None for what it didn't come to."""

    struck: int = 0
    struck_after_events: int = 0
    failovers: int = 0
    acknowledged: int = 0
    majority_ns: int | None = None
    healed_ns: int | None = None


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
    finding, course = None, Course()
    try:
        _play(world, schedule, course)
    except Violation as violation:
        finding = violation.finding
    return Outcome(
        finding,
        world.events,
        world.now_ns,
        0 if course.healed_ns is None else world.now_ns - course.healed_ns,
        course.majority_ns,
        course.struck,
        course.struck_after_events,
        course.failovers,
        course.acknowledged,
        len(world.judge.promotions),
    )


def _play(world: World, schedule: Schedule, course: Course) -> None:
    world.judge.harmless = schedule.harmless
    nemesis = Nemesis(world, schedule)
    clients = Clients(world, schedule.load)
    try:
        world.run(schedule.storm_ns)
    finally:
        course.struck, course.struck_after_events = nemesis.struck, nemesis.struck_after_events
        course.failovers = max(0, len(world.judge.promotions) - 1)
        course.acknowledged = len(world.judge.acked)
    clients.stop()
    probes = Probes(world)
    if world.sentinels:
        course.majority_ns = judge_majority(world, nemesis, probes, schedule.seed)
    nemesis.heal()
    course.healed_ns = world.now_ns
    if judge_recovery(world, probes):
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
