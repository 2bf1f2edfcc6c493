"""One run at a time on one stack."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from harness.guardian.identity import Owner, myself
from harness.guardian.state import state_dir
from harness.model.errors import EnvironmentUnfit
from harness.stack.description import Stack


class Holder(msgspec.Struct, frozen=True):
    """Who runs a stack now."""

    owner: Owner
    command: str


@contextlib.contextmanager
def stack_lock(stack: Stack, *, state: Path | None = None, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a stack for one run; the lock goes when the process ends, however it ends.

    Raises:
        EnvironmentUnfit: Another run holds the stack, and did not finish within `wait_s`; the message names its process.
    """
    folder = (state or state_dir()) / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_name(stack)}.lock"
    note = path.with_suffix(".json")
    lock = FileLock(path, timeout=wait_s, is_singleton=False, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise _taken(stack, note) from None
    try:
        note.write_bytes(msgspec.json.encode(Holder(myself(), shlex.join(sys.argv))))
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _name(stack: Stack) -> str:
    place = f"{stack.path.resolve()}\0{stack.name}"
    return f"{stack.name}-{hashlib.sha256(place.encode()).hexdigest()[:12]}".replace(os.sep, "-")


def _taken(stack: Stack, note: Path) -> EnvironmentUnfit:
    try:
        holder = msgspec.json.decode(note.read_bytes(), type=Holder)
    except (OSError, msgspec.DecodeError):
        who, step = "another process", "wait until it has finished, or end it"
    else:
        pid = holder.owner.pid
        who = f"process {pid} ({holder.command})"
        step = f"wait until it has finished, or end it: kill -INT {pid}"
    return EnvironmentUnfit(f"stack {stack.name!r} ({stack.path}) is in use by {who}", next_step=step)
