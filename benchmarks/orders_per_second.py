"""How many orders a second go end to end: Locust, gateways, proxies with the baseline delays, and a durable majority.

    python benchmarks/orders_per_second.py [--rates 200,400,600,800,1000] [--seconds 10]

DESIGN asks for 400 orders/s at least, with 1,000 as the goal. One run without a fault for each rate. A rate is borne when
the steady state of the first 3 s holds; of all probes, due every 20 ms at each gateway, at least 99.9 % were answered ok
within 250 ms of when they were due; the generators sent 99 % of all operations within 50 ms of when they were due (the
limit of every run); and all operations of the flow (new orders and cancels) were answered. The highest rate below which
every other was borne, too, is told at the end. The stack and its load share the machine.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from harness.checks.circumstances import LATE_LIMIT_NS
from harness.engine.setup import Setup, seeded
from harness.engine.suite import run_suite
from harness.engine.vocabulary import vocabulary
from harness.history.run import Run, load_run
from harness.model.events import LoadDrained, SteadyStateJudged
from harness.model.outcome import Outcome
from harness.platforms.process import ProcessPlatform
from harness.scenario.loading import load_scenarios
from harness.stack.reading import read_stack

COMPOSE: Final = Path(__file__).resolve().parents[1] / "docker-compose.yml"
BORNE: Final = 0.999
ON_TIME_MS: Final = 250.0
SCENARIO: Final = """\
scenario: orders-per-second
summary: No fault, at one rate of orders.
load: {{orders_per_s: {rate}}}
steady_state: {{for: 3s, availability: {{min: 99.9%}}}}
timeline: []
ends: {seconds}s
expect: {{order_integrity: {{}}}}
"""


class Borne(NamedTuple):
    """What one rate came to. `availability` is that of the probes; times are in milliseconds, from when orders were due."""

    steady: bool
    availability: float
    late_p99_ms: float
    answered_per_s: float
    unanswered: int
    median_ms: float
    p99_ms: float

    @property
    def passed(self) -> bool:
        on_time = self.late_p99_ms <= LATE_LIMIT_NS / 1e6
        return self.steady and self.availability >= BORNE and on_time and self.unanswered == 0


def measured(run: Run, seconds: float) -> Borne:
    """Read what a run came to."""
    steady = any(isinstance(each, SteadyStateJudged) and each.outcome is Outcome.PASS for each in run.events)
    drained = next((each for each in run.events if isinstance(each, LoadDrained)), None)
    orders = run.operations
    took_ms = (orders["completed_ns"] - orders["intended_ns"]).astype("Float64") / 1e6
    probes, flow = orders["purpose"] == "probe", orders["purpose"] == "flow"
    on_time = (orders["outcome"] == "ok") & (took_ms <= ON_TIME_MS).fillna(value=False)
    answered = flow & orders["outcome"].isin(["ok", "fail"])
    return Borne(
        steady,
        float(on_time[probes].mean()) if probes.any() else 0.0,
        drained.late_ns_p99 / 1e6 if drained is not None else float("inf"),
        float(answered.sum()) / seconds,
        int((flow & ~answered).sum()),
        float(took_ms[answered].median()),
        float(took_ms[answered].quantile(0.99)),
    )


def at_rate(rate: int, seconds: float, folder: Path) -> Borne:
    """Run once, without retries."""
    path = folder / f"rate-{rate}.yaml"
    path.write_text(SCENARIO.format(rate=rate, seconds=seconds), encoding="utf-8")
    scenario = load_scenarios(path, vocabulary=vocabulary())[0]
    stack = seeded(read_stack(COMPOSE, variables={}), scenario, variables={})
    setup = Setup(scenario, stack, ProcessPlatform(), folder / "runs")
    (attempt,) = run_suite([setup], retries=0)
    assert attempt.finished.folder is not None
    return measured(load_run(attempt.finished.folder.path), seconds)


def main() -> int:
    """One line a rate, then the highest that is borne; 1 when none is."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument(
        "--rates", default="200,400,600,800,1000", help="which, in order (default: %(default)s)"
    )
    asked.add_argument("--seconds", type=float, default=10.0, help="how long each (default: %(default)g)")
    choices = asked.parse_args()
    highest, holds = 0, True
    with tempfile.TemporaryDirectory() as folder:
        for rate in map(int, choices.rates.split(",")):
            borne = at_rate(rate, choices.seconds, Path(folder))
            holds = holds and borne.passed
            highest = rate if holds else highest
            print(
                f"{rate:5d} orders/s: {'borne' if borne.passed else 'NOT borne'}; steady {borne.steady}, probes "
                f"{borne.availability:.2%} on time, sent {borne.late_p99_ms:.1f} ms late (p99), {borne.answered_per_s:.0f} "
                f"answered/s, {borne.unanswered} unanswered, median {borne.median_ms:.1f} ms, p99 {borne.p99_ms:.1f} ms",
                flush=True,
            )
    print(f"borne: {highest} orders/s")
    return 0 if highest else 1


if __name__ == "__main__":
    raise SystemExit(main())
