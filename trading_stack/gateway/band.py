"""The price band: orders far from the mark of this provider's pricing are refused before they reach an engine.

After a takeover, or when a feed is silent, a venue must keep taking limit orders: resting interest is what lets it
reopen. So a limit price is held against the last mark that is known, however old, and passes when there is none;
only market orders, whose price is whatever comes, need a mark that is fresh.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trading_stack.instruments import INSTRUMENTS, SCALE, Instrument
from trading_stack.venue.commands import New

INDEX_LIMIT_NS: Final = 10**9
SURFACE_LIMIT_NS: Final = 10 * 10**9

OUT_OF_BAND: Final = "price_band"
NO_FRESH_PRICE: Final = "no_fresh_price"


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

    def refusal(self, order: New, now_ns: int) -> str | None:
        """The code under which an order is refused, or None. What the venue decides itself is left to it."""
        instrument = INSTRUMENTS.get(order.instrument)
        if instrument is None:
            return None
        mark = self._marks.get(order.instrument)
        if order.order_type == "market":
            return None if mark is not None and self._fresh(instrument, now_ns) else NO_FRESH_PRICE
        if mark is None or order.price is None:
            return None
        return None if abs(order.price - mark) <= _width(instrument, mark) else OUT_OF_BAND

    def _fresh(self, instrument: Instrument, now_ns: int) -> bool:
        since_ns = now_ns - self._came_ns
        if instrument.is_option and self._surface_age_ns + since_ns > SURFACE_LIMIT_NS:
            return False
        return self._index_age_ns + since_ns <= INDEX_LIMIT_NS


def _width(instrument: Instrument, mark: int) -> int:
    return instrument.band if instrument.is_option else mark * instrument.band // SCALE
