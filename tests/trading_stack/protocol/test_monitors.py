"""What each monitor takes for bad work of a primary that is alive, and what it leaves alone."""

from __future__ import annotations

import pytest
from sentinel_post import beat

from trading_stack.sentinel.messages import Heartbeat
from trading_stack.sentinel.monitors.gauge import Level
from trading_stack.sentinel.monitors.limits import LIMITS
from trading_stack.sentinel.monitors.panel import SUBJECTS, Panel, noteworthy, stuck
from trading_stack.simulation.network import MS

SECOND = 1000 * MS


def work(**figures: int) -> Heartbeat:
    return beat(own="alpha", **figures)


BAD = {
    "commits": work(stalled_ns=3 * SECOND, queued=1),
    "fsyncs": work(fsync_age_ns=2 * SECOND, write_age_ns=2 * SECOND),
    "queues": work(queued=20_000),
    "errors": work(requests=20, failed=10),
    "latencies": work(requests=20, latency_ns=2 * SECOND),
}
BETTER = {
    "commits": work(stalled_ns=3 * SECOND - 1, queued=1),
    "fsyncs": work(fsync_age_ns=2 * SECOND - 1, write_age_ns=2 * SECOND),
    "queues": work(queued=19_999),
    "errors": work(requests=200, failed=99),
    "latencies": work(requests=20, latency_ns=2 * SECOND - 1),
}
INNOCENT = {
    "nothing to commit": work(stalled_ns=0),
    "nothing to write for an hour": work(fsync_age_ns=3600 * SECOND),
    "a write after an hour without any": work(fsync_age_ns=3600 * SECOND, write_age_ns=10 * MS),
    "too few requests to be a rate": work(requests=19, failed=19),
    "too few requests to have a quantile": work(requests=19, latency_ns=60 * SECOND),
    "100 ms more on every link": work(stalled_ns=210 * MS, queued=80, requests=200, latency_ns=458 * MS),
    "a stall of 200 ms": work(stalled_ns=220 * MS, queued=50, write_age_ns=20 * MS, fsync_age_ns=220 * MS),
}


def heard(said: Heartbeat, *, for_s: float, panel: Panel | None = None, from_s: float = 0) -> Panel:
    panel = panel or Panel(LIMITS)
    for number in range(int(for_s * 50) + 1):
        panel.hear(said, int(from_s * SECOND) + number * 20 * MS)
    return panel


def test_every_subject_is_tried_here() -> None:
    assert [subject.name for subject in SUBJECTS] == list(BAD) == list(BETTER)


@pytest.mark.parametrize("name", BAD)
def test_bad_work_that_lasts_is_complained_of_and_no_other(name: str) -> None:
    panel = heard(BAD[name], for_s=6)
    assert panel.complaint() is not None
    assert {each for each, level in panel.levels.items() if level is Level.FAILING} == {name}


@pytest.mark.parametrize("name", BAD)
def test_bad_work_that_does_not_last_is_not(name: str) -> None:
    panel = heard(BAD[name], for_s=0.4)
    assert panel.complaint() is None
    assert not panel.at_rest


@pytest.mark.parametrize("name", BETTER)
def test_work_a_little_better_is_degraded_for_ever(name: str) -> None:
    panel = heard(BETTER[name], for_s=60)
    assert panel.complaint() is None
    assert panel.levels[name] is Level.DEGRADED


@pytest.mark.parametrize("name", INNOCENT)
def test_what_proves_nothing_is_not_even_noted(name: str) -> None:
    assert not noteworthy(INNOCENT[name], LIMITS)
    panel = heard(INNOCENT[name], for_s=60)
    assert panel.at_rest
    assert panel.complaint() is None


def test_good_work_for_a_while_takes_the_complaint_back() -> None:
    panel = heard(BAD["latencies"], for_s=6)
    heard(work(), for_s=1.9, panel=panel, from_s=6.02)
    assert panel.complaint() is not None
    heard(work(), for_s=0.2, panel=panel, from_s=7.94)
    assert panel.complaint() is None
    assert panel.at_rest


def test_a_complaint_says_what_fails_in_words() -> None:
    said = work(stalled_ns=4 * SECOND, queued=7, requests=100, failed=75)
    assert heard(said, for_s=6).complaint() == (
        "it works badly: nothing committed for 4000 ms, 75.0 % of the requests failed"
    )


def test_who_has_a_stuck_store_can_promise_nothing() -> None:
    assert stuck(BAD["fsyncs"], LIMITS)
    assert not stuck(BETTER["fsyncs"], LIMITS)
    assert not stuck(INNOCENT["nothing to write for an hour"], LIMITS)
