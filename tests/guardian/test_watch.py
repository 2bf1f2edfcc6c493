"""The guardian's loop in this process, with an owner that the test plays."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from guardian_support import eventually, gone, lease, sleeper, undo_of

from harness.guardian.identity import Owner, boot_id, myself
from harness.guardian.ledger import Ledger
from harness.guardian.messages import Held, Hold, Let, Lines, Reported, decode_guardian, send
from harness.guardian.recovery import story
from harness.guardian.service_undo import STARTED
from harness.guardian.watch import Guardian
from harness.model.undo import StartService

pytestmark = pytest.mark.processes


class Played:
    """The owner's end of the socket, and a guardian on a thread."""

    def __init__(self, state: Path, owner: Owner) -> None:
        self.sock, theirs = socket.socketpair()
        self.sock.settimeout(5)
        self.lines = Lines(self.sock)
        guardian = Guardian(owner=owner, state=state, sock=theirs)
        self._theirs = theirs
        self.thread = threading.Thread(target=guardian.watch)
        self.thread.start()

    def hear(self) -> list[Held | Reported]:
        return [decode_guardian(line) for line in self.lines.receive() or []]

    def end(self) -> None:
        self.sock.close()
        self.thread.join(10)
        self._theirs.close()
        assert not self.thread.is_alive()


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    process = sleeper()
    yield process
    process.kill()
    process.wait()


def test_holds_what_it_is_told_and_heals_at_the_end(tmp_path: Path, victim: subprocess.Popen[bytes]) -> None:
    played = Played(tmp_path, myself())
    kept = lease("kept", undo_of(victim, "SIGKILL"), limit_s=1e9)
    Ledger(tmp_path).put(kept)
    send(played.sock, Hold(kept))
    assert played.hear() == [Held("kept", 0)]
    send(played.sock, Hold(lease("let go", limit_s=1e9)))
    assert played.hear() == [Held("let go", 0)]
    send(played.sock, Let("let go"))
    played.end()
    assert gone(victim.pid)
    assert not Ledger(tmp_path).read().leases
    assert [report.name for report in story(state=tmp_path)] == ["kept"]


def test_heals_when_the_owner_is_gone_although_the_socket_is_open(
    tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    process = sleeper()
    owner = Owner(boot_id(), process.pid, undo_of(process, "SIGKILL").create_time)
    played = Played(tmp_path, owner)
    send(played.sock, Hold(lease("kept", undo_of(victim, "SIGKILL"), limit_s=1e9)))
    assert played.hear() == [Held("kept", 0)]
    process.kill()
    process.wait()
    assert eventually(lambda: gone(victim.pid))
    played.end()


def test_tells_the_owner_what_it_healed_because_a_limit_had_passed(tmp_path: Path) -> None:
    played = Played(tmp_path, myself())
    send(played.sock, Hold(lease("short", limit_s=0)))
    told: list[Held | Reported] = []
    while len(told) < 2:
        told += played.hear()
    assert isinstance(told[1], Reported)
    assert (told[1].report.name, told[1].report.cause) == ("short", "its time limit has passed")
    played.end()


def test_tries_again_what_can_not_be_healed_yet(tmp_path: Path) -> None:
    program = tmp_path / "service"
    start = StartService("toy", (str(program),), {}, str(tmp_path), str(tmp_path / "log"))
    played = Played(tmp_path, myself())
    send(played.sock, Hold(lease("fault", start, limit_s=0)))
    assert eventually(lambda: len(story(state=tmp_path)) > 0)
    whole = tmp_path / "whole"
    whole.write_text("#!/bin/sh\nexec sleep 60\n")
    whole.chmod(0o755)
    whole.rename(program)
    assert eventually(lambda: story(state=tmp_path)[-1].healed)
    started = STARTED.pop()
    assert started.poll() is None
    played.end()
    assert not story(state=tmp_path)[0].healed
    assert eventually(lambda: started.poll() is not None), "what it started ends with the owner"


def test_nothing_is_started_again_once_the_owner_has_ended(tmp_path: Path) -> None:
    played = Played(tmp_path, myself())
    start = StartService("toy", ("sleep", "60"), {}, str(tmp_path), str(tmp_path / "log"))
    send(played.sock, Hold(lease("fault", start, limit_s=1e9)))
    assert played.hear() == [Held("fault", 0)]
    played.end()
    assert not STARTED
    assert "its stack has ended" in str(story(state=tmp_path)[0])


def test_what_a_killed_owner_wrote_down_but_could_not_say_is_healed_too(
    tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    process = sleeper()
    owner = Owner(boot_id(), process.pid, undo_of(process, "SIGKILL").create_time)
    Ledger(tmp_path).put(lease("unsaid", undo_of(victim, "SIGKILL"), owner=owner))
    others = lease("of another", owner=myself())
    Ledger(tmp_path).put(others)
    played = Played(tmp_path, owner)
    process.kill()
    process.wait()
    played.end()
    assert gone(victim.pid)
    assert [left.id for left in Ledger(tmp_path).read().leases] == [others.id]


def test_a_living_owner_that_lets_its_guardian_go_keeps_what_another_holds(
    tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    kept = lease("of its next guardian", undo_of(victim, "SIGKILL"), owner=myself())
    Ledger(tmp_path).put(kept)
    played = Played(tmp_path, myself())
    played.end()
    assert not gone(victim.pid)
    assert [left.id for left in Ledger(tmp_path).read().leases] == [kept.id]
