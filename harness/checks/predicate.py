"""Predicates: single sentences about a history, each judged by one function and reported by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.checks.view import View, view
from harness.history.run import Run
from harness.model.outcome import Outcome
from harness.model.units import counted
from harness.model.verdicts import Evidence, Finding

MOST_EVIDENCE: Final = 5
"""Counter-examples that a finding cites: few enough to read; all are counted."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a predicate's function found: how much it judged, how often it was broken, and the first examples.

    `unknown` says why it could not be judged; a violation that was found all the same still counts. `note` says what was
    left unjudged without that being a reason to doubt the rest.
    """

    judged: int
    violations: int = 0
    evidence: tuple[Evidence, ...] = ()
    unknown: str = ""
    environment_caused: bool = False
    note: str = ""


@dataclass(slots=True)
class Violations:
    """Collects counter-examples: counts all, keeps the first few."""

    count: int = 0
    evidence: list[Evidence] = field(default_factory=list)

    def add(self, text: str, *, at_ns: int | None = None, rows: Sequence[str] = (), weight: int = 1) -> None:
        """Count one violation (or `weight` that one text tells) at a time of the run's clock, proved by these rows."""
        self.count += weight
        if len(self.evidence) < MOST_EVIDENCE:
            self.evidence.append(Evidence(text, at_ns, tuple(rows)))

    def extend(self, total: int, examples: Iterable[Evidence]) -> None:
        """Count `total` violations and keep as many of the examples as fit."""
        self.count += total
        for example in examples:
            if len(self.evidence) >= MOST_EVIDENCE:
                break
            self.evidence.append(example)

    def found(self, judged: int, *, unknown: str = "", note: str = "") -> Found:
        """What was collected, as the outcome of a predicate that judged so many things."""
        return Found(judged, self.count, tuple(self.evidence), unknown, note=note)


@dataclass(frozen=True, slots=True)
class Predicate:
    """A named sentence. `tables` must be there and not empty, or the predicate is UNKNOWN."""

    name: str
    title: str
    sentence: str
    tables: tuple[str, ...]
    judge: Callable[[View], Found]


def judge_predicate(run: Run, predicate: Predicate) -> Finding:
    """The finding of one predicate: waived, UNKNOWN for want of tables, or what its function found."""
    waived = run.meta.waives.get(predicate.name)
    if waived is not None:
        return Finding(predicate.name, Outcome.NOT_RUN, f"waived: {waived}", waived=waived)
    missing = _why_not(run, predicate.tables)
    if missing:
        return Finding(predicate.name, Outcome.UNKNOWN, f"{predicate.title}: not judged, {missing}")
    try:
        return to_finding(predicate, predicate.judge(view(run)))
    except Exception as error:
        text = f"{predicate.title}: the predicate crashed: {type(error).__name__}: {error}"
        return Finding(predicate.name, Outcome.UNKNOWN, text)


def to_finding(predicate: Predicate, found: Found) -> Finding:
    """The finding that follows from what was found; a PASS that judged nothing says so."""
    if found.violations:
        outcome, text = Outcome.FAIL, f"{counted(found.violations, 'violation')} in {found.judged:,} judged"
    elif found.unknown:
        outcome, text = Outcome.UNKNOWN, found.unknown
    else:
        outcome, text = (
            Outcome.PASS,
            f"{found.judged:,} judged" if found.judged else "there was nothing to judge",
        )
    told = f"{predicate.title}: {text}" + (f"; {found.note}" if found.note else "")
    return Finding(predicate.name, outcome, told, found.judged, found.evidence)


def worst_of(findings: Sequence[Finding]) -> Outcome:
    """The worst outcome of those that were not waived; all waived is UNKNOWN, because nothing was judged."""
    return Outcome.worst(finding.outcome for finding in findings if finding.waived is None)


def summarise(findings: Sequence[Finding]) -> str:
    """`m of n predicates judged`, which of them found nothing to judge, and what stands against a PASS.

    Of those that are UNKNOWN the first is named with its cause, and the rest are counted: they mostly share it.
    """
    told = [finding for finding in findings if finding.outcome in (Outcome.PASS, Outcome.FAIL)]
    judged = [finding for finding in told if finding.judged or finding.outcome is Outcome.FAIL]
    parts = [f"{len(judged)} of {len(findings)} predicates judged"]
    if idle := [finding.predicate for finding in told if finding not in judged]:
        parts.append(f"nothing to judge for {', '.join(idle)}")
    for outcome, word in ((Outcome.FAIL, "broken"), (Outcome.NOT_RUN, "waived")):
        names = [finding.predicate for finding in findings if finding.outcome is outcome]
        if names:
            parts.append(f"{word}: {', '.join(names)}")
    if unknown := [finding for finding in findings if finding.outcome is Outcome.UNKNOWN]:
        cause = unknown[0].summary.partition(": ")[2]
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        parts.append(f"unknown: {unknown[0].predicate} ({cause}){more}")
    return "; ".join(parts)


def _why_not(run: Run, tables: Sequence[str]) -> str:
    if run.cut:
        return f"the history is not whole: {run.cut}"
    for name in tables:
        if problem := run.problem(name):
            return problem
        if not len(run.table(name)):
            return f"the table {name} is empty"
    return ""
