"""The option chain in one pass."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from market_world import FIRST, MARKETS

from trading_stack.instruments import INSTRUMENTS, Kind
from trading_stack.market.black76 import greeks, price
from trading_stack.market.calendar import event_ns
from trading_stack.market.chain import Chain
from trading_stack.market.pricing_service import chain_rows

CHAIN = Chain(tuple(INSTRUMENTS.values()))
FUTURES = {"BTC-30JAN26": 50_100.0, "BTC-27MAR26": 50_300.0}
PRICED = CHAIN.price(FUTURES, MARKETS["one"].surface(FIRST).surface, event_ns(FIRST))


def test_each_option_takes_the_forward_of_its_expiry() -> None:
    for option, forward in zip(CHAIN.options, PRICED.forwards, strict=True):
        assert forward == FUTURES[option.name.rsplit("-", 2)[0]]
    assert CHAIN.expiries_years(event_ns(FIRST)) == sorted(set(PRICED.expiry_years.tolist()))


def many_prices() -> str:
    """The bits of the whole chain at 300 forwards and 20 surfaces."""
    surfaces = [MARKETS["one"].surface(FIRST + 100 * number).surface for number in range(20)]
    chains = [
        CHAIN.price(
            {name: mark + 7.31 * step for name, mark in FUTURES.items()}, surfaces[step % 20], event_ns(FIRST)
        )
        for step in range(300)
    ]
    return "".join((chain.prices.tobytes() + chain.volatilities.tobytes()).hex() for chain in chains)


def test_a_processor_without_vector_instructions_gives_the_same_bits() -> None:
    code = "import sys, test_chain; sys.stdout.write(test_chain.many_prices())"
    vectors = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    there = {"NPY_DISABLE_CPU_FEATURES": " ".join(vectors), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **there}, capture_output=True, text=True
    )
    assert done.stdout == many_prices(), done.stderr


def test_one_pass_equals_one_option_at_a_time() -> None:
    for place, option in enumerate(CHAIN.options):
        sign = 1.0 if option.kind is Kind.CALL else -1.0
        deviation = PRICED.volatilities[place] * np.sqrt(PRICED.expiry_years[place])
        alone = price(PRICED.forwards[place], CHAIN.strikes[place], deviation, sign)
        assert PRICED.prices[place] == pytest.approx(float(alone), abs=1e-15)


def test_prices_are_ordered_and_convex_in_the_strike() -> None:
    for expiry in ("30JAN26", "27MAR26"):
        calls = [
            mark
            for option, mark in zip(CHAIN.options, PRICED.prices, strict=True)
            if expiry in option.name and option.kind is Kind.CALL
        ]
        assert np.all(np.diff(calls) < 0)
        assert np.all(np.diff(calls, 2) > 0)


def test_rows_carry_the_greeks_of_their_option() -> None:
    rows = chain_rows(CHAIN, PRICED)
    assert [row.instrument for row in rows] == [option.name for option in CHAIN.options]
    alone = greeks(PRICED.forwards[3], CHAIN.strikes[3], PRICED.volatilities[3], PRICED.expiry_years[3], -1.0)
    assert rows[3].delta == pytest.approx(float(alone.delta), rel=1e-15)
    assert rows[3].net_transaction_delta == pytest.approx(rows[3].delta * PRICED.forwards[3], rel=1e-14)


def test_an_expiry_without_a_future_is_refused() -> None:
    with pytest.raises(ValueError, match="no future expires with it"):
        Chain([terms for terms in INSTRUMENTS.values() if terms.kind is not Kind.FUTURE])
