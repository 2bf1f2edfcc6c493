"""The sources' market: seeded, the same past for ever, and free of arbitrage all the way."""

from __future__ import annotations

import pytest
from market_world import FIRST, MARKETS, SOURCES

from trading_stack.instruments import COINS, MARKET_EPOCH_NS
from trading_stack.market import calendar
from trading_stack.market.robust_index import LEAST_CONSTITUENTS
from trading_stack.market.seeded_market import LEVELS_USD, LINEAR, LISTINGS, PERIOD, SeededMarket, Walk


def test_a_tick_is_a_function_of_seed_and_sequence() -> None:
    again, other = SeededMarket(7, "one"), SeededMarket(8, "one")
    assert again.prices(FIRST) == MARKETS["one"].prices(FIRST)
    assert again.surface(FIRST) == MARKETS["one"].surface(FIRST)
    assert other.prices(FIRST) != MARKETS["one"].prices(FIRST)


def test_a_walk_moves_a_step_a_tick_and_comes_back() -> None:
    walk = Walk.seeded(7, "BTC", step=2e-5)
    steps = [walk.at(sequence + 1) - walk.at(sequence) for sequence in range(PERIOD)]
    assert max(map(abs, steps)) < 2e-4
    assert sum(steps) == pytest.approx(0, abs=1e-9)
    assert max(map(abs, walk.values)) < 0.02


@pytest.mark.parametrize("gone", SOURCES)
def test_any_one_source_can_be_missed(gone: str) -> None:
    left = [name for source in SOURCES if source != gone for name in MARKETS[source].prices(0).constituents]
    for coin in COINS:
        assert sum(name.startswith(f"{coin}.") for name in left) >= LEAST_CONSTITUENTS


def test_constituents_and_mids_stay_near_each_other() -> None:
    for sequence in range(FIRST, FIRST + PERIOD, 997):
        told = [MARKETS[source].prices(sequence) for source in SOURCES]
        assert all(tick.mids == told[0].mids for tick in told)
        assert set(told[0].mids) == set(LINEAR)
        for coin, level in LEVELS_USD.items():
            prices = [
                price
                for tick in told
                for name, price in tick.constituents.items()
                if name.startswith(f"{coin}.")
            ]
            assert len(prices) == sum(map(len, LISTINGS.values())) == 5
            assert max(prices) / min(prices) < 1.002
            assert min(prices) / 1e8 == pytest.approx(level, rel=0.03)


def test_no_surface_of_the_walk_admits_arbitrage() -> None:
    for sequence in range(0, PERIOD // calendar.SURFACE_EVERY, 257):
        assert MARKETS["one"].surface(sequence).surface.arbitrage([28 / 365, 29.4 / 365, 86 / 365]) == []


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(ValueError, match="no source 'four'; there are one, two, three"):
        SeededMarket(7, "four")


def test_sequences_follow_the_monotonic_clock() -> None:
    assert calendar.sequence_at(calendar.due_ns(123)) == 123
    assert calendar.sequence_at(calendar.due_ns(124) - 1) == 123
    assert 10**9 / calendar.TICK_NS >= 25
    assert 10**9 / calendar.TICK_NS / calendar.SURFACE_EVERY >= 6


@pytest.mark.parametrize("sequence", [0, 1, 10**12])
def test_market_time_stays_in_the_first_day(sequence: int) -> None:
    assert 0 <= calendar.event_ns(sequence) - MARKET_EPOCH_NS < 24 * 3600 * 10**9
    assert calendar.market_time_ns(calendar.due_ns(sequence)) == calendar.event_ns(sequence)
