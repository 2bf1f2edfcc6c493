"""A sentinel's decision log on a simulated disk: one segment, with an opening for each life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.stack.simulation import Machine
from trading_stack.sentinel.decisions.records import ENCODER, Record

SEGMENT: Final = "decisions-000001.ndjson"


class VirtualBook:
    """It never fills, as a simulated run is short (`trading_stack.sentinel.decisions.recorder.Book`)."""

    full = False

    def __init__(self, machine: Machine) -> None:
        self._disk = machine.disk("decisions")

    def note(self, record: Record) -> None:
        self._disk.append_now(ENCODER.encode(record))

    def open(self, first: Record) -> None:
        self.note(first)

    def files(self) -> Mapping[str, bytes]:
        """The segment, by the name that it has on processes."""
        lines = [line for line in self._disk.records() if isinstance(line, bytes)]
        return {SEGMENT: b"".join(line + b"\n" for line in lines)}
