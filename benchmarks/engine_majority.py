"""Commands a second from one client to a majority of engines: sent, made durable on two disks of three, applied, answered.

Starts three engines and three sentinels as processes on loopback, and drives their primary with a fixed number of
commands in flight: a closed loop, so that its latencies are those of a full pipeline, from when each was sent. Disks
are those of the folder for temporary files (`TMPDIR`): in memory, fsync would cost nothing. DESIGN asks for 5,000 at least,
with 10,000 as the goal. Prints one line of JSON. Usage: `python benchmarks/engine_majority.py [--commands N] [--flight N]`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "trading_stack" / "protocol"))

from cluster import Venue, cluster, run

from trading_stack.engine.messages import Submit
from trading_stack.venue.commands import New, Resolve, encode

KINDS = ("order", "resolve")


def command(kind: str, number: int) -> bytes:
    """Resting orders on both sides, which never meet, or the lightest command there is."""
    name = f"o{number}"
    if kind == "resolve":
        return encode(Resolve("bench", name))
    side, price = ("buy", 40_000) if number % 2 else ("sell", 60_000)
    tick = 10**8 // 2
    price_ticks = price * 10**8 + (number % 50) * tick
    return encode(New(f"account-{number % 20}", name, "BTC-PERPETUAL", side, 1, "limit", price_ticks, "gtc"))


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def drive(venue: Venue, commands: int, flight: int, kind: str) -> dict[str, float]:
    """Keep `flight` commands in flight until all are done."""
    await venue.until(lambda: venue.leading.primary is not None)
    sent_ns: dict[int, int] = {}
    started = time.perf_counter()
    for number in range(1, commands + 1):
        if number - len(venue.done) > flight:
            await venue.until(lambda number=number: number - len(venue.done) <= flight // 2)
        sent_ns[number] = time.monotonic_ns()
        venue.ask(Submit(number, command(kind, number)))
    await venue.until(lambda: len(venue.done) == commands)
    taken_s = time.perf_counter() - started
    latencies = [(venue.done_ns[number] - sent_ns[number]) / 1e6 for number in sent_ns]
    return {
        "commands_per_s": round(commands / taken_s),
        "median_ms": round(percentile(latencies, 0.5), 2),
        "p99_ms": round(percentile(latencies, 0.99), 2),
        "not_ok": sum(b'"outcome":"ok"' not in done.result for done in venue.done.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=20_000)
    parser.add_argument("--flight", type=int, default=500)
    parser.add_argument("--kind", choices=KINDS, default="order")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, cluster(Path(directory)) as running:
        figures: dict[str, object] = {
            "commands": arguments.commands,
            "flight": arguments.flight,
            "kind": arguments.kind,
        }

        async def story(venue: Venue) -> None:
            figures.update(await drive(venue, arguments.commands, arguments.flight, arguments.kind))
            figures["example"] = venue.done[1].result.decode()[:120]

        run(running, story)
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
