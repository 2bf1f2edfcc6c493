"""Starts a service again, unless it runs.

Whoever starts a service holds an exclusive lock (flock) on its log and leaves it to the service as its output. The lock
lives exactly as long as the service does, so that anybody can tell, without a process id, whether it runs.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from harness.guardian.mending import Mended, Result
from harness.model.undo import StartService

STARTED: Final[list[subprocess.Popen[bytes]]] = []  # kept, or nobody would bury them


def is_held(log: Path) -> bool:
    """Whether a service that writes to this log is running."""
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    except OSError:
        return False
    try:
        return not _lock(descriptor)
    finally:
        os.close(descriptor)


def start_service(undo: StartService, on_started: Callable[[int], object]) -> Callable[[float], Mended]:
    """Start it in a process group of its own; answers how to read back whether it runs.

    Raises:
        OSError: It could not be started.
    """
    descriptor = os.open(undo.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not _lock(descriptor):
            return lambda until: Mended(undo.service, Result.MOOT, "it was running")
        process = subprocess.Popen(  # noqa: S603 - what was started first, as the ledger has it
            undo.argv,
            env=undo.environment,
            cwd=undo.directory,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            process_group=0,
        )
    finally:
        os.close(descriptor)
    STARTED.append(process)
    on_started(process.pid)

    def read_back(until: float) -> Mended:
        del until
        code = process.poll()
        if code is not None:
            return Mended(undo.service, Result.FAILED, f"it ended with {code} as soon as it was started")
        return Mended(undo.service, Result.HEALED, f"started again as process {process.pid}")

    return read_back


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
