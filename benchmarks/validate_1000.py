"""How long it takes to check 1,000 different scenario files: reading, parsing, models, timeline, names of the stack.

Beside it stands a peer: PyYAML's own `CSafeLoader`, which only parses the same files.
DESIGN asks for 2 s at least, with 0.7 s as the goal. Imports and the vocabulary are not counted: they are paid once.
Run: `python benchmarks/validate_1000.py`.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from harness.engine.vocabulary import vocabulary
from harness.scenario.loading import load_scenarios
from harness.scenario.validation import validate_against
from harness.stack.reading import read_stack

ROOT = Path(__file__).parents[1]
FILES = 1000
ROUNDS = 5


def main() -> int:
    """Print the median and the worst of some rounds, and the ratio to the peer, as JSON."""
    text = (ROOT / "scenarios" / "gate" / "primary-provider-outage.yaml").read_text(encoding="utf-8")
    stack = read_stack(ROOT / "docker-compose.yml", variables={})
    words = vocabulary()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"scenario-{number}.yaml" for number in range(FILES)]
        for number, path in enumerate(paths):
            path.write_text(text.replace("primary-provider-outage", f"outage-{number}"), encoding="utf-8")

        def validate() -> None:
            for path in paths:
                for scenario in load_scenarios(path, vocabulary=words):
                    if validate_against(scenario, stack):
                        raise SystemExit(f"{path} should be right")

        def parse_alone() -> None:
            for path in paths:
                yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)

        ours, peer = _rounds(validate), _rounds(parse_alone)
    print(
        json.dumps(
            {
                "files": FILES,
                "validate_s": {"median": statistics.median(ours), "worst": max(ours)},
                "csafeloader_s": {"median": statistics.median(peer), "worst": max(peer)},
                "ratio": statistics.median(ours) / statistics.median(peer),
            },
            indent=2,
        )
    )
    return 0


def _rounds(work: Callable[[], None]) -> list[float]:
    work()
    took = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        took.append(round(time.perf_counter() - start, 4))
    return took


if __name__ == "__main__":
    sys.exit(main())
