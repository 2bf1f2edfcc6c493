"""The event loop beside snapshots: no stall hides the ticks that fell into it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
import snapshot_stall


@pytest.fixture
def stalling(monkeypatch: pytest.MonkeyPatch) -> asyncio.Future[object]:
    """A clock on which the third sleep takes 100 ms, and the work is done after it."""
    now, sleeps, done = [0.0], [0], asyncio.Future[object](loop=asyncio.new_event_loop())

    async def sleep(seconds: float) -> None:
        sleeps[0] += 1
        now[0] += 0.1 if sleeps[0] == 3 else seconds
        if sleeps[0] == 3:
            done.set_result(None)

    clock = SimpleNamespace(perf_counter=lambda: now[0], process_time=lambda: now[0])
    monkeypatch.setattr(snapshot_stall, "time", clock)
    monkeypatch.setattr(snapshot_stall.asyncio, "sleep", sleep)
    return done


def test_every_tick_of_a_stall_is_late(stalling: asyncio.Future[object]) -> None:
    late, used = asyncio.run(snapshot_stall.ticked(stalling))
    stalling.get_loop().close()
    assert [round(ms * 1e3) for ms in late[:5]] == [0, 0, 99, 98, 97]
    assert len(late) == len(used) == pytest.approx(102, abs=1)
    assert sum(used) == pytest.approx(0.102)
