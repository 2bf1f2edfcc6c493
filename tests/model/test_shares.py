"""What a number of cases lets one claim: against published values, SciPy's own, and coverage."""

from __future__ import annotations

import sys

import pytest
from scipy import stats

from harness.model.shares import (
    bounded_by_worst,
    median_ranks,
    share_at_least,
    share_at_most,
    share_interval,
)

CASES = [
    (0, 10),
    (1, 10),
    (3, 40),
    (9, 10),
    (10, 10),
    (1, 20_000),
    (700, 20_000),
    (10_000, 20_000),
    (19_999, 20_000),
    (1, 3_600_000),
    (1_800_000, 3_600_000),
]


@pytest.mark.parametrize(("count", "of"), CASES)
def test_the_one_sided_bounds_agree_with_scipy(count: int, of: int) -> None:
    high = 1 if count == of else stats.beta.ppf(0.95, count + 1, of - count)
    low = 0 if count == 0 else stats.beta.ppf(0.05, count, of - count + 1)
    assert share_at_most(count, of) == pytest.approx(high, rel=1e-9)
    assert share_at_least(count, of) == pytest.approx(low, rel=1e-9)


@pytest.mark.parametrize(("count", "of"), CASES)
def test_intervals_agree_with_scipy(count: int, of: int) -> None:
    found, exact = share_interval(count, of), stats.binomtest(count, of).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), rel=1e-9)


@pytest.mark.parametrize("share", [0.01, 0.049, 0.1, 0.35, 0.8, 0.951, 0.99])
@pytest.mark.parametrize("of", [1, 10, 59])
def test_claims_hold_as_often_as_is_said(share: float, of: int) -> None:
    """Beside the bound of none in 59, too, where an interval that turns one-sided by what was seen held in 93 % alone."""
    probable = [float(stats.binom.pmf(count, of, share)) for count in range(of + 1)]
    below = sum(one for count, one in enumerate(probable) if share <= share_at_most(count, of))
    above = sum(one for count, one in enumerate(probable) if share >= share_at_least(count, of))
    between = [share_interval(count, of) for count in range(of + 1)]
    held = sum(one for one, each in zip(probable, between, strict=True) if each.low <= share <= each.high)
    assert min(below, above, held) >= 0.95


def test_nothing_is_claimed_of_nothing_nor_of_failures_alone() -> None:
    assert share_at_most(0, 0) == share_at_most(7, 7) == 1
    assert share_at_least(0, 0) == share_at_least(0, 7) == 0
    assert (share_interval(0, 0).low, share_interval(0, 0).high) == (0, 1)


def test_shares_need_no_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    share_at_most.cache_clear()
    share_at_least.cache_clear()
    assert share_interval(3, 40).high == pytest.approx(0.2038648)


@pytest.mark.parametrize(("of", "bound"), [(30, 0.095), (100, 0.030), (300, 0.010)])
def test_none_of_n_is_a_bound(of: int, bound: float) -> None:
    assert share_at_most(0, of) == pytest.approx(bound, abs=5e-4)
    assert share_at_least(of, of) == pytest.approx(1 - bound, abs=5e-4)


@pytest.mark.parametrize(("samples", "ranks"), [(5, None), (6, (0, 5)), (20, (5, 14)), (100, (39, 60))])
def test_ranks_around_the_median(samples: int, ranks: tuple[int, int] | None) -> None:
    """The published tables count from 1: 1 to 6, 6 to 15, 40 to 61."""
    assert median_ranks(samples) == ranks


@pytest.mark.parametrize("samples", [7, 59, 300, 1001, 20_000])
def test_ranks_are_the_closest_that_cover(samples: int) -> None:
    ranks = median_ranks(samples)
    assert ranks is not None
    low, high = ranks
    assert low + high == samples - 1
    assert stats.binom.cdf(low, samples, 0.5) <= 0.025 < stats.binom.cdf(low + 1, samples, 0.5)


def test_the_worst_of_59_bounds_95_per_cent() -> None:
    assert bounded_by_worst(58) < 0.95 <= bounded_by_worst(59)
    assert bounded_by_worst(298) < 0.99 <= bounded_by_worst(299)
    assert bounded_by_worst(0) == 0
