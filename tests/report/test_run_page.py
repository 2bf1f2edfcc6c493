"""What the page of a run shows: few words first, all of it one click away, and light enough to mail."""

from __future__ import annotations

import re
from itertools import pairwise

import msgspec
import pytest
from literal_run import (
    MS,
    ONSET,
    ZERO,
    failing,
    literal_events,
    literal_operations,
    literal_run,
    passing,
    starved,
)

from harness.history.columns import OPERATIONS
from harness.history.frames import frame_of_rows
from harness.history.journal import Journal
from harness.history.run import Run
from harness.model import events as e
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.model.verdicts import Evidence, Figure, Finding, Verdict
from harness.report.html import run_page
from harness.report.page import format_figure, headline, make_page
from harness.report.series import latency_series, service_spans, shades
from harness.report.targets import in_full, in_short

PROVIDERS = {
    f"{role}-{name}": name for role in ("engine", "gateway", "feed") for name in ("alpha", "bravo", "charlie")
}
SERVICES = ("feed-alpha", "engine-alpha", "gateway-alpha")
LINKS = (
    "clients--gateway-alpha-80",
    "feed-alpha--source-one-74",
    "engine-alpha--engine-bravo-71",
    "engine-charlie--engine-alpha-71",
)


def run_with(*more: e.Event, drop: type[e.Event] | None = None) -> Run:
    kept = tuple(event for event in literal_events() if drop is None or not isinstance(event, drop))
    return Run(literal_run().meta, Journal((*kept, *more)), tables={"operations": literal_operations()})


def reset(fault_id: str, targets: tuple[str, ...] = ("a--b-1",)) -> e.FaultInjected:
    at_ns = ONSET + 1000 * MS
    return e.FaultInjected(
        at_ns=at_ns,
        fault_id=fault_id,
        fault="connection_reset",
        targets=targets,
        primary="alpha",
        epoch=2,
        asked_ns=at_ns,
        first_effect_ns=at_ns,
        last_effect_ns=at_ns + MS,
        parameters={},
    )


@pytest.mark.parametrize(
    ("targets", "told"),
    [
        (("engine-alpha",), "engine-alpha"),
        (SERVICES, "feed-alpha, engine-alpha, gateway-alpha"),
        ((*SERVICES, *LINKS), "3 services and 4 links of alpha"),
        ((*SERVICES, "engine-bravo"), "4 services of alpha and bravo"),
        (LINKS, "4 links of alpha"),
        (tuple(f"engine-alpha--engine-bravo-{port}" for port in range(5)), "5 links alpha–bravo"),
        (
            tuple(f"clients--gateway-{name}-80" for name in ("alpha", "bravo", "charlie", "charlie")),
            "4 links of alpha, bravo and charlie",
        ),
        (("x", "y", "z", "x--y-1"), "3 services and 1 link"),
        (("x--y-1", "x--z-1", "y--z-1", "z--x-1"), "4 links"),
    ],
)
def test_many_targets_are_told_in_few_words(targets: tuple[str, ...], told: str) -> None:
    assert in_short(targets, PROVIDERS) == told


def test_the_full_list_has_every_target_once_services_first() -> None:
    groups = in_full((*LINKS, *SERVICES, "source-one"), PROVIDERS)
    assert sorted(name for names in groups.values() for name in names) == sorted(
        (*LINKS, *SERVICES, "source-one")
    )
    assert list(groups)[:2] == ["services of alpha", "services"]
    assert groups["links alpha–charlie"] == ("engine-charlie--engine-alpha-71",)


def test_the_page_folds_what_a_fault_struck_and_what_proves_it() -> None:
    started = tuple(
        e.ServiceStarted(at_ns=1, service=service, provider=provider, role="any", pid=1)
        for service, provider in PROVIDERS.items()
    )
    proof = e.FaultEvidence(
        at_ns=ONSET,
        fault_id="cut",
        subject=", ".join(LINKS),
        source="far_end",
        fact="silence",
        convincing=False,
    )
    html = run_page(make_page(run_with(*started, reset("cut", (*SERVICES, *LINKS)), proof), passing()))
    folded = re.findall(r'<details class="fold"><summary>(.*?)</summary>(.*?)</details>', html, re.DOTALL)
    struck = dict(folded)["Struck: 3 services and 4 links of alpha"]
    assert all(struck.count(name) == 1 for name in ("feed-alpha,", *LINKS))
    assert (
        "4 links of alpha <span>(far end)</span>"
        in dict(folded)["Proved by 1 reading, <b>1 not convincing</b>"]
    )


def test_a_fault_that_is_over_at_once_shades_nothing() -> None:
    found = {shade.fault_id: shade for shade in shades(run_with(reset("blip")))}
    assert found["blip"].end_s - found["blip"].start_s == pytest.approx(0.001)
    page = make_page(run_with(reset("blip")), passing())
    assert [fault.lifted for fault in page.faults] == ["4.004 s", "over at once"]


def test_a_fault_whose_end_nobody_saw_shades_all_that_follows() -> None:
    broken = run_with(e.RunAborted(at_ns=9**12, cause="killed", reason="?"), drop=e.FaultHealed)
    (shade,) = shades(broken)
    assert shade.end_s > 4.9
    assert [fault.lifted for fault in make_page(broken, starved()).faults] == ["not seen"]


def test_spans_of_service_join_neighbours_and_part_where_an_answer_was_late() -> None:
    spans = service_spans(literal_run())
    ends = spans.groupby("through")["end_s"].shift()
    followed = ends.notna()
    assert (spans.loc[followed, "start_s"] == ends[followed]).all()
    assert (spans["answered"] != spans.groupby("through")["answered"].shift()).all()
    one = spans[spans["through"] == spans["through"].iloc[0]]
    assert one["answered"].iloc[0] == one["answered"].iloc[-1] == "all"
    late = one[one["answered"] != "all"]
    assert late["start_s"].min() == pytest.approx(2.0, abs=0.1)
    assert late["end_s"].max() == pytest.approx(
        2.05, abs=0.1
    )  # due 25 ms after the onset, answered 250 ms later


def test_fewer_bins_make_a_lighter_chart_over_the_same_time() -> None:
    wide, narrow = (latency_series(literal_run(), most_bins=bins) for bins in (50, 10))
    assert len(narrow) < len(wide)
    assert narrow["worst_ms"].max() == wide["worst_ms"].max()


def long_run(duration_s: int = 20) -> Run:
    """Four streams of probes, 50 a second each, whose latencies differ from one to the next."""
    rows = [
        {
            "op": number * 4 + place,
            "purpose": "probe",
            "gateway": f"gateway-{place}",
            "kind": "new",
            "intended_ns": ZERO + number * 20 * MS,
            "completed_ns": ZERO + number * 20 * MS + (1 + number * 37 % 41) * MS,
            "outcome": "ok",
        }
        for number in range(duration_s * 50)
        for place in range(4)
    ]
    operations = frame_of_rows(OPERATIONS, rows)
    return Run(literal_run().meta, Journal(literal_events()), tables={"operations": operations})


def test_a_page_stays_light_however_long_the_run() -> None:
    html = run_page(make_page(long_run(), passing()))
    assert len(html) < 100_000
    assert html.count("<path") < 120  # one a line, not one a point


def test_names_in_charts_are_escaped_and_kept() -> None:
    name = 'x" class="y<b>'
    html = run_page(make_page(run_with(reset(name)), passing()))
    assert "y<b>" not in html
    svg = re.search(r"<svg.*?</svg>", html, re.DOTALL)
    assert svg is not None
    assert 'x" class="y&lt;b&gt;' in svg[0].replace("&quot;", '"')


def test_the_phases_stand_one_after_another_and_fill_the_bar() -> None:
    html = run_page(make_page(literal_run(), passing()))
    bars = [(float(a), float(b)) for a, b in re.findall(r"margin-left:([\d.]+)%;width:([\d.]+)%", html)]
    assert len(bars) == 5
    for (start, length), (following, _) in pairwise(bars):
        assert start + length == pytest.approx(following, abs=0.02)
    assert sum(bars[-1]) == pytest.approx(100, abs=0.02)
    assert html.count("detect") == 1  # not once more among the figures


def test_evidence_tells_when_and_the_rest_of_it_is_one_click_away() -> None:
    facts = tuple(
        Evidence(f"order {number} is gone", at_ns=ONSET, rows=(f"operations:{number}",))
        for number in range(5)
    )
    passed = Finding("O1", Outcome.PASS, "fine")
    verdict = Verdict(
        "order_integrity",
        Outcome.FAIL,
        "broken",
        findings=(passed, Finding("O2", Outcome.FAIL, "lost", evidence=facts)),
    )
    html = run_page(make_page(literal_run(), Judgement(Outcome.FAIL, (verdict,))))
    assert html.index("O2</span>") < html.index("O1</span>")
    assert "<li><time>2.000 s</time> order 0 is gone" in html
    before, after = html.split("<summary>2 more</summary>")
    assert "order 2 is gone" in before
    assert all(f"order {number} is gone" in after for number in (3, 4))


def test_what_failed_stands_open_and_what_passed_is_folded() -> None:
    html = run_page(make_page(literal_run(), failing()))
    opened = re.findall(r'<details class="row" open>.*?<span class="name">(\w+)', html, re.DOTALL)
    assert opened == ["order_integrity", "failover_time"]


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        (Figure("x", 69.67, "ms", resolution=20.0), "70 ms ± 20 ms"),
        (Figure("x", 1450.229, "ms", resolution=20.0, samples=50), "1,450 ms ± 20 ms (n = 50)"),
        (Figure("x", 12345.6, "ms"), "12,346 ms"),
        (Figure("x", 4.1, "ms", samples=1), "4.1 ms (n = 1)"),
        (Figure("x", 0.98765, "", resolution=0.001), "0.9877 ± 0.001"),
        (
            Figure("x", 276.2, "ms", resolution=11.02, samples=1, one_sided=True),
            "276 ms, up to 12 ms less (n = 1)",
        ),
        (Figure("x", 27.65, "ms", resolution=0.5, one_sided=True), "27.65 ms, up to 0.5 ms less"),
        (Figure("x", 18.4, "ms", resolution=18.4, one_sided=True), "18 ms, up to 18 ms less"),
        (Figure("x", 0.0, "ms", resolution=0.0, samples=1, one_sided=True), "0 ms (n = 1)"),
    ],
)
def test_figures_are_no_finer_than_what_could_be_seen(figure: Figure, told: str) -> None:
    assert format_figure(figure) == told


def test_a_run_that_is_unknown_as_a_whole_says_why_and_not_which_checks() -> None:
    verdicts = (msgspec.structs.replace(starved().verdicts[0], outcome=Outcome.UNKNOWN),)
    told = headline(Judgement(Outcome.UNKNOWN, verdicts, reasons=("the fault had no effect",)))
    assert told == "Failed over in 274 ms, up to 5 ms less (n = 1); unknown: the fault had no effect."


def test_the_reason_of_a_run_that_is_unknown_as_a_whole_is_told_once() -> None:
    why = "the fault had no effect"
    verdicts = tuple(
        Verdict(check, Outcome.UNKNOWN, f"it would be PASS (fine), but {why}")
        for check in ("latency", "recovery")
    )
    html = run_page(make_page(literal_run(), Judgement(Outcome.UNKNOWN, verdicts, reasons=(why,))))
    page, _, notes = html.partition("<h2>Notes</h2>")
    assert page.count(why) == notes.count(why) == 1
    assert page.count("it would be PASS (fine)<") == 2
