"""Planned handovers in virtual time: smooth in calm weather, and harmless whatever goes wrong at whatever step."""

from __future__ import annotations

import random
import statistics

import pytest
from handing_over import Cluster, started
from outages import crash, crash_after_writes, freeze, mend, thaw

from trading_stack.defects import Defect
from trading_stack.sentinel.handovers import Handovers
from trading_stack.simulation.network import MS, NODES, Weather
from trading_stack.simulation.rules import Violation

ROUND_TRIP_MS = 4.0  # the longest that the weather of these tests allows
STEPS = (
    "handover_decided",
    "certificate_issued",
    "handover_started",
    "primary_stepped_down",
    "handover_yielded",
    "election_started",
    "promise_made",
    "log_sealed",
    "primary_promoted",
    "handover_completed",
)
FAULTS = ("crash", "crash after writes", "freeze", "isolate", "cut one way", "sentinel", "provider", "lossy")
SCHEDULES = 48


def handed_over(world: Cluster, target: str) -> bool:
    return world.primary() == target and "handover_completed" in world.kinds()


def calm_handover(seed: int) -> Cluster:
    world = started(seed)
    world.flow(every_ns=2 * MS, until_ns=world.now_ns + 300 * MS)
    world.run(100 * MS)
    assert set(world.order("bravo").values()) == {None}
    assert world.run(500 * MS, until=lambda: handed_over(world, "bravo"))
    world.run(400 * MS)
    world.check_end()
    return world


def test_a_handover_leaves_no_client_without_an_answer_and_is_no_failover() -> None:
    gaps = []
    for seed in range(8):
        world = calm_handover(seed)
        assert world.errors() == []
        assert world.kinds().count("primary_promoted") == 1
        assert not {"primary_suspected", "failover_decided", "handover_abandoned"} & set(world.kinds())
        gaps.append(world.gap_ms())
    assert statistics.median(gaps) < 2 * ROUND_TRIP_MS + 20
    assert max(gaps) < 4 * ROUND_TRIP_MS + 50


def test_a_sentinel_that_takes_a_yielding_primary_for_lost_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handovers, "covers", lambda *_: False)

    def caught(seed: int) -> bool:
        try:
            return "primary_suspected" in calm_handover(seed).kinds()
        except AssertionError:
            return True

    assert any(caught(seed) for seed in range(8))


def test_a_primary_is_handed_back() -> None:
    world = started(1)
    world.flow(every_ns=5 * MS, until_ns=world.now_ns + 4000 * MS)
    for target in ("bravo", "alpha", "charlie"):
        world.run(1200 * MS)
        assert set(world.order(target).values()) == {None}
        assert world.run(500 * MS, until=lambda target=target: world.primary() == target)  # type: ignore[misc]
    world.run(1000 * MS)
    assert world.errors() == []
    world.check_end()


# --- when it must not happen, and when it goes wrong


def test_no_target_is_taken_that_is_not_alive_and_caught_up() -> None:
    world = started(2)
    assert "is the primary" in str(world.objections("alpha")["bravo"])
    assert "no engine 'mallory'" in str(world.objections("mallory")["bravo"])
    freeze(world, "bravo")
    world.run(120 * MS)
    assert "not heard lately" in str(world.objections("bravo")["alpha"])
    thaw(world, "bravo")
    crash(world, "charlie")
    world.run(60 * MS)
    assert "not heard lately" in str(world.objections("charlie")["alpha"])
    world.run(500 * MS)
    assert "primary_promoted" not in world.kinds()


def test_one_sentinels_order_hands_nothing_over() -> None:
    """A thief of one sentinel may believe what it likes: the others have heard of no order."""
    world = started(3)
    assert world.order("bravo", at=("alpha",)) == {"alpha": None}
    world.run(2000 * MS)
    assert world.primary() == "alpha"
    assert world.kinds().count("handover_decided") == 1, "asking again decides nothing anew"
    assert "certificate_issued" not in world.kinds()
    assert world.told_by("sentinel-alpha", "handover_abandoned") == [
        "no majority of sentinels agreed in time"
    ]


def test_two_sentinels_are_enough() -> None:
    world = started(4)
    crash(world, "alpha", part="sentinel")
    world.order("charlie")
    assert world.run(1000 * MS, until=lambda: handed_over(world, "charlie"))


def test_a_new_primary_is_not_replaced_at_once() -> None:
    world = started(5)
    world.order("bravo")
    assert world.run(500 * MS, until=lambda: handed_over(world, "bravo"))
    world.run(200 * MS)
    assert "the primary changed" in str(world.objections("alpha")["alpha"])


def test_a_primary_goes_on_when_its_target_dies_before_it_yields() -> None:
    resumed = 0
    for seed in range(8):
        world = started(seed)
        world.flow(every_ns=2 * MS, until_ns=world.now_ns + 600 * MS)
        world.run(100 * MS)
        world.order("bravo")
        world.run(500 * MS, until=lambda world=world: world.kinds()[-1] == "certificate_issued")  # type: ignore[misc]
        crash(world, "bravo")
        world.run(1500 * MS)
        assert world.primary() == "alpha"
        assert world.errors() == []
        assert "primary_stepped_down" not in world.kinds()
        resumed += "the target did not come up in time" in world.told_by("alpha", "handover_abandoned")
    assert resumed > 3, "in most of them commands were held, and went on"


def test_a_primary_that_dies_while_it_holds_is_replaced_as_any_other() -> None:
    for seed in range(5):
        world = started(seed)
        world.flow(every_ns=2 * MS, until_ns=world.now_ns + 400 * MS)
        world.run(100 * MS)
        world.order("bravo")
        assert world.run(500 * MS, until=lambda world=world: world.kinds()[-1] == "handover_started")  # type: ignore[misc]
        crash(world, "alpha")
        assert world.run(500 * MS, until=lambda world=world: world.primary() not in (None, "alpha"))  # type: ignore[misc]
        world.run(500 * MS)
        assert world.errors() == []


# --- some of the schedules; `benchmarks/handover_schedules.py` runs as many as one likes


def strike(world: Cluster, fault: str, victim: str) -> None:
    if fault == "crash":
        crash(world, victim)
    elif fault == "crash after writes":
        crash_after_writes(world, victim)
    elif fault == "freeze":
        freeze(world, victim)
    elif fault == "isolate":
        world.isolate(victim)
    elif fault == "cut one way":
        world.network.cut.add((victim, world.draws.pick([node for node in NODES if node != victim])))
    elif fault == "sentinel":
        crash(world, victim, part="sentinel")
    elif fault == "provider":
        world.isolate(victim)
        freeze(world, victim)
        crash(world, victim, part="sentinel")
    else:
        lossy = Weather(lost=0.2, doubled=0.05, delay_ns=2 * MS, jitter_ns=30 * MS, ordered=False)
        world.network.set_weather(lossy)


def schedule(seed: int, *, defects: frozenset[Defect] = frozenset()) -> Cluster:
    """One handover, one or two faults at one of its steps (or soon after), mended later; then all must be well."""
    world = started(seed, defects=defects)
    draw = random.Random(seed)
    world.flow(every_ns=4 * MS, until_ns=world.now_ns + 1500 * MS)
    world.run(draw.randrange(100 * MS))
    world.order(draw.choice(["bravo", "charlie"]))
    step = draw.choice(STEPS)
    begun = len(world.told)
    world.run(300 * MS, until=lambda: step in world.kinds()[begun:])
    world.run(draw.choice([0, 0, draw.randrange(8 * MS)]))
    for _ in range(draw.choice([1, 1, 2])):
        strike(world, draw.choice(FAULTS), draw.choice(NODES))
    world.run(draw.randrange(900 * MS))
    mend(world)
    assert world.run(4000 * MS, until=lambda: world.primary() is not None), "nobody leads"
    world.run(1500 * MS)
    assert world.primary() is not None, "nobody leads for long"
    world.run(2500 * MS, until=lambda: not world.errors())
    world.run(100 * MS)
    world.check_end()
    assert world.errors() == [], "clients were left without an answer"
    return world


@pytest.mark.parametrize("block", range(4))
def test_whatever_goes_wrong_nothing_is_lost_and_one_primary_serves(block: int) -> None:
    size = SCHEDULES // 4
    for seed in range(block * size, (block + 1) * size):
        try:
            schedule(seed)
        except (AssertionError, Violation) as failure:
            raise AssertionError(f"seed {seed}: {failure}") from failure


@pytest.mark.parametrize("defect", [Defect.ACKNOWLEDGE_BEFORE_REPLICATION, Defect.SPLIT_BRAIN_LOCAL_VOTE])
def test_a_planted_mistake_does_not_survive_the_schedules(defect: Defect) -> None:
    for seed in range(60):
        try:
            schedule(seed, defects=frozenset({defect}))
        except (Violation, AssertionError):
            return
    raise AssertionError(f"{defect} was not caught")
