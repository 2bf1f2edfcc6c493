"""The ledger: one file a lease, on disk before anything is broken and gone when it was mended and read back.

A file is written beside its place, synced and renamed, so that a crash at any byte leaves the old lease or the new
one. A file that was damaged all the same is told, never guessed at.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from harness.guardian.identity import Owner
from harness.guardian.lease import Lease

_ENCODE: Final = msgspec.json.Encoder().encode
_DECODE: Final = msgspec.json.Decoder(Lease).decode


class LedgerBusy(OSError):
    """Somebody else is healing, and did not finish in time."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the ledger holds: leases, and files that can't be read."""

    leases: tuple[Lease, ...]
    damaged: tuple[Path, ...]


class Ledger:
    """The leases of every owner that shares one state directory."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "ledger"
        self._alive = state / "alive"

    def put(self, lease: Lease) -> None:
        """Write a lease, or a newer revision of it; it is on the disk when this returns.

        Raises:
            OSError: It could not be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(lease.id)
        fresh = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with fresh.open("wb") as file:
                file.write(_ENCODE(lease))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        self._sync_folder()

    def drop(self, lease_id: str) -> None:
        """Forget a lease; safe to call twice."""
        self._path(lease_id).unlink(missing_ok=True)

    def read(self) -> Page:
        """Every lease on the disk; one that goes away meanwhile is left out."""
        leases: list[Lease] = []
        damaged: list[Path] = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                leases.append(_DECODE(path.read_bytes()))
            except FileNotFoundError:
                continue
            except msgspec.DecodeError:
                damaged.append(path)
        return Page(tuple(leases), tuple(damaged))

    def beat(self, owner: Owner) -> None:
        """Tell that an owner is alive and not stuck."""
        path = self._beat_path(owner)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def forget_owner(self, owner: Owner) -> None:
        """Remove the sign of life of an owner that has ended."""
        self._beat_path(owner).unlink(missing_ok=True)

    def silent_s(self, owner: Owner) -> float:
        """Seconds since the owner's last sign of life; infinite without one."""
        try:
            return max(0.0, time.time() - self._beat_path(owner).stat().st_mtime)
        except OSError:
            return float("inf")

    def sweep(self) -> None:
        """Remove what crashes have left: half-written files and signs of life of owners without a lease that are gone."""
        for path in self.folder.glob("*.tmp"):
            pid = path.suffixes[-2].lstrip(".") if len(path.suffixes) > 1 else ""
            if not pid.isdecimal() or not _exists(int(pid)):
                path.unlink(missing_ok=True)
        for path in self._alive.glob("*"):
            pid = path.name.partition("-")[0]
            if pid.isdecimal() and not _exists(int(pid)):
                path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def healing(self, *, wait_s: float = 10.0) -> Iterator[None]:
        """Only one process heals at a time.

        Raises:
            LedgerBusy: Another one heals, and took longer than `wait_s`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / "healing.lock").open("ab") as file:
            _lock(file.fileno(), until=time.monotonic() + wait_s)
            yield

    def _path(self, lease_id: str) -> Path:
        return self.folder / f"{lease_id}.json"

    def _beat_path(self, owner: Owner) -> Path:
        return self._alive / owner.key

    def _sync_folder(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _lock(descriptor: int, *, until: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise LedgerBusy("another process is healing, and has not finished yet") from None
            time.sleep(0.02)
        else:
            return


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
