"""The primary's marks: turns its provider's valuations into commands, five times a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trading_stack.market.freshness import INDEX_LIMIT_NS
from trading_stack.market.messages import MarksFrame
from trading_stack.venue.commands import Marks, encode

PERIOD_S: Final = 0.2


class MarksDesk:
    """Holds the newest valuation. After a takeover it waits for one whose inputs are all newer than the takeover.

    `any_inputs` is a planted defect: marks right after a takeover, from what was known before.
    """

    def __init__(self, *, any_inputs: bool) -> None:
        self._any_inputs = any_inputs
        self._frame: MarksFrame | None = None
        self._arrived_ns = 0
        self._takeover_ns: int | None = None
        self._proposed_sequence = -1
        self._stalled_ns = 0

    def hear(self, frame: MarksFrame, now_ns: int) -> None:
        """Take a valuation that has just arrived."""
        self._frame, self._arrived_ns = frame, now_ns

    def prices(self) -> Mapping[str, int]:
        """The marks of the newest valuation; none before the first."""
        return {} if self._frame is None else self._frame.prices

    def lead(self, now_ns: int) -> None:
        """This engine has just become primary."""
        self._takeover_ns = now_ns

    def resign(self) -> None:
        """This engine is no primary any more."""
        self._takeover_ns = None

    def command(self, now_ns: int) -> bytes | None:
        """The command to propose now, or None when there is nothing new, or nothing fresh."""
        frame, takeover_ns = self._frame, self._takeover_ns
        if frame is None or takeover_ns is None:
            return None
        waited_ns = now_ns - self._arrived_ns
        oldest_ns = now_ns - waited_ns - max(frame.index_age_ns, frame.surface_age_ns)
        age_ns = frame.index_age_ns + waited_ns
        if not self._any_inputs:
            if oldest_ns <= takeover_ns or frame.source_sequence == self._proposed_sequence:
                return None
            if age_ns > INDEX_LIMIT_NS:
                return None
        self._proposed_sequence = frame.source_sequence
        return encode(Marks(frame.prices, frame.source_sequence, age_ns, frame.valuation_ns))
