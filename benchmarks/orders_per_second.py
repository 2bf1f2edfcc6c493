"""How many orders a second go end to end: Locust, gateways, proxies with the baseline delays, and a durable majority.

    python benchmarks/orders_per_second.py [--rates 200,400,600,800,1000] [--seconds 10]

DESIGN asks for 400 orders/s at least, with 1,000 as the goal. One run without a fault for each rate. A rate counts new
orders and cancels, which are told apart. It is borne when the run is a PASS (orders whole, the machine in nobody else's
hands); the steady state of the first 3 s holds; of all probes, due every 20 ms at each gateway, at least 99.9 % were
answered ok within 250 ms of when they were due; the generators sent 99 % of all operations within 50 ms of when they were
due (the limit of every run); all operations of the flow were answered; and at least 99.9 % of its new orders were accepted.
A cancel of an order that was filled meanwhile is refused by every venue: how many were is told. The highest rate below
which every other was borne, too, is told at the end: of one run each, so it bounds nothing. The stack and its load share
the machine.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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


class Answers(NamedTuple):
    """What came of one kind of operation of the flow. Times of answers are in milliseconds from when it was due."""

    sent: int
    accepted: int
    refused: int
    per_s: float
    median_ms: float
    p99_ms: float

    @property
    def unanswered(self) -> int:
        return self.sent - self.accepted - self.refused

    def __str__(self) -> str:
        return (
            f"{self.sent} sent, {self.per_s:.0f} accepted/s, {self.refused} refused, {self.unanswered} unanswered, "
            f"median {self.median_ms:.1f} ms, p99 {self.p99_ms:.1f} ms"
        )


class Borne(NamedTuple):
    """What one rate came to. `late_p99_ms` is how late the generators sent."""

    outcome: Outcome
    steady: bool
    probes: int
    on_time: int
    late_p99_ms: float
    orders: Answers
    cancels: Answers

    @property
    def passed(self) -> bool:
        """Whether all that is asked for holds; never without probes and orders."""
        in_time = self.probes > 0 and self.on_time >= BORNE * self.probes
        taken = self.orders.sent > 0 and self.orders.accepted >= BORNE * self.orders.sent
        answered = self.orders.unanswered == self.cancels.unanswered == 0
        sent_in_time = self.late_p99_ms <= LATE_LIMIT_NS / 1e6
        return (
            self.outcome is Outcome.PASS and self.steady and in_time and taken and answered and sent_in_time
        )


def measured(run: Run, outcome: Outcome) -> Borne:
    """Read what a run came to, that was judged so."""
    steady = any(isinstance(each, SteadyStateJudged) and each.outcome is Outcome.PASS for each in run.events)
    drained = next((each for each in run.events if isinstance(each, LoadDrained)), None)
    sent = run.operations
    probes, flow = sent[sent["purpose"] == "probe"], sent[sent["purpose"] == "flow"]
    span_s = float(flow["intended_ns"].max() - flow["intended_ns"].min()) / 1e9 if len(flow) else 0.0
    return Borne(
        outcome,
        steady,
        len(probes),
        int(((probes["outcome"] == "ok").to_numpy(bool) & (_took_ms(probes) <= ON_TIME_MS)).sum()),
        drained.late_ns_p99 / 1e6 if drained is not None else float("inf"),
        _answers(flow[flow["kind"] == "new"], span_s),
        _answers(flow[flow["kind"] == "cancel"], span_s),
    )


def _answers(sent: pd.DataFrame, span_s: float) -> Answers:
    accepted, refused = int((sent["outcome"] == "ok").sum()), int((sent["outcome"] == "fail").sum())
    took_ms = _took_ms(sent[sent["outcome"].isin(["ok", "fail"])])
    median_ms, p99_ms = np.quantile(took_ms, [0.5, 0.99]) if len(took_ms) else (np.nan, np.nan)
    per_s = accepted / span_s if span_s else 0.0
    return Answers(len(sent), accepted, refused, per_s, float(median_ms), float(p99_ms))


def _took_ms(sent: pd.DataFrame) -> NDArray[np.float64]:
    """From when each was due to its end; NaN for those that nothing was heard of."""
    took_ns = sent["completed_ns"] - sent["intended_ns"]
    return took_ns.to_numpy(np.float64, na_value=np.nan) / 1e6


def at_rate(rate: int, seconds: float, folder: Path) -> Borne:
    """Run once, without retries."""
    path = folder / f"rate-{rate}.yaml"
    path.write_text(SCENARIO.format(rate=rate, seconds=seconds), encoding="utf-8")
    scenario = load_scenarios(path, vocabulary=vocabulary())[0]
    stack = seeded(read_stack(COMPOSE, variables={}), scenario, variables={})
    setup = Setup(scenario, stack, ProcessPlatform(), folder / "runs")
    (attempt,) = run_suite([setup], retries=0)
    assert attempt.finished.folder is not None
    return measured(load_run(attempt.finished.folder.path), attempt.finished.judgement.outcome)


def tell(rate: int, borne: Borne) -> None:
    """What one rate came to: of all, of the new orders, of the cancels."""
    print(
        f"{rate:5d} orders/s: {'borne' if borne.passed else 'NOT borne'}; 1 run, {borne.outcome}, "
        f"{'steady' if borne.steady else 'NOT steady'}; {borne.on_time} of {borne.probes} probes on time, "
        f"sent {borne.late_p99_ms:.1f} ms late (p99)"
    )
    print(f"{'':7}new orders: {borne.orders}")
    print(f"{'':7}cancels:    {borne.cancels}", flush=True)


def main() -> int:
    """Every rate in its order, then the highest that is borne; 1 when none is."""
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
            tell(rate, borne)
    print(f"borne: {highest} orders/s, new orders and cancels together")
    return 0 if highest else 1


if __name__ == "__main__":
    raise SystemExit(main())
