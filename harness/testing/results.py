"""From judgements to what pytest shows and stores."""

from __future__ import annotations

from harness.history.meta import RunMeta
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.report.advice import advice
from harness.testing.outcomes import Inconclusive


def raise_for(meta: RunMeta, judgement: Judgement, *, run_path: str) -> None:
    """Raise `AssertionError` for FAIL and `Inconclusive` for UNKNOWN, with the verdicts and their evidence."""
    __tracebackhide__ = True
    if judgement.outcome is Outcome.PASS:
        return
    text = described(meta, judgement, run_path=run_path)
    if judgement.outcome is Outcome.FAIL:
        raise AssertionError(text)
    raise Inconclusive(text)


def described(meta: RunMeta, judgement: Judgement, *, run_path: str) -> str:
    """What did not pass, with its evidence, and what to do next."""
    return "\n".join(_lines(meta, judgement, run_path))


def _lines(meta: RunMeta, judgement: Judgement, run_path: str) -> list[str]:
    lines = [f"{judgement.outcome}: {meta.scenario}", *(f"  {reason}" for reason in judgement.reasons)]
    for verdict in judgement.verdicts:
        if verdict.outcome is Outcome.PASS:
            continue
        lines.append(f"  {verdict.outcome} {verdict.check}: {verdict.summary}")
        lines += [f"    {item.text}" for item in verdict.evidence]
        for finding in verdict.findings:
            if finding.outcome is not Outcome.PASS:
                lines.append(f"    {finding.predicate} {finding.outcome}: {finding.summary}")
                lines += [f"      {item.text}" for item in finding.evidence]
    told = advice(meta, judgement, run_path=run_path)
    return [*lines, *(f"  {line}" for line in (told.lines() if told is not None else ()))]
