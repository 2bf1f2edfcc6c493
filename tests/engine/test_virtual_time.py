"""A scenario on the reference stack in virtual time: judged like any other, and the same byte for byte from its seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trading_stack.sentinel.replay import replay

ROOT = Path(__file__).parents[2]
SCENARIO = """\
scenario: virtual-outage
load: {profile: steady, orders_per_s: 40, probe_every: 50ms}
steady_state: {for: 1s, availability: {min: 99%}}
timeline:
  - id: outage
    at: 1200ms
    fault: provider_outage
    mode: dark
    target: {provider: primary}
    lasts: 1500ms
ends: 4500ms
expect:
  failover_time: {max: 1s}
  order_integrity: {}
  leader_changes: {exactly: 1}
  split_brain: {}
  data_loss: {}
  replicas_converge: {}
"""


def harness(*arguments: str, folder: Path, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from harness.cli.main import main; main()", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "HARNESS_STATE_DIR": str(folder / "state")},
        capture_output=True,
        text=True,
        check=False,
    )


def virtual_run(folder: Path, *, hash_seed: str, defect: str | None = None) -> tuple[int, Path]:
    """Run it; the exit code, and the run's folder."""
    folder.mkdir()
    (folder / "virtual-outage.yaml").write_text(SCENARIO)
    planted = [] if defect is None else ["--defect", defect]
    done = harness(
        "run",
        "virtual-outage.yaml",
        "--stack",
        str(ROOT / "docker-compose.yml"),
        "--platform",
        "sim",
        *planted,
        folder=folder,
        hash_seed=hash_seed,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode, folder / "runs" / "virtual-outage" / "latest"


def test_one_seed_gives_one_journal_whatever_the_hash_seed(tmp_path: Path) -> None:
    runs = [virtual_run(tmp_path / f"with-{seed}", hash_seed=seed) for seed in ("1", "2")]
    assert [code for code, _ in runs] == [0, 0]
    journals = [(run / "journal.ndjson").read_bytes() for _, run in runs]
    assert journals[0] == journals[1]
    assert b"primary_promoted" in journals[0]
    verdicts = json.loads((runs[0][1] / "verdicts.json").read_bytes())["verdicts"]
    assert {verdict["outcome"] for verdict in verdicts} == {"PASS"}
    records = [(run / "operations-virtual.ndjson").read_bytes() for _, run in runs]
    assert records[0] == records[1]


def test_every_sentinel_leaves_a_decision_log_that_replays_to_the_same_decisions(tmp_path: Path) -> None:
    runs = [virtual_run(tmp_path / f"with-{seed}", hash_seed=seed)[1] for seed in ("1", "2")]
    for provider in ("alpha", "bravo", "charlie"):
        logs = [(run / f"volumes/sentinel-{provider}/decisions-000001.ndjson").read_bytes() for run in runs]
        assert logs[0] == logs[1]
        told = replay(logs[0])
        assert told.difference is None
        assert told.inputs > 500
        assert told.decisions > 5


@pytest.mark.parametrize("defect", ["fill-applied-twice"])
def test_a_planted_defect_is_caught_there_too(tmp_path: Path, defect: str) -> None:
    code, run = virtual_run(tmp_path / "planted", hash_seed="1", defect=defect)
    assert code == 1
    verdicts = json.loads((run / "verdicts.json").read_bytes())["verdicts"]
    failed = {f["predicate"] for v in verdicts for f in v["findings"] if f["outcome"] == "FAIL"}
    assert "O4" in failed


def test_a_stack_without_a_simulation_is_told_what_to_add(tmp_path: Path) -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    without = "\n".join(line for line in compose.splitlines() if not line.startswith("  simulation:"))
    (tmp_path / "docker-compose.yml").write_text(without)
    (tmp_path / "virtual-outage.yaml").write_text(SCENARIO)
    done = harness("run", "virtual-outage.yaml", "--platform", "sim", folder=tmp_path)
    assert done.returncode == 4
    assert "doesn't say how its services take part in virtual time" in done.stderr
    assert "add `simulation: module:Class` to its x-harness block" in done.stderr
