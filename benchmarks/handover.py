"""The gap that clients see in planned handovers, to and fro: the longest time between two answers that follow each other.

Starts three engines and three sentinels as processes on loopback, sends new orders at a steady rate, and orders
handovers as an administrator would. Each gap holds the time between two orders (`--every`), so that rate is what the
resolution is. Prints one line of JSON: the gaps' distribution, the client errors, and the orders refused or given up
(the old primary then went on). The round trip of loopback is nothing; add what your links have: a handover takes some
3.5 of theirs, two of them held by nobody.
Usage: `python benchmarks/handover.py [--handovers N] [--every MS]`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "trading_stack" / "protocol"))

from cluster import PROVIDERS, Cluster, Venue, cluster, run
from test_handover_processes import Orders, administrator, hand_over, settled

RESTS_S = 1.2  # a new primary serves for a second before it may hand over


def percentile(values: list[float], share: float) -> float | None:
    """None when there are no values."""
    return round(sorted(values)[min(len(values) - 1, int(share * len(values)))], 1) if values else None


def quietly(running: Cluster, directory: Path, target: str) -> str:
    """Order a handover; why it did not come true, or nothing."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        done = hand_over(running, directory, target) == 0
    return "" if done else said.getvalue().splitlines()[-1]


async def drive(
    venue: Venue, running: Cluster, directory: Path, *, handovers: int, every_s: float
) -> dict[str, object]:
    """Hand over to and fro, with orders flowing all the time."""
    first = await settled(venue, running)
    other = next(name for name in PROVIDERS if name != first)
    orders = Orders(venue, every_s).start()
    gaps_ms: list[float] = []
    given_up: list[str] = []
    await asyncio.sleep(RESTS_S)
    while len(gaps_ms) < handovers and len(given_up) <= handovers:
        target = other if venue.leading.primary == first else first
        since_ns = time.monotonic_ns()
        failed = await asyncio.to_thread(quietly, running, directory, target)
        await asyncio.sleep(RESTS_S)
        if failed:
            given_up.append(failed)
        else:
            gaps_ms.append(orders.gap_ms(since_ns, time.monotonic_ns()))
    await orders.end()
    return {
        "handovers": len(gaps_ms),
        "given_up": given_up,
        "orders": orders.sent,
        "client_errors": len(orders.errors()),
        "median_ms": percentile(gaps_ms, 0.5),
        "p90_ms": percentile(gaps_ms, 0.9),
        "worst_ms": percentile(gaps_ms, 1),
        "gaps_ms": [round(gap, 1) for gap in gaps_ms],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--handovers", type=int, default=20)
    parser.add_argument("--every", type=float, default=2.0, metavar="MS")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        with contextlib.redirect_stdout(io.StringIO()):
            setting = administrator(directory)
        figures: dict[str, object] = {"every_ms": arguments.every}
        with cluster(directory, ADMINISTRATORS=setting) as running:

            async def story(venue: Venue) -> None:
                every_s = arguments.every / 1e3
                figures.update(
                    await drive(venue, running, directory, handovers=arguments.handovers, every_s=every_s)
                )

            run(running, story)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
