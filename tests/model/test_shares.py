"""What a number of cases lets one claim: against published values, SciPy's own, and coverage."""

from __future__ import annotations

import sys

import pytest
from scipy import stats

from harness.model.shares import bounded_by_worst, median_ranks, share_at_most, share_interval


@pytest.mark.parametrize(("count", "of"), [(1, 10), (3, 40), (9, 10), (1, 5000), (2500, 5000), (4999, 5000)])
def test_the_one_sided_bound_agrees_with_scipy(count: int, of: int) -> None:
    exact = stats.binomtest(count, of, alternative="less").proportion_ci(method="exact")
    assert share_at_most(count, of) == pytest.approx(exact.high, rel=1e-9)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.35, 0.8, 0.99])
@pytest.mark.parametrize("of", [1, 10, 59])
def test_the_one_sided_bound_holds_as_often_as_is_claimed(share: float, of: int) -> None:
    held = sum(
        stats.binom.pmf(count, of, share) for count in range(of + 1) if share <= share_at_most(count, of)
    )
    assert held >= 0.95


def test_nothing_is_claimed_of_nothing_nor_of_failures_alone() -> None:
    assert share_at_most(0, 0) == share_at_most(7, 7) == 1


def test_shares_need_no_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    share_at_most.cache_clear()
    assert share_interval(3, 40).high == pytest.approx(0.2038648)


@pytest.mark.parametrize(("of", "bound"), [(30, 0.095), (100, 0.030), (300, 0.010)])
def test_none_of_n_is_a_bound(of: int, bound: float) -> None:
    assert share_interval(0, of).high == pytest.approx(bound, abs=5e-4)
    assert share_interval(of, of).low == pytest.approx(1 - bound, abs=5e-4)


def test_shares_agree_with_scipy() -> None:
    found = share_interval(3, 40)
    exact = stats.binomtest(3, 40).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), rel=1e-9)
    assert (share_interval(0, 0).low, share_interval(0, 0).high) == (0, 1)


@pytest.mark.parametrize(("samples", "ranks"), [(5, None), (6, (0, 5)), (20, (5, 14)), (100, (39, 60))])
def test_ranks_around_the_median(samples: int, ranks: tuple[int, int] | None) -> None:
    """The published tables count from 1: 1 to 6, 6 to 15, 40 to 61."""
    assert median_ranks(samples) == ranks


@pytest.mark.parametrize("samples", [7, 59, 300, 1001])
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
