"""The surface: free of arbitrage, and able to tell one that is not."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_stack.market.surface import RawSvi, Ssvi

GOOD = Ssvi(variance_now=0.30, variance_far=0.36, reversion=2.0, rho=-0.25, eta=1.1, gamma=0.42)
EXPIRIES = [29 / 365, 85 / 365]
# Axel Vogt's slice, known to admit a butterfly (DOMAIN, the negative control of P8).
VOGT = RawSvi(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)


def test_the_negative_control_fails_where_it_must() -> None:
    k = np.linspace(-1.5, 1.5, 3001)
    density = VOGT.durrleman(k)
    assert float(density.min()) == pytest.approx(-0.0329, abs=1e-4)
    assert float(k[density.argmin()]) == pytest.approx(0.879, abs=2e-3)
    assert VOGT.admits_butterfly()


@pytest.mark.parametrize(
    "change",
    [{"b": -0.1}, {"rho": 1.0}, {"sigma": 0.0}, {"b": 1.9}, {"a": -0.2}],
    ids=lambda change: str(change),
)
def test_a_slice_out_of_its_bounds_is_no_slice(change: dict[str, float]) -> None:
    assert dataclasses.replace(RawSvi(0.02, 0.1, -0.3, 0.0, 0.3), **change).admits_butterfly()


def test_the_shipped_surface_is_free_of_arbitrage() -> None:
    assert GOOD.arbitrage(EXPIRIES) == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"eta": 6.0}, "θφ²"),
        ({"eta": 50.0}, "θφ(1+|ρ|) < 4"),
        ({"eta": 2.6, "gamma": 0.9}, "θφ²"),
        ({"variance_far": 0.0001, "reversion": 2000.0, "eta": 9.0}, "θφ²"),
        ({"rho": -1.0}, "rho"),
        ({"gamma": 1.0}, "gamma"),
        ({"variance_now": math.nan}, "positive and finite"),
        ({"variance_now": -0.1}, "positive and finite"),
    ],
)
def test_arbitrage_is_named(change: dict[str, float], complaint: str) -> None:
    broken = dataclasses.replace(GOOD, **change).arbitrage(EXPIRIES)
    assert any(complaint in line for line in broken), broken


def test_an_expired_option_has_no_variance() -> None:
    assert GOOD.arbitrage([0.0, 0.1]) == ["the total variance at the money is not positive"]


@given(st.floats(-1.0, 1.0), st.floats(0.02, 0.5), st.floats(0.01, 1.0))
def test_total_variance_grows_with_expiry(k: float, near: float, more: float) -> None:
    log_moneyness = np.array([k])
    near_variance = GOOD.total_variance(log_moneyness, GOOD.theta(np.array([near])))
    far_variance = GOOD.total_variance(log_moneyness, GOOD.theta(np.array([near + more])))
    assert float(far_variance[0]) >= float(near_variance[0]) - 1e-10


@given(st.floats(0.02, 1.0))
def test_a_slice_is_the_surface_at_its_expiry(expiry: float) -> None:
    k = np.linspace(-1, 1, 21)
    theta = GOOD.theta(np.full(21, expiry))
    assert GOOD.slice_at(expiry).total_variance(k) == pytest.approx(GOOD.total_variance(k, theta), rel=1e-13)
    assert float(GOOD.total_variance(np.zeros(1), theta[:1])[0]) == pytest.approx(float(theta[0]), rel=1e-14)


def test_durrleman_is_the_density_of_the_prices() -> None:
    """g is proportional to the second derivative of the call price in the strike: here by finite differences."""
    from trading_stack.market.black76 import price

    expiry, forward = 0.2, 50_000.0
    svi = GOOD.slice_at(expiry)
    strikes = np.linspace(30_000.0, 80_000.0, 11)
    step = 5.0

    def call(strike: np.ndarray) -> np.ndarray:
        variance = svi.total_variance(np.log(strike / forward))
        return forward * price(forward, strike, np.sqrt(variance), 1.0)

    second = (call(strikes + step) - 2 * call(strikes) + call(strikes - step)) / step**2
    k = np.log(strikes / forward)
    w = svi.total_variance(k)
    d2 = -k / np.sqrt(w) - np.sqrt(w) / 2
    lognormal = np.exp(-d2 * d2 / 2) / np.sqrt(2 * math.pi * w) / strikes
    assert second == pytest.approx(svi.durrleman(k) * lognormal, rel=1e-4)
