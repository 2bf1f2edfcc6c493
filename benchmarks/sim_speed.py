"""How long a run in virtual time takes: 20 s of a scenario at 50 orders/s, with a fault, from the file to the verdicts.

    python benchmarks/sim_speed.py [--times 5]

DESIGN asks for 1 s at least, with 0.3 s as the goal. Imports are paid once, by a run that is not counted. Time by the clock
stands beside the processor's time of this process, which other programs on the machine don't lengthen. Both are
split in running (the simulation with its load, and all else that is not named), tables (writing them) and judging.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

from harness.engine import run, virtual_bench
from harness.engine.setup import Setup, seeded
from harness.engine.vocabulary import vocabulary
from harness.platforms.sim.platform import SimPlatform
from harness.scenario.loading import load_scenarios
from harness.stack.reading import read_stack

COMPOSE = Path(__file__).resolve().parents[1] / "docker-compose.yml"
SCENARIO = """\
scenario: sim-speed
summary: Twenty seconds at 50 orders a second, with one outage of the primary's provider.
load: {orders_per_s: 50}
timeline:
  - {id: outage, at: 5s, fault: provider_outage, target: {provider: primary}, lasts: 5s}
ends: 20s
expect: {failover_time: {max: 900ms}, order_integrity: {}, pricing_consistency: {}, data_loss: {}}
"""


class Spent(NamedTuple):
    """Seconds by the clock, and of the processor."""

    wall_s: float = 0.0
    cpu_s: float = 0.0

    @classmethod
    def now(cls) -> Spent:
        return cls(time.perf_counter(), time.process_time())

    def more(self, began: Spent, ended: Spent) -> Spent:
        """With what went by between two moments."""
        return Spent(self.wall_s + ended.wall_s - began.wall_s, self.cpu_s + ended.cpu_s - began.cpu_s)


@contextmanager
def timed(module: ModuleType, name: str, spent: dict[str, Spent], under: str) -> Iterator[None]:
    """Add up the time that calls of a function take, while this lasts."""
    original: Callable[..., Any] = getattr(module, name)

    def counted(*arguments: Any, **named: Any) -> Any:
        began = Spent.now()
        try:
            return original(*arguments, **named)
        finally:
            spent[under] = spent[under].more(began, Spent.now())

    with patch.object(module, name, counted):
        yield


def once(folder: Path, seed: int) -> tuple[dict[str, Spent], str]:
    """Run the scenario once; answers the time of each part and of all, and the outcome."""
    path = folder / "sim-speed.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    spent: dict[str, Spent] = defaultdict(Spent)
    began = Spent.now()
    scenario = load_scenarios(path, vocabulary=vocabulary())[0].with_seed(seed)
    stack = seeded(read_stack(COMPOSE, variables={}), scenario, variables={})
    with ExitStack() as timers:
        timers.enter_context(timed(virtual_bench, "write_tables", spent, "tables"))
        timers.enter_context(timed(run, "_judge", spent, "judging"))
        finished = run.run_scenario(Setup(scenario, stack, SimPlatform(), folder / "runs"))
    whole = Spent().more(began, Spent.now())
    running = whole
    for part in spent.values():
        running = running.more(part, Spent())
    return {"running": running, **spent, "all": whole}, str(finished.judgement.outcome)


def line(part: str, taken: Sequence[Spent]) -> str:
    """The median and the worst of one part over all runs, with their number."""
    clocks = (("by the clock", [one.wall_s for one in taken]), ("of CPU time", [one.cpu_s for one in taken]))
    told = (
        f"{statistics.median(times):6.3f} s {name} at the median, worst of {len(times)} {max(times):6.3f} s"
        for name, times in clocks
    )
    return f"{part:<8} n = {len(taken)}: {'; '.join(told)}"


def main() -> None:
    """Tell the median and the worst of each part."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--times", type=int, default=5, help="how many runs (default: %(default)s)")
    times = asked.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        once(Path(folder), 1)
        taken = [once(Path(folder), seed) for seed in range(2, 2 + times)]
    for part in taken[0][0]:
        print(line(part, [spent[part] for spent, _ in taken]))
    print(f"{times} runs: {', '.join(outcome for _, outcome in taken)}")


if __name__ == "__main__":
    main()
