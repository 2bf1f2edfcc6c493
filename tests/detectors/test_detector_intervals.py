"""What a number of mistakes lets one claim: against published values, SciPy's own, and coverage."""

from __future__ import annotations

import builtins
import math

import pytest
from scipy import stats

from harness.detectors.intervals import rate_interval
from harness.model.errors import EnvironmentUnfit


def test_no_mistake_is_a_bound_of_three_by_the_exposure() -> None:
    for hours in (1, 12, 1000):
        assert rate_interval(0, hours).low == 0
        assert rate_interval(0, hours).high == pytest.approx(2.9957 / hours, rel=1e-4)


@pytest.mark.parametrize("count", [1, 2, 5, 40, 1000])
def test_rates_agree_with_the_chi_squared_form(count: int) -> None:
    found = rate_interval(count, 10)
    assert found.low == pytest.approx(stats.chi2.ppf(0.025, 2 * count) / 2 / 10)
    assert found.high == pytest.approx(stats.chi2.ppf(0.975, 2 * count + 2) / 2 / 10)


@pytest.mark.parametrize("mean", [0.5, 1.0, 3.0, 7.5, 20.0])
def test_rates_are_covered_as_often_as_is_claimed(mean: float) -> None:
    intervals = [rate_interval(count, 1) for count in range(100)]
    covered = sum(
        stats.poisson.pmf(count, mean)
        for count, found in enumerate(intervals)
        if found.low <= mean <= found.high
    )
    assert covered >= 0.925  # none at all has a one-sided bound, which costs up to 2.5 %


def test_clusters_widen_a_rate() -> None:
    plain, wide = rate_interval(50, 10), rate_interval(50, 10, spread=4)
    assert wide.low < plain.low < 5 < plain.high < wide.high
    assert (wide.high - wide.low) / (plain.high - plain.low) == pytest.approx(2, rel=0.1)


def test_without_scipy_the_next_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: object, **more: object) -> object:
        if name == "scipy":
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", absent)
    assert rate_interval(0, 1).high == pytest.approx(-math.log(0.05))
    with pytest.raises(EnvironmentUnfit, match="SciPy is not installed"):
        rate_interval(1, 1)
