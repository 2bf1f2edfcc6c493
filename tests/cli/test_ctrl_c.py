"""Ctrl-C in the middle of a real run: it heals, writes the report, leaves nothing, and says so by its exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.guardian.recovery import pending_leases
from harness.history.run import load_run
from harness.model.events import FaultHealed, FaultInjected, LoadDrained, RunAborted, RunEnded, StackStopped

ROOT = Path(__file__).parents[2]
SCENARIO = """\
scenario: interrupted
load: {orders_per_s: 50}
steady_state: {for: 1s, availability: {min: 0%}}  # a busy machine must not end the run first
timeline:
  - {id: outage, at: 1200ms, fault: provider_outage, mode: frozen, target: {provider: primary}}
ends: 3s
expect: {order_integrity: {}}
"""
MOMENTS = ("start-up", "mid-fault", "drain")


@pytest.mark.processes
@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_heals_and_writes_the_report(moment: str, tmp_path: Path) -> None:
    (tmp_path / "interrupted.yaml").write_text(SCENARIO)
    stack = (ROOT / "docker-compose.yml").read_text().replace("ready: {within: 15s}", "ready: {within: 2m}")
    (tmp_path / "docker-compose.yml").write_text(stack)
    state = tmp_path / "state"
    environment = {**os.environ, "HARNESS_STATE_DIR": str(state)}
    command = [sys.executable, "-c", "from harness.cli.main import main; main()"]
    running = subprocess.Popen(
        [*command, "run", "interrupted.yaml", "--seed", "7"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = _until(running, moment, tmp_path)
        running.send_signal(signal.SIGINT)
        rest, _ = running.communicate(timeout=600)  # as nothing takes that works, on however busy a machine
    finally:
        running.kill()  # nothing to end, unless the test fails
        running.communicate()
    assert running.returncode == 2, said + rest
    assert "Traceback" not in said + rest
    _assert_nothing_is_left(tmp_path, state)
    run = load_run(tmp_path / "runs" / "interrupted")
    assert run.path is not None
    assert (run.path / "report.html").exists()
    assert (run.path / "verdicts.json").exists()
    assert (tmp_path / "reports" / "index.html").exists()
    kinds = {type(event) for event in run.events}
    assert isinstance(run.events[-1], RunEnded)
    assert [event.left for event in run.events if isinstance(event, StackStopped)] == [()]
    assert (RunAborted in kinds) is (moment != "drain")
    assert (LoadDrained in kinds) is (moment != "start-up")
    assert (FaultInjected in kinds) == (FaultHealed in kinds) == (moment != "start-up")


def _until(running: subprocess.Popen[str], moment: str, folder: Path) -> str:
    """Wait until the run has come to the moment; answers what was said."""
    if moment == "start-up":
        while running.poll() is None and not list(folder.glob("runs/interrupted/*/logs/*.log")):
            time.sleep(0.01)  # the processes around the stack are being started, which nobody tells
        return ""
    wanted = {"mid-fault": "fault outage strikes", "drain": "healed by the engine"}[moment]
    said = ""
    assert running.stdout is not None
    for line in running.stdout:
        said += line
        if wanted in line:
            return said
    raise AssertionError(f"the run ended before: {said}")


def _assert_nothing_is_left(folder: Path, state: Path) -> None:
    found = [process for process in psutil.process_iter() if _belongs(process, str(folder))]
    assert [" ".join(process.cmdline()) for process in found] == []
    page = pending_leases(state=state)
    assert (page.leases, page.damaged) == ((), ())


def _belongs(process: psutil.Process, folder: str) -> bool:
    """Whether a process knows the run's folder: from its environment, its arguments, or a log that it writes."""
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        known = [
            *process.environ().values(),
            *process.cmdline(),
            *(file.path for file in process.open_files()),
        ]
    except psutil.Error:
        return False
    return any(folder in text for text in known)
