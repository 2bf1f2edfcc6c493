"""How many commands a second one replica's venue applies, and what a snapshot, a restore and a digest cost.

`python benchmarks/venue_apply.py [COMMANDS]`: the stream of the tests (makers, takers, cancels, copies, marks), decoded,
matched, booked, hashed and answered on one core. The aim of the design is 20,000 a second.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "trading_stack" / "venue"))

from order_stream import order_stream

from trading_stack.venue.machine import Venue


def timed(what: str, work: Callable[[], object]) -> float:
    """Print how long some work took."""
    start = time.perf_counter()
    work()
    took = time.perf_counter() - start
    print(f"{what:32} {took * 1000:9.1f} ms")
    return took


def main(count: int) -> None:
    """Measure once; the spread of a few calls is that of the machine."""
    stream = list(order_stream(count, seed=7))
    venue = Venue(defects=frozenset())

    def apply_all() -> None:
        for index, command in enumerate(stream, 1):
            venue.apply(index, 1, index, command)

    took = timed(f"{count} commands", apply_all)
    print(f"{'':32} {count / took:9.0f} commands/s, {took / count * 1e6:.1f} µs each")
    timed("first digest (all items)", venue.digest)
    snapshot = venue.snapshot()
    timed(f"snapshot ({len(snapshot) / 1e6:.1f} MB)", venue.snapshot)
    timed("restore", lambda: Venue.restore(snapshot, defects=frozenset()))
    timed("drop copy", venue.dump)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
