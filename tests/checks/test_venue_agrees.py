"""The reference venue and the checks' own rules, matcher and arithmetic: two codes that share nothing, and agree."""

from __future__ import annotations

import pytest
from venue_history import commands_of, run_of

from harness.checks.order_integrity import PREDICATES
from harness.checks.predicate import judge_predicate
from harness.history.run import Run
from harness.model.outcome import Outcome
from trading_stack.defects import Defect

JUDGED = ("O4", "O5", "O6", "O7", "O8", "O13", "O14")


@pytest.mark.parametrize("seed", range(4))
def test_a_venue_without_mistakes_passes(seed: int) -> None:
    run = run_of(commands_of(seed, 1_500))
    for name in JUDGED:
        finding = judge_predicate(run, PREDICATES[name])
        assert finding.outcome is Outcome.PASS, (finding.summary, finding.evidence)
        if name == "O7":
            assert "not computed" not in finding.summary
    assert {"unknown_instrument", "bad_quantity", "bad_price", "market_with_price", "would_trade"} <= reasons(
        run
    )
    assert (run.executions["cash"] != 0).sum() > 100


def test_only_rules_that_the_history_does_not_tell_are_believed() -> None:
    summary = judge_predicate(run_of(commands_of(1, 1_500)), PREDICATES["O5"]).summary
    assert "for rules of the venue's own (reserved_account)" in summary
    assert "because the history does not tell the limits that they met" in summary
    assert "for the price band" in summary
    assert "for want of a fresh mark" in summary


def test_a_venue_that_fills_fill_or_kill_orders_in_part_fails() -> None:
    run = run_of(commands_of(2, 600), Defect.FOK_FILLS_PARTLY)
    assert judge_predicate(run, PREDICATES["O5"]).outcome is Outcome.FAIL


def reasons(run: Run) -> set[str]:
    return set(run.executions["reason"])
