"""A sentinel's decision log on a simulated disk: one segment, with an opening for each life, and after each gap."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

from harness.stack.simulation import Machine
from trading_stack.sentinel.decisions.pages import Pages
from trading_stack.sentinel.decisions.records import ENCODER, Record

SEGMENT: Final = "decisions-000001.ndjson"


class VirtualBook:
    """Never too long, as a simulated run is short (`trading_stack.sentinel.decisions.recorder.Book`).

    As with `trading_stack.sentinel.decisions.logbook.Logbook`, a disk that takes no more spoils no decision: nothing is
    noted from there on until an opening is taken again, so that no part of the log has a hole in its middle.
    """

    def __init__(self, machine: Machine) -> None:
        self.full = False
        self._disk = machine.disk("decisions")
        self._pages = Pages()
        self._waiting: deque[bytes] = deque()
        self._writing = False

    def note(self, record: Record) -> None:
        self._hand_over(self._pages.due(record))
        self._hand_over(self._pages.add(record))

    def open(self, first: Record) -> None:
        self._hand_over(self._pages.turn())
        self.full = False
        self._hand_over(ENCODER.encode(first) + b"\n")

    def files(self) -> Mapping[str, bytes]:
        """The segment, by the name that it has on processes."""
        return {SEGMENT: b"".join(page for page in self._disk.records() if isinstance(page, bytes))}

    def _hand_over(self, page: bytes) -> None:
        """One page is under way at a time: only the disk's answer tells whether the next one may follow."""
        if page and not self.full:
            self._waiting.append(page)
            self._write()

    def _write(self) -> None:
        if self._waiting and not self._writing:
            self._writing = True
            self._disk.append(self._waiting.popleft(), self._written)

    def _written(self, reason: str) -> None:
        self._writing = False
        if reason:
            self.full = True
            self._waiting.clear()
        self._write()
