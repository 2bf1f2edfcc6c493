"""A sentinel's decision log on a simulated disk: one segment, with an opening for each life, and after each gap."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from harness.stack.simulation import Machine
from trading_stack.sentinel.decisions.records import ENCODER, Record

SEGMENT: Final = "decisions-000001.ndjson"


class VirtualBook:
    """Never too long, as a simulated run is short (`trading_stack.sentinel.decisions.recorder.Book`).

    A disk that takes no more spoils no decision: nothing is noted from there on, until an opening is taken again.
    """

    def __init__(self, machine: Machine) -> None:
        self.full = False
        self._disk = machine.disk("decisions")

    def note(self, record: Record) -> None:
        if not self.full:
            self._write(record)

    def open(self, first: Record) -> None:
        self._write(first)

    def files(self) -> Mapping[str, bytes]:
        """The segment, by the name that it has on processes."""
        lines = [line for line in self._disk.records() if isinstance(line, bytes)]
        return {SEGMENT: b"".join(line + b"\n" for line in lines)}

    def _write(self, record: Record) -> None:
        self.full = True
        with suppress(OSError):
            self._disk.append_now(ENCODER.encode(record))
            self.full = False
