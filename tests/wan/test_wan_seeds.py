from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.wan.seeds import derive, share


@given(st.integers(), st.lists(st.text()))
def test_shares_lie_between_zero_and_one_and_repeat(seed: int, parts: list[str]) -> None:
    assert 0 <= share(seed, *parts) < 1
    assert share(seed, *parts) == share(seed, *parts)


def test_every_part_matters() -> None:
    drawn = {
        derive(7, "link", 1),
        derive(8, "link", 1),
        derive(7, "knil", 1),
        derive(7, "link", 2),
        derive(7, "link"),
    }
    assert len(drawn) == 5


def test_shares_are_spread_evenly() -> None:
    drawn = [share(7, "link", ordinal) for ordinal in range(1000)]
    assert 450 < sum(value < 0.5 for value in drawn) < 550
