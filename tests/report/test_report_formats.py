"""Reports are made from the history and the verdicts, and from nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from literal_run import failing, literal_events, literal_run, passing, starved
from rich.console import Console

from harness.history.journal import Journal
from harness.history.run import Run
from harness.model import events as e
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.model.verdicts import Figure, Verdict
from harness.report.advice import advice
from harness.report.console import print_run, print_suite
from harness.report.html import run_page, suite_page, write_run_page, write_suite_page
from harness.report.json import suite_json, write_suite_json
from harness.report.judged import Judged
from harness.report.junit import suite_xml, write_suite_xml
from harness.report.markdown import run_markdown, suite_markdown, write_markdown
from harness.report.page import format_figure, headline, make_page
from harness.report.story import tell
from harness.report.suite import make_suite


@pytest.fixture(scope="module")
def three() -> tuple[Judged, ...]:
    return (
        Judged(literal_run(scenario="fine").meta, passing(), "runs/fine", "fine.html"),
        Judged(
            literal_run(scenario="lost", variables={"mode": "dark"}).meta, failing(), "runs/lost", "lost.html"
        ),
        Judged(literal_run(scenario="slow").meta, starved(), "runs/slow", "slow.html"),
        Judged(
            literal_run(scenario="skew").meta,
            Judgement(Outcome.NOT_RUN, ()),
            "",
            why_not_run="this platform has no netem",
        ),
    )


def test_the_page_says_what_happened_and_how_to_see_it_again() -> None:
    html = run_page(make_page(literal_run(file="s.yaml", variables={"mode": "dark"}), failing()))
    assert "the order p-17, acknowledged at 2.104 s, is in no log" in html
    assert "harness run s.yaml --seed 7 --set mode=dark" in html
    assert "-k O2" in html
    assert html.index("order_integrity") < html.index("failover_time")


def test_the_page_needs_neither_network_nor_script() -> None:
    html = run_page(make_page(literal_run(), passing()))
    assert "<script" not in html
    assert "<link" not in html
    assert "src=" not in html
    assert "@import" not in html


def test_the_page_is_the_same_when_it_is_made_again() -> None:
    assert run_page(make_page(literal_run(), failing())) == run_page(make_page(literal_run(), failing()))


def test_hostile_names_are_escaped_in_every_format() -> None:
    name = "<script>alert(1)</script>|\x00"
    run = literal_run(scenario=name)
    assert "<script>alert" not in run_page(make_page(run, passing()))
    assert "<script>alert" not in suite_page(make_suite([Judged(run.meta, passing(), "p")]))
    ET.fromstring(suite_xml((Judged(run.meta, passing(), "p"),)))
    assert "\\|" in run_markdown(make_page(run, passing()))


def test_a_run_without_data_still_gets_a_page() -> None:
    run = Run(literal_run().meta, Journal(literal_events()[:1]))
    judgement = Judgement(Outcome.UNKNOWN, (), reasons=("the stack never got ready",))
    html = run_page(make_page(run, judgement))
    assert "the stack never got ready" in html
    assert "Nothing was judged" in html
    assert "No fault was injected" in html


def test_notes_tell_what_spoils_a_run() -> None:
    more = (
        e.FaultChanged(at_ns=9, fault_id="ramp", detail="+5 ms", first_effect_ns=9, last_effect_ns=9),
        e.FaultFailed(at_ns=10, fault_id="late", reason="nobody leads"),
        e.RunAborted(at_ns=11, cause="guard", reason="availability fell under 20 %"),
    )
    events = literal_events()
    missing = e.Collected(at_ns=12, replicas=0, quotes=0, accounts=0, missing=("engine-alpha: refused",))
    page = make_page(
        Run(literal_run().meta, Journal((*events[:-2], *more, missing), torn="line 9 is cut")), starved()
    )
    text = "\n".join(page.notes)
    for part in ("+5 ms", "guard", "engine-alpha: refused", "not whole", "stood still", "fell behind"):
        assert part in text
    assert [fault.failed for fault in page.faults] == ["", "nobody leads"]


def test_the_suite_puts_the_worst_first(three: tuple[Judged, ...]) -> None:
    suite = make_suite(three)
    assert [row.outcome for row in suite.rows] == [
        Outcome.FAIL,
        Outcome.UNKNOWN,
        Outcome.NOT_RUN,
        Outcome.PASS,
    ]
    assert suite.outcome is Outcome.FAIL
    html = suite_page(suite)
    assert html.index("lost") < html.index("slow") < html.index("fine")
    assert "this platform has no netem" in html


def test_json_has_each_run_in_the_order_it_ran(three: tuple[Judged, ...]) -> None:
    result = json.loads(suite_json(three))
    assert [run["scenario"] for run in result["runs"]] == ["fine", "lost", "slow", "skew"]
    assert result["counts"] == {"PASS": 1, "FAIL": 1, "UNKNOWN": 1, "NOT_RUN": 1}
    assert result["runs"][1]["verdicts"][1]["findings"][1]["predicate"] == "O2"


def test_junit_calls_unknown_an_error_and_never_a_skip(three: tuple[Judged, ...]) -> None:
    root = ET.fromstring(suite_xml(three))
    by_name = {suite.get("name"): suite for suite in root}
    assert by_name["lost[mode=dark-seed=7]"].get("failures") == "1"
    assert by_name["slow[seed=7]"].get("errors") == "1"
    assert by_name["slow[seed=7]"].get("skipped") == "0"
    assert by_name["skew[seed=7]"].get("skipped") == "1"
    failure = by_name["lost[mode=dark-seed=7]"].find("testcase/failure")
    assert failure is not None
    assert "reproduce: harness run" in (failure.text or "")


def test_a_run_that_a_suite_never_came_to_is_named_counted_and_no_skip(three: tuple[Judged, ...]) -> None:
    why = "the suite was stopped: somebody asked to stop"
    rows = (three[0], three[3], Judged.of_stopped(literal_run(scenario="never").meta, why))
    suite = make_suite(rows)
    assert suite.stopped == f"1 of 3 runs not run: {why}"
    assert make_suite(three).stopped == json.loads(suite_json(three))["stopped"] == ""
    assert json.loads(suite_json(rows))["stopped"] == suite.stopped
    out = StringIO()
    print_suite(suite, Console(file=out, width=160))
    assert f"2 NOT_RUN; 1 of 3 runs not run: {why}" in out.getvalue()
    assert suite_page(suite).count(why) == suite_markdown(suite).count(why) == 1
    by_name = {one.get("name"): one for one in ET.fromstring(suite_xml(rows))}
    found = {name: (one.get("errors"), one.get("skipped")) for name, one in by_name.items()}
    assert found == {
        "fine[seed=7]": ("0", "0"),
        "skew[seed=7]": ("0", "1"),
        "never[seed=7]": ("1", "0"),
    }


def test_a_cause_of_many_lines_is_told_whole_once_and_by_its_first_line_elsewhere() -> None:
    first = "the run was aborted (error): gateway ended before the stack was ready"
    unknown = tuple(Verdict(f"check-{number}", Outcome.UNKNOWN, "no data") for number in range(9))
    judgement = Judgement(
        Outcome.UNKNOWN, unknown, reasons=(f"{first}\n  its last line", "no load was started")
    )
    page = make_page(literal_run(), judgement)
    assert page.headline == f"Unknown: {first}."
    out = StringIO()
    print_run(page, Console(file=out, width=200))
    text = out.getvalue()
    assert (text.count(first), text.count("its last line")) == (2, 1)
    assert "\n  reproduce: " in text
    row = make_suite([Judged(literal_run().meta, judgement, "runs/x")])
    assert "its last line" not in suite_markdown(row) + suite_page(row)


def test_markdown_is_short_and_starts_with_what_needs_attention(three: tuple[Judged, ...]) -> None:
    text = suite_markdown(make_suite(three))
    assert text.index("**lost [mode=dark]** FAIL") < text.index("| fine |")
    assert "judge again: harness check runs/lost -k O2" in text
    assert "Failover: detect 239.0 ms" in run_markdown(make_page(literal_run(), failing()))


def test_the_console_tells_the_same(three: tuple[Judged, ...]) -> None:
    out = StringIO()
    console = Console(file=out, width=160)
    print_suite(make_suite(three), console)
    print_run(make_page(literal_run(), failing()), console)
    print_run(make_page(literal_run(), starved()), console)
    text = out.getvalue()
    assert "4 runs: 1 PASS, 1 FAIL, 1 UNKNOWN, 1 NOT_RUN" in text
    assert "detect 239.0 ms → decide 10.0 ms" in text
    assert "UNKNOWN: the generator fell behind by 80 ms" in text


def test_files_are_written_whole(tmp_path, three: tuple[Judged, ...]) -> None:  # type: ignore[no-untyped-def]
    write_suite_page(make_suite(three), tmp_path / "index.html")
    write_run_page(make_page(literal_run(), passing()), tmp_path / "run.html")
    write_suite_json(three, tmp_path / "results.json")
    write_suite_xml(three, tmp_path / "junit.xml")
    write_markdown("x", tmp_path / "s.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "index.html",
        "junit.xml",
        "results.json",
        "run.html",
        "s.md",
    ]


def test_the_story_is_in_the_order_of_time_and_ends_with_the_verdict() -> None:
    story = tell(literal_run(), passing())
    times = [float(line.split(" s", 1)[0]) for line in story[:-1]]
    assert times == sorted(times)
    assert any("first order is acknowledged in the new epoch" in line and "275 ms" in line for line in story)
    assert story[-1].startswith("Verdict: PASS")


def test_the_story_of_a_run_that_broke_off() -> None:
    events = (
        *literal_events()[:5],
        e.FaultFailed(at_ns=20, fault_id="x", reason="no"),
        e.ServiceExited(at_ns=30, service="feed-alpha", expected=False, code=1),
        e.RunAborted(at_ns=40, cause="interrupted", reason="Ctrl-C"),
    )
    story = "\n".join(tell(Run(literal_run().meta, Journal(events)), starved()))
    assert "could not be injected: no" in story
    assert "feed-alpha died by itself" in story
    assert "stopped (interrupted)" in story


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure("x", 274.0, "ms", resolution=5.0, samples=1000), "274 ms ± 5 ms (n = 1,000)"),
        (Figure("x", 0.12345678, "coin"), "0.1235 coin"),
        (Figure("x", 3.0, ""), "3"),
    ],
)
def test_figures_carry_their_resolution_and_sample_size(figure: Figure, text: str) -> None:
    assert format_figure(figure) == text


def test_the_headline_names_what_failed_and_what_is_unknown() -> None:
    unknown = Verdict("latency", Outcome.UNKNOWN, "too few samples")
    judgement = replace_verdicts(failing(), unknown)
    assert headline(judgement).endswith("failed: order_integrity; unknown: latency.")


def replace_verdicts(judgement: Judgement, *more: Verdict) -> Judgement:
    return msgspec.structs.replace(judgement, verdicts=(*judgement.verdicts, *more))


def test_a_row_keeps_what_it_needs(three: tuple[Judged, ...]) -> None:
    row = make_suite(three).rows[0]
    assert replace(row, name="other").failover_ms == 274.0


def test_the_line_to_reproduce_has_all_that_the_run_was_asked_with() -> None:
    asked = {
        "file": "s.yaml",
        "defect": "no-fencing",
        "overrides": ("load.orders_per_s=100", "mode=dark", "summary=two words"),
        "variables": {"mode": "dark"},
        "stack_file": "other/compose.yaml",
        "platform": "compose",
    }
    page = make_page(literal_run(**asked), failing())
    assert page.advice is not None
    assert page.advice.reproduce == (
        "harness run s.yaml --seed 7 --set load.orders_per_s=100 --set mode=dark --set 'summary=two words' "
        "--defect no-fencing --stack other/compose.yaml --platform compose"
    )
    assert "Planted on purpose: the defect <code>no-fencing</code>" in run_page(page)
    assert "Planted on purpose: the defect `no-fencing`" in run_markdown(page)
    assert "Planted" not in run_markdown(make_page(literal_run(), failing()))


def test_a_python_test_is_reproduced_by_pytest() -> None:
    meta = literal_run(
        test="tests/test_x.py::test_a[dark 1]", stack_file="reference", defect="no-fencing"
    ).meta
    told = advice(meta, failing(), run_path="runs/x")
    assert told is not None
    assert told.reproduce == (
        "pytest 'tests/test_x.py::test_a[dark 1]' --harness-seed 7 --harness-stack reference"
    )


def test_a_run_that_an_older_harness_wrote_still_loads() -> None:
    meta = literal_run().meta
    assert (meta.defect, meta.overrides, meta.stack_file, meta.test) == (None, (), "", "")


def test_runs_of_two_seeds_have_two_names(tmp_path: Path) -> None:
    runs = [literal_run(seed=seed) for seed in (7, 8)] + [literal_run(scenario="other", defect="no-fencing")]
    judged = [
        Judged.of(run, passing(), path="p").with_page(
            tmp_path / "runs/a b[m=1]/report.html", tmp_path / "reports"
        )
        for run in runs
    ]
    rows = make_suite(judged).rows
    assert [row.name for row in rows] == ["other [defect=no-fencing]", "outage [seed=7]", "outage [seed=8]"]
    assert {row.page for row in rows} == {"../runs/a%20b%5Bm%3D1%5D/report.html"}
    assert "file:" not in suite_page(make_suite(judged)) + suite_json(tuple(judged)).decode()
    root = ET.fromstring(suite_xml(tuple(judged)))
    assert [suite.get("name") for suite in root] == [
        "outage[seed=7]",
        "outage[seed=8]",
        "other[defect=no-fencing-seed=7]",
    ]
    assert [suite.get("time") for suite in root] == ["5.700"] * 3
    assert root.get("time") == "17.100"


def test_figures_are_numbers_in_junit(three: tuple[Judged, ...]) -> None:
    found = {node.get("name"): node.get("value") for node in ET.fromstring(suite_xml(three)).iter("property")}
    assert found["harness.failover_time.failover_time_ms"] == "274.0"


def test_one_is_not_told_as_many() -> None:
    run = Judged(literal_run().meta, passing(), "runs/x")
    assert suite_markdown(make_suite([run])).startswith("# ✅ 1 run: 1 PASS")
    assert "<h1>1 run</h1>" in suite_page(make_suite([run]))
    assert headline(passing()).endswith("the one check passed.")


@pytest.mark.parametrize("terminal", [False, True])
def test_lines_are_folded_on_a_terminal_alone(*, terminal: bool) -> None:
    out = StringIO()
    console = Console(file=out, width=60, force_terminal=terminal, color_system=None)
    summary = "a long story " * 10 + "with an end"
    judgement = Judgement(Outcome.FAIL, (Verdict("latency", Outcome.FAIL, summary),))
    print_run(make_page(literal_run(), judgement), console)
    print_suite(make_suite([Judged(literal_run().meta, judgement, "runs/x")]), console)
    lines = out.getvalue().splitlines()
    assert (f"  FAIL  latency  {summary}" in lines) is not terminal
    assert (lines[-1], any(line != line.rstrip() for line in lines) and not terminal) == (
        "1 run: 1 FAIL",
        False,
    )


def test_a_chart_says_nothing_finer_than_a_tenth_of_a_pixel() -> None:
    html = run_page(make_page(literal_run(), passing()))
    markup = "".join(re.findall(r"<(?:path|g|text|line)[^>]*>", html))
    assert re.search(r"\d\.\d{3}", markup) is None
    assert re.search("<path[^>]*aria-label", html) is None
    assert len(html) < 150_000
