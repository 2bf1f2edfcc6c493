"""A real file system of its own that is easily full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(disk: Path, *, size: str) -> Iterator[Path]:
    """A disk of `size` (as tmpfs takes it: `256k`) at a new folder; the test is skipped where nobody may mount."""
    disk.mkdir()
    asked = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    done = subprocess.run(asked, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a small disk needs root: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        if subprocess.run(["umount", str(disk)], capture_output=True).returncode:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)
            pytest.fail("a file on the small disk is still open")


def fill(disk: Path) -> None:
    """Leave no block."""
    left = os.statvfs(disk)
    (disk / "ballast").write_bytes(b"x" * (left.f_bavail * left.f_frsize))
    assert os.statvfs(disk).f_bavail == 0
