"""Each fault does what it says, ends when it says, and leaves a cluster that works."""

from __future__ import annotations

import pytest

from trading_stack.simulation import faults as f
from trading_stack.simulation.faults import AnyFault
from trading_stack.simulation.nemesis import Nemesis
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.playing import run
from trading_stack.simulation.rules import EVERY_RULE, Rule
from trading_stack.simulation.schedule import Action, At, Load, Schedule, When
from trading_stack.simulation.world import World

LASTS_NS = 300 * MS


def struck(
    *actions: AnyFault | Action, sentinels: bool = True, judged: frozenset[Rule] = EVERY_RULE
) -> World:
    """A world with a primary, alpha, in which these faults have begun at 600 ms."""
    world = World(1, sentinels=sentinels, judged=judged)
    made = [action if isinstance(action, Action) else Action(At(600 * MS), action) for action in actions]
    Nemesis(world, Schedule(seed=1, actions=tuple(made)))
    world.run(590 * MS)
    assert world.primary() == "alpha"
    world.run(11 * MS)
    return world


def test_a_kill_ends_one_part_and_starts_it_again() -> None:
    world = struck(f.Kill(LASTS_NS, "bravo", "engine"))
    assert not world.engines["bravo"].alive
    assert world.sentinels["bravo"].alive
    world.run(LASTS_NS)
    assert world.engines["bravo"].alive
    world.run(400 * MS)
    assert world.engines["bravo"].replica.view().caught_up


def test_a_killed_engine_is_suspected_by_its_reset_and_a_dark_one_by_its_silence() -> None:
    def suspected_ns(fault: AnyFault) -> int:
        world = struck(fault)
        world.run(1000 * MS)
        return next(event.at_ns for event in world.told if event.kind == "primary_suspected") - 600 * MS

    assert suspected_ns(f.Kill(0, "alpha")) < 70 * MS
    assert 200 * MS < suspected_ns(f.PowerCut(0, "alpha")) < 270 * MS


def test_a_power_cut_stops_the_whole_provider() -> None:
    world = struck(f.PowerCut(LASTS_NS, "charlie"))
    assert not world.engines["charlie"].alive
    assert not world.sentinels["charlie"].alive
    assert not world.powered["charlie"]
    world.run(LASTS_NS)
    assert world.powered["charlie"]
    assert world.engines["charlie"].alive


def test_a_wiped_store_is_another_and_recovers_its_vote() -> None:
    world = struck(f.Wipe(LASTS_NS, "bravo"))
    assert world.disks["bravo"].written.incarnation == "store-4"
    assert not world.disks["bravo"].written.entries
    world.run(LASTS_NS + 1000 * MS)
    assert world.disks["bravo"].written.proven
    assert world.disks["bravo"].written.entries


def test_only_one_store_at_a_time_is_wiped() -> None:
    world = struck(f.Wipe(LASTS_NS, "bravo"), f.Wipe(LASTS_NS, "charlie"))
    kept = [node for node in NODES if world.disks[node].written.entries]
    assert kept == ["alpha", "charlie"]


def test_a_store_that_is_put_back_gives_up_its_name_and_its_vote_until_it_has_recovered() -> None:
    world = struck(
        f.Rollback(LASTS_NS, "bravo"),
        Action(At(700 * MS), f.Propose(node="alpha", count=5)),
        judged=EVERY_RULE - {Rule.RECOVERABLE},
    )
    world.run(LASTS_NS + 1000 * MS)
    reasons = [event.fields["reason"] for event in world.told if event.kind == "store_damaged"]
    assert any("rolled back" in str(reason) for reason in reasons)
    assert world.disks["bravo"].written.incarnation != "store-2"
    assert world.disks["bravo"].written.proven


def test_a_lying_disk_forgets_with_the_power() -> None:
    world = struck(
        f.LyingDisk(0, "bravo"),
        Action(At(700 * MS), f.Propose(node="alpha", count=5)),
        Action(At(800 * MS), f.PowerCut(50 * MS, "bravo")),
        judged=EVERY_RULE - {Rule.RECOVERABLE},
    )
    world.run(190 * MS)
    before = world.disks["bravo"].written.last.end
    world.run(30 * MS)
    assert world.disks["bravo"].written.last.end < before


def test_a_frozen_part_does_nothing_and_then_everything() -> None:
    world = struck(f.Freeze(LASTS_NS, "bravo", "engine"), Action(At(700 * MS), f.Propose(node="alpha")))
    applied = len(world.engines["bravo"].applied)
    world.run(LASTS_NS - 20 * MS)
    assert len(world.engines["bravo"].applied) == applied
    world.run(40 * MS)
    assert len(world.engines["bravo"].applied) == applied + 1


def test_cuts_overlap_and_each_ends_alone() -> None:
    world = struck(f.Isolate(100 * MS, "charlie"), f.Cut(LASTS_NS, "charlie", "alpha"))
    assert len(world.network.cut) == 4
    world.run(100 * MS)
    assert world.network.cut == {("charlie", "alpha")}
    world.run(LASTS_NS)
    assert world.network.cut == set()


def test_a_stall_holds_back_and_then_delivers() -> None:
    world = struck(f.Stall(150 * MS, "alpha"), Action(At(610 * MS), f.Propose(node="alpha")))
    world.run(100 * MS)
    bravo = len(world.disks["bravo"].written.entries)
    world.run(100 * MS)
    assert len(world.disks["bravo"].written.entries) == bravo + 1


def test_reset_links_come_back_by_themselves() -> None:
    world = struck(f.Reset(0, "alpha"))
    assert any(not channel.up for channel in world.engines["alpha"].channels.values())
    world.run(100 * MS)
    assert all(channel.up for channel in world.engines["alpha"].channels.values())
    assert world.judge.promotions[-1][2] == 1


def test_an_order_to_hand_over_is_followed() -> None:
    world = struck(f.HandOver(node="charlie"))
    world.run(200 * MS)
    assert world.primary() == "charlie"
    assert "primary_suspected" not in world.kinds()


def test_bad_weather_ends() -> None:
    world = struck(f.Storm(LASTS_NS, delay_ns=20 * MS, lost=0.1))
    assert world.network.weather["alpha", "bravo"].lost == 0.1
    assert world.network.weather["alpha", "alpha"].lost == 0
    world.run(LASTS_NS)
    assert world.network.weather["alpha", "bravo"].lost == 0


def test_a_slow_disk_takes_longer_for_each_write() -> None:
    world = struck(f.SlowDisk(LASTS_NS, "bravo", 100 * MS), Action(At(620 * MS), f.Propose(node="alpha")))
    entries = len(world.disks["bravo"].written.entries)
    world.run(90 * MS)
    assert len(world.disks["bravo"].written.entries) == entries
    world.run(60 * MS)
    assert len(world.disks["bravo"].written.entries) == entries + 1


def test_a_full_disk_breaks_the_replica_until_there_is_room() -> None:
    world = struck(f.FullDisk(LASTS_NS, "bravo"), Action(At(620 * MS), f.Propose(node="alpha")))
    world.run(60 * MS)
    assert world.engines["bravo"].replica.view().broken == "disk is full"
    world.run(LASTS_NS + 400 * MS)
    assert not world.engines["bravo"].replica.view().broken
    assert world.engines["bravo"].replica.view().caught_up


@pytest.mark.parametrize(
    ("node", "struck_node"), [("primary", "alpha"), ("standby", "bravo"), ("charlie", "charlie")]
)
def test_names_are_resolved_at_the_onset(node: str, struck_node: str) -> None:
    world = struck(f.Isolate(LASTS_NS, node))
    event = next(event for event in world.told if event.kind == "Isolate")
    assert event.fields["node"] == struck_node


def test_an_event_triggers_after_a_while_at_who_told_it() -> None:
    schedule = Schedule(
        seed=3,
        actions=(
            Action(At(700 * MS), f.Kill(node="primary")),
            Action(When("log_sealed", 2, 2 * MS), f.Freeze(100 * MS, "teller", "engine")),
        ),
        load=Load(0, 0, 0.0),
        storm_ns=2500 * MS,
    )
    world = World(schedule.seed, sentinels=True)
    Nemesis(world, schedule)
    world.run(schedule.storm_ns)
    sealed = [event for event in world.told if event.kind == "log_sealed"][1]
    frozen = next(event for event in world.told if event.kind == "Freeze")
    assert (frozen.at_ns, frozen.fields["node"]) == (sealed.at_ns + 2 * MS, sealed.node)


def test_an_outcome_tells_which_actions_struck_and_what_came_of_them() -> None:
    actions = (
        Action(At(700 * MS), f.Kill(300 * MS, "alpha")),
        Action(When("log_sealed", 2), f.Reset(0, "charlie")),
        Action(When("store_damaged"), f.Kill(0, "bravo")),
        Action(At(5000 * MS), f.Kill(0, "bravo")),
    )
    outcome = run(Schedule(seed=1, actions=actions, storm_ns=1500 * MS))
    assert outcome.finding is None
    assert (outcome.struck, outcome.struck_after_events) == (2, 1)
    assert outcome.failovers == 1
    assert outcome.acknowledged > 5
    calm = run(Schedule(seed=1, load=Load(0, 0, 0.0), storm_ns=600 * MS))
    assert (calm.struck, calm.failovers, calm.acknowledged) == (0, 0, 0)


def test_healing_mends_whatever_lasts() -> None:
    faults = (
        f.Kill(0, "alpha"),
        f.Isolate(0, "bravo"),
        f.Freeze(0, "charlie"),
        f.FullDisk(0, "bravo"),
        f.Storm(0, lost=0.5),
    )
    actions = tuple(Action(At(600 * MS + place), fault) for place, fault in enumerate(faults))
    outcome = run(Schedule(seed=1, actions=actions, storm_ns=1500 * MS))
    assert outcome.finding is None
    assert outcome.recovered_ns < 3000 * MS


def test_healing_may_leave_one_dead_and_then_mend_it() -> None:
    world = World(1, sentinels=True)
    nemesis = Nemesis(world, Schedule(seed=1, actions=(Action(At(600 * MS), f.PowerCut(0, "alpha")),)))
    world.run(700 * MS)
    nemesis.heal(but="charlie")
    assert [node for node in NODES if world.engines[node].alive] == ["alpha", "bravo"]
    assert not world.sentinels["charlie"].alive
    nemesis.heal()
    assert world.engines["charlie"].alive
    assert world.sentinels["charlie"].alive
