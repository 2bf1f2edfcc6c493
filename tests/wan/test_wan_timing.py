from __future__ import annotations

import asyncio
import time

import pytest
from wan_support import FakeTime

from harness.wan.timing import NEVER, Alarm, LoopTimer, Timer, TimerDescriptor

MS = 1_000_000


def test_alarms_ring_in_the_order_of_their_times() -> None:
    clock, rung = FakeTime(), list[tuple[str, int]]()
    for name, due in (("late", 30), ("early", 10), ("middle", 20)):
        Alarm(clock.timer, lambda now, name=name: rung.append((name, now))).set(clock.now + due)  # type: ignore[misc]
    clock.advance(100)
    assert [name for name, _ in rung] == ["early", "middle", "late"]
    assert clock.armed_ns == NEVER


def test_moving_an_alarm_later_costs_no_new_entry_and_rings_once_at_the_new_time() -> None:
    clock, rung = FakeTime(), list[int]()
    alarm = Alarm(clock.timer, rung.append)
    alarm.set(clock.now + 10)
    arms = clock.arms
    alarm.set(clock.now + 50)
    assert clock.arms == arms
    due = clock.now + 50
    clock.advance(40)
    assert rung == []
    clock.advance(60)
    assert rung == [due]


def test_moving_an_alarm_earlier_rings_once_and_early() -> None:
    clock, rung = FakeTime(), list[int]()
    alarm = Alarm(clock.timer, rung.append)
    alarm.set(clock.now + 50)
    alarm.set(due := clock.now + 10)
    clock.advance(100)
    assert rung == [due]


def test_a_cleared_alarm_stays_silent_and_can_be_set_again() -> None:
    clock, rung = FakeTime(), list[int]()
    alarm = Alarm(clock.timer, rung.append)
    alarm.set(clock.now + 10)
    alarm.clear()
    clock.advance(20)
    assert rung == []
    alarm.set(clock.now + 5)
    clock.advance(20)
    assert len(rung) == 1


def test_an_alarm_set_by_an_alarm_rings() -> None:
    clock, rung = FakeTime(), list[int]()

    def again(now: int) -> None:
        rung.append(now)
        if len(rung) < 3:
            alarm.set(now + 10)

    alarm = Alarm(clock.timer, again)
    alarm.set(first := clock.now + 10)
    clock.advance(100)
    assert rung == [first, first + 10, first + 20]


def test_one_failing_alarm_does_not_stop_the_others() -> None:
    clock, rung = FakeTime(), list[int]()
    Alarm(clock.timer, lambda now: 1 // 0).set(clock.now + 10)  # type: ignore[arg-type]
    Alarm(clock.timer, rung.append).set(clock.now + 10)
    clock.advance(20)
    assert len(rung) == 1
    assert [type(failure) for failure in clock.failures] == [ZeroDivisionError]


def test_closing_forgets_every_alarm() -> None:
    clock, rung = FakeTime(), list[int]()
    Alarm(clock.timer, rung.append).set(clock.now + 10)
    clock.timer.close()
    clock.now += 100
    clock.timer.ring()
    assert rung == []
    assert clock.closed


@pytest.mark.processes
@pytest.mark.parametrize("waker", [TimerDescriptor, LoopTimer])
def test_real_wakers_ring_after_their_time_and_not_before(waker: type[TimerDescriptor | LoopTimer]) -> None:
    async def scenario() -> list[int]:
        loop = asyncio.get_running_loop()
        timer, rung = Timer(loop, waker=waker), asyncio.Queue[int]()
        late_by = []
        for wait_ns in (0, 300_000, 2 * MS):
            due = time.monotonic_ns() + wait_ns
            Alarm(timer, rung.put_nowait).set(due)
            late_by.append(await asyncio.wait_for(rung.get(), 5) - due)
        timer.close()
        timer.close()
        return late_by

    assert all(late >= 0 for late in asyncio.run(scenario()))


def test_a_system_without_timerfd_falls_back_to_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        def __init__(self, *_: object) -> None:
            raise AttributeError("timerfd_create")

    monkeypatch.setattr("harness.wan.timing.TimerDescriptor", Missing)
    loop = asyncio.new_event_loop()
    for platform in ("linux", "darwin"):
        monkeypatch.setattr("sys.platform", platform)
        timer = Timer(loop)
        assert isinstance(timer._waker, LoopTimer)
        timer.close()
    loop.close()
