from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from platform_support import eventually, gone, ready, running
from toy import COMPOSE, HERE, toy_stack

from harness.faults.contract import Capability
from harness.guardian.leases import GuardianLeases
from harness.guardian.recovery import pending_leases
from harness.model.errors import EnvironmentUnfit, StackUnhealthy
from harness.platforms.contract import Launch
from harness.platforms.process import ProcessPlatform
from harness.wan.client import WanClient

pytestmark = pytest.mark.processes

HARNESS = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from platform_support import ready, running
with running(Path(sys.argv[1])) as (site, stack):
    ready(site)
    parts = site._parts
    print(*site.pids().values(), parts.proxy.pid, parts.children.nursery_pid, flush=True)
    time.sleep(60)
"""


def test_starts_everything_on_addresses_of_its_own(tmp_path: Path) -> None:
    with running(tmp_path, SPECIAL="yes") as (site, stack):
        assert set(ready(site)) == set(stack.service_names)
        assert set(site.pids()) == set(stack.service_names)
        assert set(site.entry_points) == {"echo-alpha", "echo-bravo"}
        assert set(site.observed) == set(stack.service_names)
        assert site.last_lines("echo-alpha") == ("up",)
        assert site.exits() == []
        pids = dict(site.pids())
        site.save_evidence(tmp_path / "evidence")
        assert site.stop() == ()
        assert site.stop() == ()
        assert all(gone(pid) for pid in pids.values())
        assert {(one.service, one.expected) for one in site.exits()} == {
            (name, True) for name in stack.service_names
        }
    saved = tmp_path / "evidence"
    assert "toy_service.py" in (saved / "echo-alpha" / "python_stacks.txt").read_text()
    assert any(
        row["local_is"] == "echo-alpha:7000" for row in json.loads((saved / "sockets.json").read_text())
    )
    assert (saved / "volumes" / "store" / "starts").read_text() == "started\n"


def test_a_stack_that_never_gets_ready_is_told_with_its_reason_and_last_lines(tmp_path: Path) -> None:
    with running(tmp_path, SICK="no majority") as (site, _):
        with pytest.raises(StackUnhealthy) as error:
            site.wait_ready(within_s=1, each=lambda _: None)
        assert "echo-bravo: not ready: answered 503: no majority\n    up" in str(error.value)


def test_a_service_that_dies_is_told_at_once(tmp_path: Path) -> None:
    with (
        running(tmp_path, BROKEN="yes") as (site, _),
        pytest.raises(StackUnhealthy, match=r"ended with 1\n    broken on purpose"),
    ):
        site.wait_ready(within_s=60, each=lambda _: None)


def test_a_port_that_was_taken_meanwhile_is_told(tmp_path: Path) -> None:
    words = "[sh, -c, 'echo OSError 98 Address already in use; exit 1']"
    with (
        running(tmp_path, COMPOSE.replace("[python, -m, toy_service]", words, 1)) as (site, _),
        pytest.raises(StackUnhealthy, match="a port of echo-alpha was taken by another program"),
    ):
        site.wait_ready(within_s=10, services=("echo-alpha",), each=lambda _: None)


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    text = COMPOSE.replace("[python, -m, toy_service]", "[no-such-program]", 1)
    with (
        running(tmp_path, text) as (site, _),
        pytest.raises(StackUnhealthy, match=r"ended with 127\n    no-such-program: No such file"),
    ):
        site.wait_ready(within_s=10, services=("echo-alpha",), each=lambda _: None)


def test_a_service_without_a_command_is_told_with_its_place(tmp_path: Path) -> None:
    text = COMPOSE.replace("    command: [python, -m, toy_service]\n", "", 1)
    with (
        pytest.raises(EnvironmentUnfit, match=r"docker-compose.yml:\d+: .*: no command is said") as told,
        running(tmp_path, text),
    ):
        pass
    assert "x-harness-process" in str(told.value)


def test_a_preload_that_fails_is_told_beside_what_came_of_it(tmp_path: Path) -> None:
    text = COMPOSE.replace("preload: asyncio", "preload: no.such.module")
    with (
        running(tmp_path, text, BROKEN="yes") as (site, _),
        pytest.raises(StackUnhealthy, match="preloading failed: ModuleNotFoundError"),
    ):
        site.wait_ready(within_s=10, each=lambda _: None)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "run/logs")

    stack = toy_stack(tmp_path)
    with GuardianLeases(state=tmp_path / "state") as leases:
        launch = Launch(
            stack=stack, run_dir=tmp_path / "run", seed=7, leases=leases, limit_s=60, environment={}
        )
        monkeypatch.setattr(Path, "mkdir", full)
        with pytest.raises(EnvironmentUnfit, match=r"the disk is full \(run/logs\)"):
            ProcessPlatform().launch(launch)
        monkeypatch.undo()


def test_a_start_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError("the proxy does not like it")

    monkeypatch.setattr(WanClient, "populate", fails)
    stack = toy_stack(tmp_path)
    with GuardianLeases(state=tmp_path / "state") as leases:
        before = {child.pid for child in psutil.Process().children(recursive=True)}
        launch = Launch(
            stack=stack, run_dir=tmp_path / "run", seed=7, leases=leases, limit_s=60, environment={}
        )
        with pytest.raises(EnvironmentUnfit, match="the proxy does not like it"):
            ProcessPlatform().launch(launch)
        assert {child.pid for child in psutil.Process().children(recursive=True)} == before
        assert not leases.held


def test_services_die_with_the_nursery_and_that_is_told(tmp_path: Path) -> None:
    with running(tmp_path) as (site, stack):
        ready(site)
        pids = dict(site.pids())
        os.kill(site._parts.children.nursery_pid, signal.SIGKILL)
        assert eventually(lambda: all(gone(pid) for pid in pids.values()))
        assert eventually(lambda: not site.pids())
        assert {(one.service, one.expected) for one in site.exits()} == {
            (name, False) for name in stack.service_names
        }
        with pytest.raises(StackUnhealthy, match="nursery"):
            site.start([site._parts.orders["echo-alpha"]])


@pytest.mark.parametrize("also", ["nothing", "nursery", "proxy"])
def test_nothing_outlives_a_harness_that_was_killed(tmp_path: Path, also: str) -> None:
    harness = subprocess.Popen(
        [sys.executable, "-c", HARNESS, str(tmp_path), str(HERE)], stdout=subprocess.PIPE, text=True
    )
    assert harness.stdout is not None
    pids = [int(word) for word in harness.stdout.readline().split()]
    assert len(pids) == 5
    if also != "nothing":
        os.kill(pids[-1 if also == "nursery" else -2], signal.SIGKILL)
    harness.kill()
    harness.communicate()
    assert eventually(lambda: all(gone(pid) for pid in pids))
    assert eventually(lambda: not pending_leases(state=tmp_path / "state").leases)


def test_says_why_it_can_not_do_something() -> None:
    platform = ProcessPlatform()
    assert platform.capabilities() <= frozenset(Capability)
    assert "accept queue" in platform.lacking(Capability.DROP_HANDSHAKES)
    assert all(platform.lacking(capability) for capability in Capability)
