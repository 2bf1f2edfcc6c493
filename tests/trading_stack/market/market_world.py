"""A small market for these tests: what the three sources would say, without processes or clocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from trading_stack.market.calendar import SURFACE_EVERY
from trading_stack.market.feed_handler import FeedHandler, Passed
from trading_stack.market.messages import Live, Missed
from trading_stack.market.pricer import Pricer
from trading_stack.market.seeded_market import LISTINGS, SeededMarket
from trading_stack.market.valuation import Valuation

SOURCES = tuple(LISTINGS)
MARKETS = {source: SeededMarket(7, source) for source in SOURCES}
FIRST = 1_000_000  # a sequence somewhere
MS = 1_000_000


def history(source: str, first: int, last: int) -> Missed:
    """What a source answers to a subscription: ticks and surfaces of the past."""
    market = MARKETS[source]
    surfaces = range(first // SURFACE_EVERY, last // SURFACE_EVERY + 1)
    return Missed(
        prices=[market.prices(sequence) for sequence in range(first, last + 1)],
        surfaces=[market.surface(sequence) for sequence in surfaces],
    )


def warmed_feed(
    last: int, *, sources: Iterable[str] = SOURCES, ticks: int = 760, now_ns: int = 0
) -> FeedHandler:
    """A feed handler that has heard some history of all sources."""
    feed = FeedHandler(SOURCES)
    for source in sources:
        feed.hear(source, history(source, last - ticks + 1, last), now_ns)
    return feed


def hear_tick(feed: FeedHandler, source: str, sequence: int, now_ns: int) -> None:
    """One live tick of one source, with the surface when it is due."""
    if sequence % SURFACE_EVERY == 0:
        feed.hear(source, MARKETS[source].surface(sequence // SURFACE_EVERY), now_ns)
    feed.hear(source, MARKETS[source].prices(sequence), now_ns)


def priced(pricer: Pricer, messages: Iterable[Passed]) -> Iterator[Valuation]:
    """What a pricer makes of what a feed passes on: it learns everything and values what is live."""
    for message in messages:
        pricer.learn(message.frames)
        if isinstance(message, Live):
            valuation = pricer.value(message.frames[-1], message.surface)
            if valuation is not None:
                yield valuation
