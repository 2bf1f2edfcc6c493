"""Whole clusters in virtual time whose primary is alive and works badly, and what merely looks like it."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from trading_stack.simulation import faults as f
from trading_stack.simulation.clients import Clients
from trading_stack.simulation.directed import after, at
from trading_stack.simulation.draws import Draws
from trading_stack.simulation.nemesis import Nemesis
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.playing import run
from trading_stack.simulation.provider import Part
from trading_stack.simulation.schedule import Action, Load, Schedule
from trading_stack.simulation.trace import Trace
from trading_stack.simulation.world import World

SECOND = 1000 * MS
STEPS = (
    "failover_decided",
    "certificate_issued",
    "election_started",
    "promise_made",
    "log_sealed",
    "primary_promoted",
)
PARTS: tuple[Part, ...] = ("both", "engine", "sentinel")
LOAD = Load(commands_per_s=60, reads_per_s=3, astray=0.0)


def schedule(*actions: Action, storm_s: int = 12, harmless: bool = False) -> Schedule:
    return Schedule(seed=1, actions=actions, load=LOAD, storm_ns=storm_s * SECOND, harmless=harmless)


def played(plan: Schedule) -> World:
    world = World(plan.seed, sentinels=True, drift_ppm=plan.drift_ppm)
    Nemesis(world, plan)
    Clients(world, plan.load)
    world.run(plan.storm_ns)
    return world


def moves(world: World) -> list[tuple[int, str]]:
    """When, in seconds, and to whom the primary moved after the first."""
    promoted = [event for event in world.told if event.kind == "primary_promoted"]
    return [(event.at_ns // SECOND, event.node) for event in promoted[1:]]


def test_a_primary_that_leaves_its_clients_waiting_is_replaced_in_seconds_not_sooner() -> None:
    world = played(schedule(at(1000, f.Sluggish(0, "alpha"))))
    [(at_s, node)] = moves(world)
    assert 8 <= at_s <= 11
    assert node != "alpha"
    stepped = [event for event in world.told if event.kind == "primary_stepped_down"]
    assert [event.fields["reason"] for event in stepped] == ["sealed for epoch 2"], "it served till then"


def test_a_replaced_primary_loses_nothing_and_the_cluster_goes_on() -> None:
    outcome = run(schedule(at(1000, f.Sluggish(0, "alpha"))))
    assert outcome.finding is None
    assert outcome.promotions == 2


@pytest.mark.parametrize("moment", ["election_started", "promise_made", "log_sealed", "certificate_issued"])
def test_the_next_primary_may_die_at_any_step(moment: str) -> None:
    first = 4 if moment == "promise_made" else 2  # all three promise in the first election
    outcome = run(
        schedule(
            at(1000, f.Sluggish(0, "alpha")), after(moment, first, f.Kill(2 * SECOND, "charlie")), storm_s=14
        )
    )
    assert outcome.finding is None
    assert outcome.promotions >= 2


def test_where_all_work_badly_the_primary_moves_a_few_times_a_minute_at_most() -> None:
    everywhere = [at(1000, f.Sluggish(0, node)) for node in NODES]
    world = played(schedule(*everywhere, storm_s=62))
    times = [at_s for at_s, _ in moves(world)]
    assert len(times) == 3
    assert all(later - earlier >= 5 for earlier, later in pairwise(times))


@pytest.mark.parametrize(
    "fault",
    [
        f.Storm(lasts_ns=5 * SECOND, delay_ns=101 * MS, jitter_ns=MS),
        f.Storm(lasts_ns=5 * SECOND, delay_ns=MS, jitter_ns=40 * MS),
        f.SlowDisk(lasts_ns=8 * SECOND, node="alpha", each_ns=400 * MS),
        f.Sluggish(lasts_ns=8 * SECOND, node="alpha", each_ns=400 * MS),
        f.Sluggish(lasts_ns=4 * SECOND, node="alpha"),
    ],
    ids=["latency", "jitter", "slow disk", "sluggish", "sluggish for a while"],
)
def test_what_is_no_reason_to_move_moves_nobody(fault: f.AnyFault) -> None:
    assert run(schedule(at(1000, fault), harmless=True)).finding is None


def test_stalls_and_resets_of_a_busy_primary_move_nobody() -> None:
    stalls = [at(1000 + 600 * number, f.Stall(200 * MS)) for number in range(10)]
    resets = [at(1250 + 600 * number, f.Reset()) for number in range(10)]
    assert run(schedule(*stalls, *resets, harmless=True)).finding is None


def ailing(seed: int) -> Schedule:
    """Providers that leave their clients waiting at any time, and other faults in the middle of what follows."""
    draws = Draws(seed)
    sick = [
        at(
            draws.between(300, 3000),
            f.Sluggish(draws.between(8, 12) * SECOND, draws.pick(("primary", *NODES))),
        )
        for _ in range(draws.between(1, 4))
    ]
    struck = [
        after(draws.pick(STEPS), draws.between(1, 6), _strike(draws, draws.between(20, 1500) * MS))
        for _ in range(draws.between(1, 3))
    ]
    plan = schedule(*sick, *struck, storm_s=15)
    return msgspec.structs.replace(plan, seed=seed, drift_ppm=draws.below(500))


def _strike(draws: Draws, lasts_ns: int) -> f.AnyFault:
    node = draws.pick(("primary", "standby", "teller"))
    part = draws.pick(PARTS)
    strikes = (f.Kill(lasts_ns, node, part), f.Freeze(lasts_ns, node, part), f.Isolate(lasts_ns, node))
    return draws.pick((*strikes, f.PowerCut(lasts_ns, node), f.Reset(node=node), f.SlowDisk(lasts_ns, node)))


@pytest.mark.parametrize("seed", range(10))
def test_bad_work_and_other_faults_together_break_no_rule(seed: int) -> None:
    assert run(ailing(seed)).finding is None


def test_ticks_that_are_left_out_would_have_changed_nothing_of_it() -> None:
    plan = schedule(at(1000, f.Sluggish(9 * SECOND, "alpha")))
    traces = [Trace(quiet=True), Trace(quiet=True)]
    for trace, dozing in zip(traces, (True, False), strict=True):
        run(plan, trace=trace, dozing=dozing)
    assert traces[0].digest == traces[1].digest
