"""The curve, where the shipped setting stands, and what is told of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from heartbeats import HEARTBEAT, MS, life, trace

from harness.detectors.curve import Curve, Point, beaten_by, measure
from harness.detectors.json import curves_json
from harness.detectors.page import detectors_page
from harness.detectors.quality import NEVER, Quality
from harness.detectors.registry import KINDS, Choice, kind_named, parse_choice
from harness.detectors.simulation import simulate
from harness.detectors.table import budgets, offers, told_budget
from harness.detectors.trace import HOUR_NS, Distinct, Trace, ints
from harness.detectors.verdict import beaten_everywhere, overall, stands, told_point, verdict_line
from harness.detectors.world import ROUGH
from harness.model.errors import UsageError


def point(text: str, *, median_ms: float, worst_ms: float, mistakes: int, hours: float = 10) -> Point:
    times = ints([round(median_ms * MS)] * 2 + [round(worst_ms * MS)])
    watched_ns = round(hours * HOUR_NS)
    quality = Quality(watched_ns, ints([5 * MS] * mistakes), times, 1.0)
    return Point(parse_choice(text), quality, Distinct(3, watched_ns, 1.0))


def curve(shipped: Point, *points: Point, watched: Trace | None = None) -> Curve:
    return Curve(watched or trace(life([0], ended_ms=1)), 3, 3, False, points, shipped)


SHIPPED = point("fixed:240ms", median_ms=230, worst_ms=250, mistakes=2)


@pytest.mark.parametrize(
    ("other", "better"),
    [
        (point("fixed:200ms", median_ms=190, worst_ms=210, mistakes=2), True),
        (point("chen:220ms", median_ms=230, worst_ms=250, mistakes=1), True),
        (point("chen:220ms", median_ms=230, worst_ms=250, mistakes=2), False),  # as good
        (point("chen:220ms", median_ms=229.5, worst_ms=250, mistakes=2), False),  # half a millisecond
        (point("phi:8", median_ms=30, worst_ms=251, mistakes=0), False),  # later at worst
        (point("fixed:100ms", median_ms=90, worst_ms=110, mistakes=3), False),  # wrong more often
        (point("fixed:1s", median_ms=990, worst_ms=1010, mistakes=0), False),  # later
    ],
)
def test_a_setting_is_beaten_by_what_is_nowhere_worse(other: Point, *, better: bool) -> None:
    assert other.beats(SHIPPED) is better
    assert beaten_by(SHIPPED, [other]) == ([other] if better else [])


def test_the_verdict_says_by_what_the_shipped_setting_is_dominated() -> None:
    first = point("chen:180ms", median_ms=200, worst_ms=220, mistakes=1)
    second = point("fixed:200ms", median_ms=190, worst_ms=210, mistakes=2)
    line = verdict_line(curve(SHIPPED, second, first, SHIPPED))
    assert line == (
        "fixed:240ms: T_D median 230 ms, worst 250 ms (n = 3); 2 mistakes in 10 h, 0.2/h (95 %: 0.024 to 0.72); "
        "dominated by chen:180ms (T_D median 200 ms, worst 220 ms; 1 mistake) and 1 other setting"
    )
    assert stands(curve(SHIPPED, SHIPPED)).startswith("on the front")


def test_no_mistake_is_told_as_a_bound() -> None:
    told = told_point(point("fixed:500ms", median_ms=490, worst_ms=510, mistakes=0))
    assert told.endswith("no mistake in 10 h, under 0.3/h (95 %)")


def test_over_several_traces_only_what_is_nowhere_worse_is_better() -> None:
    good_here = point("fixed:200ms", median_ms=190, worst_ms=210, mistakes=2)
    bad_there = point("fixed:200ms", median_ms=190, worst_ms=210, mistakes=9)
    same_there = point("fixed:200ms", median_ms=230, worst_ms=250, mistakes=2)
    here, bad, same = curve(SHIPPED, good_here), curve(SHIPPED, bad_there), curve(SHIPPED, same_there)
    assert beaten_everywhere([here, bad]) == []
    assert overall([here, bad]).startswith("No setting is better on all 2 traces")
    assert beaten_everywhere([here, same]) == ["fixed:200ms"]
    assert beaten_everywhere([same, same]) == []
    assert overall([here]) == "Better on this trace, or nowhere worse: fixed:200ms."


def test_the_front_is_what_nothing_beats() -> None:
    sooner = point("fixed:100ms", median_ms=90, worst_ms=110, mistakes=9)
    beaten = point("chen:100ms", median_ms=95, worst_ms=110, mistakes=9)
    drawn = curve(SHIPPED, sooner, beaten, SHIPPED)
    assert drawn.front == (sooner, SHIPPED)


def test_each_kind_has_its_soonest_setting_for_each_budget() -> None:
    points = (
        point("fixed:100ms", median_ms=90, worst_ms=110, mistakes=90),
        point("fixed:200ms", median_ms=190, worst_ms=210, mistakes=8),
        SHIPPED,
        point("phi:8", median_ms=30, worst_ms=60, mistakes=5000),
    )
    watched = trace(life([0], ended_ms=10 * 3600 * 1000))
    drawn = curve(SHIPPED, *points, watched=watched)
    assert [told_budget(budget) for budget in budgets(drawn)] == [
        "at most 100/h",
        "at most 10/h",
        "at most 1/h",
        "none seen",
    ]
    rows = {
        offer.kind.name: [str(one.choice) if one else None for one in offer.points] for offer in offers(drawn)
    }
    assert rows["fixed"] == ["fixed:100ms", "fixed:100ms", "fixed:200ms", None]
    assert rows["phi"] == [None] * 4


def test_a_trace_without_deaths_has_supposed_ones() -> None:
    beats = [number * 20 for number in range(1000)]
    drawn = measure(trace(life(beats, ended_ms=20_000)), shipped=parse_choice("fixed:240ms"), seed=1)
    assert (drawn.supposed, drawn.deaths) == (True, 20)
    assert drawn.shipped is not None
    assert 220 * MS < drawn.shipped.median_ns < 240 * MS
    assert 220 * MS < drawn.shipped.worst_ns <= 240 * MS
    assert verdict_line(drawn).startswith("fixed:240ms: ")


def test_a_trace_too_short_for_a_supposed_death_is_measured_all_the_same() -> None:
    drawn = measure(trace(life([0, 20, 40], ended_ms=60)), shipped=parse_choice("phi:8"), seed=1)
    assert drawn.deaths == 0
    assert drawn.shipped is not None
    assert (drawn.shipped.median_ns, drawn.shipped.median_between_ns) == (NEVER, None)
    assert "not noticed" in verdict_line(drawn)
    assert "nan" not in detectors_page([drawn])


@pytest.fixture(scope="module")
def rough() -> Curve:
    watched = simulate(ROUGH, hours=0.2, deaths=20, heartbeat_ns=HEARTBEAT, seed=7)
    return measure(watched, shipped=parse_choice("cautious:240ms"), seed=7)


def test_every_kind_and_setting_is_measured_on_the_same_heartbeats(rough: Curve) -> None:
    assert len(rough.points) == sum(len(kind.settings(HEARTBEAT)) for kind in KINDS)
    assert {point.quality.watched_ns for point in rough.points} == {rough.trace.watched_ns}
    assert {len(point.quality.detection_ns) for point in rough.points} == {20}
    assert rough.shipped is not None
    swept = next(point for point in rough.points if str(point.choice) == "cautious:240ms")
    assert (rough.shipped.median_ns, rough.shipped.quality.mistakes) == (
        swept.median_ns,
        swept.quality.mistakes,
    )


def test_programs_get_every_setting(rough: Curve) -> None:
    answer = json.loads(curves_json([rough]))
    (told,) = answer["traces"]
    assert (told["trace"], told["deaths"], told["supposed"]) == ("rough", 20, False)
    assert len(told["settings"]) == len(rough.points)
    assert told["shipped"]["setting"]["name"] == "cautious:240ms"
    assert told["shipped"]["dominated_by"] == [
        str(one.choice) for one in beaten_by(rough.shipped, rough.points)
    ]  # type: ignore[arg-type]
    for setting in told["settings"]:
        low, high = setting["rate_per_h_95"]
        assert low <= setting["rate_per_h"] <= high
        assert setting["t_d_median_ns"] <= setting["t_d_worst_ns"]


def test_the_page_shows_verdict_charts_and_sample_sizes(rough: Curve) -> None:
    page = detectors_page([rough])
    assert page.count("<svg") == 2
    for text in (
        "cautious:240ms",
        "T_D of 20 deaths",
        "mistakes an hour",
        "none seen",
        "How to read this",
        "(n",
    ):
        assert text in page or text == "(n"
    assert "nan" not in page
    assert "<script" not in page


def test_a_page_escapes_what_comes_from_files() -> None:
    hostile = Trace("<b>x", "<i>told", HEARTBEAT, (life([0, 20, 40], died_ms=45, ended_ms=9000),))
    page = detectors_page([measure(hostile, shipped=None, seed=1)])
    assert "<b>x" not in page
    assert "<i>told" not in page
    assert "No shipped setting was named" in page


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fixd:240ms", "did you mean 'fixed'?"),
        ("fixed", "has no setting"),
        ("fixed:240", "write fixed:240ms"),
        ("fixed:-1ms", "is no setting of fixed"),
        ("phi:0", "is no setting of phi"),
        ("phi:1000", "is no setting of phi"),
        ("phi:nan", "is no setting of phi"),
        ("chen:", "write chen:240ms"),
    ],
)
def test_a_setting_that_is_none_is_told(text: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_choice(text)
    assert told in str(caught.value)


def test_settings_are_written_as_they_are_read() -> None:
    assert str(parse_choice("cautious:240ms")) == "cautious:240ms"
    assert str(parse_choice("phi:8")) == "phi:8"
    assert str(Choice(kind_named("fixed"), 1e9)) == "fixed:1s"
