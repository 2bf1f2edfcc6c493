"""The pricing service of one provider without its sockets: what it heard, what it publishes, whether it is ready."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from trading_stack.defects import Defect
from trading_stack.market.freshness import INDEX_LIMIT_NS, SURFACE_LIMIT_NS, Freshness
from trading_stack.market.marks import scaled
from trading_stack.market.messages import Frame, FromFeed, Live, MarksFrame, SurfaceTick
from trading_stack.market.pricer import LEAST_SAMPLES, Pricer
from trading_stack.market.quotes import Published, QuoteRing

NEVER_NS: Final = 2**62  # the age of an input that never came


class Desk:
    """Values each new frame once. Nothing is ever published again: without advancing inputs there is no mark."""

    def __init__(
        self,
        provider: str,
        *,
        defects: Collection[Defect] = (),
        market_time_ns: Callable[[], int] = lambda: 0,
        first_cursor: int = 0,
    ) -> None:
        refresh = Defect.IDENTICAL_TICKS_REFRESH in defects
        self.pricer = Pricer(defects=defects, market_time_ns=market_time_ns)
        self.ring = QuoteRing(provider, start=first_cursor)
        self.last: Published | None = None
        self._prices = Freshness(identical_refresh=refresh)
        self._surface_age = Freshness(identical_refresh=refresh)
        self._frame: Frame | None = None
        self._surface: SurfaceTick | None = None

    def hear(self, message: FromFeed, now_ns: int) -> bool:
        """Take what the feed said; whether there is now something to value."""
        self.pricer.learn(message.frames)
        if not isinstance(message, Live):
            return False
        surface, frame = message.surface, message.frames[-1]
        if surface is not None and self._surface_age.hear(surface.sequence, message.surface_age_ns, now_ns):
            self._surface = surface
        advanced = self._prices.hear(frame.sequence, message.prices_age_ns, now_ns)
        if advanced:
            self._frame = frame
        return advanced

    def value(self, now_ns: int) -> Published | None:
        """Value the newest frame and keep the result; None when an input is missing or too old."""
        ages = self._prices.age_ns(now_ns), self._surface_age.age_ns(now_ns)
        index_age_ns, surface_age_ns = (NEVER_NS if age is None else age for age in ages)
        if self._frame is None or index_age_ns > INDEX_LIMIT_NS:
            return None
        surface = self._surface if surface_age_ns <= SURFACE_LIMIT_NS else None
        valuation = self.pricer.value(self._frame, surface)
        if valuation is None:
            return None
        self.last = Published(valuation, now_ns, index_age_ns, surface_age_ns)
        self.ring.add(self.last)
        return self.last

    def unready(self, now_ns: int) -> str | None:
        """Why nobody should rely on these prices now; None when they are fresh and complete."""
        age_ns = self._prices.age_ns(now_ns)
        if age_ns is None:
            return "no prices yet"
        if age_ns > INDEX_LIMIT_NS:
            return f"prices are {age_ns / 1e9:.1f} s old"
        if self.last is None:
            return f"warming up: {self.pricer.samples} of {LEAST_SAMPLES} ticks for the moving averages"
        surface_age_ns = self._surface_age.age_ns(now_ns)
        if surface_age_ns is None or surface_age_ns > SURFACE_LIMIT_NS or self.last.valuation.chain is None:
            return "no fresh surface free of arbitrage"
        return None


def marks_frame(published: Published) -> MarksFrame:
    """A publication as engines and gateways are told it."""
    valuation = published.valuation
    return MarksFrame(
        prices={mark.instrument: scaled(mark.mark) for mark in valuation.marks},
        source_sequence=valuation.source_sequence,
        valuation_ns=valuation.valuation_ns,
        index_age_ns=published.index_age_ns,
        surface_age_ns=published.surface_age_ns,
        inputs_hash=valuation.inputs_hash,
    )
