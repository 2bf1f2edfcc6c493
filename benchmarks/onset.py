"""How long a fault takes from being asked for to its measured effect: the whole provider of the reference stack.

For each change: from the call of `apply` to the first and to the last measured effect, and from the call of `revert`
to the last measured lift, in milliseconds (median, 99th percentile, worst). Also: how long the stack took to start.
Usage: `python benchmarks/onset.py [--times N] [--change NAME]`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.faults.contract import Change, Cut, Hands
from harness.guardian.leases import GuardianLeases
from harness.platforms.contract import Launch
from harness.platforms.process import ProcessPlatform
from harness.platforms.site import ProcessSite
from harness.stack.description import Stack
from harness.stack.reading import read_stack

COMPOSE = Path(__file__).resolve().parents[1] / "docker-compose.yml"
PROVIDER = "bravo"
SETTLE_S = 0.3


def changes(stack: Stack, hands: Hands) -> dict[str, Callable[[], list[Change]]]:
    """What is measured: each makes the changes of one fault, in the order in which they are applied."""
    services = [service.name for service in stack.by_provider(PROVIDER)]
    links = [
        link
        for link in stack.links
        if link.crosses_wan and PROVIDER in (link.source_provider, link.target_provider)
    ]
    cuts = [Cut(link) for link in links]
    return {
        "pause": lambda: [hands.pause(services)],
        "cut": lambda: [hands.cut(cuts)],
        "delay": lambda: [hands.delay(links, latency_ms=100)],
        "reset": lambda: [hands.reset(links)],
        "kill": lambda: [hands.kill(services)],
        "dark": lambda: [hands.cut(cuts), hands.kill(services)],
    }


@contextmanager
def running() -> Iterator[tuple[ProcessSite, Stack]]:
    stack = read_stack(COMPOSE, variables={})
    with tempfile.TemporaryDirectory() as folder, GuardianLeases(state=Path(folder) / "state") as leases:
        began = time.monotonic()
        launch = Launch(stack, Path(folder) / "run", seed=7, leases=leases, limit_s=600, environment={})
        site = ProcessPlatform().launch(launch)
        launched_s = time.monotonic() - began
        try:
            site.wait_ready(within_s=15, each=lambda _: None)
            took_s = time.monotonic() - began
            print(
                json.dumps(
                    {
                        "launched_s": round(launched_s, 3),
                        "ready_s": round(took_s, 3),
                        "services": len(stack.services),
                    }
                )
            )
            yield site, stack
        finally:
            site.stop()


def strike(site: ProcessSite, made: list[Change]) -> tuple[float, float, float]:
    """Apply, heal and wait; answers first effect, last effect and last lift in ms."""
    asked_ns = time.monotonic_ns()
    spans = [change.apply() for change in made]
    time.sleep(SETTLE_S)
    healed_ns = time.monotonic_ns()
    lifts = [change.revert() for change in reversed(made)]
    site.wait_ready(within_s=15, each=lambda _: None)
    time.sleep(SETTLE_S)
    first_ns, last_ns = min(span.first_ns for span in spans), max(span.last_ns for span in spans)
    lift_ns = max(span.last_ns for span in lifts)
    return (first_ns - asked_ns) / 1e6, (last_ns - asked_ns) / 1e6, (lift_ns - healed_ns) / 1e6


def spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    at = {"median": 0.5, "p99": 0.99, "worst": 1.0}
    return {
        name: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)
        for name, share in at.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--times", type=int, default=30, help="how often each change is made (default: %(default)s)"
    )
    parser.add_argument("--change", action="append", help="only this one; may be repeated")
    given = parser.parse_args()
    with running() as (site, stack):
        for name, make in changes(stack, site.hands).items():
            if given.change and name not in given.change:
                continue
            first, last, lift = zip(*(strike(site, make()) for _ in range(given.times)), strict=True)
            figures = {
                "first_ms": spread(list(first)),
                "last_ms": spread(list(last)),
                "lift_ms": spread(list(lift)),
            }
            print(json.dumps({"change": name, "times": given.times, **figures}), flush=True)


if __name__ == "__main__":
    main()
