"""Inverse Black-76 against 60-digit reference values, mpmath, and the identities that it must keep."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_stack.market import black76

ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "black76_reference.json").read_text())[
    "rows"
]
GREEKS = ("delta", "gamma", "vega", "theta", "net_transaction_delta")

forwards = st.floats(1_000, 200_000)
ratios = st.floats(0.2, 5.0)
volatilities = st.floats(0.05, 2.5)
years = st.floats(1 / 365, 2.0)
signs = st.sampled_from([1.0, -1.0])


def exact_price(forward: float, strike: float, deviation: float, sign: float) -> float:
    """The same formula with 50 digits, from mpmath's own normal distribution."""
    with mpmath.workdps(50):
        f, k, s = mpmath.mpf(forward), mpmath.mpf(strike), mpmath.mpf(deviation)
        d1 = mpmath.log(f / k) / s + s / 2
        return float(sign * (mpmath.ncdf(sign * d1) - k / f * mpmath.ncdf(sign * (d1 - s))))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["id"]))
def test_the_reference_values(row: dict[str, Any]) -> None:
    sign = 1.0 if row["type"] == "call" else -1.0
    f, k, v, t = row["F"], row["K"], row["sigma"], row["T"]
    expected = row["inverse"]
    assert float(black76.price(f, k, v * math.sqrt(t), sign)) == pytest.approx(
        expected["price"], abs=1e-15, rel=2e-15
    )
    sensitivities = black76.greeks(f, k, v, t, sign)
    for name in GREEKS:
        assert float(getattr(sensitivities, name)) == pytest.approx(expected[name], rel=2e-15), name


@given(forwards, ratios, volatilities, years, signs)
@settings(max_examples=300)
def test_prices_agree_with_fifty_digits(f: float, ratio: float, v: float, t: float, sign: float) -> None:
    k, s = f * ratio, v * math.sqrt(t)
    assert float(black76.price(f, k, s, sign)) == pytest.approx(
        exact_price(f, k, s, sign), abs=1e-14 * max(1, k / f)
    )


@given(forwards, ratios, volatilities, years)
def test_put_call_parity_and_bounds(f: float, ratio: float, v: float, t: float) -> None:
    k, s = f * ratio, v * math.sqrt(t)
    call, put = float(black76.price(f, k, s, 1)), float(black76.price(f, k, s, -1))
    scale = max(1.0, k / f)
    assert abs(call - put - (1 - k / f)) <= 1e-14 * scale
    assert max(1 - k / f, 0) - 1e-14 * scale <= call <= 1
    assert max(k / f - 1, 0) - 1e-14 * scale <= put <= k / f


@given(forwards, ratios, volatilities, years)
def test_a_call_is_k_puts_on_one_over_f(f: float, ratio: float, v: float, t: float) -> None:
    k, s = f * ratio, v * math.sqrt(t)
    # A put on 1/F struck at 1/K, undiscounted Black-76 with forward 1/F: (1/F) times its inverse price.
    put_on_reciprocal = float(black76.price(1 / f, 1 / k, s, -1)) / f
    assert float(black76.price(f, k, s, 1)) == pytest.approx(k * put_on_reciprocal, abs=1e-13 * max(1, k / f))


@given(forwards, st.floats(0.5, 2.0), st.floats(0.2, 1.5), st.floats(0.02, 1.0), signs)
def test_greeks_agree_with_finite_differences(
    f: float, ratio: float, v: float, t: float, sign: float
) -> None:
    k = f * ratio
    m = min(v * math.sqrt(t), 0.5)

    def value(f: float = f, v: float = v, t: float = t) -> float:
        return float(black76.price(f, k, v * math.sqrt(t), sign))

    got = black76.greeks(f, k, v, t, sign)
    h, wide = 1e-4 * f * m, 2e-3 * f * m
    delta = (value(f=f + h) - value(f=f - h)) / (2 * h)
    gamma = (value(f=f + wide) - 2 * value() + value(f=f - wide)) / wide**2
    vega = (value(v=v + 1e-4) - value(v=v - 1e-4)) / 2e-4
    theta = -(value(t=t * 1.0001) - value(t=t * 0.9999)) / (2e-4 * t)
    scale = max(1.0, k / f)
    assert float(got.delta) * f == pytest.approx(delta * f, abs=1e-6 * scale / m)
    assert float(got.gamma) * f**2 == pytest.approx(gamma * f**2, abs=1e-4 * scale / m**2)
    assert float(got.vega) == pytest.approx(vega, abs=1e-6)
    assert float(got.theta) == pytest.approx(theta, abs=1e-6 / t)
    assert float(got.net_transaction_delta) == pytest.approx(float(got.delta) * f, rel=1e-12)


@given(forwards, ratios, volatilities, years, signs)
@settings(max_examples=300)
def test_implied_volatility_round_trip(f: float, ratio: float, v: float, t: float, sign: float) -> None:
    k = f * ratio
    if float(black76.greeks(f, k, v, t, sign).vega) / math.sqrt(t) <= 1e-6:
        return  # the price hardly depends on the volatility there
    price = black76.price(f, k, v * math.sqrt(t), sign)
    assert float(black76.implied_volatility(price, f, k, t, sign)) == pytest.approx(v, abs=1e-8)


def test_implied_volatility_works_on_a_whole_chain() -> None:
    strikes = np.array([40_000.0, 50_000.0, 50_000.0, 60_000.0])
    sign = np.array([1.0, 1.0, -1.0, -1.0])
    prices = black76.price(50_000.0, strikes, 0.6 * math.sqrt(0.1), sign)
    assert black76.implied_volatility(prices, 50_000.0, strikes, 0.1, sign) == pytest.approx(0.6, abs=1e-12)


@pytest.mark.parametrize(
    ("price", "strike", "sign"),
    [(0.19, 40_000.0, 1.0), (1.0, 50_000.0, 1.0), (-1e-9, 60_000.0, 1.0), (1.2, 60_000.0, -1.0)],
)
def test_a_price_that_no_volatility_gives_is_refused(price: float, strike: float, sign: float) -> None:
    with pytest.raises(black76.BelowIntrinsic, match="no volatility gives the price"):
        black76.implied_volatility(price, 50_000.0, strike, 0.1, sign)


def test_the_intrinsic_value_has_no_volatility() -> None:
    assert float(black76.implied_volatility(1 - 40_000 / 50_000, 50_000.0, 40_000.0, 0.1, 1)) == 0.0


@pytest.mark.parametrize(("strike", "expected"), [(40_000.0, 0.2), (50_000.0, 0.0), (60_000.0, 0.0)])
def test_without_variance_a_call_is_worth_its_intrinsic_value(strike: float, expected: float) -> None:
    assert float(black76.price(50_000.0, strike, 0.0, 1)) == pytest.approx(expected, abs=1e-15)
