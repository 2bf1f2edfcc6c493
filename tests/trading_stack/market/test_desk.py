"""The desk: one publication a tick, ages on the local clock, nothing on stale inputs."""

from __future__ import annotations

import msgspec
import pytest
from market_world import FIRST, MS, SOURCES, hear_tick, warmed_feed

from trading_stack.defects import Defect
from trading_stack.instruments import INSTRUMENTS
from trading_stack.market.desk import Desk, marks_frame
from trading_stack.market.feed_handler import FeedHandler
from trading_stack.market.freshness import Vigil
from trading_stack.market.messages import Live
from trading_stack.market.pricer import LEAST_SAMPLES


def warmed_desk(*defects: Defect) -> tuple[Desk, FeedHandler]:
    feed, desk = warmed_feed(FIRST), Desk("alpha", defects=defects)
    for message in feed.news(2 * MS):
        desk.hear(message, 3 * MS)
    return desk, feed


def test_marks_are_integers_of_what_was_valued() -> None:
    desk, _ = warmed_desk()
    published = desk.value(4 * MS)
    assert published is not None
    frame = marks_frame(published)
    assert list(frame.prices) == list(INSTRUMENTS)
    assert (frame.index_age_ns, frame.surface_age_ns) == (3 * MS, 3 * MS)
    assert frame.source_sequence == FIRST
    for mark in published.valuation.marks:
        assert frame.prices[mark.instrument] == pytest.approx(mark.mark * 1e8, abs=0.51)


def test_identical_ticks_publish_nothing_and_grow_old() -> None:
    desk, feed = warmed_desk()
    for now_ns in (500 * MS, 900 * MS):
        assert not any(desk.hear(message, now_ns) for message in feed.repeat(now_ns))
    desk.value(900 * MS)
    assert desk.unready(900 * MS) is None
    assert desk.unready(1100 * MS) == "prices are 1.1 s old"
    assert desk.value(1100 * MS) is None


def test_the_planted_refresh_claims_freshness() -> None:
    desk, feed = warmed_desk(Defect.IDENTICAL_TICKS_REFRESH)
    assert all(desk.hear(message, 5000 * MS) for message in feed.repeat(5000 * MS))
    published = desk.value(5001 * MS)
    assert published is not None
    assert published.index_age_ns == MS  # P11 sees the sequence stand still beside it
    assert published.valuation.source_sequence == FIRST
    assert desk.unready(5001 * MS) is None


def test_an_old_surface_prices_no_options() -> None:
    desk, feed = warmed_desk()
    now_ns = 12_000 * MS
    for source in SOURCES:
        hear_tick(feed, source, FIRST + 1, now_ns)
    for message in feed.news(now_ns):
        assert desk.hear(message, now_ns)
    published = desk.value(now_ns)
    assert published is not None
    assert len(published.valuation.marks) == 4
    assert desk.unready(now_ns) == "no fresh surface free of arbitrage"


def test_a_desk_says_why_it_is_not_ready() -> None:
    desk = Desk("alpha")
    assert desk.value(0) is None
    assert desk.unready(0) == "no prices yet"
    for message in warmed_feed(FIRST, ticks=100).news(0):
        desk.hear(message, 0)
    assert desk.value(0) is None
    assert desk.unready(0) == f"warming up: 100 of {LEAST_SAMPLES} ticks for the moving averages"


def test_a_feed_without_a_surface_prices_no_options() -> None:
    desk, feed = Desk("alpha"), warmed_feed(FIRST)
    for message in feed.news(0):
        bare = msgspec.structs.replace(message, surface=None) if isinstance(message, Live) else message
        desk.hear(bare, 0)
    assert desk.value(0) is not None
    assert desk.unready(0) == "no fresh surface free of arbitrage"


def test_a_frozen_process_notices() -> None:
    vigil = Vigil()
    assert [vigil.awake(now * MS) for now in (0, 100, 550, 1100, 1150)] == [False, False, False, True, False]
