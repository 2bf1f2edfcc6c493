"""What a sentinel takes for death, and what it doesn't."""

from __future__ import annotations

import pytest
from sentinel_post import ALL, STANDBYS, accused, beat, watching

from trading_stack.defects import Defect
from trading_stack.sentinel.config import NAIVE, Patience, patience_for
from trading_stack.sentinel.events import (
    Beat,
    DialFailed,
    Effect,
    EngineDown,
    EngineUp,
    Tick,
)
from trading_stack.sentinel.messages import Accusation, Motion
from trading_stack.sentinel.watch import Watch
from trading_stack.simulation.network import MS


def test_silence_is_suspected_after_the_threshold_and_not_before() -> None:
    post = watching()
    post.pass_time(220 * MS, beats=STANDBYS)
    assert post.told() == []
    post.pass_time(60 * MS, beats=STANDBYS)
    assert post.told() == ["primary_suspected"]
    assert post.sent(Accusation)[0] == Accusation(1, lost=True, promised_epoch=1)


def test_a_heartbeat_clears_the_suspicion() -> None:
    post = watching()
    post.pass_time(300 * MS, beats=STANDBYS)
    post.pass_time(40 * MS, beats=ALL)
    assert post.told() == ["primary_suspected", "suspicion_cleared"]
    assert post.sent(Accusation)[-1] == Accusation(1, lost=False, promised_epoch=1)


def test_data_that_waited_in_the_sockets_takes_a_doubt_away() -> None:
    post = watching()
    post.pass_time(210 * MS, beats=STANDBYS)
    post.now_ns = post.due_ns
    post.tell(Tick())
    while post.due_ns - post.now_ns > 1 * MS:  # until it doubts
        post.now_ns = post.due_ns
        post.tell(Tick())
    post.tell(Beat("alpha", ALL["alpha"]))
    post.now_ns = post.due_ns
    post.tell(Tick())
    assert post.told() == []


def test_a_dropped_connection_is_confirmed_by_dialling_again() -> None:
    post = watching()
    post.tell(EngineDown("alpha", "reset"))
    post.pass_time(10 * MS, beats=STANDBYS)
    post.tell(EngineUp("alpha"))
    post.pass_time(100 * MS, beats=STANDBYS)
    assert post.told() == []
    post.tell(EngineDown("alpha", "reset"))
    post.pass_time(55 * MS, beats=STANDBYS)
    assert post.told() == []
    post.pass_time(15 * MS, beats=STANDBYS)
    assert post.told() == ["primary_suspected"]


def test_dials_that_are_refused_confirm_sooner() -> None:
    post = watching()
    post.tell(EngineDown("alpha", "reset"))
    for _ in range(3):
        post.tell(DialFailed("alpha"))
    post.pass_time(25 * MS, beats=STANDBYS)
    assert post.told() == []
    post.pass_time(15 * MS, beats=STANDBYS)
    assert post.told() == ["primary_suspected"]


def test_a_primary_that_steps_down_is_replaced_at_once() -> None:
    post = watching()
    gone = {**ALL, "alpha": beat(own="alpha", leader=None, role="standby", serving=False)}
    post.pass_time(15 * MS, beats=gone)
    assert post.told() == ["primary_suspected"]


def test_one_sentinel_alone_decides_nothing() -> None:
    post = watching()
    post.pass_time(2000 * MS, beats=STANDBYS)
    assert post.told() == ["primary_suspected"]
    assert post.sent(Motion) == []


@pytest.mark.parametrize("defect", [Defect.NAIVE_TIMEOUT, Defect.SPLIT_BRAIN_LOCAL_VOTE])
def test_a_credulous_sentinel_moves_alone(defect: Defect) -> None:
    post = watching(
        defects=frozenset({defect}), patience=patience_for(frozenset({defect}), silence_ns=240 * MS)
    )
    post.pass_time(300 * MS, beats=STANDBYS)
    assert "failover_decided" in post.told()


def test_only_the_naive_are_rash() -> None:
    assert patience_for(frozenset({Defect.NAIVE_TIMEOUT}), silence_ns=1) is NAIVE
    assert patience_for(frozenset(), silence_ns=7).silence_ns == 7


def test_a_strained_machine_does_not_hide_the_rash() -> None:
    post = watching(patience=NAIVE)
    post.now_ns = post.due_ns + 14 * MS  # a late tick, too short to excuse
    post.tell(Tick())
    post.pass_time(20 * MS, beats=ALL)
    post.pass_time(120 * MS, beats=STANDBYS)
    assert post.told() == []
    post.pass_time(50 * MS, beats=STANDBYS)
    assert post.told() == ["primary_suspected"]


def test_the_same_inputs_give_the_same_decisions() -> None:
    def story() -> list[Effect]:
        post = watching()
        post.pass_time(300 * MS, beats=STANDBYS)
        for _ in range(20):
            accused(post)
            post.pass_time(50 * MS, beats=STANDBYS)
        return post.take()

    assert story() == story()


def test_a_sentinel_whose_machine_is_strained_waits_longer_for_a_while() -> None:
    post = watching()
    post.now_ns = post.due_ns + 14 * MS  # a late tick, too short to excuse
    post.tell(Tick())
    post.pass_time(20 * MS, beats=ALL)
    post.pass_time(230 * MS, beats=STANDBYS)
    assert post.told() == []
    post.pass_time(40 * MS, beats=STANDBYS)
    assert post.told() == ["primary_suspected"]


def test_suspicion_accrues_with_silence_and_falls_with_a_sign_of_life() -> None:
    watch, patience = Watch(), Patience()
    assert watch.suspicion(0, patience) == 0
    watch.rise(0)
    levels = [watch.suspicion(at * MS, patience) for at in (0, 60, 120, 240)]
    assert levels == [0, 0.25, 0.5, 1]
    assert watch.suspicion(240 * MS, patience, margin_ns=240 * MS) == 0.5
    watch.fall(240 * MS)
    watch.excuse(240 * MS, 240 * MS)
    assert watch.suspicion(270 * MS, patience) == 0.5
    watch.rise(280 * MS)
    assert watch.suspicion(280 * MS, patience) == 0


@pytest.mark.parametrize("event", ["silent", "dropped"])
def test_who_is_dead_is_suspected_wholly_and_nobody_before(event: str) -> None:
    watch, patience = Watch(), Patience()
    watch.rise(0)
    if event == "dropped":
        watch.fall(0)
    for at_ns in range(0, 300 * MS, MS // 2):
        suspected = watch.suspicion(at_ns, patience)
        assert suspected >= 1 if watch.dead(at_ns, patience) else suspected <= 1


def test_an_absence_is_held_against_no_connection_either() -> None:
    watch = Watch()
    assert watch.dead(5 * MS, Patience()) is None, "nobody who was never heard"
    watch.excuse(MS, MS)
    watch.rise(0)
    watch.fall(10 * MS)
    watch.excuse(1000 * MS, 1010 * MS)
    assert watch.dead(1030 * MS, Patience()) is None
    assert watch.dead(1080 * MS, Patience()) is not None
