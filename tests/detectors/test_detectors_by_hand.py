"""Each detector on short traces, against figures computed by hand, and textbook properties."""

from __future__ import annotations

import math
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from heartbeats import HEARTBEAT, MS, life, lives, trace

from harness.detectors.cautious import CautiousSilence
from harness.detectors.chen import Expectation
from harness.detectors.contract import Kind, suspects
from harness.detectors.excused import ExcusedSilence
from harness.detectors.fixed import Silence
from harness.detectors.phi import Accrual, z_of
from harness.detectors.quality import NEVER, Quality, RealDeaths, judge
from harness.detectors.registry import KINDS, kind_named
from harness.detectors.timeline import make_timeline
from harness.detectors.trace import Life


def quality(kind: Kind, setting: float, *watched: Life) -> Quality:
    timeline = make_timeline(trace(*watched))
    return judge(timeline, kind.over(timeline)(setting), RealDeaths(timeline))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_nobody_is_suspected_before_the_first_heartbeat(kind: Kind) -> None:
    detector = kind.detector(kind.settings(HEARTBEAT)[0], heartbeat_ns=HEARTBEAT)
    detector.lagged(50 * MS, 60 * MS)
    assert detector.deadline_ns is None
    assert not suspects(detector, 10**15)


def test_fixed_suspects_a_time_out_after_the_last_heartbeat() -> None:
    detector = Silence(60 * MS)
    detector.heard(0, 100 * MS)
    assert not suspects(detector, 160 * MS - 1)
    assert suspects(detector, 160 * MS)
    detector.heard(1, 170 * MS)
    assert not suspects(detector, 170 * MS)


def test_chen_expects_the_next_heartbeat_from_the_mean_of_those_before() -> None:
    detector = Expectation(10 * MS, heartbeat_ns=HEARTBEAT)
    detector.heard(0, 3 * MS)  # delays of 3, 5 and 7 ms: 5 on average
    detector.heard(1, 25 * MS)
    detector.heard(2, 47 * MS)
    assert detector.deadline_ns == (60 + 5 + 10) * MS
    detector.heard(5, 103 * MS)  # 3 and 4 were lost: the schedule goes on
    assert detector.deadline_ns == (120 + 4.5 + 10) * MS


def test_chen_forgets_what_is_older_than_its_window() -> None:
    detector = Expectation(0, heartbeat_ns=HEARTBEAT)
    detector.heard(0, 320 * MS)
    for number in range(1, 33):
        detector.heard(number, number * HEARTBEAT + 320 * MS + MS)
    assert detector.deadline_ns == 33 * HEARTBEAT + 321 * MS


def test_phi_begins_with_two_supposed_intervals() -> None:
    detector = Accrual(1, heartbeat_ns=HEARTBEAT)
    detector.heard(0, 0)  # 15 and 25 ms: mean 20, standard deviation 5
    assert detector.deadline_ns == pytest.approx((20 + 1.2815516 * 5) * MS, abs=1000)
    detector.heard(1, 32 * MS)  # and 32 ms: mean 24, standard deviation sqrt((81 + 1 + 64) / 3)
    deadline = 32 + 24 + 1.2815516 * math.sqrt(146 / 3)
    assert detector.deadline_ns == pytest.approx(deadline * MS, abs=1000)


def test_phi_is_the_tail_of_a_normal_curve() -> None:
    for threshold in (0.5, 1, 3, 8, 12):
        tail = 0.5 * math.erfc(z_of(threshold) / math.sqrt(2))
        assert -math.log10(tail) == pytest.approx(threshold, rel=1e-9)
    assert z_of(300) > z_of(200) > 30


def test_phi_takes_nobody_for_perfectly_regular() -> None:
    detector = Accrual(1, heartbeat_ns=HEARTBEAT)
    for number in range(1200):
        detector.heard(number, number * HEARTBEAT)
    silence = detector.deadline_ns - 1199 * HEARTBEAT  # type: ignore[operator]
    assert silence == pytest.approx((20 + 1.2815516 * 1) * MS, abs=1000)


def test_excused_does_not_count_time_in_which_it_did_not_run() -> None:
    detector = ExcusedSilence(100 * MS)
    detector.heard(0, 0)
    detector.lagged(30 * MS, 80 * MS)
    assert detector.deadline_ns == 130 * MS
    detector.lagged(10 * MS, 100 * MS)  # too short to be excused
    assert detector.deadline_ns == 130 * MS
    detector.lagged(500 * MS, 625 * MS)  # but nobody is taken for heard in the future
    assert detector.deadline_ns == (130 + 500) * MS
    detector.heard(1, 626 * MS)
    detector.lagged(200 * MS, 700 * MS)  # began before it was heard
    assert detector.deadline_ns == 800 * MS


def test_excused_takes_back_no_suspicion_for_a_lag_that_came_after_it() -> None:
    detector = ExcusedSilence(100 * MS)
    detector.heard(0, 0)
    detector.lagged(30 * MS, 140 * MS)
    assert detector.deadline_ns == 100 * MS


def test_cautious_waits_longer_after_own_lag_and_less_so_as_time_passes() -> None:
    detector = CautiousSilence(100 * MS)
    detector.heard(0, 0)
    assert detector.deadline_ns == 100 * MS
    detector.lagged(45 * MS, 50 * MS)
    margin = detector.deadline_ns - 145 * MS  # type: ignore[operator]
    # by the definition: the silence has lasted when it exceeds time-out and margin of that moment
    assert margin == pytest.approx(2 * (45 * MS * math.exp(-(95 * MS + margin) / 2e9) - 5 * MS), abs=2)
    detector.heard(1, 20_000 * MS)
    assert detector.deadline_ns == 20_100 * MS


def test_cautious_counts_a_lag_for_80_ms_at_most() -> None:
    detector = CautiousSilence(100 * MS)
    detector.heard(0, 1000 * MS)
    detector.lagged(900 * MS, 1000 * MS)
    assert 100 * MS < detector.deadline_ns - 1000 * MS < 250 * MS  # type: ignore[operator]


# --- quality, by hand


def test_a_mistake_is_counted_with_its_length() -> None:
    found = quality(kind_named("fixed"), 50 * MS, life([0, 20, 100, 120], ended_ms=150))
    assert found.mistakes_ns.tolist() == [30 * MS]
    assert found.watched_ns == 150 * MS
    assert found.accuracy == pytest.approx(1 - 30 / 150)
    assert found.rate_per_h == pytest.approx(3600 / 0.150)


def test_a_mistake_that_is_open_when_the_trace_ends_is_a_mistake() -> None:
    found = quality(kind_named("fixed"), 50 * MS, life([0, 20, 40], ended_ms=400))
    assert found.mistakes_ns.tolist() == [310 * MS]
    assert found.accuracy == pytest.approx(1 - 310 / 400)


def test_a_mistake_that_a_death_makes_true_is_one_and_detects_at_once() -> None:
    found = quality(kind_named("fixed"), 50 * MS, life([0, 20], died_ms=80, ended_ms=900))
    assert found.mistakes_ns.tolist() == [10 * MS]
    assert found.detection_ns.tolist() == [0]


def test_suspecting_the_dead_is_no_mistake() -> None:
    found = quality(kind_named("fixed"), 50 * MS, life([0, 20, 140], died_ms=60, ended_ms=900))
    assert found.mistakes == 0
    assert found.watched_ns == 60 * MS
    assert found.detection_ns.tolist() == [(140 + 50 - 60) * MS]  # the last suspicion, not the one taken back


def test_a_death_that_is_not_noticed_in_time_is_missed() -> None:
    found = quality(kind_named("fixed"), 500 * MS, life([0, 20], died_ms=30, ended_ms=300))
    assert (found.detection_ns.tolist(), found.missed) == ([NEVER], 1)


def test_a_heartbeat_that_comes_after_its_own_deadline_takes_nothing_back() -> None:
    delayed = life([0, 20, 40, 300, 300.001, 300.002], sequence=[0, 1, 2, 3, 4, 5], ended_ms=320)
    found = quality(kind_named("chen"), 30 * MS, delayed)
    # the three that come at 300 ms were expected at 60, 80 and 100 ms; with them the expectation moves to 246 ms
    assert found.mistakes_ns.tolist() == [(320 - 90) * MS]


def test_lives_do_not_touch_each_other() -> None:
    apart = [life([0, 20, 40], died_ms=45, ended_ms=200), life([0, 20, 40], died_ms=45, ended_ms=200)]
    found = quality(kind_named("fixed"), 50 * MS, *apart)
    assert (found.mistakes, found.detection_ns.tolist()) == (0, [45 * MS, 45 * MS])
    assert found.watched_ns == 90 * MS


def test_a_watcher_that_does_not_run_concludes_nothing() -> None:
    paused = life([0, 20, 121], ended_ms=140, lags_ms=[(50, 120)])
    assert quality(kind_named("fixed"), 60 * MS, paused).mistakes_ns.tolist() == [1 * MS]
    assert quality(kind_named("excused"), 60 * MS, paused).mistakes == 0


# --- properties


@given(phase_ms=st.integers(0, 19), heartbeats=st.integers(2, 12))
def test_the_time_of_detection_is_the_time_out_less_the_phase(phase_ms: int, heartbeats: int) -> None:
    last_ms = (heartbeats - 1) * 20
    one = life([n * 20 for n in range(heartbeats)], died_ms=last_ms + phase_ms, ended_ms=last_ms + 900)
    assert quality(kind_named("fixed"), 240 * MS, one).detection_ns.tolist() == [(240 - phase_ms) * MS]
    assert quality(kind_named("chen"), 220 * MS, one).detection_ns.tolist() == [(240 - phase_ms) * MS]


@given(st.lists(lives(), min_size=1, max_size=3))
def test_more_patience_never_makes_more_mistakes_nor_detects_sooner(drawn: list[Life]) -> None:
    """Not so for Chen's estimator and phi: there a late heartbeat can move the next deadline forward."""
    timeline = make_timeline(trace(*drawn))
    for kind in (kind_named("fixed"), kind_named("excused"), kind_named("cautious")):
        over = kind.over(timeline)
        found = [judge(timeline, over(setting), RealDeaths(timeline)) for setting in kind.settings(HEARTBEAT)]
        for sooner, later in pairwise(found):
            assert later.mistakes <= sooner.mistakes
            assert later.mistakes_ns.sum() <= sooner.mistakes_ns.sum()
            assert (later.detection_ns >= sooner.detection_ns).all()


@given(st.lists(lives(), min_size=1, max_size=3), st.sampled_from(KINDS), st.integers(0, 20))
def test_the_quality_is_within_its_bounds(drawn: list[Life], kind: Kind, number: int) -> None:
    found = quality(kind, kind.settings(HEARTBEAT)[number], *drawn)
    assert 0 <= found.accuracy <= 1
    assert (found.mistakes_ns > 0).all()
    assert (found.detection_ns >= 0).all()
    assert len(found.detection_ns) == sum(one.died_ns is not None for one in drawn)
