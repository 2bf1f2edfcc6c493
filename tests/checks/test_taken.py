"""Times that are known from one side."""

from __future__ import annotations

import pytest

from harness.checks.examples.history import MS
from harness.checks.taken import Taken, longest
from harness.model.quantities import Bound, Milliseconds

LOOSE = Bound[Milliseconds](max=10_000)


@pytest.mark.parametrize(
    ("most_ms", "slack_ms", "told"),
    [
        (276.2, 11.02, "276 ms, up to 12 ms less, here"),
        (18.5, 18.5, "18.5 ms, up to 18.5 ms less, here"),
        (3.4, 3.1, "3.4 ms, up to 3.4 ms less, here"),
        (1454.9, 1453.2, "1.45 s, up to 1.45 s less, here"),
        (1450.3, 834.0, "1.45 s, up to 834 ms less, here"),
        (0.0, 0.0, "0 ns here"),
    ],
)
def test_the_slack_is_rounded_up_but_never_beyond_the_time_that_is_told(
    most_ms: float, slack_ms: float, told: str
) -> None:
    time = Taken(round((most_ms - slack_ms) * MS), round(most_ms * MS))
    assert time.told(LOOSE, at="here") == told


def test_the_longest_of_several_is_no_shorter_than_any_of_them() -> None:
    times = (Taken(5, 300), Taken(250, 280), Taken(1, 2))
    assert longest(times) == Taken(250, 300)
