"""Refusals and acceptances on each replica, against what the rules and the reference matcher make of the log."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import lookup
from harness.checks.integrity.evidence import of_execution
from harness.checks.integrity.price_band import judge_price_bands
from harness.checks.integrity.replay import Replayed
from harness.checks.integrity.rules import own_word, rule
from harness.checks.integrity.terms import terms
from harness.checks.predicate import Violations
from harness.checks.view import View
from harness.model.units import counted


def judge_refusals(view: View, reference: Replayed, violations: Violations) -> str:
    """Add refusals that nothing justifies and acceptances that a rule forbids; what to say of those not decided."""
    known, index = reference.refusals, view.ints("executions", "index")
    compared = np.isin(view.reading("executions"), list(reference.applied))
    refused = compared & view.equals("executions", "type", "rejected") & ~own_word(view)
    wrong = np.flatnonzero(refused & np.isin(index, known.due))
    reasons = view.run.executions["reason"]
    violations.extend(
        len(wrong),
        (
            of_execution(
                view, row, f"is refused ({reasons.iloc[row] or 'no reason'}), although no rule forbids it"
            )
            for row in wrong.tolist()
        ),
    )
    broken = lookup(index, known.forbidden, known.rules, absent=0)
    wrong = np.flatnonzero(compared & view.equals("executions", "type", "accepted") & (broken > 0))
    violations.extend(
        len(wrong),
        (
            of_execution(view, row, f"is accepted, although {rule(int(broken[row]))}")
            for row in wrong.tolist()
        ),
    )
    notes = (*_believed(view, reference), judge_price_bands(view, violations))
    return "; ".join(note for note in notes if note)


def _believed(view: View, reference: Replayed) -> list[str]:
    """Which refusals of the most advanced replica were taken at its word, and why."""
    told, known = [], reference.refusals
    new = view.equals("entries", "type", "new")
    untold = (new & view.missing("entries", "refusal")).any()
    causes = ["the log does not tell what gateways said of its orders"] if untold else []
    causes += [problem] if (problem := terms(view).problem) else []
    if causes or known.believed_untold:
        why = " and ".join(causes or ["the history does not tell the limits that they met"])
        told.append(f"believed: {counted(known.believed_untold, 'refusal')}, because {why}")
    if known.believed_words:
        own = view.equals("executions", "type", "rejected") & own_word(view)
        words = sorted(set(view.run.executions["reason"][own]))
        told.append(
            f"believed: {counted(known.believed_words, 'refusal')} for rules of the venue's own ({', '.join(words)})"
        )
    return told
