"""How long an event loop is kept waiting while a snapshot is taken, and while one is installed, beside it.

A venue of many resting orders is made; then a loop that wants to run every millisecond notes how late it is: at rest,
while the next snapshot is taken from the one before and some more entries, and while a venue is made from a snapshot. Its
ticks are due on a schedule that doesn't wait for it: all that fall into a stall are late, each from when it was due.
Beside the time by the clock stands the processor's time that this process used meanwhile, which other programs on the
machine don't lengthen.
Prints one line of JSON for each. Usage: `python benchmarks/snapshot_stall.py [--orders N] [--more N]`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import math
import sys
import time
from collections.abc import Callable

from trading_stack.engine.archive import state_after, venue_of
from trading_stack.engine.service import SWITCH_S
from trading_stack.journal.entries import Base, Entry
from trading_stack.journal.snapshots import Snapshot
from trading_stack.venue.commands import New, encode
from trading_stack.venue.machine import Venue

TICK_S = 0.001
REST_S = 3.0


def entry(index: int) -> Entry:
    """A resting order on either side, which meets none."""
    side, price = ("buy", 40_000) if index % 2 else ("sell", 60_000)
    price_ticks = price * 10**8 + (index % 50) * 10**8 // 2
    command = encode(
        New(f"account-{index % 20}", f"o{index}", "BTC-PERPETUAL", side, 1, "limit", price_ticks, "gtc")  # type: ignore[arg-type]
    )
    return Entry(index, 1, index, command, b"")


def new_venue(data: bytes | None) -> Venue:
    return Venue(defects=frozenset()) if data is None else Venue.restore(data, defects=frozenset())


async def ticked(task: asyncio.Future[object]) -> tuple[list[float], list[float]]:
    """How late each tick was that fell due before the task was done, and the processor's time from the one before."""
    due, over = time.perf_counter(), math.inf
    late: list[float] = []
    used: list[float] = []
    while due < over:
        due, cpu = due + TICK_S, time.process_time()
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        late.append(time.perf_counter() - due)
        used.append(time.process_time() - cpu)
        if task.done():
            over = min(over, time.perf_counter())
    return late, used


async def lateness(work: Callable[[], object] | None) -> dict[str, object]:
    """How late a loop was, tick by tick, while the work was done in a thread (None: while nothing was done)."""
    started = time.perf_counter()
    task = asyncio.create_task(asyncio.to_thread(work) if work else asyncio.sleep(REST_S))
    late, used = await ticked(task)
    await task
    return {
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(sum(used), 2),
        "ticks": len(late),
        **{f"late_{name}": value for name, value in quantiles(late).items()},
        **{f"cpu_{name}": value for name, value in quantiles(used).items()},
    }


def quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    at = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
    shares = {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in at.items()}
    return {f"{name}_ms": round(value * 1e3, 2) for name, value in {**shares, "worst": ordered[-1]}.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--more", type=int, default=20_000)
    arguments = parser.parse_args()
    sys.setswitchinterval(SWITCH_S)
    orders, more = arguments.orders, arguments.more
    live = new_venue(None)
    for index in range(1, orders + 1):
        one = entry(index)
        live.apply(one.index, one.epoch, one.time_ns, one.command)
    before = Snapshot.of(Base(orders, 1, b"", 0), live.snapshot())
    entries = [entry(index) for index in range(orders + 1, orders + more + 1)]
    gc.collect()
    gc.freeze()
    works: dict[str, Callable[[], object] | None] = {
        "rest": None,
        "taken on the loop, for comparison": None,
        "take": lambda: state_after(new_venue, before, entries),
        "install": lambda: venue_of(new_venue, before),
    }
    started = time.process_time()
    live.snapshot()
    on_loop_ms = round((time.process_time() - started) * 1e3)
    for name, work in works.items():
        if name.startswith("taken"):
            print(json.dumps({"what": name, "orders": orders, "cpu_ms": on_loop_ms}))
        else:
            print(
                json.dumps(
                    {
                        "what": name,
                        "megabytes": round(len(before.data) / 1e6, 1),
                        **asyncio.run(lateness(work)),
                    }
                )
            )


if __name__ == "__main__":
    main()
