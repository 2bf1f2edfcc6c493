"""What a decision log hands to its writer, and when: whole lines, and never an input without what was decided on it."""

from __future__ import annotations

from typing import Final

from trading_stack.sentinel.decisions.records import ENCODER, Decided, Input, Record

PAGE_BYTES: Final = 64 << 10
PAGE_NS: Final = 250_000_000


class Pages:
    """Gathers records into pages for at most a quarter of a second; a decision ends its page."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._turned_ns = 0

    def due(self, record: Record) -> bytes:
        """The page that is to be written before this record is added; empty when it can wait."""
        if not isinstance(record, Input):
            return b""
        if len(self._buffer) < PAGE_BYTES and record.now_ns - self._turned_ns < PAGE_NS:
            return b""
        self._turned_ns = record.now_ns
        return self.turn()

    def add(self, record: Record) -> bytes:
        """Add a record; answers the page that is to be written now, or nothing."""
        ENCODER.encode_into(record, self._buffer, -1)
        self._buffer += b"\n"
        return self.turn() if isinstance(record, Decided) else b""

    def turn(self) -> bytes:
        """Everything that waits."""
        page = bytes(self._buffer)
        self._buffer.clear()
        return page
