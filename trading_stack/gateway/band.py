"""The price band: orders far from the mark of this provider's pricing are refused.

After a takeover, or when a feed is silent, a venue must keep taking limit orders: resting interest is what lets it
reopen. So a limit price is held against the last mark that is known, however old, and passes when there is none;
only market orders, whose price is whatever comes, need a mark that is fresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from trading_stack.instruments import INSTRUMENTS, SCALE, Instrument
from trading_stack.venue.commands import New

INDEX_LIMIT_NS: Final = 10**9
SURFACE_LIMIT_NS: Final = 10 * 10**9

Verdict: TypeAlias = Literal["", "price_band", "no_fresh_price"]


class Band:
    """The last marks, when they came, and how old their inputs were by then (monotonic ns)."""

    def __init__(self) -> None:
        self._marks: dict[str, int] = {}
        self._came_ns = 0
        self._index_age_ns = 0
        self._surface_age_ns = 0

    def update(
        self, marks: Mapping[str, int], *, index_age_ns: int, surface_age_ns: int, now_ns: int
    ) -> None:
        """Take the marks of one valuation; instruments that it lacks keep the mark that they had."""
        self._marks.update(marks)
        self._came_ns = now_ns
        self._index_age_ns, self._surface_age_ns = index_age_ns, surface_age_ns

    def marks(self) -> dict[str, int]:
        """The last mark of each instrument."""
        return dict(self._marks)

    def age_ns(self, now_ns: int) -> int:
        """The age of the index behind the marks."""
        return self._index_age_ns + now_ns - self._came_ns

    def verdict(self, order: New, now_ns: int) -> Verdict:
        """The code under which an order is to be refused, or "". What the venue decides itself is left to it."""
        instrument = INSTRUMENTS.get(order.instrument)
        if instrument is None:
            return ""
        mark = self._marks.get(order.instrument)
        if order.order_type == "market":
            return "" if mark is not None and self._fresh(instrument, now_ns) else "no_fresh_price"
        if mark is None or order.price is None:
            return ""
        return "" if abs(order.price - mark) <= _width(instrument, mark) else "price_band"

    def _fresh(self, instrument: Instrument, now_ns: int) -> bool:
        since_ns = now_ns - self._came_ns
        if instrument.is_option and self._surface_age_ns + since_ns > SURFACE_LIMIT_NS:
            return False
        return self._index_age_ns + since_ns <= INDEX_LIMIT_NS


def _width(instrument: Instrument, mark: int) -> int:
    return instrument.band if instrument.is_option else mark * instrument.band // SCALE
