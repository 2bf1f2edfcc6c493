from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.load.lateness import lateness_of, worst
from harness.load.plan import Lateness


def test_quantiles_are_exact() -> None:
    assert lateness_of(range(1, 101)) == Lateness(100, 50, 99, 100)
    assert lateness_of([7]) == Lateness(1, 7, 7, 7)
    assert lateness_of([]) == Lateness()
    assert lateness_of([-5, 3]) == Lateness(2, 0, 3, 3)


@given(st.lists(st.integers(0, 10**9), min_size=1))
def test_at_least_that_share_was_no_later(samples: list[int]) -> None:
    late = lateness_of(samples)
    assert sum(sample <= late.p50_ns for sample in samples) >= 0.5 * len(samples)
    assert sum(sample <= late.p99_ns for sample in samples) >= 0.99 * len(samples)
    assert late.max_ns == max(samples)


def test_one_late_worker_is_not_hidden_by_others() -> None:
    together = worst([Lateness(10, 1, 2, 3), Lateness(), Lateness(5, 0, 90, 91)])
    assert together == Lateness(15, 1, 90, 91)
    assert worst([]) == Lateness()
