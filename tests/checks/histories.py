"""Histories for tests: the hand-written one with probes, and a large synthetic one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.checks.examples.history import MS, LiteralHistory, Row
from harness.checks.examples.sound import sound
from harness.history.journal import Journal
from harness.history.run import Run
from harness.model.events import Event, FaultInjected, HostContended, HostStalled

SPACING_MS = 10


def probed(
    answers: Callable[[str, int], Row | None],
    *,
    streams: tuple[str, ...] = ("gateway-alpha", "gateway-bravo", "gateway-charlie", "moving"),
    until_ms: int = 4_800,
) -> LiteralHistory:
    """The sound history with probes every 10 ms from 50 ms on.

    `answers(stream, due_ms)` gives what differs from a probe that is acknowledged 5 ms after it was due; None leaves it out.
    """
    history = sound()
    for stream in streams:
        for due_ms in range(50, until_ms, SPACING_MS):
            answer = answers(stream, due_ms)
            if answer is not None:
                history.operations.append({**_probe(stream, due_ms, len(history.operations) + 1), **answer})
    return history


def _probe(stream: str, due_ms: int, op: int) -> Row:
    moves = stream == "moving"
    gateway = "gateway-bravo" if moves else stream
    return {
        "op": 1_000 + op,
        "worker": "p1",
        "client": stream if moves else f"probe@{stream}",
        "purpose": "reconnect" if moves else "probe",
        "kind": "new",
        "gateway": gateway,
        "provider": gateway.partition("-")[2],
        "account": f"probe-{stream}",
        "client_order_id": f"p{due_ms}",
        "intended_ns": due_ms * MS,
        "sent_ns": due_ms * MS,
        "completed_ns": (due_ms + 5) * MS,
        "attempts": 1,
        "outcome": "ok",
        "first_attempt": "ok",
        "epoch": 1 if due_ms < 1_000 else 2,
    }


def silent() -> Row:
    """A probe that nobody answered."""
    return {"completed_ns": None, "outcome": "info", "first_attempt": "info", "epoch": None}


def with_events(run: Run, *more: Event, without: tuple[type[Any], ...] = ()) -> Run:
    """The same tables with other events in the journal, in the order of time."""
    events = [event for event in run.events if not isinstance(event, without)] + list(more)
    tables = {name: run.table(name) for name in run._given}
    return Run(run.meta, Journal(tuple(sorted(events, key=lambda event: event.at_ns))), tables=tables)


def stall(at_ms: float, stall_ms: float, cpu_ms: float = 0.0) -> HostStalled:
    return HostStalled(
        at_ns=round(at_ms * MS), stall_ns=round(stall_ms * MS), stack_cpu_ns=round(cpu_ms * MS)
    )


def contended(at_ms: float, share: float) -> HostContended:
    """Strangers used that share of the machine in the two seconds before."""
    return HostContended(at_ns=int(at_ms * MS), share=share)


def fault(**values: Any) -> FaultInjected:
    """A fault of alpha's services at 1 s, unless said otherwise."""
    base: Row = {
        "at_ns": 1_000 * MS,
        "fault_id": "outage",
        "fault": "provider_outage",
        "targets": ("gateway-alpha", "engine-alpha", "sentinel-alpha"),
        "primary": "alpha",
        "epoch": 1,
        "asked_ns": 1_000 * MS,
        "first_effect_ns": 1_000 * MS,
        "last_effect_ns": 1_002 * MS,
        "parameters": {},
    }
    return FaultInjected(**{**base, **values})
