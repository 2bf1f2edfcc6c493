"""What a pricing service published of late, for whoever asks: the shape of the harness's quotes, and a ring of them.

The structs repeat `harness.model.quotes` field by field, because services import nothing of the harness; a test holds
the two together.
"""

from __future__ import annotations

import itertools
from collections import deque
from typing import Final, NamedTuple

import msgspec

from trading_stack.market.calendar import TICK_NS
from trading_stack.market.valuation import MODEL_VERSION, Valuation

RING_NS: Final = 75 * 10**9
RING_VALUATIONS: Final = RING_NS // TICK_NS


class Quote(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One mark of one instrument by one provider; see `harness.model.quotes.Quote`."""

    cursor: int
    provider: str
    instrument: str
    kind: str
    published_mono_ns: int
    source_sequence: int
    valuation_ns: int
    model_version: str
    inputs_hash: str
    mark: float
    index: float
    index_age_ns: int
    surface_age_ns: int
    forward: float | None = None
    strike: float | None = None
    volatility: float | None = None
    expiry_years: float | None = None
    basis: float | None = None


class QuoteBatch(msgspec.Struct, frozen=True):
    """Quotes, oldest first, and the cursor to ask from next; `dropped` were overwritten unread."""

    quotes: list[Quote]
    cursor: int
    dropped: int = 0


class Published(NamedTuple):
    """A valuation as it went out."""

    valuation: Valuation
    published_mono_ns: int
    index_age_ns: int
    surface_age_ns: int


class QuoteRing:
    """The newest publications of one provider; quotes are made of them only when somebody asks.

    Cursors begin after `start`. When that is a clock in microseconds, every cursor of a restarted service lies above all
    those of the one before, and whoever goes on reading with an old one misses nothing.
    """

    def __init__(self, provider: str, *, start: int = 0, valuations: int = RING_VALUATIONS) -> None:
        self._provider = provider
        self._ring: deque[tuple[int, Published]] = deque(maxlen=valuations)
        self._start = start
        self._cursor = start

    def add(self, published: Published) -> None:
        """Keep a publication, and forget the oldest beyond the ring's size."""
        self._ring.append((self._cursor, published))
        self._cursor += len(published.valuation.marks)

    def since(self, cursor: int) -> QuoteBatch:
        """The quotes after `cursor`, which may be one from before a restart, or 0 for all that are kept."""
        cursor = max(cursor, self._start)
        first = self._ring[0][0] if self._ring else self._cursor
        newer = itertools.takewhile(
            lambda held: held[0] + len(held[1].valuation.marks) > cursor, reversed(self._ring)
        )
        rows = [quote for at, published in reversed(list(newer)) for quote in self._quotes(at, published)]
        return QuoteBatch(
            [quote for quote in rows if quote.cursor > cursor], self._cursor, max(0, first - cursor)
        )

    def _quotes(self, at: int, published: Published) -> list[Quote]:
        valuation, mono_ns, index_age_ns, surface_age_ns = published
        return [
            Quote(
                at + number,
                self._provider,
                mark.instrument,
                mark.kind,
                mono_ns,
                valuation.source_sequence,
                valuation.valuation_ns,
                MODEL_VERSION,
                valuation.inputs_hash,
                mark.mark,
                mark.index,
                index_age_ns,
                surface_age_ns,
                mark.forward,
                mark.strike,
                mark.volatility,
                mark.expiry_years,
                mark.basis,
            )
            for number, mark in enumerate(valuation.marks, 1)
        ]
