from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from harness.checks.black76 import Floats, erfc, intrinsic, inverse_price, normal_cdf

# Forward, strike, volatility, years, the kind, and the price in coin: from 60-digit arithmetic.
REFERENCE = [
    (100.0, 100.0, 0.2, 1.0, "call", 0.07965567455405796),
    (60000.0, 60000.0, 0.6, 0.25, "call", 0.11923538474048503),
    (60000.0, 80000.0, 0.65, 0.25, "call", 0.03841420943316741),
    (100000.0, 100000.0, 0.5, 0.0027397260273972603, "call", 0.010440498704451927),
    (3500.0, 5000.0, 0.7, 1.0, "put", 0.5865912507582841),
]


def column(value: float) -> Floats:
    return np.array([value])


def price(forward: float, strike: float, deviation: float, *, call: bool) -> float:
    return float(inverse_price(column(forward), column(strike), column(deviation), calls=np.array([call]))[0])


@pytest.mark.parametrize(("forward", "strike", "volatility", "years", "kind", "want"), REFERENCE)
def test_reference_prices(
    forward: float, strike: float, volatility: float, years: float, kind: str, want: float
) -> None:
    got = price(forward, strike, volatility * math.sqrt(years), call=kind == "call")
    assert abs(got - want) <= 2e-15 * max(1.0, strike / forward)


def test_the_error_function_agrees_with_scipy_in_all_ranges() -> None:
    x = np.concatenate((np.linspace(-6, 6, 4001), np.linspace(6, 25, 500)))
    assert np.max(np.abs(erfc(x) / special.erfc(x) - 1)) < 1e-13
    assert normal_cdf(np.array([0.0]))[0] == 0.5


@given(
    forward=st.floats(1e2, 1e6),
    moneyness=st.floats(0.2, 5.0),
    deviation=st.floats(0.01, 2.0),
)
def test_parity_bounds_and_the_textbook_formula(forward: float, moneyness: float, deviation: float) -> None:
    strike = forward * moneyness
    call, put = (price(forward, strike, deviation, call=side) for side in (True, False))
    scale = max(1.0, strike / forward)
    assert abs(call - put - (1 - strike / forward)) <= 1e-14 * scale
    d1 = math.log(forward / strike) / deviation + deviation / 2
    want = special.ndtr(d1) - strike / forward * special.ndtr(d1 - deviation)
    assert abs(call - want) <= 1e-14 * scale
    least = intrinsic(column(forward), column(strike), calls=np.array([True]))[0]
    assert least - 1e-14 * scale <= call <= 1.0
