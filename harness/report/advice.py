"""What a person needs who sees something that is not a PASS: what happened, how to see it again, how to judge it again."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from harness.history.meta import RunMeta
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.model.verdicts import Evidence, Verdict


@dataclass(frozen=True, slots=True)
class Advice:
    """Three lines: `what` happened, and the commands that run it again (`reproduce`) and judge it again (`judge`)."""

    what: str
    reproduce: str
    judge: str

    def lines(self) -> tuple[str, str, str]:
        """The three lines as text, in that order."""
        return (self.what, f"reproduce: {self.reproduce}", f"judge again: {self.judge}")


def advice(meta: RunMeta, judgement: Judgement, *, run_path: str) -> Advice | None:
    """The three lines for a run; None when all passed. `run_path` is its folder as `harness check` is to be told."""
    if judgement.outcome is Outcome.PASS:
        return None
    worst = worst_verdict(judgement)
    return Advice(
        what=_what(judgement, worst),
        reproduce=_reproduce(meta),
        judge=" ".join(["harness check", shlex.quote(run_path), *_selection(worst)]),
    )


def first_line(reason: str) -> str:
    """What happened, without the last lines of the services that it happened to."""
    return reason.partition("\n")[0]


def worst_verdict(judgement: Judgement) -> Verdict | None:
    """The first verdict with the run's own outcome, failures of correctness first."""
    bad = [verdict for verdict in judgement.verdicts if verdict.outcome is judgement.outcome]
    return min(bad, key=lambda verdict: not verdict.correctness, default=None)


def first_evidence(verdict: Verdict) -> tuple[str | None, Evidence | None]:
    """The predicate that failed first (if the check has any), and its first evidence."""
    for finding in verdict.findings:
        if finding.outcome is verdict.outcome:
            return finding.predicate, next(iter(finding.evidence), None)
    return None, next(iter(verdict.evidence), None)


def _what(judgement: Judgement, worst: Verdict | None) -> str:
    if judgement.outcome is Outcome.UNKNOWN and judgement.reasons:
        return first_line(judgement.reasons[0])
    if worst is None:
        return first_line(next(iter(judgement.reasons), f"the run is {judgement.outcome}"))
    predicate, evidence = first_evidence(worst)
    name = f"{worst.check} {predicate}" if predicate else worst.check
    return f"{name}: {evidence.text if evidence is not None else worst.summary}"


def _selection(worst: Verdict | None) -> list[str]:
    if worst is None:
        return []
    predicate, _ = first_evidence(worst)
    return ["-k", predicate or worst.check]


def _reproduce(meta: RunMeta) -> str:
    """The command that runs the same again, from the folder where the run was started."""
    if meta.test:  # its marker, in the test's own file, has the load and the planted defect
        return " ".join(
            ["pytest", shlex.quote(meta.test), f"--harness-seed {meta.seed}", *_where(meta, "--harness-")]
        )
    chosen = [f"{key}={value}" for key, value in sorted(meta.variables.items())]
    parts = ["harness run", shlex.quote(meta.file or meta.scenario), f"--seed {meta.seed}"]
    parts += [f"--set {shlex.quote(text)}" for text in dict.fromkeys([*meta.overrides, *chosen])]
    if meta.defect is not None:
        parts.append(f"--defect {shlex.quote(meta.defect)}")
    return " ".join([*parts, *_where(meta, "--")])


def _where(meta: RunMeta, prefix: str) -> list[str]:
    parts = [f"{prefix}stack {shlex.quote(meta.stack_file)}"] if meta.stack_file else []
    return parts if meta.platform == "process" else [*parts, f"{prefix}platform {shlex.quote(meta.platform)}"]
