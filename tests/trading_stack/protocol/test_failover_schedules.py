"""Sentinels and replicas together, in virtual time: how fast they fail over, when they must not, and that they always
get there in the end."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import pytest
from outages import WAN, crash, freeze, join, mend, start, thaw

from trading_stack.defects import Defect
from trading_stack.simulation.faults import Stall
from trading_stack.simulation.network import MS, NODES, Weather
from trading_stack.simulation.world import World


def started(seed: int, *, defects: frozenset[Defect] = frozenset()) -> World:
    world = World(seed, sentinels=True, defects=defects, weather=WAN)
    assert world.run(400 * MS, until=lambda: world.primary() is not None), "no primary after a cold start"
    world.run(200 * MS)
    return world


def promotions(world: World) -> list[tuple[int, str]]:
    return [(each.at_ns, each.node) for each in world.told if each.kind == "primary_promoted"]


def dark(world: World, node: str) -> None:
    """The provider falls silent."""
    world.isolate(node)
    freeze(world, node)
    crash(world, node, part="sentinel")


def abrupt(world: World, node: str) -> None:
    """The provider's processes are killed, and its connections reset."""
    crash(world, node, part="both")


def failover_ms(seed: int, strike: Callable[[World, str], None]) -> float:
    world = started(seed)
    primary = world.primary()
    assert primary is not None
    world.run(world.draws.below(20 * MS))
    struck_ns = world.now_ns
    strike(world, primary)
    assert world.run(3000 * MS, until=lambda: world.primary() not in (None, primary)), "no failover"
    return (world.now_ns - struck_ns) / MS


@pytest.mark.parametrize(("strike", "median_ms", "worst_ms"), [(dark, 300, 400), (abrupt, 70, 150)])
def test_failover_is_fast(strike: Callable[[World, str], None], median_ms: float, worst_ms: float) -> None:
    times = [failover_ms(seed, strike) for seed in range(30)]
    assert statistics.median(times) < median_ms
    assert max(times) < worst_ms


def test_a_cluster_that_begins_elects_its_first_provider_once() -> None:
    for seed in range(20):
        world = started(seed)
        assert [node for _, node in promotions(world)] == ["alpha"]
        assert world.now_ns < 400 * MS


def test_a_cluster_begins_without_its_first_provider_once_it_was_founded() -> None:
    world = started(1)
    for node in NODES:
        crash(world, node, part="both")
    for node in ("bravo", "charlie"):
        start(world, node, part="both")
    assert world.run(2000 * MS, until=lambda: world.primary() is not None)
    assert world.primary() == "bravo"


# --- when they must not


def latency(world: World) -> None:
    """100 ms more on every link, for five seconds."""
    world.network.set_weather(Weather(delay_ns=101 * MS, jitter_ns=MS))
    world.run(5000 * MS)
    world.network.calm()


def jitter(world: World) -> None:
    """Jitter of ten round trips."""
    world.network.set_weather(Weather(delay_ns=MS, jitter_ns=40 * MS, ordered=False))
    world.run(3000 * MS)
    world.network.calm()


def stall(world: World) -> None:
    """Nothing on any link of the primary moves for 200 ms, and then everything at once; again and again."""
    for _ in range(10):
        Stall(node="alpha", lasts_ns=200 * MS).begin(world)
        world.run(500 * MS)


def resets(world: World) -> None:
    """The primary's WAN connections are reset, ten times."""
    for _ in range(10):
        world.reset_links("alpha")
        world.run(200 * MS)


def one_way(world: World) -> None:
    """One sentinel alone can't hear the primary."""
    world.network.cut.add(("alpha", "bravo"))
    world.run(3000 * MS)
    join(world, "alpha", "bravo")
    world.run(500 * MS)


@pytest.mark.parametrize("disturb", [latency, jitter, stall, resets, one_way])
def test_no_needless_failover(disturb: Callable[[World], None]) -> None:
    for seed in range(6):
        world = started(seed)
        disturb(world)
        world.run(1000 * MS)
        assert len(promotions(world)) == 1, f"seed {seed}: failed over"
        assert world.primary() == "alpha"


def test_a_sentinel_that_lagged_discards_its_suspicion() -> None:
    from trading_stack.sentinel.events import Tick

    world = started(2)
    sentinel = world.sentinels["bravo"]
    late_ns = world.now_ns + 5000 * MS
    sentinel.sentinel.handle(Tick(), late_ns)
    assert sentinel.sentinel.lost is None
    sentinel.sentinel.handle(Tick(), late_ns + 1 * MS)
    assert sentinel.sentinel.lost is None


def hiccups(world: World, *, each_ns: int) -> None:
    """The primary's engine does not move for so long, three times in three seconds."""
    for _ in range(3):
        freeze(world, "alpha")
        world.run(each_ns)
        thaw(world, "alpha")
        world.run(1000 * MS - each_ns)


@pytest.mark.parametrize("seed", range(6))
def test_a_rash_sentinel_is_caught_by_a_stall_and_by_nothing_shorter(seed: int) -> None:
    naive = frozenset({Defect.NAIVE_TIMEOUT})
    for defects, each_ns, moves in (
        (naive, 200 * MS, True),
        (naive, 100 * MS, False),
        (frozenset(), 200 * MS, False),
    ):
        world = started(seed, defects=defects)
        hiccups(world, each_ns=each_ns)
        assert (len(promotions(world)) > 1) == moves


# --- what else must come right


def test_a_thawed_primary_finds_itself_fenced() -> None:
    world = started(4)
    freeze(world, "alpha")
    world.propose("alpha", 1)  # waits in its socket
    world.engines["alpha"].ask_read(2)
    assert world.run(1000 * MS, until=lambda: world.primary() == "bravo")
    world.propose("bravo", 3)
    world.run(100 * MS)
    thaw(world, "alpha")
    world.run(1000 * MS)
    assert 1 not in world.judge.acked
    assert 2 not in world.engines["alpha"].reads_answered
    assert 3 in world.judge.acked
    assert world.engines["alpha"].replica.view().role == "standby"
    world.judge.check_end()


@pytest.mark.parametrize("moment", ["election_started", "promise_made", "log_sealed", "certificate_issued"])
def test_a_candidate_that_dies_in_its_promotion_stops_nothing(moment: str) -> None:
    for seed in range(5):
        _candidate_dies(started(seed), moment)


def _candidate_dies(world: World, moment: str) -> None:
    freeze(world, "alpha")
    before = len(world.told)
    assert world.run(1000 * MS, until=lambda: moment in world.kinds()[before:])
    candidate = world.told[-1].fields["candidate"]
    assert isinstance(candidate, str)
    crash(world, candidate)
    world.run(50 * MS)
    thaw(world, "alpha")  # two of three are needed
    assert world.run(2500 * MS, until=lambda: world.primary() is not None), "nobody leads"
    start(world, candidate)
    world.run(500 * MS)
    world.judge.check_end()


def test_a_primary_that_reaches_no_majority_steps_down_and_another_serves() -> None:
    """Engines lose the primary, while sentinels still hear it: it must ask to be replaced."""
    world = started(5)
    alpha = world.engines["alpha"]
    for name, channel in alpha.channels.items():
        channel.drop()
        world.engines[name].channels["alpha"].drop()
    assert world.run(3000 * MS, until=lambda: world.primary() not in (None, "alpha"))
    assert "primary_stepped_down" in world.kinds()


@pytest.mark.parametrize("block", range(4))
def test_the_cluster_always_comes_back(block: int) -> None:
    """Random crashes, freezes and cuts of whole providers; in the end one primary serves, and nothing is lost."""
    for seed in range(block * 15, block * 15 + 15):
        world = started(seed)
        _storm(world)
        _recover(world, seed)


def _storm(world: World) -> None:
    draws = world.draws
    for request in range(60):
        primary = world.primary()
        if primary is not None:
            world.propose(primary, request)
        action = draws.below(14)
        node = draws.pick(NODES)
        if action == 0:
            crash(world, node)
        elif action == 1:
            crash(world, node, part="sentinel")
        elif action == 2:
            freeze(world, node)
        elif action == 3:
            world.isolate(node)
        elif action == 4:
            world.network.set_weather(Weather(lost=0.1, delay_ns=2 * MS, jitter_ns=30 * MS, ordered=False))
        elif action == 5:
            mend(world)
        world.run(draws.below(120 * MS))


def _recover(world: World, seed: int) -> None:
    mend(world)
    assert world.run(4000 * MS, until=lambda: world.primary() is not None), f"seed {seed}: nobody leads"
    world.run(1500 * MS)
    primary = world.primary()
    assert primary is not None, f"seed {seed}: nobody leads for long"
    world.propose(primary, 1_000_000)
    assert world.run(1000 * MS, until=lambda: 1_000_000 in world.judge.acked), (
        f"seed {seed}: nothing is committed"
    )
    world.run(200 * MS)
    world.judge.check_end()
