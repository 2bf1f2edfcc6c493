"""Who else uses the machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.engine.contention import ContentionWatch, Used, share_of_others, used

TICK_S = 0.02
"""The kernel counts in ticks of 10 ms, and rounds user and system time by themselves."""


@pytest.mark.parametrize(
    ("everybody", "ours", "share"), [(2.0, 2.0, 0.0), (4.0, 1.0, 0.75), (1.0, 3.0, 0.0), (9.0, 0.0, 1.0)]
)
def test_what_is_not_ours_is_the_strangers(everybody: float, ours: float, share: float) -> None:
    before, after = Used(100.0, 10.0, 5.0), Used(100.0 + everybody, 10.0 + ours, 7.0)
    assert share_of_others(before, after, cpus=2) == pytest.approx(share)


def test_time_only_grows() -> None:
    before = read()
    sum(range(10**6))
    after = read()
    assert after.by_all_s >= before.by_all_s
    assert after.by_us_s >= before.by_us_s


BUSY = "sum(range(2 * 10**7)); print(flush=True); input()"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {BUSY!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(flush=True)
input()
child.kill()
child.wait()
print(flush=True)
input()
"""


def test_a_process_of_ours_that_is_killed_takes_no_time_along() -> None:
    """What a whole provider had used would be booked to strangers else, as soon as an outage kills it."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        nursery.stdout.readline()
        before = read()
        nursery.stdin.write(b"\n")
        nursery.stdin.flush()
        nursery.stdout.readline()
        after_grandchild = read()
        nursery.kill()
        nursery.wait()
        after_child = read()
    assert before.by_us_s <= after_grandchild.by_us_s + TICK_S <= after_child.by_us_s + 2 * TICK_S


def read() -> Used:
    reading = used()
    assert reading is not None
    return reading


def test_it_stops_when_it_is_told() -> None:
    watch = ContentionWatch(lambda _: None)
    watch.stop()
    watch.start()
    watch.stop()
    watch.stop()
