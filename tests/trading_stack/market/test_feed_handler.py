"""The feed handler: history, gaps, repeats and ages, with fake streams and a fake clock."""

from __future__ import annotations

from market_world import FIRST, MARKETS, MS, SOURCES, hear_tick, history, warmed_feed

from trading_stack.market.feed_handler import FeedHandler
from trading_stack.market.messages import Channel, Live, Missed, Past, Resend, Subscribe


def test_a_new_feed_asks_for_everything() -> None:
    feed = FeedHandler(SOURCES)
    assert feed.subscription("one") == Subscribe(prices_after=-1, surface_after=-1)
    assert feed.news(0) == feed.welcome(0) == feed.repeat(0) == []
    assert feed.unready(0) == "no prices yet"


def test_history_goes_out_as_the_past_and_its_end_as_live() -> None:
    feed = warmed_feed(FIRST, ticks=760)
    messages = feed.news(0)
    assert [type(message) for message in messages] == [Past, Past, Past, Past, Live]
    sequences = [frame.sequence for message in messages for frame in message.frames]
    assert sequences == list(range(FIRST - 759, FIRST + 1))
    assert feed.subscription("two") == Subscribe(prices_after=FIRST, surface_after=FIRST // 4)


def test_a_gap_is_asked_for_and_recovered() -> None:
    whole, gapped = warmed_feed(FIRST), warmed_feed(FIRST)
    for feed in (whole, gapped):
        feed.news(0)
    requests = []
    for sequence in range(FIRST + 1, FIRST + 21):
        for source in SOURCES:
            hear_tick(whole, source, sequence, 0)
            if source != "two" or not 5 <= sequence - FIRST <= 8:
                requests += gapped.hear(source, MARKETS[source].prices(sequence), 0)
    assert requests == [Resend(Channel.PRICES, FIRST + 5, FIRST + 8)]
    assert gapped.gaps == 1
    gapped.news(0)
    missed = [MARKETS["two"].prices(sequence) for sequence in range(FIRST + 5, FIRST + 9)]
    assert gapped.hear("two", Missed(prices=missed), 0) == []
    (corrected,) = gapped.news(0)
    assert isinstance(corrected, Past)
    assert [frame.sequence for frame in corrected.frames] == [tick.sequence for tick in missed]
    whole.news(0)
    assert _frames(whole) == _frames(gapped)


def test_a_surface_gap_is_asked_for() -> None:
    feed = warmed_feed(FIRST)
    requests = feed.hear("one", MARKETS["one"].surface(FIRST // 4 + 3), 0)
    assert requests == [Resend(Channel.SURFACE, FIRST // 4 + 1, FIRST // 4 + 2)]


def test_a_cut_feed_catches_up_to_the_same_frames() -> None:
    whole, cut = warmed_feed(FIRST + 200), warmed_feed(FIRST)
    cut.news(0)
    for source in SOURCES:
        after = cut.subscription(source)
        assert after.prices_after == FIRST
        cut.hear(source, history(source, FIRST + 1, FIRST + 200), 0)
    cut.news(0)
    whole.news(0)
    assert _frames(whole) == _frames(cut)[-760:]


def test_ages_count_from_the_first_arrival() -> None:
    feed = warmed_feed(FIRST)
    feed.news(0)
    for at, source in enumerate(SOURCES):
        hear_tick(feed, source, FIRST + 4, 100 * MS + at * MS)
    (live,) = feed.news(110 * MS)
    assert isinstance(live, Live)
    assert (live.prices_age_ns, live.surface_age_ns) == (10 * MS, 10 * MS)


def test_identical_ticks_refresh_nothing() -> None:
    feed = warmed_feed(FIRST)
    feed.news(0)
    for source in SOURCES:
        hear_tick(feed, source, FIRST, 5000 * MS)
    assert feed.news(5000 * MS) == []
    (again,) = feed.repeat(5000 * MS)
    assert isinstance(again, Live)
    assert again.prices_age_ns == again.surface_age_ns == 5000 * MS
    assert feed.unready(900 * MS) is None
    assert feed.unready(5000 * MS) == "prices are 5.0 s old"


def test_a_corrected_newest_frame_is_repeated_as_corrected() -> None:
    feed = warmed_feed(FIRST, sources=("one", "two"))
    (live,) = [message for message in feed.news(0) if isinstance(message, Live)]
    assert len(live.frames[-1].constituents) == 8
    feed.hear("three", history("three", FIRST - 759, FIRST), 0)
    assert all(isinstance(message, Past) for message in feed.news(0))
    assert [len(message.frames[-1].constituents) for message in feed.repeat(0)] == [10]
    assert [len(frame.constituents) for frame in feed.welcome(0)[-1].frames] == [10]


def test_without_a_surface_the_feed_is_not_ready() -> None:
    feed = FeedHandler(SOURCES)
    for source in SOURCES:
        feed.hear(source, MARKETS[source].prices(FIRST), 0)
    (live,) = feed.news(0)
    assert isinstance(live, Live)
    assert live.surface is None
    assert feed.unready(0) == "no surface yet"


def _frames(feed: FeedHandler) -> list[object]:
    return [frame for message in feed.welcome(0) for frame in message.frames if frame.sequence > FIRST - 700]
