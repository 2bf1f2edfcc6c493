"""The world's parts: clocks, draws, disks and links."""

from __future__ import annotations

import pytest

from trading_stack.journal.entries import Entry
from trading_stack.journal.events import Persist, PersistRefused, Promise
from trading_stack.journal.image import Image
from trading_stack.journal.log import Log
from trading_stack.journal.snapshots import Snapshot
from trading_stack.simulation.clock import Clock
from trading_stack.simulation.disk import Disk
from trading_stack.simulation.draws import Draws
from trading_stack.simulation.network import MS, Weather
from trading_stack.simulation.world import World


def entries(count: int) -> list[Entry]:
    log = Log()
    return [log.write(1, 0, b"command %d" % number) for number in range(count)]


def written(disk: Disk, *, first: int = 1, count: int = 3) -> None:
    disk.write(Persist(first, 1, None, entries(count)[first - 1 :]))


# --- clocks


@pytest.mark.parametrize("drift_ppm", [0, 1, -1, 500, -999, 10_000])
@pytest.mark.parametrize("local_ns", [0, 1, 999_999, 5 * MS, 7_777_777_777])
def test_a_clock_tells_the_first_moment_at_which_it_shows_a_time(drift_ppm: int, local_ns: int) -> None:
    clock = Clock(offset_ns=-12, drift_ppm=drift_ppm)
    world_ns = clock.world(local_ns)
    assert clock.local(world_ns) >= local_ns > clock.local(world_ns - 1)


def test_clocks_of_one_world_disagree_within_the_bound() -> None:
    clocks = World(3, drift_ppm=500).clocks
    assert len({clock.offset_ns for clock in clocks.values()}) == 3
    assert all(abs(clock.drift_ppm) <= 500 for clock in clocks.values())
    assert any(clock.drift_ppm for clock in clocks.values())


# --- draws


def test_draws_stay_within_their_bounds_and_reach_both_ends() -> None:
    draws = Draws(1)
    assert {draws.below(3) for _ in range(200)} == {0, 1, 2}
    assert {draws.between(-1, 1) for _ in range(200)} == {-1, 0, 1}
    assert draws.below(0) == 0
    assert sorted(draws.shuffled("abcd")) == list("abcd")
    assert len({tuple(draws.shuffled("abc")) for _ in range(200)}) == 6


# --- disks


def test_a_power_cut_takes_what_was_not_synced_and_a_kill_does_not() -> None:
    disk = Disk(Image("store"))
    written(disk, count=2)
    disk.sync()
    written(disk, first=3)
    assert disk.written.last.end == 3
    disk.lose_power()
    assert disk.written.last.end == 2


def test_a_lying_disk_syncs_nothing_until_it_is_mended() -> None:
    disk = Disk(Image("store"))
    disk.lying = True
    written(disk)
    disk.sync()
    assert disk.synced().last.end == 0
    disk.lying = False
    disk.sync()
    assert disk.synced().last.end == 3


def test_a_copy_of_an_image_is_left_alone() -> None:
    disk = Disk(Image("store"))
    before = disk.written.copy()
    disk.write(Persist(1, None, None, entries(1), Promise(4, "bravo"), {"a": "b"}, True))
    assert (before.entries, before.promise, before.founders, before.proven) == ([], Promise(), {}, False)


def test_a_store_refuses_a_fence_below_its_promise() -> None:
    disk = Disk(Image("store", promise=Promise(3, "bravo")))
    assert disk.write(Persist(9, 2, None, entries(1))) == PersistRefused(9, 3)
    assert disk.written.entries == []


def test_a_snapshot_takes_the_place_of_the_entries_it_stands_for() -> None:
    disk, log = Disk(Image("store")), Log(entries(3))
    written(disk)
    disk.write(Persist(2, None, snapshot=Snapshot.of(log.base_at(2), b"state")))
    disk.sync()
    disk.lose_power()
    image = disk.written
    assert [entry.index for entry in image.entries] == [3]
    assert image.last == (1, 3)
    assert all(image.holds(entry) for entry in entries(3))
    disk.write(Persist(3, None, truncate_from=3))
    assert image.last == (1, 2)
    assert not image.holds(entries(3)[2])


# --- links


def arrivals(weather: Weather, *, count: int = 200, seed: int = 1) -> list[int]:
    """Send numbered messages over one link, all at once; their numbers in order of arrival."""
    world, got = World(seed, weather=weather), list[object]()
    channel = world.engines["alpha"].channels["bravo"]
    world.run(20 * MS)
    channel._receive = got.append
    for number in range(count):
        channel.send(number)
    world.run(300 * MS)
    return [number for number in got if isinstance(number, int)]  # replicas have their own to say


def test_a_calm_link_delivers_everything_once_and_in_order() -> None:
    assert arrivals(Weather(jitter_ns=40 * MS)) == list(range(200))


def test_a_link_may_lose_double_and_reorder() -> None:
    lossy = arrivals(Weather(lost=0.5))
    assert 50 < len(lossy) < 150
    assert len(arrivals(Weather(doubled=0.5))) > 250
    loose = arrivals(Weather(jitter_ns=40 * MS, ordered=False))
    assert sorted(loose) == list(range(200)) != loose


def test_what_is_under_way_is_lost_with_its_connection() -> None:
    world = World(1)
    world.run(20 * MS)
    got = list[int]()
    channel = world.engines["alpha"].channels["bravo"]
    channel._receive = got.append
    channel.send(1)
    channel.drop()
    channel.send(2)
    world.run(50 * MS)
    assert got == []


def test_a_cut_is_one_way_and_loses_what_arrives_meanwhile() -> None:
    world = World(1)
    world.run(20 * MS)
    got = list[int]()
    for source, target in (("alpha", "bravo"), ("bravo", "alpha")):
        world.engines[source].channels[target]._receive = got.append
    world.engines["alpha"].channels["bravo"].send(1)
    world.engines["bravo"].channels["alpha"].send(2)
    world.network.cut.add(("alpha", "bravo"))
    world.run(50 * MS)
    assert got == [2]
