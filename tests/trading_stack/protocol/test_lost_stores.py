"""Whole clusters in virtual time: what they go on from, and when they must refuse to."""

from __future__ import annotations

from itertools import combinations

import pytest
from outages import WAN, back_up, crash, put_back, start, wipe

from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.world import World


def serving(seed: int) -> World:
    """Sentinels, engines, some work done, and logs that are shortened."""
    world = World(seed, sentinels=True, weather=WAN, snapshot_every=20)
    assert world.run(400 * MS, until=lambda: world.primary() is not None)
    work(world, range(1, 60))
    return world


def work(world: World, requests: range) -> None:
    for request in requests:
        primary = world.primary()
        assert primary is not None
        world.propose(primary, request)
        world.run(2 * MS)
    assert world.run(1000 * MS, until=lambda: requests[-1] in world.judge.acked)


def serves(world: World) -> bool:
    return world.run(5000 * MS, until=lambda: world.primary() is not None)


@pytest.mark.parametrize("seed", range(3))
def test_all_three_start_cold_from_snapshots_and_tails(seed: int) -> None:
    world = serving(seed)
    crash(world, *NODES, part="both")
    world.run(1000 * MS)
    start(world, *NODES, part="both")
    assert all(world.engines[node].replica.log.base.index for node in NODES)
    assert serves(world)
    work(world, range(100, 120))
    world.run(200 * MS)
    world.judge.check_end()


@pytest.mark.parametrize("gone", list(combinations(NODES, 2)))
def test_without_any_two_it_refuses_says_so_and_serves_again_with_a_majority(gone: tuple[str, str]) -> None:
    world = serving(1)
    [left] = set(NODES) - set(gone)
    crash(world, *gone, part="both")
    world.run(1200 * MS)
    acknowledged = dict(world.judge.acked)
    world.propose(left, 900)
    world.engines[left].ask_read(901)
    world.run(2000 * MS)
    assert world.primary() is None, "one of three leads alone"
    assert world.judge.acked == acknowledged
    assert 901 not in world.engines[left].reads_answered
    start(world, gone[0], part="both")
    assert serves(world), "a majority is back"
    work(world, range(1000, 1010))
    start(world, gone[1], part="both")
    world.run(1500 * MS)
    world.judge.check_end()


def test_the_primary_that_is_left_alone_says_why_it_steps_down() -> None:
    world = serving(2)
    primary = world.primary()
    assert primary is not None
    crash(world, *(node for node in NODES if node != primary), part="both")
    assert world.run(2000 * MS, until=lambda: "primary_stepped_down" in world.kinds())
    reasons = [str(each.fields["reason"]) for each in world.told if each.kind == "primary_stepped_down"]
    assert reasons[-1] == "it reaches no majority"


@pytest.mark.parametrize("seed", range(3))
def test_a_wiped_store_is_filled_by_a_snapshot_and_earns_its_vote(seed: int) -> None:
    world = serving(seed)
    crash(world, "charlie", part="both")
    wipe(world, "charlie")
    start(world, "charlie", part="both")
    assert not world.engines["charlie"].replica.view().proven
    assert world.run(3000 * MS, until=lambda: world.engines["charlie"].replica.view().proven)
    assert "snapshot_installed" in world.kinds()
    world.run(100 * MS)
    world.judge.check_end()


@pytest.mark.parametrize("seed", range(3))
def test_a_store_restored_from_a_backup_is_recognised_and_recovers(seed: int) -> None:
    world = World(seed, sentinels=True, weather=WAN, snapshot_every=20)
    assert world.run(400 * MS, until=lambda: world.primary() is not None)
    world.run(100 * MS)
    backup = back_up(world, "charlie")
    work(world, range(1, 60))
    crash(world, "charlie", part="both")
    put_back(world, "charlie", backup)
    start(world, "charlie", part="both")
    assert world.run(500 * MS, until=lambda: "store_damaged" in world.kinds())
    assert not world.engines["charlie"].replica.view().proven
    assert world.run(3000 * MS, until=lambda: world.engines["charlie"].replica.view().proven)
    world.run(100 * MS)
    world.judge.check_end()
