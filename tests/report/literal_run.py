"""A small literal run of a failover, for tests of reports: written by hand, judged by nobody."""

from __future__ import annotations

import pandas as pd

from harness.history.columns import OPERATIONS
from harness.history.frames import frame_of_rows
from harness.history.journal import Journal
from harness.history.meta import RunMeta
from harness.history.run import Run
from harness.model import events as e
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.model.stack_event import StackEvent
from harness.model.verdicts import Evidence, Figure, Finding, Verdict

MS = 1_000_000
ZERO = 500 * MS
ONSET = ZERO + 2000 * MS


def said(at_ns: int, service: str, kind: str, epoch: int, **fields: object) -> e.StackSaid:
    provider = service.split("-")[1]
    event = StackEvent(service=service, kind=kind, mono_ns=at_ns, provider=provider, epoch=epoch, **fields)  # type: ignore[arg-type]
    return e.StackSaid(at_ns=at_ns, seen_ns=at_ns + MS, event=event)


def literal_events() -> tuple[e.Event, ...]:
    return (
        e.RunStarted(
            at_ns=0,
            run_id="r1",
            scenario="outage",
            seed=7,
            platform="process",
            stack="trading",
            origin_mono_ns=1,
            document={},
        ),
        said(300 * MS, "engine-alpha", "primary_promoted", 1),
        e.StackReady(at_ns=450 * MS, took_ns=450 * MS, entry_points={"gateway-bravo": "bravo"}),
        e.LoadStarted(at_ns=ZERO, workers=1),
        e.SteadyStateJudged(at_ns=ONSET - MS, outcome=Outcome.PASS, summary="100 % of 300 probes on time"),
        e.FaultInjected(
            at_ns=ONSET + 3 * MS,
            fault_id="outage",
            fault="provider_outage",
            targets=("engine-alpha", "gateway-alpha", "feed-alpha", "pricing-alpha"),
            primary="alpha",
            epoch=1,
            asked_ns=ONSET,
            first_effect_ns=ONSET + MS,
            last_effect_ns=ONSET + 2 * MS,
            parameters={"mode": "dark", "target": {"provider": "primary"}},
        ),
        e.FaultEvidence(
            at_ns=ONSET + 50 * MS,
            fault_id="outage",
            subject="engine-alpha",
            source="victim",
            fact="the process is gone",
            convincing=True,
        ),
        said(ONSET + 240 * MS, "sentinel-bravo", "primary_suspected", 1, reason="silent for 240 ms"),
        said(ONSET + 250 * MS, "sentinel-bravo", "failover_decided", 2, candidate="engine-bravo"),
        said(ONSET + 260 * MS, "engine-bravo", "election_started", 2),
        said(ONSET + 265 * MS, "engine-bravo", "log_sealed", 2),
        said(ONSET + 270 * MS, "engine-bravo", "primary_promoted", 2),
        e.FaultHealed(
            at_ns=ONSET + 2005 * MS,
            fault_id="outage",
            asked_ns=ONSET + 2000 * MS,
            first_lifted_ns=ONSET + 2001 * MS,
            last_lifted_ns=ONSET + 2004 * MS,
        ),
        e.HostStalled(at_ns=ONSET, stall_ns=30 * MS, stack_cpu_ns=5 * MS),
        e.LoadDrained(
            at_ns=ONSET + 3000 * MS, operations=200, unresolved=0, late_ns_p99=MS, late_ns_max=3 * MS
        ),
        e.Collected(at_ns=ONSET + 3100 * MS, replicas=6, quotes=10, accounts=3),
        e.RunEnded(at_ns=ONSET + 3200 * MS),
    )


def literal_operations() -> pd.DataFrame:
    rows = []
    for number in range(250):
        due = ZERO + number * 20 * MS
        waiting = ONSET <= due < ONSET + 275 * MS
        rows.append(
            {
                "op": number,
                "purpose": "probe" if number % 2 else "reconnect",
                "kind": "new",
                "gateway": "gateway-bravo",
                "provider": "bravo",
                "intended_ns": due,
                "sent_ns": due,
                "completed_ns": ONSET + 275 * MS if waiting else due + 3 * MS + (number % 7) * MS // 3,
                "outcome": "ok",
                "epoch": 1 if due < ONSET else 2,
            }
        )
    return frame_of_rows(OPERATIONS, rows)


def literal_run(**meta: object) -> Run:
    identity = {"run_id": "r1", "scenario": "outage", "seed": 7, "platform": "process", "stack": "trading"}
    return Run(
        RunMeta(**{**identity, **meta}),  # type: ignore[arg-type]
        Journal(literal_events()),
        tables={"operations": literal_operations()},
    )


def verdict_of_time() -> Verdict:
    figures = [Figure("failover_time", 274.0, "ms", resolution=5.0, samples=1, one_sided=True)]
    figures += [
        Figure(name, value, "ms")
        for name, value in zip(
            ("detect", "decide", "seal", "promote", "first_order"), (239, 10, 15, 5, 5), strict=True
        )
    ]
    return Verdict(
        "failover_time",
        Outcome.PASS,
        "274 ms, at most 2 s were allowed",
        bound="max 2 s",
        figures=tuple(figures),
    )


def passing() -> Judgement:
    return Judgement(Outcome.PASS, (verdict_of_time(),))


def failing() -> Judgement:
    evidence = Evidence(
        "the order p-17, acknowledged at 2.104 s, is in no log", at_ns=ONSET, rows=("operations:17",)
    )
    lost = Finding(
        "O2", Outcome.FAIL, "1 of 118 acknowledged orders is lost", judged=118, evidence=(evidence,)
    )
    fine = Finding("O1", Outcome.PASS, "118 ids have one order each", judged=118)
    integrity = Verdict(
        "order_integrity", Outcome.FAIL, "1 of 14 predicates failed", correctness=True, findings=(fine, lost)
    )
    return Judgement(Outcome.FAIL, (verdict_of_time(), integrity))


def starved() -> Judgement:
    return Judgement(
        Outcome.UNKNOWN,
        (verdict_of_time(),),
        reasons=("the generator fell behind by 80 ms",),
        environment_caused=True,
    )
