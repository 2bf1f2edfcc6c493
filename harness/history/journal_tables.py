"""Tables that are made from the journal alone: who led when, and what was broken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from harness.history.columns import FAULTS, LEADERSHIP
from harness.history.frames import frame_of_rows
from harness.model.events import Event, FaultEvidence, FaultFailed, FaultHealed, FaultInjected, StackSaid


def leadership_table(events: Iterable[Event]) -> pd.DataFrame:
    """The table `leadership`: every event that the stack told, by the time when it happened on the run's clock."""
    said = sorted((event for event in events if isinstance(event, StackSaid)), key=lambda event: event.at_ns)
    rows = [
        {
            "at_ns": item.at_ns,
            "seen_ns": item.seen_ns,
            "service": item.event.service,
            "provider": item.event.provider,
            "kind": item.event.kind,
            "epoch": item.event.epoch,
            "promised_epoch": item.event.promised_epoch,
            "candidate": item.event.candidate,
            "first_index": item.event.first_index,
            "last_index": item.event.last_index,
            "reason": item.event.reason,
        }
        for item in said
    ]
    return frame_of_rows(LEADERSHIP, rows)


def faults_table(events: Iterable[Event]) -> pd.DataFrame:
    """The table `faults`: one row a fault, by onset; a fault that failed without an onset stands at its failure."""
    kept = list(events)
    rows: dict[str, dict[str, Any]] = {}
    for event in kept:
        if isinstance(event, FaultInjected) and event.fault_id not in rows:
            rows[event.fault_id] = _injected(event)
        elif isinstance(event, FaultFailed):
            rows.setdefault(event.fault_id, _never(event))["failed"] = event.reason
        elif isinstance(event, FaultHealed) and event.fault_id in rows:
            rows[event.fault_id]["lifted_ns"] = event.last_lifted_ns
    for fault_id, row in rows.items():
        row["convincing"] = _convincing(
            [event for event in kept if isinstance(event, FaultEvidence) and event.fault_id == fault_id]
        )
    return frame_of_rows(FAULTS, sorted(rows.values(), key=lambda row: row["first_effect_ns"]))


def _injected(event: FaultInjected) -> dict[str, Any]:
    return {
        "fault_id": event.fault_id,
        "fault": event.fault,
        "targets": " ".join(event.targets),
        "primary": event.primary,
        "epoch": event.epoch,
        "asked_ns": event.asked_ns,
        "first_effect_ns": event.first_effect_ns,
        "last_effect_ns": event.last_effect_ns,
    }


def _never(event: FaultFailed) -> dict[str, Any]:
    return {
        "fault_id": event.fault_id,
        "targets": "",
        "asked_ns": event.at_ns,
        "first_effect_ns": event.at_ns,
        "last_effect_ns": event.at_ns,
    }


def _convincing(evidence: Sequence[FaultEvidence]) -> bool:
    return bool(evidence) and all(fact.convincing for fact in evidence)
