"""Commands by what they print: for people, and as JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
sys.path.insert(0, str(Path(__file__).parent))
from command_line import SCENARIO, STACK, CommandLine
from literal_run import failing, passing, starved

from harness.cli import validate_command
from harness.engine import suite
from harness.engine.finished import code_of
from harness.engine.vocabulary import vocabulary
from harness.model.outcome import Outcome
from harness.scenario.schema import schema_text


def test_run_tells_the_timeline_and_the_verdicts_in_plain_lines(
    harness: CommandLine, canned: Callable[..., None]
) -> None:
    canned(passing())
    answer = harness("run", "--seed", "7")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0] == "outage (seed 7)"
    assert "   0.000s  orders begin to flow" in lines
    assert any(line.startswith("   2.001s  fault outage strikes (provider_outage") for line in lines)
    assert any("sentinel-bravo decides to fail over (epoch 2)" in line for line in lines)
    assert any(line.startswith("PASS  outage") for line in lines)
    assert "\x1b" not in answer.out
    told = [line for line in lines if line.strip()]
    assert len(told) == len(set(told)), "something is printed twice"


def test_run_writes_every_report(harness: CommandLine, canned: Callable[..., None], project: Path) -> None:
    canned(passing(), failing())
    answer = harness("run", "--repeat", "2")
    assert answer.code == 1
    assert {path.name for path in (project / "reports").iterdir()} == {
        "index.html",
        "junit.xml",
        "results.json",
        "summary.md",
    }
    latest = project / "runs" / "outage" / "latest"
    assert {"report.html", "report.md", "verdicts.json"} <= {path.name for path in latest.iterdir()}
    assert "reproduce: harness run scenarios/outage.yaml" in answer.out
    assert "judge again: harness check " in answer.out
    assert "report: reports/index.html" in answer.out
    results = json.loads((project / "reports" / "results.json").read_text())
    for run in results["runs"]:
        assert (project / "reports" / unquote(run["page"])).is_file()


def test_the_line_to_reproduce_repeats_what_was_asked(
    harness: CommandLine, canned: Callable[..., None], project: Path
) -> None:
    declared = "  defects: {lost: {caught_by: {outage: O2}, environment: {LOSE: '1'}}}\n"
    (project / "other.yml").write_text(STACK + declared)
    canned(failing())
    arguments = ("--seed", "7", "--set", "load.orders_per_s=100", "--defect", "lost", "--stack", "other.yml")
    out = harness("run", "scenarios/outage.yaml", *arguments).out
    assert f"reproduce: harness run scenarios/outage.yaml {' '.join(arguments)}\n" in out


def test_run_as_json_is_json_and_nothing_else(harness: CommandLine, canned: Callable[..., None]) -> None:
    canned(starved(), failing())
    answer = harness("run", "--json")
    assert answer.code == 1
    assert answer.json["outcome"] == "FAIL"
    assert [run["outcome"] for run in answer.json["runs"]] == ["FAIL"]
    assert "trying again" in answer.err


def test_what_cannot_be_run_here_is_told_and_code_9(
    harness: CommandLine, canned: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "why_not", lambda scenario, platform: "no pause here; use a Linux machine")
    answer = harness("run")
    assert answer.code == 9
    assert "NOT RUN  outage: no pause here; use a Linux machine" in answer.out


def test_stored_runs_are_judged_again_reported_and_explained(
    harness: CommandLine, canned: Callable[..., None], project: Path
) -> None:
    canned(passing())
    harness("run")
    checked = harness("check", "outage", "--json")
    assert checked.json["runs"][0]["scenario"] == "outage"
    assert checked.code == {"PASS": 0, "FAIL": 1, "UNKNOWN": 7}[checked.json["outcome"]]
    verdicts = project / "runs" / "outage" / "latest" / "verdicts.json"
    first = verdicts.read_bytes()
    assert harness("check", "outage").code == checked.code
    assert verdicts.read_bytes() == first
    assert [
        item["check"] for item in harness("check", "outage", "-k", "o2", "--json").json["runs"][0]["verdicts"]
    ] == ["order_integrity"]
    assert verdicts.read_bytes() == first
    reported = harness("report", "runs", "--json")
    assert reported.code == checked.code
    assert len(reported.json["runs"]) == 1
    story = harness("explain", "outage")
    assert story.code == 0
    assert harness("explain", "outage", "--json").json == story.out.splitlines()
    shutil.rmtree(project / "reports")
    assert "index.html" in harness("report", "runs").out


def test_a_run_that_was_never_judged_says_what_to_do(
    harness: CommandLine, canned: Callable[..., None], project: Path
) -> None:
    canned(passing())
    harness("run")
    (project / "runs" / "outage" / "latest" / "verdicts.json").unlink()
    answer = harness("explain", "outage")
    assert answer.code == 4
    assert "next: harness check " in answer.err
    assert "did you mean 'outage'?" in harness("check", "outge").err


def test_predicates_are_explained(harness: CommandLine) -> None:
    answer = harness("explain", "O12")
    assert answer.code == 0
    assert harness("explain", "O12", "--json").json == answer.out.splitlines()


def test_plan_and_dry_run_touch_nothing_and_agree(harness: CommandLine, project: Path) -> None:
    plan, dry = harness("plan"), harness("run", "--dry-run")
    assert (plan.code, dry.code) == (0, 0)
    assert plan.out == dry.out
    assert "2s  outage: provider_outage for 1s" in plan.out
    assert "5s  the load ends" in plan.out
    as_json = harness("run", "--dry-run", "--json").json
    assert as_json == harness("plan", "--json").json
    assert set(as_json[0]["touches"]) == {"outage"}
    assert not (project / "runs").exists()


def test_lists(harness: CommandLine) -> None:
    assert harness("list").out == "outage  A provider is lost.\n"
    assert harness("list", "--json").json == [
        {"name": "outage", "summary": "A provider is lost.", "tags": "gate", "file": "scenarios/outage.yaml"}
    ]
    faults = harness("list", "--faults", "--json").json
    assert "provider_outage" in [row["name"] for row in faults]
    assert "mode" in next(row["keys"] for row in faults if row["name"] == "provider_outage")
    checks = harness("list", "--checks", "--json").json
    assert {"failover_time", "order_integrity", "pricing_consistency"} <= {row["name"] for row in checks}
    assert "failover_time" in harness("list", "--checks").out


def test_doctor_and_heal(harness: CommandLine) -> None:
    answer = harness("doctor", "--json")
    assert answer.json["settings"]["platform"]["name"] == "process"
    assert answer.code == 0
    assert "machine" in harness("doctor").out
    assert harness("heal").out == "nothing was broken\n"
    assert harness("heal", "--json").json == []


def test_doctor_without_a_stack_says_so(harness: CommandLine, project: Path) -> None:
    (project / "docker-compose.yml").unlink()
    answer = harness("doctor", "--json")
    assert answer.code == 9
    assert "problem" in answer.json["settings"]["stack"]


def test_the_schema_is_printed_as_it_is_committed(harness: CommandLine) -> None:
    answer = harness("schema")
    assert answer.code == 0
    assert answer.json["$schema"]
    assert answer.out == schema_text(vocabulary())  # which a test of the schema holds to the committed file


def test_init_writes_a_scenario_that_is_valid(harness: CommandLine, project: Path) -> None:
    answer = harness("init", "mine")
    assert (answer.code, answer.out) == (
        0,
        "wrote scenarios/mine.yaml\n  next: harness run scenarios/mine.yaml\n",
    )
    assert harness("validate").out == "2 files, 2 scenarios: no mistake\n"


def test_mistakes_as_text_github_and_json(harness: CommandLine, project: Path) -> None:
    (project / "scenarios" / "outage.yaml").write_text(SCENARIO.replace("ends:", "end:"))
    text = harness("validate")
    assert text.code == 4
    assert "scenarios/outage.yaml:7:1: " in text.out
    assert "did you mean 'ends'?" in text.out
    assert "\n    ^~~\n" in text.out
    github = harness("validate", "--format", "github")
    assert github.out.splitlines()[-1].startswith("::error file=scenarios/outage.yaml,line=")
    as_json = harness("validate", "--json").json
    assert as_json["files"] == 1
    assert {problem["closest"] for problem in as_json["problems"]} >= {"ends"}


def test_mistakes_in_the_compose_file_are_printed_in_the_form_asked_for(
    harness: CommandLine, project: Path
) -> None:
    (project / "docker-compose.yml").write_text("services: [")
    (project / "scenarios" / "outage.yaml").write_text(SCENARIO.replace("ends:", "end:"))
    answer = harness("validate", "--format", "json")
    assert answer.code == 4
    files = {Path(problem["file"]).name for problem in answer.json["problems"]}
    assert files == {"docker-compose.yml", "outage.yaml"}, "one mistake hides another"
    github = harness("validate", "--format", "github")
    assert github.code == 4
    assert any("docker-compose.yml,line=1" in line for line in github.out.splitlines())


def test_what_is_not_there_is_told_with_a_next_step(harness: CommandLine, project: Path) -> None:
    no_predicate = harness("explain", "o99")
    assert no_predicate.code == 4
    assert "no predicate 'o99'" in no_predicate.err
    assert "O1, O2, O3" in no_predicate.err
    assert "did you mean 'O12'?" in harness("explain", "q12").err
    assert "harness run --out DIR" in harness("explain", "nosuch").err
    assert "next: name one that is there" in harness("list", "nosuch").err
    compose = harness("run", "docker-compose.yml")
    assert compose.code == 4
    assert compose.err.count("docker-compose.yml:1:1: ") == 1
    assert "this is no scenario file" in compose.err


def test_watching_survives_what_an_editor_does_and_ends_with_ctrl_c(
    harness: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, stack = project / "scenarios" / "outage.yaml", project / "docker-compose.yml"
    whole = stack.read_text()
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: file.write_text("scenario: [\n" + " " * 10),
        file.unlink,
        lambda: (project / "scenarios").rmdir(),
        lambda: (project / "scenarios").mkdir(),
        lambda: (stack.write_text("services: ["), file.write_text(SCENARIO)),
        lambda: (stack.write_text(whole), file.write_text(SCENARIO + "# done\n")),
    ]

    def next_step(_: float) -> None:
        if not steps:
            raise KeyboardInterrupt
        steps.pop(0)()

    monkeypatch.setattr(validate_command.time, "sleep", next_step)
    answer = harness("validate", "--watch")
    assert answer.code == 2
    assert answer.out.startswith("1 file, 1 scenario: no mistake\n")
    assert answer.out.rstrip().endswith("1 file, 1 scenario: no mistake")
    assert "docker-compose.yml:1:" in answer.out + answer.err


def test_a_demo_that_is_not_run_says_why(
    harness: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "why_not", lambda scenario, platform: "no pause here")
    answer = harness("demo")
    assert answer.code == 9
    assert "NOT RUN" in answer.out


def test_ctrl_c_while_a_report_is_written_still_writes_them_all(
    harness: CommandLine, canned: Callable[..., None], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    from harness.cli import running

    original = running.write_reports

    def interrupted(*arguments: object) -> Path:
        signal.raise_signal(signal.SIGINT)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "write_reports", interrupted)
    canned(passing(), passing())
    answer = harness("run", "--repeat", "2")
    assert answer.code == 2
    assert (project / "runs" / "outage" / "latest" / "report.html").exists()
    assert '"runs"' in (project / "reports" / "results.json").read_text()


def test_outcomes_of_the_judgements_are_the_codes() -> None:
    assert [int(code_of(outcome)) for outcome in Outcome] == [0, 1, 7, 9]
