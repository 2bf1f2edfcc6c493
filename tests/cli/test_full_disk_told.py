"""Commands on a real disk that is full: one message, the right code, no traceback, and nothing that would lie."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
sys.path.insert(0, str(Path(__file__).parent))
from command_line import CommandLine
from literal_run import passing
from small_disk import fill, mounted

from harness.engine.finished import Finished

TOLD = "harness: No space left on device"
STEP = "next: free some disk space, or name another folder with --out"
SMALL = """\
scenario: small
load: {orders_per_s: 20}
steady_state: {for: 1s}
timeline:
  - {id: outage, at: 2s, fault: provider_outage, target: {provider: primary}}
ends: 5s
expect: {order_integrity: {}}
"""


@pytest.fixture
def disk(project: Path) -> Iterator[Path]:
    with mounted(project / "disk", size="128k") as disk:
        yield disk


def test_reports_that_find_no_room_keep_every_run_from_starting(
    harness: CommandLine, canned: Callable[..., None], disk: Path, project: Path
) -> None:
    (disk / "reports").mkdir()
    fill(disk)
    answer = harness("run", "--reports", "disk/reports")
    assert answer.code == 9
    assert TOLD in answer.err
    assert STEP in answer.err
    assert list((disk / "reports").iterdir()) == []
    assert not (project / "runs").exists()


def test_a_suite_whose_runs_find_no_room_says_so_in_its_reports(
    harness: CommandLine, canned: Callable[..., None], disk: Path, project: Path
) -> None:
    def fill_up(finished: Finished) -> Finished:
        fill(disk)
        return finished

    canned(fill_up)
    answer = harness("run", "--out", "disk/runs", "--repeat", "2")
    assert answer.code == 9
    assert TOLD in answer.err
    assert STEP in answer.err
    runs = json.loads((project / "reports" / "results.json").read_text())["runs"]
    assert [(run["outcome"], run["page"]) for run in runs] == [("PASS", ""), ("NOT_RUN", "")]
    assert "No space left on device" in runs[1]["why_not_run"]


def test_pages_of_stored_runs_that_find_no_room_leave_none_of_an_earlier_suite(
    harness: CommandLine, canned: Callable[..., None], disk: Path
) -> None:
    canned(passing())
    harness("run", "--reports", "disk/reports")
    (disk / "reports" / "results.json").unlink()
    fill(disk)
    answer = harness("report", "runs", "--reports", "disk/reports")
    assert answer.code == 9
    assert TOLD in answer.err
    kept = {path.name for path in (disk / "reports").iterdir()}
    assert "results.json" not in kept
    assert not [name for name in kept if ".tmp" in name]


@pytest.mark.parametrize("kilobytes", [16, 192])
def test_a_run_whose_disk_fills_up_is_unknown_and_says_why(
    harness: CommandLine, project: Path, kilobytes: int
) -> None:
    """A whole run, in virtual time: at first there is no room for its start, then none for its end."""
    (project / "small.yaml").write_text(SMALL)
    with mounted(project / "little", size=f"{kilobytes}k"):
        answer = harness(
            "run", "small.yaml", "--stack", "reference", "--platform", "sim", "--out", "little/runs"
        )
    assert answer.code == 7
    assert "No space left on device" in answer.out
    assert TOLD in answer.err
    assert STEP in answer.err
    (run,) = json.loads((project / "reports" / "results.json").read_text())["runs"]
    assert run["outcome"] == "UNKNOWN"
    assert "No space left on device" in run["reasons"][0]
