from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from platform_support import eventually, gone

from harness.platforms import burial
from harness.platforms.burial import Became, look_after, signal_group

pytestmark = pytest.mark.processes

WAYS = [burial._look, *([burial._look_and_bury] if hasattr(os, "waitid") else [])]


def next_look(look: Callable[[int], Became | None], pid: int) -> tuple[str, int]:
    found: list[Became] = []

    def seen() -> bool:
        found.extend([became] if (became := look(pid)) is not None else [])
        return bool(found)

    assert eventually(seen)
    return found[0].what, found[0].code


def child(command: str) -> int:
    """A child at the head of a group, that `subprocess` does not wait for."""
    process = subprocess.Popen(["sh", "-c", command], process_group=0, stdout=subprocess.DEVNULL)
    process.returncode = 0  # buried here
    return process.pid


@pytest.mark.parametrize("look", WAYS)
def test_a_child_stops_goes_on_and_dies(look: Callable[[int], Became | None]) -> None:
    pid = child(
        "exec sleep 60"
    )  # a shell that is stopped while it starts a child waits for that child, never stops
    assert look(pid) is None
    signal_group(pid, signal.SIGSTOP)
    assert next_look(look, pid)[0] == "stopped"
    signal_group(pid, signal.SIGCONT)
    assert next_look(look, pid)[0] == "continued"
    signal_group(pid, signal.SIGKILL)
    assert next_look(look, pid) == ("exited", -9)
    signal_group(pid, signal.SIGKILL)
    with pytest.raises(ChildProcessError):
        look(pid)


@pytest.mark.parametrize("look", WAYS)
def test_what_an_ended_child_left_goes_with_it(look: Callable[[int], Became | None], tmp_path: Path) -> None:
    told = tmp_path / "left"
    pid = child(f"sleep 60 & echo $! > {told}; exit 3")
    assert next_look(look, pid) == ("exited", 3)
    assert eventually(lambda: gone(int(told.read_text())))


def test_looks_in_the_way_that_the_system_has() -> None:
    pid = child("exit 0")
    assert next_look(look_after, pid) == ("exited", 0)
