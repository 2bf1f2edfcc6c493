"""The moving averages' window: equal samples have equal sums, however they came."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trading_stack.market.basis_window import BasisWindow

LENGTH = 10
samples = st.dictionaries(st.integers(0, 60), st.integers(-(10**12), 10**12), min_size=1, max_size=40)


def direct(told: dict[int, int]) -> tuple[int, int]:
    kept = [value for sequence, value in told.items() if sequence > max(told) - LENGTH]
    return sum(kept), len(kept)


@given(samples, st.randoms())
def test_any_order_gives_the_same_sums(told: dict[int, int], random: object) -> None:
    order = list(told)
    random.shuffle(order)  # type: ignore[attr-defined]
    window = BasisWindow([0], length=LENGTH)
    for sequence in order:
        window.put(sequence, [told[sequence]])
    assert (window.sums().totals[0], window.sums().samples) == direct(told)


@given(samples, samples)
def test_a_corrected_sample_replaces_the_old_one(told: dict[int, int], again: dict[int, int]) -> None:
    window = BasisWindow([0], length=LENGTH)
    for sequence, value in [*told.items(), *again.items()]:
        window.put(sequence, [value])
    assert (window.sums().totals[0], window.sums().samples) == direct(told | again)


def test_a_sample_can_be_taken_away() -> None:
    window = BasisWindow([0, 0], length=LENGTH)
    window.put(1, [5, 6])
    window.put(2, None)
    window.put(1, None)
    assert window.sums() == ((0, 0), 0)


def test_a_leap_empties_the_window() -> None:
    window = BasisWindow([0], length=LENGTH)
    for sequence in (1, 2, 3, 1_000_000):
        window.put(sequence, [7])
    assert window.sums() == ((7,), 1)


def test_floats_drift_where_integers_do_not() -> None:
    floats, integers = BasisWindow([0.0], length=3), BasisWindow([0], length=3)
    for sequence, value in enumerate([10**12, 1, 7, 3, 10**11, 9, 1, 3, 5]):
        floats.put(sequence, [value / 1e8])
        integers.put(sequence, [value])
    assert integers.sums().totals[0] == 9
    assert floats.sums().totals[0] != 9 / 1e8
