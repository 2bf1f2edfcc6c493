"""Several watchers of the same senders: more figures, but no more deaths and no more of their lives."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from heartbeats import MS, life, trace

from harness.detectors.console import headline
from harness.detectors.curve import Curve, Point, measure
from harness.detectors.fixed import Fixed
from harness.detectors.intervals import rate_interval
from harness.detectors.json import curves_json
from harness.detectors.recorded import recorded
from harness.detectors.registry import parse_choice
from harness.detectors.trace import Distinct, Life, Trace
from harness.detectors.trace_file import Died, Ended, Heard, Watch, encode_rows
from harness.detectors.verdict import told_point
from harness.model.shares import bounded_by_worst, share_interval

KILLS = 30
PERIOD_MS = 2000
DIED_MS = 990


def lives(watcher: int, *, gap_ms: float = 20) -> list[Life]:
    """What one watcher hears of a sender that is killed every two seconds, each later by some more."""
    return [
        life(
            [start + watcher + at * gap_ms for at in range(int(DIED_MS // gap_ms))],
            ended_ms=start + PERIOD_MS - 10 + watcher,
            died_ms=start + DIED_MS,
            sender="victim",
        )
        for start in range(0, KILLS * PERIOD_MS, PERIOD_MS)
    ]


def measured(watched: Trace, shipped: str = "fixed:240ms") -> Curve:
    return measure(watched, shipped=parse_choice(shipped), seed=1, kinds=[Fixed()])


def shipped(curve: Curve) -> Point:
    assert curve.shipped is not None
    return curve.shipped


def test_thirty_kills_bound_what_thirty_kills_bound_by_however_many_they_are_seen() -> None:
    alone, both = measured(trace(*lives(0))), measured(trace(*lives(0), *lives(1)))
    assert (both.deaths, both.seen) == (KILLS, 2 * KILLS)
    one, two = shipped(alone), shipped(both)
    assert one.worst_bounds == two.worst_bounds == bounded_by_worst(KILLS) < 0.95
    assert one.missed == two.missed == share_interval(0, KILLS)
    assert told_point(two).startswith("T_D median ")
    assert "(n = 30, seen 60 times)" in told_point(two)
    assert headline(both).endswith(", 30 deaths, seen 60 times")


def test_the_range_of_the_median_goes_by_the_ranks_of_deaths() -> None:
    """Deaths that differ from one another, and watchers that don't: twice as many figures bound nothing closer."""
    varied = [
        life([number * 10_000, number * 10_000 + 20], ended_ms=number * 10_000 + 900,
             died_ms=number * 10_000 + 20 + number, sender="victim")
        for number in range(KILLS)
    ]  # fmt: skip
    one, two = shipped(measured(trace(*varied))), shipped(measured(trace(*varied, *varied)))
    assert one.median_between_ns == two.median_between_ns
    assert one.median_between_ns is not None
    assert one.median_between_ns[0] < one.median_ns < one.median_between_ns[1]


def test_a_life_that_two_watched_is_exposure_once() -> None:
    both = trace(*lives(0), *lives(0))
    assert both.distinct == Distinct(KILLS, both.watched_ns // 2, 2.0)
    assert shipped(measured(both)).rate == shipped(measured(trace(*lives(0)))).rate


def test_mistakes_of_two_watchers_prove_no_more_than_those_of_one() -> None:
    both = shipped(measured(trace(*lives(0, gap_ms=90), *lives(0, gap_ms=90)), "fixed:60ms"))
    assert both.quality.mistakes > 0
    hours, spread = both.quality.hours / 2, both.quality.spread
    assert both.rate.low == pytest.approx(rate_interval(both.quality.mistakes // 2, hours, spread=spread).low)


def test_senders_that_one_watcher_heard_each_are_all_exposure() -> None:
    apart = [life([0, 20, 40], ended_ms=100, sender=name) for name in ("alpha", "bravo")]
    assert trace(*apart).distinct == Distinct(0, 200 * MS, 1.0)
    later = life([500, 520], ended_ms=600, sender="alpha")
    assert trace(*apart, later).distinct == Distinct(0, 300 * MS, 1.0)


def test_the_files_of_a_folder_tell_of_one_death_each(tmp_path: Path) -> None:
    for number, name in enumerate(("one", "two")):
        rows = [Watch(0, 1, name, 20), Heard(10 + number, "a", 1), Died(35, "a"), Ended(90)]
        (tmp_path / f"{name}.ndjson").write_bytes(encode_rows(rows))
    watched = recorded(tmp_path)
    assert watched.deaths == 2
    assert watched.distinct == Distinct(1, 25, pytest.approx(49 / 25))  # type: ignore[arg-type]


def test_programs_are_told_both_numbers() -> None:
    (told,) = json.loads(curves_json([measured(trace(*lives(0), *lives(1)))]))["traces"]
    assert (told["deaths"], told["seen"]) == (KILLS, 2 * KILLS)
    assert told["distinct_hours"] == pytest.approx(told["hours"] / 2, rel=0.01)
    assert {(one["deaths"], one["seen"]) for one in told["settings"]} == {(KILLS, 2 * KILLS)}


def test_supposed_deaths_of_two_watchers_are_those_of_one() -> None:
    beats = [number * 20 for number in range(1000)]
    one = life(beats, ended_ms=20_000, sender="a")
    drawn = measured(trace(one, one))
    assert (drawn.supposed, drawn.deaths, drawn.seen) == (True, 20, 40)
