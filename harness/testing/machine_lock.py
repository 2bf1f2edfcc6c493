"""Runs that are timed need the machine for themselves: one at a time, whatever stack they test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock

from harness.guardian.state import state_dir


@contextmanager
def machine_to_itself() -> Iterator[None]:
    """Wait, for as long as it takes, until no other test of this person is under way here; then hold others off."""
    folder = state_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "machine.lock"):
        yield
