"""The faults of a run, as asked for and as measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from harness.history.run import Run
from harness.model.events import FaultEvidence, FaultFailed, FaultInjected
from harness.model.units import format_ns
from harness.report.series import lifted_ns, seconds
from harness.report.targets import homes, in_full, in_short


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One fault. `struck` is its targets in short, `targets` all of them by kind.

    `asked_s` is in seconds from the start of the load; `onset`, `spread` and `lifted` are texts with their unit. `failed`
    says why a fault could not be injected; the rest is then empty.
    """

    fault_id: str
    fault: str
    struck: str
    targets: dict[str, tuple[str, ...]]
    parameters: str
    asked_s: float
    onset: str
    spread: str
    lifted: str
    proofs: tuple[FaultEvidence, ...]
    failed: str = ""

    @property
    def convincing(self) -> int:
        """How many of the proofs convince."""
        return sum(proof.convincing for proof in self.proofs)


def fault_rows(run: Run) -> tuple[FaultRow, ...]:
    """The faults that were injected, then those that could not be."""
    proofs: dict[str, list[FaultEvidence]] = {}
    for event in run.events:
        if isinstance(event, FaultEvidence):
            proofs.setdefault(event.fault_id, []).append(event)
    providers = homes(run)
    rows = [
        _fault(run, event, tuple(proofs.get(event.fault_id, ())), providers)
        for event in run.events
        if isinstance(event, FaultInjected)
    ]
    rows += [
        FaultRow(
            event.fault_id, "", "", {}, "", seconds(run, event.at_ns), "", "", "", (), failed=event.reason
        )
        for event in run.events
        if isinstance(event, FaultFailed)
    ]
    return tuple(rows)


def _fault(
    run: Run,
    event: FaultInjected,
    proofs: tuple[FaultEvidence, ...],
    providers: Mapping[str, str],
) -> FaultRow:
    return FaultRow(
        fault_id=event.fault_id,
        fault=event.fault,
        struck=in_short(event.targets, providers),
        targets=in_full(event.targets, providers),
        parameters=", ".join(f"{key} {_plain(value)}" for key, value in sorted(event.parameters.items())),
        asked_s=seconds(run, event.asked_ns),
        onset=f"{seconds(run, event.first_effect_ns):.3f} s",
        spread=format_ns(event.last_effect_ns - event.first_effect_ns),
        lifted=_lifted(run, event),
        proofs=tuple(
            msgspec.structs.replace(proof, subject=in_short(proof.subject.split(", "), providers))
            for proof in proofs
        ),
    )


def _lifted(run: Run, event: FaultInjected) -> str:
    at_ns = lifted_ns(run, event)
    if at_ns is None:
        return "not seen"
    return "over at once" if at_ns == event.last_effect_ns else f"{seconds(run, at_ns):.3f} s"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key} {_plain(item)}" for key, item in value.items())
    return str(value)
