"""What the guardian's tests share: leases made of little, and waiting for what must come soon."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

from harness.guardian.identity import Owner, look
from harness.guardian.lease import Lease
from harness.model.undo import SignalProcess, Undo

OWNER = Owner("this-boot", 4000, 1000.0)

HANGS_S = 30.0


def lease(name: str, *undos: Undo, granted_ns: int = 0, limit_s: float = 10.0, owner: Owner = OWNER) -> Lease:
    """A lease whose id is its name."""
    return Lease(name, name, owner, granted_ns, limit_s, undos)


def sleeper() -> subprocess.Popen[bytes]:
    """A process that does nothing, at the head of a group of its own."""
    return subprocess.Popen(["sleep", "60"], process_group=0)


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python process that runs some code; its output is text."""
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


def undo_of(process: subprocess.Popen[bytes], signal: str, service: str = "") -> SignalProcess:
    """What thaws or ends a process."""
    seen = look(process.pid)
    assert seen is not None
    return SignalProcess(process.pid, seen.create_time, signal, service)


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true before even a busy machine would have seen it come true."""
    until = time.monotonic() + HANGS_S
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def gone(pid: int) -> bool:
    """Whether a process is dead, buried or not."""
    seen = look(pid)
    return seen is None or seen.gone
