"""Who else uses the machine."""

from __future__ import annotations

import pytest

from harness.engine.contention import ContentionWatch, Used, share_of_others, used


@pytest.mark.parametrize(
    ("everybody", "ours", "share"), [(2.0, 2.0, 0.0), (4.0, 1.0, 0.75), (1.0, 3.0, 0.0), (9.0, 0.0, 1.0)]
)
def test_what_is_not_ours_is_the_strangers(everybody: float, ours: float, share: float) -> None:
    before, after = Used(100.0, 10.0), Used(100.0 + everybody, 10.0 + ours)
    assert share_of_others(before, after, cpus=2, period_s=2.0) == pytest.approx(share)


def test_time_only_grows() -> None:
    before = used()
    sum(range(10**6))
    after = used()
    assert after.by_all_s >= before.by_all_s
    assert after.by_us_s >= before.by_us_s


def test_it_stops_when_it_is_told() -> None:
    watch = ContentionWatch(lambda _: None)
    watch.stop()
    watch.start()
    watch.stop()
    watch.stop()
