"""Marks of perpetuals and futures."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_stack.market.marks import clamped_basis, clamped_float_basis, rounded_ratio, scaled


@given(st.integers(-(10**18), 10**18), st.integers(1, 1000))
def test_the_average_is_rounded_half_to_even(total: int, count: int) -> None:
    assert rounded_ratio(total, count) == round(Fraction(total, count))


@pytest.mark.parametrize(
    ("average", "basis"), [(100, 100), (300_000, 250_000), (-300_000, -250_000), (250_000, 250_000)]
)
def test_the_basis_is_clamped_to_half_a_per_cent(average: int, basis: int) -> None:
    assert clamped_basis(average * 750, 750, 50_000_000) == basis


def test_the_float_basis_is_clamped_alike() -> None:
    assert clamped_float_basis(400.0, 50_000 * 10**8) == 250.0
    assert clamped_float_basis(-400.0, 50_000 * 10**8) == -250.0
    assert clamped_float_basis(0.125, 50_000 * 10**8) == 0.125


def test_a_price_is_scaled_half_to_even() -> None:
    assert scaled(0.125) == 12_500_000
    assert scaled(2**-9) == 195_312  # 195,312.5
    assert scaled(3 * 2**-9) == 585_938  # 585,937.5
