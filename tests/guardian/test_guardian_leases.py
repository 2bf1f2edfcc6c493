from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from guardian_support import eventually, gone, python, sleeper, undo_of

from harness.guardian.identity import look
from harness.guardian.leases import GuardianLeases
from harness.guardian.ledger import Ledger
from harness.guardian.mending import HealReport
from harness.guardian.recovery import heal_orphans, pending_leases, story
from harness.model.errors import EnvironmentUnfit, HarnessError
from harness.model.undo import StartService

pytestmark = pytest.mark.processes

OWNER = """
import subprocess, sys, time
from pathlib import Path
from harness.guardian.identity import look
from harness.guardian.identity import look
from harness.guardian.leases import GuardianLeases
from harness.model.undo import SignalProcess
pid = int(sys.argv[2])
leases = GuardianLeases(state=Path(sys.argv[1]))
leases.grant("stack", (SignalProcess(pid, look(pid).create_time, "SIGKILL", "toy"),), limit_s=60)
print(leases.guardian_pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    process = sleeper()
    yield process
    process.kill()
    process.wait()


def owner(state: Path, victim: subprocess.Popen[bytes]) -> tuple[subprocess.Popen[str], int]:
    process = python(OWNER, str(state), str(victim.pid))
    assert process.stdout is not None
    guardian = int(process.stdout.readline())
    return process, guardian


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_what_a_killed_owner_left_is_healed_within_a_second(
    tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    process, guardian = owner(tmp_path, victim)
    assert len(pending_leases(state=tmp_path).leases) == 1
    end(process)
    assert eventually(lambda: gone(victim.pid))
    assert eventually(lambda: not pending_leases(state=tmp_path).leases and gone(guardian))
    assert [(report.name, report.healed) for report in story(state=tmp_path)] == [("stack", True)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_guardian_outlives_what_ends_a_terminals_programs(
    tmp_path: Path, victim: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    process, guardian = owner(tmp_path, victim)
    assert os.getsid(guardian) == guardian
    os.kill(guardian, number)
    end(process)
    assert eventually(lambda: gone(victim.pid))
    assert eventually(lambda: gone(guardian))


def test_when_the_guardian_died_with_its_owner_the_next_command_heals(
    tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    process, guardian = owner(tmp_path, victim)
    process.send_signal(signal.SIGSTOP)  # or it would replace its guardian
    os.kill(guardian, signal.SIGKILL)
    assert eventually(lambda: gone(guardian))
    assert heal_orphans(state=tmp_path) == [], "its owner lives, and was heard of just now"
    end(process)
    assert not gone(victim.pid)
    (report,) = heal_orphans(state=tmp_path)
    assert report.healed
    assert gone(victim.pid)
    assert not pending_leases(state=tmp_path).leases


def test_a_guardian_that_dies_is_replaced_and_knows_every_lease(
    tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    with GuardianLeases(state=tmp_path) as leases:
        leases.grant("stack", (undo_of(victim, "SIGKILL"),), limit_s=60)
        first = leases.guardian_pid
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: leases.guardian_pid != first)
        leases.grant("another", (), limit_s=60)
        assert not gone(victim.pid)
    assert eventually(lambda: gone(victim.pid))


def test_what_was_released_is_left_alone(tmp_path: Path, victim: subprocess.Popen[bytes]) -> None:
    with GuardianLeases(state=tmp_path) as leases:
        lease = leases.grant("fault", (undo_of(victim, "SIGKILL"),), limit_s=60)
        leases.release(lease)
        leases.release(lease)
        assert not leases.held
        with pytest.raises(HarnessError, match="not held any more"):
            leases.extend(lease, ())
    assert not gone(victim.pid)
    assert not Ledger(tmp_path).read().leases


def test_what_was_added_later_is_undone_too(tmp_path: Path, victim: subprocess.Popen[bytes]) -> None:
    with GuardianLeases(state=tmp_path) as leases:
        lease = leases.grant("stack", (), limit_s=60)
        leases.extend(lease, (undo_of(victim, "SIGKILL"),))
        assert leases.held[0].revision == 1
    assert gone(victim.pid)
    assert not Ledger(tmp_path).read().leases


def test_a_limit_that_has_passed_heals_while_the_owner_lives(
    tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    healed: list[HealReport] = []
    with GuardianLeases(state=tmp_path, on_healed=healed.append) as leases:
        victim.send_signal(signal.SIGSTOP)
        leases.grant("fault", (undo_of(victim, "SIGCONT"),), limit_s=0.2)
        leases.grant("long", (), limit_s=60)
        assert eventually(lambda: bool(healed))
        seen = look(victim.pid)
        assert seen is not None
        assert not seen.stopped
        assert [lease.name for lease in leases.held] == ["long"]
    assert healed[0].cause == "its time limit has passed"


def test_a_service_that_the_guardian_started_ends_with_the_owner(tmp_path: Path) -> None:
    log = tmp_path / "toy.log"
    start = StartService("toy", ("sh", "-c", "echo $$; exec sleep 60"), dict(os.environ), "/", str(log))
    with GuardianLeases(state=tmp_path) as leases:
        leases.grant("fault", (start,), limit_s=0.1)
        assert eventually(lambda: log.exists() and log.read_text().endswith("\n"))
        pid = int(log.read_text())
        assert not gone(pid)
    assert eventually(lambda: gone(pid))


def test_nothing_may_be_broken_when_the_ledger_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(EnvironmentUnfit, match="can't be written"):
        GuardianLeases(state=tmp_path / "state")


def test_a_full_disk_is_told_before_anything_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with GuardianLeases(state=tmp_path) as leases:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(EnvironmentUnfit, match="No space left on device"):
            leases.grant("fault", (), limit_s=1)
        assert not leases.held
