"""Thaws or ends one process: the very process that was meant, never another that got its id."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from harness.guardian.identity import LINUX, Seen, is_same, look
from harness.guardian.mending import Mended, Result
from harness.model.undo import SERVICE_VARIABLE, SignalProcess

_SIGNALS: Final = {"SIGCONT": signal.SIGCONT, "SIGKILL": signal.SIGKILL}
_GLANCE_S: Final = 0.002


def signal_process(undo: SignalProcess) -> Callable[[float], Mended]:
    """Send the signal; answers how to read back, within a monotonic time, what came of it."""
    number = _SIGNALS[undo.signal]
    ends = number == signal.SIGKILL
    seen = _send(undo, number)
    if seen is None and ends:
        _end_orphans(undo)

    def read_back(until: float) -> Mended:
        subject = undo.service or f"process {undo.pid}"
        if seen is None:
            return Mended(subject, Result.MOOT, f"process {undo.pid} had ended")
        while True:
            now = look(undo.pid)
            if now is None or now.gone or not is_same(now, undo.create_time):
                return Mended(
                    subject, Result.HEALED if ends else Result.MOOT, f"process {undo.pid} has ended"
                )
            if not ends and not now.stopped:
                return Mended(subject, Result.HEALED, f"process {undo.pid} runs again")
            if time.monotonic() >= until:
                return Mended(
                    subject, Result.FAILED, f"process {undo.pid} is in state {now.state} after {undo.signal}"
                )
            time.sleep(_GLANCE_S)

    return read_back


def _send(undo: SignalProcess, number: signal.Signals) -> Seen | None:
    """Signal the process if it is the one that was meant, and still lives; a process that is ended takes its group along."""
    handle = _handle(undo.pid)
    try:
        seen = look(undo.pid)
        if seen is None or seen.gone or not is_same(seen, undo.create_time):
            return None
        if number == signal.SIGKILL and undo.pid != os.getpgrp() and os.getpgid(undo.pid) == undo.pid:
            os.killpg(undo.pid, number)
        elif handle is not None:
            signal.pidfd_send_signal(handle, number)
        else:
            os.kill(undo.pid, number)
    except ProcessLookupError:
        return None
    finally:
        if handle is not None:
            os.close(handle)
    return seen


def _handle(pid: int) -> int | None:
    # Held open from before the look to after the signal, it keeps naming the same process.
    try:
        return os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        return None


def _end_orphans(undo: SignalProcess) -> None:
    """End what a dead service has left in its process group, told by the name in its environment."""
    if not (LINUX and undo.service) or undo.pid in {0, os.getpgrp()}:
        return
    try:
        os.killpg(undo.pid, 0)
    except OSError:
        return
    marker = f"{SERVICE_VARIABLE}={undo.service}".encode()
    for pid in _members(undo.pid):
        try:
            if marker in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)
        except OSError:
            continue


def _members(group: int) -> Iterator[int]:
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                if os.getpgid(int(entry.name)) == group:
                    yield int(entry.name)
            except OSError:
                continue
