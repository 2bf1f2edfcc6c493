"""What clients see of planned handovers: the whole stack with its gateways, the baseline delays of the WAN, open-loop load.

    python benchmarks/handover.py [--handovers 20] [--out runs/handover]

An administrator hands the primary over to another provider, drawn each time, while 200 orders/s flow and every 5 ms a
probe is due at each gateway. DESIGN asks for 4 round trips and 50 ms at least, with 2 round trips and 20 ms as the goal,
between the old and the new primary as declared, and for no client error.

For each handover, from the order to 300 ms after its end: the *gap*, the longest time between two acknowledgements that
follow each other, at the gateway where it was longest (probes are due 5 ms apart, so it holds up to that much more); and the
*latency*, of the slowest of all orders and probes, from when it was due. The same is told of as much time before each
order, when nothing happened: what is in the figures of a handover besides. Errors are operations without an answer;
orders that were refused are counted apart, and so are handovers that the stack gave up, which are no samples. The worst
of n bounds a share of all handovers with 95 % confidence, whatever their distribution. 1 when a client saw an error or the
run is no PASS.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import msgspec
import numpy as np
import pandas as pd

from harness.engine.setup import Setup, seeded
from harness.engine.suite import run_suite
from harness.engine.vocabulary import vocabulary
from harness.history.run import Run, load_run
from harness.model.events import Event, LoadDrained, RunStarted, SteadyStateJudged
from harness.model.outcome import Outcome
from harness.model.shares import share_at_most
from harness.platforms.contract import Launch
from harness.platforms.process import ProcessPlatform
from harness.platforms.site import ProcessSite
from harness.scenario.loading import load_scenarios
from harness.stack.description import Stack
from harness.stack.reading import read_stack
from trading_stack.admin_commands.errand import Errand, exchange
from trading_stack.admin_commands.following import Told, follow
from trading_stack.keys import Signer, new_signer
from trading_stack.settings import Address

COMPOSE: Final = Path(__file__).resolve().parents[1] / "docker-compose.yml"
RESTS_S: Final = 1.4
"""A new primary serves for a second before it may hand over."""
SPREAD_S: Final = 0.2
AFTER_NS: Final = 300_000_000
SCENARIO: Final = """\
scenario: handover
summary: Planned handovers under steady order flow.
load: {{orders_per_s: 200, probe_every: 5ms}}
steady_state: {{for: 2s, availability: {{min: 99.9%}}}}
timeline: []
ends: {seconds}s
timeout: {timeout}s
expect: {{order_integrity: {{}}, split_brain: {{}}, replicas_converge: {{}}}}
"""
STEPS: Final = (
    "certificate_issued",
    "handover_started",
    "handover_yielded",
    "election_started",
    "log_sealed",
    "primary_promoted",
)


class Order(NamedTuple):
    """One handover that was ordered, and what became of it. Times are of the host's monotonic clock."""

    old: str
    target: str
    since_ns: int
    until_ns: int
    done: bool
    text: str


@dataclass
class Administrator:
    """Orders handovers, one after the other, from the steady state on."""

    handovers: int
    signer: Signer
    random: Random
    site: ProcessSite | None = None
    orders: list[Order] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def hear(self, _: int, event: Event) -> None:
        """Begin with the steady state, end with the load."""
        if isinstance(event, SteadyStateJudged) and event.outcome is Outcome.PASS:
            threading.Thread(target=self._work, name="administrator", daemon=True).start()
        elif isinstance(event, LoadDrained):
            self._over.set()

    def _work(self) -> None:
        assert self.site is not None
        at = {
            service: Address(*address)
            for service, address in self.site.observed.items()
            if service.startswith("sentinel-")
        }
        for _ in range(self.handovers):
            if self._over.wait(RESTS_S + self.random.random() * SPREAD_S):
                return
            self.orders.append(self._order(at))

    def _order(self, at: dict[str, Address]) -> Order:
        told = msgspec.json.decode(exchange(f"http://{next(iter(at.values()))}/status"), type=Told)
        old = told.primary or ""
        target = self.random.choice([n for n in (s.removeprefix("sentinel-") for s in at) if n != old])
        errand = Errand.begin(at)
        since_ns = time.monotonic_ns()
        arguments = {"target": target, "epoch": str(errand.epoch)}
        answers = errand.send("benchmark", self.signer, "hand-over", arguments, reason="measured")
        done, text = follow(at, epoch=errand.epoch, target=target)
        refused = "; ".join(sorted({answer for answer in answers.values() if answer != "accepted"}))
        return Order(old, target, since_ns, time.monotonic_ns(), done, text if done else refused or text)


class Attended(ProcessPlatform):
    """Lets an administrator know where the stack runs."""

    def __init__(self, administrator: Administrator) -> None:
        self._administrator = administrator

    def launch(self, launch: Launch) -> ProcessSite:
        self._administrator.site = super().launch(launch)
        return self._administrator.site


class Seen(NamedTuple):
    """What clients saw in one stretch of time."""

    gap_ms: float
    latency_ms: float
    errors: int
    refused: int


def seen(operations: pd.DataFrame, since_ns: int, until_ns: int) -> Seen:
    """What clients saw between two moments of the run."""
    due = operations[operations["intended_ns"].between(since_ns, until_ns)]
    answered = due["outcome"].isin(["ok", "fail"])
    took_ns = (due["completed_ns"] - due["intended_ns"])[answered]
    orders = due[due["kind"] == "new"]
    return Seen(
        max(gaps_ms(operations[operations["purpose"] == "probe"], since_ns, until_ns), default=float("inf")),
        float(took_ns.max()) / 1e6 if answered.all() else float("inf"),
        int((~answered).sum()),
        int((orders["outcome"] == "fail").sum()),
    )


def gaps_ms(probes: pd.DataFrame, since_ns: int, until_ns: int) -> Iterator[float]:
    """The longest time between acknowledgements that follow each other, at each gateway."""
    for _, mine in probes.groupby("gateway"):
        at_ns = np.sort(mine.loc[mine["outcome"] == "ok", "completed_ns"].to_numpy(np.int64))
        first, last = np.searchsorted(at_ns, [since_ns, until_ns])
        within = at_ns[max(0, first - 1) : last + 1]
        yield float(np.diff(within).max()) / 1e6 if len(within) > 1 else float("inf")


class Measured(NamedTuple):
    """One handover that came true, beside the time before it."""

    order: Order
    round_trip_ms: float
    during: Seen
    before: Seen
    steps_ms: dict[str, float]

    @property
    def least_ms(self) -> float:
        return 4 * self.round_trip_ms + 50

    @property
    def goal_ms(self) -> float:
        return 2 * self.round_trip_ms + 20


def measured(run: Run, stack: Stack, orders: list[Order]) -> list[Measured]:
    """All handovers that came true."""
    origin_ns = next(event.origin_mono_ns for event in run.events if isinstance(event, RunStarted))
    trips = {(link.source, link.target): link.round_trip_ms for link in stack.links}
    found = []
    for order in orders:
        since_ns, until_ns = order.since_ns - origin_ns, order.until_ns - origin_ns + AFTER_NS
        if order.done:
            found.append(
                Measured(
                    order,
                    trips[f"engine-{order.old}", f"engine-{order.target}"],
                    seen(run.operations, since_ns, until_ns),
                    seen(run.operations, 2 * since_ns - until_ns, since_ns),
                    steps(run, since_ns, until_ns),
                )
            )
    return found


def steps(run: Run, since_ns: int, until_ns: int) -> dict[str, float]:
    """When each step was first taken, in milliseconds from when the old primary began to hold commands."""
    told = run.leadership
    told = told[told["at_ns"].between(since_ns, until_ns)]
    first_ns = told.groupby("kind")["at_ns"].min()
    if "handover_started" not in first_ns:
        return {}
    return {step: (first_ns[step] - first_ns["handover_started"]) / 1e6 for step in STEPS if step in first_ns}


def spread(values: list[float]) -> str:
    """Least, median, 90th percentile and worst."""
    return "".join(f"{value:8.1f}" for value in np.quantile(values, [0, 0.5, 0.9, 1], method="inverted_cdf"))


def against(orders: list[Order], found: list[Measured], outcome: Outcome, unanswered: int) -> list[str]:
    """What speaks against the handovers; empty when nothing does."""
    given_up = sum(not order.done for order in orders)
    refused, before = sum(each.during.refused for each in found), sum(each.before.refused for each in found)
    return [
        told
        for speaks, told in (
            (not orders, "no handover was ordered"),
            (given_up, f"{given_up} of {len(orders)} handovers were given up"),
            (unanswered, f"{unanswered} operations had no answer"),
            (refused > before, f"{refused} new orders were refused in handovers, {before} before them"),
            (outcome is not Outcome.PASS, f"the run is {outcome}"),
        )
        if speaks
    ]


def worse_at_most(ordered: int, came_true: int) -> float:
    """The share of all handovers that are given up, or worse than the worst that came true: at most, 95 % confidence."""
    return share_at_most(ordered - came_true, ordered)


def tell(found: list[Measured], *, ordered: int) -> None:
    """A table by pair of providers, then all of them, as shares of those that were ordered."""
    print(f"{'milliseconds':<18}{'n':>4}{'gap: least':>14}{'median':>8}{'p90':>8}{'worst':>8}", end="")
    print(f"{'latency: least':>18}{'median':>8}{'p90':>8}{'worst':>8}{'at least':>10}{'goal':>6}")
    for pair in sorted({tuple(sorted((each.order.old, each.order.target))) for each in found}):
        mine = [each for each in found if {each.order.old, each.order.target} == set(pair)]
        _row(
            "-".join(pair), [each.during for each in mine], f"{mine[0].least_ms:10.0f}{mine[0].goal_ms:6.0f}"
        )
    _row("all", [each.during for each in found])
    _row("before each", [each.before for each in found])
    for name, bound in (("at least", lambda each: each.least_ms), ("goal", lambda each: each.goal_ms)):
        print(bound_text(found, name, bound, ordered=ordered))
    for step in STEPS:
        at_ms = [each.steps_ms[step] for each in found if step in each.steps_ms]
        if at_ms:
            print(f"{step:<22}{spread(at_ms)}   from when the old primary began to hold (n = {len(at_ms)})")


def _row(name: str, what: list[Seen], bounds: str = "") -> None:
    gaps, latencies = spread([each.gap_ms for each in what]), spread([each.latency_ms for each in what])
    print(f"{name:<18}{len(what):>4}{'':6}{gaps}{'':10}{latencies}{bounds}")


def bound_text(found: list[Measured], name: str, bound: Callable[[Measured], float], *, ordered: int) -> str:
    """How many of those that were ordered kept a bound; one that was given up did not."""
    gaps = sum(each.during.gap_ms <= bound(each) for each in found)
    latencies = sum(each.during.latency_ms <= bound(each) for each in found)
    return f"{name}: the gap in {gaps} of {ordered}, the latency in {latencies} of {ordered}"


def once(handovers: int, out: Path, seed: int) -> tuple[Run, Stack, Outcome, Administrator]:
    """One run with its handovers."""
    seconds = 3 + handovers * (RESTS_S + SPREAD_S + 0.3)
    path = out / "handover.yaml"
    path.write_text(SCENARIO.format(seconds=seconds, timeout=seconds + 60), encoding="utf-8")
    scenario = load_scenarios(path, vocabulary=vocabulary())[0].with_seed(seed)
    stack = seeded(read_stack(COMPOSE, variables={}), scenario, variables={})
    signer = new_signer(out / f"administrator-{seed}.key")
    administrator = Administrator(handovers, signer, Random(seed))
    environment = {"ADMINISTRATORS": f"benchmark={signer.public.hex()}"}
    setup = Setup(scenario, stack, Attended(administrator), out / "runs", environment)
    (attempt,) = run_suite([setup], observers=lambda _: (administrator.hear,), retries=0)
    assert attempt.finished.folder is not None
    judgement = attempt.finished.judgement
    for reason in (
        *judgement.reasons,
        *(v.summary for v in judgement.verdicts if v.outcome is not Outcome.PASS),
    ):
        print(f"{judgement.outcome}: {reason}")
    return load_run(attempt.finished.folder.path), stack, judgement.outcome, administrator


def main() -> int:
    """Run, and tell."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--handovers", type=int, default=20, help="how many to order (default: %(default)s)")
    asked.add_argument("--seed", type=int, default=7, help="draws targets and moments (default: %(default)s)")
    asked.add_argument("--out", type=Path, help="where to keep the run (default: nowhere)")
    choices = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = choices.out or Path(folder)
        out.mkdir(parents=True, exist_ok=True)
        run, stack, outcome, administrator = once(choices.handovers, out, choices.seed)
        found = measured(run, stack, administrator.orders)
    orders, operations = administrator.orders, run.operations
    given_up = Counter(order.text for order in orders if not order.done)
    unanswered = int((~operations["outcome"].isin(["ok", "fail"])).sum())
    print(
        f"{len(orders)} of {choices.handovers} ordered, {len(found)} came true, {given_up.total()} given up; {outcome}"
    )
    print("".join(f"  given up {count} times: {text}\n" for text, count in given_up.items()), end="")
    print(f"{len(operations)} operations, {unanswered} errors; in handovers {_count(found)}")
    if found:
        tell(found, ordered=len(orders))
        share = worse_at_most(len(orders), len(found))
        print(f"at most {share:.1%} of all are given up or worse than the worst of {len(found)} (95 %)")
    reasons = against(orders, found, outcome, unanswered)
    print("".join(f"FAIL: {reason}\n" for reason in reasons), end="")
    return 1 if reasons else 0


def _count(found: list[Measured]) -> str:
    errors, refused = sum(e.during.errors for e in found), sum(e.during.refused for e in found)
    return f"{errors} errors and {refused} new orders refused ({sum(e.before.refused for e in found)} before them)"


if __name__ == "__main__":
    raise SystemExit(main())
