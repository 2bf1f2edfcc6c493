"""A suite that is cut short tells the truth: every planned run has a row, and nothing of an earlier suite survives."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import Answer, CommandLine
from literal_run import failing, passing, starved

from harness.cli import running
from harness.engine import suite
from harness.engine.finished import Finished
from harness.model.outcome import ExitCode
from harness.report import written

Canned = Callable[..., None]
REPORTS = {"index.html", "junit.xml", "results.json", "summary.md"}
STALE = "of an earlier suite"


def interrupted(finished: Finished) -> Finished:
    return replace(finished, exit_code=ExitCode.INTERRUPTED)


def unhealed(finished: Finished) -> Finished:
    return replace(finished, exit_code=ExitCode.HEAL_FAILED, left=("engine-alpha",))


def broken(finished: Finished) -> Finished:
    return replace(finished, exit_code=ExitCode.INTERNAL, broke=ZeroDivisionError("of the harness"))


def full(path: str) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


@pytest.fixture
def reports(project: Path) -> Iterator[Path]:
    """A folder with the reports of an earlier suite; none of them is there in the end."""
    folder = project / "reports"
    folder.mkdir()
    for name in REPORTS:
        (folder / name).write_text(STALE)
    yield folder
    assert not [path.name for path in folder.iterdir() if STALE in path.read_text()]


def results(reports: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((reports / "results.json").read_text())
    return found


def rows(reports: Path) -> list[tuple[int, str, str]]:
    seeds = [run["seed"] for run in results(reports)["runs"]]
    return [
        (seed - seeds[0], run["outcome"], run["why_not_run"])
        for seed, run in zip(seeds, results(reports)["runs"], strict=True)
    ]


def three(harness: CommandLine, *more: str) -> Answer:
    return harness("run", "--repeat", "3", "--seed", "7", *more)


ASKED = "the suite was stopped: somebody asked to stop"


def test_runs_that_a_ctrl_c_kept_from_starting_are_named_and_counted_everywhere(
    harness: CommandLine, canned: Canned, reports: Path
) -> None:
    canned(passing(), interrupted)
    answer = three(harness)
    assert answer.code == 2
    assert rows(reports) == [(0, "PASS", ""), (1, "PASS", ""), (2, "NOT_RUN", ASKED)]
    assert results(reports)["counts"] == {"PASS": 2, "FAIL": 0, "UNKNOWN": 0, "NOT_RUN": 1}
    assert results(reports)["stopped"] == f"1 of 3 runs not run: {ASKED}"
    assert f"NOT_RUN  outage [seed=9]  {ASKED}" in answer.out.splitlines()
    assert answer.out.splitlines()[-2:] == [
        f"3 runs: 2 PASS, 1 NOT_RUN; 1 of 3 runs not run: {ASKED}",
        "report: reports/index.html",
    ]
    for name in ("index.html", "summary.md"):
        assert "outage [seed=9]" in (reports / name).read_text()
        assert ASKED in (reports / name).read_text()


def test_a_run_that_never_began_is_an_error_in_junit_and_no_skip(
    harness: CommandLine, canned: Canned, reports: Path
) -> None:
    canned(interrupted)
    three(harness)
    suites = list(ET.fromstring((reports / "junit.xml").read_bytes()))
    assert [(one.get("name"), one.get("errors"), one.get("skipped")) for one in suites] == [
        ("outage[seed=7]", "0", "0"),
        ("outage[seed=8]", "1", "0"),
        ("outage[seed=9]", "1", "0"),
    ]
    error = suites[1].find("testcase/error")
    assert error is not None
    assert (error.get("type"), error.get("message")) == ("NOT_RUN", f"NOT_RUN: {ASKED}")


def test_what_was_not_healed_keeps_the_others_from_starting(
    harness: CommandLine, canned: Canned, reports: Path
) -> None:
    canned(unhealed)
    answer = three(harness, "--json")
    assert answer.code == 10
    assert [run["outcome"] for run in answer.json["runs"]] == ["PASS", "NOT_RUN", "NOT_RUN"]
    assert "healing failed" in answer.json["stopped"]
    assert answer.json == results(reports)


def test_a_full_disk_before_the_first_run_begins_is_not_run(
    harness: CommandLine, canned: Canned, reports: Path
) -> None:
    canned(full("runs/outage"))
    answer = three(harness)
    assert answer.code == 9
    why = "the suite was stopped: No space left on device (runs/outage)"
    assert rows(reports) == [(number, "NOT_RUN", why) for number in range(3)]
    assert (
        "harness: No space left on device (runs/outage)\n  next: free some disk space, or name another folder with --out"
        in answer.err
    )


def test_a_bug_in_the_middle_keeps_what_was_known(
    harness: CommandLine, canned: Canned, reports: Path, project: Path
) -> None:
    canned(failing(), broken)
    answer = three(harness)
    assert answer.code == 3
    assert [(outcome, bool(why)) for _, outcome, why in rows(reports)] == [
        ("FAIL", False),
        ("PASS", False),
        ("NOT_RUN", True),
    ]
    assert "internal error: ZeroDivisionError: of the harness" in rows(reports)[2][2]
    assert "harness: internal error: ZeroDivisionError: of the harness\n  next: report it with" in answer.err
    assert len(list((project / "state" / "crashes").iterdir())) == 1


def test_the_worst_code_wins_whatever_stopped_the_suite(
    harness: CommandLine, canned: Canned, reports: Path
) -> None:
    canned(failing(), full("runs/outage"))
    assert three(harness).code == 1


def test_a_run_that_was_to_be_tried_again_is_what_it_came_to_first(
    harness: CommandLine, canned: Canned, reports: Path
) -> None:
    canned(starved(), full("runs/outage"))
    assert three(harness).code == 7
    assert [outcome for _, outcome, _ in rows(reports)] == ["UNKNOWN", "NOT_RUN", "NOT_RUN"]
    assert results(reports)["runs"][0]["page"].endswith("report.html")


def test_a_page_that_cannot_be_written_stops_the_suite_and_its_run_keeps_its_row(
    harness: CommandLine, canned: Canned, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Path:
        raise full("report.html")

    monkeypatch.setattr(running, "write_reports", refuse)
    canned(passing())
    answer = three(harness)
    assert answer.code == 9
    assert "No space left on device (report.html)" in answer.err
    assert [(outcome, bool(why)) for _, outcome, why in rows(reports)] == [
        ("PASS", False),
        ("NOT_RUN", True),
        ("NOT_RUN", True),
    ]
    assert results(reports)["runs"][0]["page"] == ""


def test_while_the_suite_runs_its_reports_say_so(harness: CommandLine, canned: Canned, reports: Path) -> None:
    seen: list[Any] = []

    def look(finished: Finished) -> Finished:
        seen.extend(rows(reports))
        return finished

    canned(look, passing(), passing())
    assert three(harness).code == 0
    assert seen == [(number, "NOT_RUN", "the suite still runs, or was killed") for number in range(3)]
    assert [outcome for _, outcome, _ in rows(reports)] == ["PASS"] * 3
    assert results(reports)["stopped"] == ""


def test_a_report_that_cannot_be_written_leaves_none_that_would_lie(
    harness: CommandLine, canned: Canned, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise full("reports/index.html")

    def fill(finished: Finished) -> Finished:
        monkeypatch.setattr(written, "write_suite_page", refuse)
        return finished

    canned(fill, passing(), passing())
    answer = three(harness)
    assert answer.code == 9
    assert "No space left on device (reports/index.html)" in answer.err
    assert {path.name for path in reports.iterdir()} == REPORTS - {"index.html"}
    assert [outcome for _, outcome, _ in rows(reports)] == ["PASS"] * 3


def test_reports_that_cannot_be_written_are_told_before_anything_starts(
    harness: CommandLine, canned: Canned, project: Path
) -> None:
    (project / "taken").write_text("a file")
    answer = harness("run", "--reports", "taken/below")
    assert answer.code == 4
    assert "next: name a folder, not a file" in answer.err
    assert not (project / "runs").exists()


def test_ctrl_c_between_two_runs_stops_the_suite(
    harness: CommandLine, canned: Canned, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = running.write_reports

    def press(*arguments: Any) -> Path:
        signal.raise_signal(signal.SIGINT)
        return original(*arguments)

    monkeypatch.setattr(running, "write_reports", press)
    canned(passing())
    assert three(harness).code == 2
    assert rows(reports) == [(0, "PASS", ""), (1, "NOT_RUN", ASKED), (2, "NOT_RUN", ASKED)]


def test_ctrl_c_makes_nothing_better(
    harness: CommandLine, canned: Canned, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = running.write_reports

    def press(*arguments: Any) -> Path:
        signal.raise_signal(signal.SIGINT)
        return original(*arguments)

    monkeypatch.setattr(running, "write_reports", press)
    canned(unhealed)
    assert three(harness).code == 10


def test_a_reader_that_went_away_stops_the_suite(
    harness: CommandLine, canned: Canned, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise SystemExit(1)  # what rich does when nobody reads its pipe any more

    monkeypatch.setattr(running, "print_run", gone)
    canned(passing())
    assert three(harness).code == 2
    assert [outcome for _, outcome, _ in rows(reports)] == ["PASS", "NOT_RUN", "NOT_RUN"]


def test_what_this_platform_cannot_do_stays_a_skip(
    harness: CommandLine, canned: Canned, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "why_not", lambda scenario, platform: "no pause here")
    assert three(harness).code == 9
    root = ET.fromstring((reports / "junit.xml").read_bytes())
    assert [one.get("skipped") for one in root] == ["1", "1", "1"]
    assert results(reports)["stopped"] == ""


def test_a_demo_that_is_cut_short_leaves_no_earlier_page(
    harness: CommandLine, canned: Canned, reports: Path
) -> None:
    (reports / "demo.html").write_text(STALE)
    canned(full("runs/primary-provider-outage"))
    assert harness("demo").code == 9
    assert not (reports / "demo.html").exists()
    assert rows(reports)[0][1] == "NOT_RUN"
