"""Who a process is: its id *and* its start time, on this boot of this machine.

A process id alone is no identity: the system gives it away again.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

LINUX: Final = sys.platform == "linux"
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
# The boot time that /proc/stat tells is a whole second and moves with the wall clock, so that one process may be read
# as started a second earlier or later. A process id would have to come round within that time to be mistaken.
SAME_START_WITHIN_S: Final = 1.5


class Seen(NamedTuple):
    """A process as it was seen: `create_time` as psutil tells it (seconds since 1970), `state` as `/proc` does."""

    create_time: float
    state: str

    @property
    def gone(self) -> bool:
        """Whether it is dead, though perhaps not yet buried."""
        return self.state in {"Z", "X"}

    @property
    def stopped(self) -> bool:
        """Whether it is frozen by a signal."""
        return self.state in {"T", "t"}


class Owner(msgspec.Struct, frozen=True):
    """Whoever broke something and must mend it."""

    boot_id: str
    pid: int
    create_time: float

    @property
    def key(self) -> str:
        """A name for files of this owner."""
        return f"{self.pid}-{round(self.create_time * 100)}"

    def alive(self) -> bool:
        """Whether this very process still runs, on this boot."""
        return self.boot_id == boot_id() and is_running(self.pid, self.create_time)


def myself() -> Owner:
    """The owner that this process is."""
    seen = look(os.getpid())
    assert seen is not None, "a process can see itself"
    return Owner(boot_id(), os.getpid(), seen.create_time)


def look(pid: int) -> Seen | None:
    """What is known of a process; None when there is none of that id."""
    return _look_in_proc(pid) if LINUX else _look_with_psutil(pid)


def is_running(pid: int, create_time: float) -> bool:
    """Whether the process of that id is there, is the one that started then, and is not dead."""
    seen = look(pid)
    return seen is not None and not seen.gone and is_same(seen, create_time)


def is_same(seen: Seen, create_time: float) -> bool:
    """Whether what was seen is the process that started then."""
    return abs(seen.create_time - create_time) <= SAME_START_WITHIN_S


@cache
def boot_id() -> str:
    """A word that differs after each start of the machine."""
    if LINUX:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    import psutil

    return f"booted-{round(psutil.boot_time() / 10)}"


def _look_in_proc(pid: int) -> Seen | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].split()
    except OSError:
        return None
    if len(fields) < 20:
        return None
    return Seen(_boot_time_s() + int(fields[19]) / _TICKS_PER_S, fields[0].decode())


def _boot_time_s() -> float:
    for line in Path("/proc/stat").read_bytes().splitlines():
        if line.startswith(b"btime"):
            return float(line.split()[1])
    raise OSError("/proc/stat does not tell when the machine was started")


def _look_with_psutil(pid: int) -> Seen | None:
    import psutil

    try:
        process = psutil.Process(pid)
        status, created = process.status(), process.create_time()
    except psutil.Error:
        return None
    letter = {psutil.STATUS_ZOMBIE: "Z", psutil.STATUS_DEAD: "X", psutil.STATUS_STOPPED: "T"}.get(status, "S")
    return Seen(created, letter)
