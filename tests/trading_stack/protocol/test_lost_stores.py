"""Whole clusters in virtual time: what they go on from, and when they must refuse to."""

from __future__ import annotations

from itertools import combinations

import pytest
from simulated import MS, NODES, Weather, World

WAN = Weather(delay_ns=int(1.5 * MS), jitter_ns=MS // 2)


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
    assert world.run(1000 * MS, until=lambda: requests[-1] in world.acked)


def stop(world: World, *nodes: str) -> None:
    for node in nodes:
        world.engines[node].crash()
        world.sentinels[node].crash()
        for name, sentinel in world.sentinels.items():
            if name not in nodes:
                sentinel.reset(node)


def start(world: World, *nodes: str) -> None:
    for node in nodes:
        world.engines[node].start()
        world.sentinels[node].start()


def serves(world: World) -> bool:
    return world.run(5000 * MS, until=lambda: world.primary() is not None)


@pytest.mark.parametrize("seed", range(3))
def test_all_three_start_cold_from_snapshots_and_tails(seed: int) -> None:
    world = serving(seed)
    stop(world, *NODES)
    world.run(1000 * MS)
    start(world, *NODES)
    assert all(world.engines[node].replica.log.base.index for node in NODES)
    assert serves(world)
    work(world, range(100, 120))
    world.run(200 * MS)
    world.check_end()


@pytest.mark.parametrize("gone", list(combinations(NODES, 2)))
def test_without_any_two_it_refuses_says_so_and_serves_again_with_a_majority(gone: tuple[str, str]) -> None:
    world = serving(1)
    [left] = set(NODES) - set(gone)
    stop(world, *gone)
    world.run(1200 * MS)
    acknowledged = dict(world.acked)
    world.propose(left, 900)
    world.engines[left].ask_read(901)
    world.run(2000 * MS)
    assert world.primary() is None, "one of three leads alone"
    assert world.acked == acknowledged
    assert 901 not in world.engines[left].reads_answered
    start(world, gone[0])
    assert serves(world), "a majority is back"
    work(world, range(1000, 1010))
    start(world, gone[1])
    world.run(1500 * MS)
    world.check_end()


def test_the_primary_that_is_left_alone_says_why_it_steps_down() -> None:
    world = serving(2)
    primary = world.primary()
    assert primary is not None
    stop(world, *(node for node in NODES if node != primary))
    assert world.run(2000 * MS, until=lambda: "primary_stepped_down" in world.kinds())
    reasons = [str(f["reason"]) for _, _, kind, f in world.told if kind == "primary_stepped_down"]
    assert reasons[-1] == "it reaches no majority"


@pytest.mark.parametrize("seed", range(3))
def test_a_wiped_store_is_filled_by_a_snapshot_and_earns_its_vote(seed: int) -> None:
    world = serving(seed)
    stop(world, "charlie")
    world.wipe("charlie")
    start(world, "charlie")
    assert not world.engines["charlie"].replica.view().proven
    assert world.run(3000 * MS, until=lambda: world.engines["charlie"].replica.view().proven)
    assert "snapshot_installed" in world.kinds()
    world.run(100 * MS)
    world.check_end()


@pytest.mark.parametrize("seed", range(3))
def test_a_store_restored_from_a_backup_is_recognised_and_recovers(seed: int) -> None:
    world = World(seed, sentinels=True, weather=WAN, snapshot_every=20)
    assert world.run(400 * MS, until=lambda: world.primary() is not None)
    world.run(100 * MS)
    backup = world.back_up("charlie")
    work(world, range(1, 60))
    stop(world, "charlie")
    world.put_back("charlie", backup)
    start(world, "charlie")
    assert world.run(500 * MS, until=lambda: "store_damaged" in world.kinds())
    assert not world.engines["charlie"].replica.view().proven
    assert world.run(3000 * MS, until=lambda: world.engines["charlie"].replica.view().proven)
    world.run(100 * MS)
    world.check_end()
