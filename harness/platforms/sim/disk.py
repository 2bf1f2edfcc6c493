"""A simulated disk: records become durable one write after the other, and a crash loses what was not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from harness.platforms.sim.machine import SimMachine

SYNC_NS: Final = 400_000
SPREAD_NS: Final = 500_000
HICCUP_SHARE: Final = 0.01
HICCUP_NS: Final = 8_000_000


class SimDisk:
    """One file (`harness.stack.simulation.Disk`). It outlives its service."""

    def __init__(self, machine: SimMachine) -> None:
        self._machine = machine
        self._durable: list[object] = []
        self._queue: list[tuple[object, Callable[[str], None]]] = []
        self._writing: list[tuple[object, Callable[[str], None]]] = []

    def records(self) -> list[object]:
        return list(self._durable)

    def append(self, record: object, done: Callable[[str], None]) -> None:
        self._queue.append((record, done))
        if not self._writing:
            self._write()

    def append_now(self, record: object) -> None:
        assert not self._writing, "a service that waits for its disk writes nothing else meanwhile"
        self._durable.append(record)

    def kill(self) -> None:
        """The process is gone: of what was on its way, the first few records may have reached the system's cache."""
        under_way = [record for record, _ in (*self._writing, *self._queue)]
        self._durable += under_way[: self._machine.random.randrange(len(under_way) + 1)]
        self._writing, self._queue = [], []

    def _write(self) -> None:
        """All that waits shares one write."""
        self._writing, self._queue = self._queue, []
        random = self._machine.random
        took_ns = SYNC_NS + random.randrange(SPREAD_NS)
        if random.random() < HICCUP_SHARE:
            took_ns += random.randrange(HICCUP_NS)
        self._machine.later(took_ns, self._finish)

    def _finish(self) -> None:
        written, self._writing = self._writing, []
        self._durable += [record for record, _ in written]
        if self._queue:
            self._write()
        for _, done in written:
            done("")
