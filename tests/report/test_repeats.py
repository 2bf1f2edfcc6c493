"""Repeated runs: counted whole, bounded exactly, and told alike in every format."""

from __future__ import annotations

import json
import math
from io import StringIO
from xml.etree import ElementTree as ET

import msgspec
import pytest
from literal_run import literal_run, passing, starved
from rich.console import Console

from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.model.shares import share_at_most
from harness.model.verdicts import Figure, Verdict
from harness.report.console import print_suite
from harness.report.failovers import failovers_of
from harness.report.html import suite_page
from harness.report.json import suite_json
from harness.report.judged import Judged, Retried, without_spoiled
from harness.report.junit import suite_xml
from harness.report.markdown import suite_markdown
from harness.report.repeats import repeats_of
from harness.report.repeats_told import percent_up, retried_text, told
from harness.report.suite import make_suite

NEVER = Judgement(Outcome.FAIL, (Verdict("failover_time", Outcome.FAIL, "never served again"),))
BUSY = "the generator fell behind by 80 ms"


def timed(value_ms: float, outcome: Outcome = Outcome.PASS, *, resolution: float | None = None) -> Judgement:
    figure = Figure("failover_time", value_ms, "ms", resolution=resolution)
    return Judgement(outcome, (Verdict("failover_time", outcome, f"{value_ms} ms", figures=(figure,)),))


def run(judgement: Judgement, seed: int, **meta: object) -> Judged:
    return Judged(literal_run(seed=seed, **meta).meta, judgement, f"runs/{seed}")


def rounds(*judgements: Judgement, **meta: object) -> tuple[Judged, ...]:
    return tuple(run(judgement, seed, **meta) for seed, judgement in enumerate(judgements))


TEN = rounds(*(timed(time) for time in (250, 251, 252, 253, 254, 256, 257, 258, 259)), starved())


def everywhere(runs: tuple[Judged, ...]) -> dict[str, str]:
    out = StringIO()
    print_suite(make_suite(runs), Console(file=out, width=200))
    return {
        "console": out.getvalue(),
        "page": suite_page(make_suite(runs)),
        "markdown": suite_markdown(make_suite(runs)),
        "json": suite_json(runs).decode(),
        "junit": suite_xml(runs).decode(),
    }


def test_ten_runs_are_told_in_a_few_lines() -> None:
    (repeats,) = repeats_of(TEN)
    assert told(repeats) == (
        "9 of 10 runs judged: 9 PASS, 1 UNKNOWN",
        "0 of 9 failed; at most 39.5% of all runs fail (exact one-sided 95 % bound)",
        (
            "failover time: n = 9, 1 unjudged; median 254 ms (250 ms to 259 ms); "
            "worst 259 ms, at most 39.5% of all runs are worse (95 % confidence)"
        ),
    )


def test_every_format_has_the_same_bound_median_and_worst() -> None:
    texts = everywhere(TEN)
    for name in ("console", "page", "markdown", "junit"):
        for part in ("39.5%", "254 ms", "259 ms", "250 ms to 259 ms", "9 PASS, 1 UNKNOWN", "1 unjudged"):
            assert part in texts[name], (name, part)
    (repeats,) = json.loads(texts["json"])["repeats"]
    assert repeats == {
        "name": "outage",
        "runs": 10,
        "judged": 9,
        "counts": {"PASS": 9, "FAIL": 0, "UNKNOWN": 1, "NOT_RUN": 0},
        "failure_at_most": pytest.approx(share_at_most(1, 10)),
        "retried": 0,
        "failover": {
            "n": 9,
            "unjudged": 1,
            "never": 0,
            "median_ms": 254,
            "median_between_ms": [250, 259],
            "worst_ms": 259,
            "worse_at_most": pytest.approx(share_at_most(1, 10)),
        },
    }


def test_a_failover_that_never_came_is_the_worst_and_not_left_out() -> None:
    runs = rounds(*(timed(time) for time in range(250, 259)), NEVER)
    (repeats,) = repeats_of(runs)
    times = repeats.failovers
    assert times is not None
    assert (len(times.times_ms), times.never, times.worst_ms, times.unjudged) == (10, 1, math.inf, 0)
    assert "worst never, not served again in 1 of 10, in at most 39.5% of all runs" in told(repeats)[2]
    assert told(repeats)[1].startswith("1 of 10 failed; at most 39.5%")
    found = json.loads(suite_json(runs))["repeats"][0]["failover"]
    assert (found["never"], found["worst_ms"], found["median_ms"]) == (1, None, 254)


def test_where_most_never_came_back_the_median_is_infinite_too() -> None:
    times = failovers_of([timed(250), NEVER, NEVER])
    assert times is not None
    assert times.median_ms == math.inf
    assert times.median_between_ms is None


def test_a_time_that_was_not_judged_is_no_sample() -> None:
    spoilt = msgspec.structs.replace(timed(9000, Outcome.UNKNOWN), reasons=(BUSY,))
    lost = Judgement(Outcome.FAIL, (Verdict("data_loss", Outcome.FAIL, "lost"), *spoilt.verdicts))
    (repeats,) = repeats_of(rounds(timed(250), timed(260), spoilt, lost))
    assert repeats.failovers is not None
    assert (repeats.failovers.times_ms, repeats.failovers.unjudged) == ((250, 260), 2)
    assert (repeats.judged, repeats.failed) == (3, 1)


def test_the_range_of_the_median_begins_at_the_least_that_times_can_have_been() -> None:
    times = failovers_of(timed(300, resolution=20) for _ in range(6))
    assert times is not None
    assert times.median_between_ms == (280, 300)


def test_slow_runs_that_the_machine_excused_do_not_flatter_the_bounds() -> None:
    """Only failures of timing are excused on a disturbed machine, so leaving them out would be a choice of the quick."""
    spoiled = Judged(literal_run().meta, starved(), "runs/spoiled")
    rerun = tuple(one.after(spoiled) for one in rounds(*(timed(250) for _ in range(20))))
    quick = tuple(run(timed(250), seed) for seed in range(20, 59))
    (repeats,) = repeats_of((*rerun, *quick))
    assert repeats.failovers is not None
    assert repeats.failure_at_most == share_at_most(20, 79)
    assert repeats.failovers.worse_at_most == share_at_most(20, 79)
    assert repeats.failovers.median_between_ms == (250, 250)


def test_in_virtual_time_one_seed_is_one_run_however_often() -> None:
    assert repeats_of(tuple(run(timed(250), 7, platform="sim", run_id=f"r{n}") for n in range(59))) == ()
    (real,) = repeats_of(tuple(run(timed(250), 7, run_id=f"r{n}") for n in range(59)))
    assert len(real.runs) == 59


def test_stored_attempts_are_told_as_their_suite_told_them() -> None:
    first = run(starved(), 7, run_id="first")
    second = run(starved(), 7, run_id="second", retry_of="first")
    third = run(passing(), 7, run_id="third", retry_of="second")
    other = run(passing(), 8, run_id="other", retry_of="elsewhere")
    assert without_spoiled((third, first, other, second)) == (third.after(second.after(first)), other)


def test_59_runs_bound_the_95th_percentile_and_58_do_not() -> None:
    for number, holds in ((58, False), (59, True)):
        times = failovers_of(timed(time) for time in range(number))
        assert times is not None
        assert (times.worse_at_most <= 0.05) is holds


def test_nothing_is_claimed_where_nothing_was_judged() -> None:
    runs = rounds(starved(), starved())
    unjudged = tuple(
        Judged(one.meta, Judgement(Outcome.UNKNOWN, (), reasons=(BUSY,)), one.path) for one in runs
    )
    (repeats,) = repeats_of(unjudged)
    assert told(repeats) == ("0 of 2 runs judged: 2 UNKNOWN", "nothing is known of failures")
    assert "nothing was judged" in suite_page(make_suite(unjudged))


@pytest.mark.parametrize(
    "other",
    [
        {"variables": {"mode": "dark"}},
        {"platform": "sim"},
        {"overrides": ("load.orders_per_s=9",)},
        {"defect": "no-fencing"},
        {"stack": "other"},
        {"document": {"timeout": "9s"}},
        {"versions": {"failover-harness": "9.9"}},
        {"machine": {"cpus": 64}},
    ],
)
def test_runs_that_were_asked_for_otherwise_are_not_put_together(other: dict[str, object]) -> None:
    both = (*rounds(timed(1), timed(2)), *rounds(timed(3), timed(4), **other))
    found = repeats_of(both)
    assert [len(one.runs) for one in found] == [2, 2]
    if "variables" in other or "platform" in other:
        assert len({one.name for one in found}) == 2


def test_the_seed_in_the_document_keeps_no_runs_apart() -> None:
    runs = tuple(run(timed(seed), seed, document={"seed": seed, "timeout": "9s"}) for seed in range(2))
    assert len(repeats_of(runs)) == 1


def test_a_suite_without_repeats_stays_as_short_as_it_was() -> None:
    runs = (run(passing(), 7), run(passing(), 7, scenario="other"))
    texts = everywhere(runs)
    assert json.loads(texts["json"])["repeats"] == []
    assert "system-out" not in texts["junit"]
    assert len(texts["console"].splitlines()) == 3
    for name in ("console", "page", "markdown"):
        assert not [word for word in ("retried", "judged", "at most") if word in texts[name]], name


def test_retried_attempts_are_counted_with_their_reason_everywhere() -> None:
    spoiled = Judged(literal_run().meta, starved(), "runs/spoiled")
    again = run(passing(), 7).after(spoiled)
    assert again.retried == (Retried(BUSY, "runs/spoiled"),)
    twice = run(passing(), 7).after(run(starved(), 7).after(spoiled))
    assert [one.path for one in twice.retried] == ["runs/spoiled", "runs/7"]
    texts = everywhere((again, run(passing(), 8)))
    for name in ("console", "page", "markdown", "junit"):
        assert f"1 attempt retried: {BUSY}" in texts[name], name
    assert "2 runs: 2 PASS; 1 attempt retried" in texts["console"]
    result = json.loads(texts["json"])
    assert (result["retried"], result["repeats"][0]["retried"]) == (1, 1)
    assert result["runs"][0]["retried"] == [{"why": BUSY, "path": "runs/spoiled"}]
    found = ET.fromstring(texts["junit"]).find("testsuite/properties/property[@name='retried']")
    assert found is not None


def test_many_reasons_are_told_short() -> None:
    retried = [Retried(f"stall {number}", "") for number in (1, 1, 2, 3)]
    assert retried_text(retried) == "4 attempts retried: stall 1; stall 2; and 1 other cause"
    assert retried_text([]) == ""


def test_a_bound_is_rounded_up_alone() -> None:
    assert [percent_up(share) for share in (0.39411, 0.394, 0.0, 1.0)] == ["39.5%", "39.4%", "0%", "100%"]


def test_hostile_names_of_repeats_are_escaped() -> None:
    runs = rounds(timed(1), timed(2), scenario="<script>|\x00")
    assert "<script>" not in suite_page(make_suite(runs))
    ET.fromstring(suite_xml(runs))
