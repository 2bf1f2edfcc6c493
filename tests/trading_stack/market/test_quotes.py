"""The ring of quotes, and its shape, which is the harness's."""

from __future__ import annotations

import msgspec
import pytest
from market_world import FIRST, priced, warmed_feed

from harness.model import quotes as model
from trading_stack.market.pricer import Pricer
from trading_stack.market.quotes import Published, Quote, QuoteBatch, QuoteRing


@pytest.fixture(scope="module")
def published() -> Published:
    (valuation,) = priced(Pricer(), warmed_feed(FIRST).news(0))
    return Published(valuation, 123, 4, 5)


def test_the_shape_is_the_harnesss_own(published: Published) -> None:
    assert Quote.__struct_fields__ == model.Quote.__struct_fields__
    assert QuoteBatch.__struct_fields__ == model.QuoteBatch.__struct_fields__
    ring = QuoteRing("alpha")
    ring.add(published)
    batch = msgspec.json.decode(msgspec.json.encode(ring.since(0)), type=model.QuoteBatch)
    assert len(batch.quotes) == 24
    first, option = batch.quotes[0], batch.quotes[4]
    assert (first.instrument, first.provider, first.kind) == ("BTC-PERPETUAL", "alpha", "perpetual")
    assert (first.published_mono_ns, first.index_age_ns, first.surface_age_ns) == (123, 4, 5)
    assert first.mark == published.valuation.marks[0].mark
    assert option.kind == "option_call"
    assert None not in (option.forward, option.strike, option.volatility, option.expiry_years)


def test_reading_on_misses_nothing(published: Published) -> None:
    ring = QuoteRing("alpha")
    cursor, seen = 0, []
    for _ in range(5):
        ring.add(published)
        batch = ring.since(cursor)
        cursor = batch.cursor
        seen += [quote.cursor for quote in batch.quotes]
        assert batch.dropped == 0
    assert seen == list(range(1, 5 * 24 + 1))
    assert ring.since(cursor).quotes == []


def test_a_cursor_in_the_middle_gets_the_rest(published: Published) -> None:
    ring = QuoteRing("alpha")
    ring.add(published)
    ring.add(published)
    assert [quote.cursor for quote in ring.since(30).quotes] == list(range(31, 49))


def test_what_was_overwritten_is_counted(published: Published) -> None:
    ring = QuoteRing("alpha", start=1000, valuations=2)
    for _ in range(5):
        ring.add(published)
    batch = ring.since(0)
    assert (batch.dropped, len(batch.quotes), batch.cursor) == (3 * 24, 2 * 24, 1000 + 5 * 24)


def test_a_cursor_from_before_a_restart_reads_on(published: Published) -> None:
    restarted = QuoteRing("alpha", start=5000)
    restarted.add(published)
    batch = restarted.since(77)
    assert (len(batch.quotes), batch.dropped) == (24, 0)


def test_an_empty_ring() -> None:
    assert QuoteRing("alpha", start=9).since(3) == QuoteBatch([], 9)
