"""The hand-written history with nothing wrong in it."""

from __future__ import annotations

from harness.checks.examples.clients import account_fills, account_positions, operations
from harness.checks.examples.history import MS, ONSET_MS, PROVIDERS, READ_MS, LiteralHistory, stack_said
from harness.checks.examples.replicas import replicas
from harness.checks.examples.trading_day import TERMS
from harness.model.events import (
    Collected,
    Event,
    FaultEvidence,
    FaultHealed,
    FaultInjected,
    LoadDrained,
    LoadStarted,
    RunEnded,
    ServiceStarted,
)


def sound() -> LiteralHistory:
    """A fresh copy, to be changed at will."""
    return LiteralHistory(
        replicas=replicas(),
        operations=operations(),
        account_fills=account_fills(),
        account_positions=account_positions(),
        instruments=[dict(TERMS)],
        events=_events(),
    )


def _events() -> list[Event]:
    """The journal: the load, the loss of alpha, and how bravo took over."""
    onset, healed = ONSET_MS * MS, 3_000 * MS
    before: list[Event] = [
        ServiceStarted(at_ns=0, service=f"{role}-{name}", provider=name, role=role, pid=None)
        for name in PROVIDERS
        for role in ("gateway", "engine", "sentinel")
    ]
    return [
        *before,
        stack_said(1, "engine-alpha", "primary_promoted", epoch=1),
        LoadStarted(at_ns=50 * MS, workers=1),
        stack_said(320, "engine-alpha", "entries_committed", epoch=1, first_index=1, last_index=5),
        _injected(onset),
        FaultEvidence(
            at_ns=onset,
            fault_id="outage",
            subject="engine-alpha",
            source="victim",
            fact="stopped",
            convincing=True,
        ),
        stack_said(1_240, "sentinel-bravo", "majority_suspected", epoch=1),
        stack_said(1_250, "sentinel-bravo", "certificate_issued", epoch=2, candidate="bravo"),
        stack_said(1_252, "engine-charlie", "promise_made", epoch=2, candidate="bravo"),
        stack_said(1_255, "engine-bravo", "log_sealed", epoch=2, candidate="bravo"),
        stack_said(1_262, "engine-bravo", "primary_promoted", epoch=2, candidate="bravo"),
        stack_said(2_950, "engine-bravo", "entries_committed", epoch=2, first_index=6, last_index=14),
        FaultHealed(
            at_ns=healed, fault_id="outage", asked_ns=healed, first_lifted_ns=healed, last_lifted_ns=healed
        ),
        LoadDrained(at_ns=4_000 * MS, operations=12, unresolved=0, late_ns_p99=1, late_ns_max=1),
        Collected(at_ns=(READ_MS + 500) * MS, replicas=6, quotes=0, accounts=3),
        RunEnded(at_ns=(READ_MS + 600) * MS),
    ]


def _injected(onset_ns: int) -> FaultInjected:
    return FaultInjected(
        at_ns=onset_ns,
        fault_id="outage",
        fault="provider_outage",
        targets=("gateway-alpha", "engine-alpha", "sentinel-alpha"),
        primary="alpha",
        epoch=1,
        asked_ns=onset_ns,
        first_effect_ns=onset_ns,
        last_effect_ns=onset_ns + 2 * MS,
        parameters={},
    )
