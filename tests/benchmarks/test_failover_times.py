"""The distribution of failover times: only runs that repeat each other become one n, and none is left out."""

from __future__ import annotations

from pathlib import Path

import failover_times
import pytest

from harness.engine.verdict_file import write_verdicts
from harness.history.folder import RunFolder
from harness.history.journal import JournalWriter
from harness.history.meta import RunMeta, write_meta
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.model.verdicts import Figure, Verdict


def stored(folder: Path, run_id: str, time_ms: float | None, **meta: object) -> None:
    """A run of `outage` that was judged by its failover time, or was never judged."""
    run = RunFolder(folder / run_id)
    run.path.mkdir(parents=True)
    known: dict[str, object] = {
        "run_id": run_id,
        "scenario": "outage",
        "seed": 1,
        "platform": "process",
        "stack": "s",
    }
    write_meta(run, RunMeta(**{**known, "variables": {"mode": "dark"}, **meta}))  # type: ignore[arg-type]
    JournalWriter(run.journal).close()
    if time_ms is not None:
        figures = (Figure("failover_time", time_ms, "ms"),)
        verdict = Verdict("failover_time", Outcome.PASS, "", figures=figures)
        write_verdicts(run, Judgement(Outcome.PASS, (verdict,)))


def test_platforms_defects_and_versions_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, meta in enumerate(
        (
            {},
            {"seed": 2},
            {"platform": "sim"},
            {"defect": "no-fencing"},
            {"versions": {"failover-harness": "9"}},
        )
    ):
        stored(tmp_path, f"r{number}", 100.0 + number, **meta)
    assert failover_times.main([str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("outage") for line in lines) == 4
    assert sorted(line.split()[0] for line in lines if line.endswith(" PASS")) == ["1", "1", "1", "2"]


def test_runs_without_a_verdict_and_attempts_made_again_count_as_misses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(tmp_path, "r1", 100.0)
    stored(tmp_path, "r2", None, seed=2)
    stored(tmp_path, "r3", None, seed=3)
    stored(tmp_path, "r4", 110.0, seed=3, retry_of="r3")
    assert failover_times.main([str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "2 PASS, 1 UNKNOWN" in out
    assert "2 more not judged" in out
    assert f"retried {tmp_path / 'r3'}: it was never judged" in out
    assert f"UNKNOWN {tmp_path / 'r2'}: it was never judged" in out


def test_runs_of_which_none_was_judged_are_no_distribution(tmp_path: Path) -> None:
    assert failover_times.main([str(tmp_path)]) == 5
    stored(tmp_path, "r1", None)
    assert failover_times.main([str(tmp_path)]) == 5
