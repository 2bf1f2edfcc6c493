"""Attempts that the machine spoiled are counted and told, in all that a suite leaves."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from command_line import CommandLine
from literal_run import passing, starved

RETRIED = "retried: the generator fell behind by 80 ms"


def test_a_suite_counts_every_attempt_that_it_gave_up(
    harness: CommandLine, canned: Callable[..., None], project: Path
) -> None:
    canned(starved(), starved(), passing(), passing())
    answer = harness("run", "--repeat", "2", "--seed", "7")
    assert answer.code == 0
    assert "2 runs: 2 PASS; 2 attempts retried" in answer.out
    assert f"2 attempts {RETRIED}" in answer.out
    result = json.loads((project / "reports" / "results.json").read_text())
    assert [len(run["retried"]) for run in result["runs"]] == [2, 0]
    folders = {attempt["path"] for attempt in result["runs"][0]["retried"]}
    assert len(folders) == 2
    assert result["runs"][0]["path"] not in folders
    for name in ("index.html", "summary.md", "junit.xml"):
        assert f"2 attempts {RETRIED}" in (project / "reports" / name).read_text()


def test_stored_runs_are_told_as_the_suite_told_them(
    harness: CommandLine, canned: Callable[..., None], project: Path
) -> None:
    canned(starved(), passing())
    assert harness("run", "--seed", "7").code == 0
    told = harness("report", "runs", "--json")
    assert told.code == 0
    result = json.loads(told.out)
    assert (result["counts"]["PASS"], result["counts"]["UNKNOWN"], result["retried"]) == (1, 0, 1)


def test_the_last_of_three_spoiled_attempts_is_the_row_and_the_others_are_counted(
    harness: CommandLine, canned: Callable[..., None], project: Path
) -> None:
    canned(starved(), starved(), starved(), passing())
    harness("run", "--repeat", "2", "--seed", "7")
    result = json.loads((project / "reports" / "results.json").read_text())
    assert (result["counts"]["UNKNOWN"], result["retried"]) == (1, 2)
    (repeats,) = result["repeats"]
    assert (repeats["runs"], repeats["judged"], repeats["retried"]) == (2, 1, 2)


def test_runs_that_never_began_are_counted_with_those_they_would_have_repeated(
    harness: CommandLine, canned: Callable[..., None], project: Path
) -> None:
    canned(passing(), OSError(28, "No space left on device", "runs"))
    harness("run", "--repeat", "3", "--seed", "7")
    (repeats,) = json.loads((project / "reports" / "results.json").read_text())["repeats"]
    assert (repeats["runs"], repeats["judged"], repeats["counts"]["NOT_RUN"]) == (3, 1, 2)
