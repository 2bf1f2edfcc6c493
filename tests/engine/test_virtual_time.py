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
POWER = """\
scenario: virtual-power
load: {profile: steady, orders_per_s: 40, probe_every: 50ms}
steady_state: {for: 1s, availability: {min: 99%}}
timeline:
  - {id: cut, at: 1200ms, fault: power_cut, target: {role: engine}, lasts: 500ms}
ends: 3s
expect: {data_loss: {}}
"""
HOSTS = """\
scenario: virtual-hosts
load: {profile: steady, orders_per_s: 40, probe_every: 50ms}
steady_state: {for: 1s, availability: {min: 99%}}
timeline:
  - {id: slow, at: 1100ms, fault: disk_slow, target: {provider: alpha}, latency: 30ms, jitter: 10ms, lasts: 2s}
  - {id: lies, at: 1200ms, fault: disk_lies, target: {service: engine-charlie}, lasts: 900ms}
  - {id: cut, at: 1700ms, fault: power_cut, target: {service: engine-charlie}, lasts: 500ms}
  - {id: wiped, at: 3s, fault: disk_wiped, target: {service: engine-bravo}, lasts: 500ms}
  - {id: loss, at: 4200ms, fault: packet_loss, target: {provider: bravo}, share: 5%, lasts: 700ms}
  - {id: drift, at: 4200ms, fault: clock_drift, target: {provider: alpha}, gains: 10ms, lasts: 700ms}
  - {id: full, at: 5s, fault: disk_full, target: {provider: primary}, lasts: 500ms}
ends: 7s
expect: {order_integrity: {}, split_brain: {}, data_loss: {}, replicas_converge: {}}
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


def virtual_run(
    folder: Path,
    *,
    hash_seed: str,
    defect: str | None = None,
    scenario: str = SCENARIO,
    stack: Path = ROOT / "docker-compose.yml",
) -> tuple[int, Path]:
    """Run it; the exit code, and the run's folder."""
    folder.mkdir()
    name = scenario.partition("\n")[0].removeprefix("scenario: ")
    (folder / f"{name}.yaml").write_text(scenario)
    planted = [] if defect is None else ["--defect", defect]
    done = harness(
        "run",
        f"{name}.yaml",
        "--stack",
        str(stack),
        "--platform",
        "sim",
        *planted,
        folder=folder,
        hash_seed=hash_seed,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode, folder / "runs" / name / "latest"


def test_one_seed_gives_one_journal_whatever_the_hash_seed(tmp_path: Path) -> None:
    runs = [virtual_run(tmp_path / f"with-{seed}", hash_seed=seed) for seed in ("1", "2")]
    assert [code for code, _ in runs] == [0, 0]
    files = [{path.relative_to(run): path.read_bytes() for path in run.rglob("*.*")} for _, run in runs]
    assert {str(name) for name in files[0] if files[0][name] != files[1].get(name)} <= {
        "run.json",
        "report.html",
    }
    assert b"primary_promoted" in files[0][Path("journal.ndjson")]
    verdicts = json.loads((runs[0][1] / "verdicts.json").read_bytes())["verdicts"]
    assert {verdict["outcome"] for verdict in verdicts} == {"PASS"}
    remarks = [f["summary"] for v in verdicts for f in v["findings"] if f["outcome"] == "PASS"]
    assert not [
        remark for remark in remarks if "there is no" in remark
    ]  # the terms of the market were told, too


def test_faults_of_hosts_are_the_same_byte_for_byte_too_and_each_is_proved(tmp_path: Path) -> None:
    runs = [virtual_run(tmp_path / f"with-{seed}", hash_seed=seed, scenario=HOSTS)[1] for seed in ("1", "2")]
    journals = [(run / "journal.ndjson").read_bytes() for run in runs]
    assert journals[0] == journals[1]
    events = [json.loads(line) for line in journals[0].splitlines()]
    proofs = {event["fault_id"]: event["convincing"] for event in events if event["type"] == "FaultEvidence"}
    assert proofs == dict.fromkeys(("slow", "lies", "cut", "wiped", "loss", "drift", "full"), True)
    verdicts = json.loads((runs[0] / "verdicts.json").read_bytes())["verdicts"]
    assert {verdict["outcome"] for verdict in verdicts} == {"PASS"}
    for provider in (
        "alpha",
        "bravo",
        "charlie",
    ):  # a log that found no room has a gap, and begins anew behind it
        log = (runs[0] / f"volumes/sentinel-{provider}/decisions-000001.ndjson").read_bytes()
        assert replay(log).difference is None


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


def test_a_power_cut_shows_a_store_that_acknowledges_before_it_syncs(tmp_path: Path) -> None:
    codes = {}
    for defect in (None, "lost-fsync"):
        codes[defect], run = virtual_run(
            tmp_path / str(defect),
            hash_seed="1",
            defect=defect,
            scenario=POWER,
        )
        verdicts = json.loads((run / "verdicts.json").read_bytes())["verdicts"]
        assert [verdict["outcome"] for verdict in verdicts] == ["PASS" if defect is None else "FAIL"]
    assert codes == {None: 0, "lost-fsync": 1}


def test_a_stack_without_a_simulation_is_told_what_to_add(tmp_path: Path) -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    without = "\n".join(line for line in compose.splitlines() if not line.startswith("  simulation:"))
    (tmp_path / "docker-compose.yml").write_text(without)
    (tmp_path / "virtual-outage.yaml").write_text(SCENARIO)
    done = harness("run", "virtual-outage.yaml", "--platform", "sim", folder=tmp_path)
    assert done.returncode == 4
    assert "doesn't say how its services take part in virtual time" in done.stderr
    assert "add `simulation: module:Class` to its x-harness block" in done.stderr
