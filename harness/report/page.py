"""Everything that the pages of a run show, as data: made from the history and the verdicts, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from harness.history.run import Run
from harness.model.events import (
    Collected,
    FaultChanged,
    HostContended,
    HostStalled,
    LoadDrained,
    RunAborted,
    StackReady,
)
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.model.units import counted, format_ns
from harness.model.verdicts import Evidence, Figure, Finding, Verdict
from harness.report.advice import Advice, advice, first_line
from harness.report.faults import FaultRow, fault_rows
from harness.report.names import named
from harness.report.phases import Phase, failover, figure, phases
from harness.report.series import seconds

_Judged = TypeVar("_Judged", Verdict, Finding)


@dataclass(frozen=True, slots=True)
class Page:
    """One run, ready to be written in any format: texts for people, verdicts worst first, times in the texts' own units."""

    run: Run
    judgement: Judgement
    run_path: str
    title: str
    summary: str
    headline: str
    verdicts: tuple[Verdict, ...]
    phases: tuple[Phase, ...]
    faults: tuple[FaultRow, ...]
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    advice: Advice | None

    def moment(self, evidence: Evidence) -> str:
        """When it happened, in seconds from the start of the load; empty where the evidence has no time."""
        return "" if evidence.at_ns is None else f"{seconds(self.run, evidence.at_ns):.3f} s"

    def told(self, verdict: Verdict) -> str:
        """A verdict's summary without the reason why the whole run is UNKNOWN: that stands on top, once."""
        spoilt = f", but {self.judgement.reasons[0]}" if self.judgement.reasons else ""
        return verdict.summary.removesuffix(spoilt)


def make_page(run: Run, judgement: Judgement) -> Page:
    """Gather what the pages of one run show."""
    document = run.meta.document
    path = str(run.path) if run.path is not None else ""
    variables = named(run.meta.variables)
    return Page(
        run=run,
        judgement=judgement,
        run_path=path,
        title=run.meta.scenario + (f" [{variables}]" if variables else ""),
        summary=str(document.get("summary") or ""),
        headline=headline(judgement),
        verdicts=worst_first(judgement.verdicts),
        phases=phases(failover(judgement)),
        faults=fault_rows(run),
        facts=_facts(run),
        notes=_notes(run, judgement),
        advice=advice(run.meta, judgement, run_path=path),
    )


def headline(judgement: Judgement) -> str:
    """The one sentence that stands on top: the failover time, if it was measured, and what did not pass."""
    verdict = failover(judgement)
    time = figure(verdict, "failover_time")
    parts = []
    if time is not None:
        parts.append(f"Failed over in {format_figure(time)}")
    failed = [item.check for item in judgement.verdicts if item.outcome is Outcome.FAIL]
    unknown = [item.check for item in judgement.verdicts if item.outcome is Outcome.UNKNOWN]
    if failed:
        parts.append(f"failed: {', '.join(failed)}")
    if unknown or judgement.reasons:
        parts.append(
            f"unknown: {first_line(judgement.reasons[0]) if judgement.reasons else ', '.join(unknown)}"
        )
    if not judgement.verdicts and not judgement.reasons:
        parts.append("nothing was judged")
    elif not failed and not unknown and not judgement.reasons:
        number = len(judgement.verdicts)
        parts.append("the one check passed" if number == 1 else f"all {number} checks passed")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def format_figure(item: Figure) -> str:
    """A figure for people, with its resolution and sample size where it has them."""
    resolution = format_resolution(item)
    between = ", " if item.one_sided and resolution else " "
    text = f"{format_value(item)}{between}{resolution}".strip()
    return text + (f" (n = {item.samples:,})" if item.samples is not None else "")


def format_value(item: Figure) -> str:
    """A figure's number with its unit alone; whole where nothing finer could have been seen."""
    coarse = item.resolution is not None and item.resolution >= 1
    return f"{_number(round(item.value) if coarse else item.value)} {item.unit}".strip()


def format_resolution(item: Figure) -> str:
    """The smallest difference that could have been seen: `± 0.1 %`, or `up to 12 ms less`; empty where it is not known.

    A bound of one side is rounded up, so that it holds as it is printed, but not beyond the value as it is printed.
    """
    if not item.resolution:
        return ""
    whole = item.one_sided and item.resolution >= 1
    told = min(math.ceil(item.resolution), round(item.value)) if whole else item.resolution
    size = f"{_number(told)} {item.unit}".rstrip()
    return f"up to {size} less" if item.one_sided else f"± {size}"


def worst_first(judged: Iterable[_Judged]) -> tuple[_Judged, ...]:
    """Verdicts or findings, those that need attention on top, otherwise in their own order."""
    rank = {Outcome.FAIL: 0, Outcome.UNKNOWN: 1, Outcome.NOT_RUN: 2, Outcome.PASS: 3}
    return tuple(sorted(judged, key=lambda item: rank[item.outcome]))


def _number(value: float) -> str:
    """Whole, or four digits that count; never with an exponent where people would read on."""
    whole = float(value).is_integer() or abs(value) >= 1000
    return f"{value:,.0f}" if whole and abs(value) < 1e15 else f"{value:.4g}"


def _facts(run: Run) -> tuple[tuple[str, str], ...]:
    meta = run.meta
    facts = [
        ("run", meta.run_id),
        ("started", meta.started_at),
        ("platform", meta.platform),
        ("stack", meta.stack),
        ("seed", str(meta.seed)),
        ("planted defect", meta.defect or ""),
        ("overrides", ", ".join(meta.overrides)),
        ("operations", f"{len(run.operations):,}"),
        ("committed entries", f"{_committed(run):,}"),
        ("quotes", f"{len(run.quotes):,}"),
    ]
    facts += [("machine", ", ".join(f"{key} {value}" for key, value in sorted(meta.machine.items())))]
    facts += [("versions", ", ".join(f"{key} {value}" for key, value in sorted(meta.versions.items())))]
    return tuple((key, value) for key, value in facts if value)


def _committed(run: Run) -> int:
    commits = run.replicas["commit_index"]
    return int(commits.max()) if len(commits) else 0


def _notes(run: Run, judgement: Judgement) -> tuple[str, ...]:
    notes = [*judgement.reasons]
    for event in run.events:
        match event:
            case StackReady(took_ns=took_ns):
                notes.append(f"The stack was ready {format_ns(took_ns)} after its start.")
            case LoadDrained() as drained:
                notes.append(
                    f"{counted(drained.operations, 'operation')}; {drained.unresolved} without a known outcome; "
                    f"sent {format_ns(drained.late_ns_p99)} late at the 99th percentile, "
                    f"{format_ns(drained.late_ns_max)} at worst."
                )
            case HostStalled() as stalled:
                notes.append(
                    f"The host stood still for {format_ns(stalled.stall_ns)} at {seconds(run, event.at_ns):.2f} s "
                    f"(the stack used {format_ns(stalled.stack_cpu_ns)} of processor time meanwhile)."
                )
            case HostContended(share=share):
                notes.append(
                    f"Other processes used {share:.0%} of the machine at {seconds(run, event.at_ns):.0f} s."
                )
            case FaultChanged() as changed:
                notes.append(
                    f"{changed.fault_id}: {changed.detail} at {seconds(run, event.first_effect_ns):.3f} s."
                )
            case Collected(missing=missing) if missing:
                notes.append("Could not be read from the stack: " + "; ".join(missing) + ".")
            case RunAborted() as aborted:
                notes.append(f"The run was stopped ({aborted.cause}): {aborted.reason}")
            case _:
                pass
    if run.cut:
        notes.append(f"The history is not whole: {run.cut}.")
    return tuple(dict.fromkeys(notes))
