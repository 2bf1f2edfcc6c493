"""A simulated file: records are written, then synced, and a power cut takes back what no finished fsync covers."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from harness.platforms.sim.delays import Meter
from harness.platforms.sim.drive import Drive

if TYPE_CHECKING:
    from harness.platforms.sim.machine import SimMachine

NO_ROOM: Final = os.strerror(errno.ENOSPC)


class SimDisk:
    """One file of a host's drive (`harness.stack.simulation.Disk`). It outlives its service.

    `written` is how many records the system holds, `synced` how many of them a power cut leaves.
    """

    def __init__(self, machine: SimMachine, drive: Drive) -> None:
        self.synced = 0
        self._machine = machine
        self._drive = drive
        self._records: list[object] = []
        self._queue: list[tuple[object, Callable[[str], None]]] = []
        self._writing: list[tuple[object, Callable[[str], None]]] = []

    @property
    def written(self) -> int:
        return len(self._records)

    # --- what the service uses

    def records(self) -> list[object]:
        return list(self._records)

    def append(self, record: object, done: Callable[[str], None]) -> None:
        self._queue.append((record, done))
        if not self._writing:
            self._write()

    def append_now(self, record: object) -> None:
        assert not self._writing, "a service that waits for its disk writes nothing else meanwhile"
        if self._drive.full:
            self._drive.refused += 1
            raise OSError(errno.ENOSPC, NO_ROOM)
        self._records.append(record)
        self.sync_now()

    def sync_now(self) -> None:
        if self._drive.sync():
            self.synced = self.written

    # --- what befalls it

    def kill(self) -> None:
        """The process is gone: of what was on its way, the first few records may have reached the system's cache."""
        room = () if self._drive.full else (*self._writing, *self._queue)
        under_way = [record for record, _ in room]
        self._records += under_way[: self._machine.random.randrange(len(under_way) + 1)]
        self._writing, self._queue = [], []

    def lose_power(self) -> int:
        """What no finished fsync covers is gone; how many records that were."""
        lost = self.written - self.synced + len(self._writing) + len(self._queue)
        del self._records[self.synced :]
        self._writing, self._queue = [], []
        return lost

    def flush(self) -> None:
        """All that is in the cache reaches the medium."""
        self.synced = self.written

    def wipe(self) -> int:
        """Nothing is left; how many records that were."""
        lost, self._records, self.synced = self.written, [], 0
        return lost

    # --- writing

    def _write(self) -> None:
        """All that waits shares one write."""
        self._writing, self._queue = self._queue, []
        drive = self._drive
        meters = list(drive.meters.values())
        began_ns = self._machine.now_ns()
        self._machine.later(drive.draw_ns(self._machine.random), lambda: self._finish(began_ns, meters))

    def _finish(self, began_ns: int, meters: list[Meter]) -> None:
        written, self._writing = self._writing, []
        for meter in meters:
            meter.note(self._machine.now_ns() - began_ns)
        reason = self._store([record for record, _ in written])
        if self._queue:
            self._write()
        for _, done in written:
            done(reason)

    def _store(self, records: list[object]) -> str:
        """Why they could not be written; empty when they could."""
        if self._drive.full:
            self._drive.refused += len(records)
            return NO_ROOM
        self._records += records
        self.sync_now()
        return ""
