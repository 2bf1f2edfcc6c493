"""How long measuring failure detectors takes: a million heartbeats, every kind with every setting, one process.

    python benchmarks/detectors.py [--hours 6] [TRACE]...

Prints for each trace the heartbeats, the settings, and the CPU-seconds of making (or reading) it and of measuring all
settings, the best of three.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from harness.detectors.curve import Curve, measure
from harness.detectors.recorded import recorded
from harness.detectors.registry import parse_choice
from harness.detectors.simulation import simulate
from harness.detectors.trace import Trace
from harness.detectors.world import WORLDS
from trading_stack.engine.heartbeat import HEARTBEAT_NS
from trading_stack.sentinel.config import MS, Patience

SHIPPED = parse_choice(f"cautious:{Patience().silence_ns // MS}ms")


def timed(make: Callable[[], Trace]) -> tuple[Trace, Curve, float, float]:
    making, measuring = [], []
    for _ in range(3):
        began = time.process_time()
        trace = make()
        made = time.process_time()
        curve = measure(trace, shipped=SHIPPED, seed=7)
        measuring.append(time.process_time() - made)
        making.append(made - began)
    return trace, curve, min(making), min(measuring)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=6)
    parser.add_argument("traces", nargs="*", type=Path)
    asked = parser.parse_args()
    makers: list[Callable[[], Trace]] = [
        lambda world=world: simulate(world, hours=asked.hours, deaths=300, heartbeat_ns=HEARTBEAT_NS, seed=7)
        for world in WORLDS
    ]
    makers += [lambda path=path: recorded(path) for path in asked.traces]
    print(
        f"{'trace':<16}{'heartbeats':>12}{'settings':>10}{'making s':>10}{'measuring s':>13}{'beats/s a setting':>20}"
    )
    for make in makers:
        trace, curve, made_s, took_s = timed(make)
        settings = len(curve.points) + 1
        each = trace.heartbeats * settings / took_s
        print(
            f"{trace.name:<16}{trace.heartbeats:>12,}{settings:>10}{made_s:>10.2f}{took_s:>13.2f}{each:>20,.0f}"
        )


if __name__ == "__main__":
    main()
