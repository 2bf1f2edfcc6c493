"""leader_changes, split_brain, data_loss, replicas_converge, order_integrity and pricing_consistency as checks."""

from __future__ import annotations

import pytest
from histories import contended, stall, with_events
from pydantic import ValidationError

from harness.checks.data_loss import DataLoss, DataLossExpectation
from harness.checks.examples.history import LiteralHistory, stack_said
from harness.checks.examples.quotes import priced
from harness.checks.examples.sound import sound
from harness.checks.leader_changes import LeaderChanges, LeaderChangesExpectation
from harness.checks.order_integrity import OrderIntegrity, OrderIntegrityExpectation
from harness.checks.pricing_consistency import PricingConsistency, PricingExpectation
from harness.checks.replicas_converge import ReplicasConverge, ReplicasConvergeExpectation
from harness.checks.split_brain import SplitBrain, SplitBrainExpectation
from harness.model.events import FaultInjected, StackSaid
from harness.model.outcome import Outcome


def changed(*events: StackSaid) -> LiteralHistory:
    history = sound()
    history.events[-2:-2] = events
    return history


def test_changes_of_the_primary_are_counted_from_the_start_of_the_load() -> None:
    verdict = LeaderChanges().judge(sound().run(), LeaderChangesExpectation(exactly=1))
    assert verdict.outcome is Outcome.PASS
    assert verdict.figures[0].value == 1.0
    assert "engine-bravo became the primary of epoch 2" in verdict.evidence[0].text
    again = changed(stack_said(2_000, "engine-alpha", "primary_promoted", epoch=3)).run()
    assert LeaderChanges().judge(again, LeaderChangesExpectation(exactly=1)).outcome is Outcome.FAIL
    assert LeaderChanges().judge(again, LeaderChangesExpectation(max=2)).outcome is Outcome.PASS


def test_what_the_teardown_does_is_no_failover() -> None:
    late = changed(stack_said(5_550, "engine-charlie", "primary_promoted", epoch=3)).run()
    assert LeaderChanges().judge(late, LeaderChangesExpectation(exactly=1)).outcome is Outcome.PASS


def test_a_stack_that_tells_no_primary_is_unknown() -> None:
    mute = with_events(sound().run(), without=(StackSaid,))
    assert LeaderChanges().judge(mute, LeaderChangesExpectation(exactly=0)).outcome is Outcome.UNKNOWN
    assert LeaderChanges().judge(sound().run(), LeaderChangesExpectation()).outcome is Outcome.UNKNOWN
    assert SplitBrain().judge(mute, SplitBrainExpectation()).outcome is Outcome.UNKNOWN


def test_one_primary_after_another_is_no_split_brain() -> None:
    verdict = SplitBrain().judge(sound().run(), SplitBrainExpectation())
    assert (verdict.outcome, verdict.evidence) == (Outcome.PASS, ())


def test_a_slow_answer_about_what_was_carried_over_is_no_split_brain() -> None:
    late = changed(
        stack_said(2_000, "engine-alpha", "entries_committed", epoch=1, first_index=5, last_index=5)
    ).run()
    assert SplitBrain().judge(late, SplitBrainExpectation()).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "said",
    [
        stack_said(2_960, "engine-alpha", "entries_committed", epoch=1, first_index=6, last_index=6),
        stack_said(2_000, "engine-charlie", "entries_committed", epoch=2, first_index=9, last_index=9),
        stack_said(2_000, "engine-charlie", "primary_promoted", epoch=2),
    ],
)
def test_two_primaries_that_commit_are_caught(said: StackSaid) -> None:
    verdict = SplitBrain().judge(changed(said).run(), SplitBrainExpectation())
    assert verdict.outcome is Outcome.FAIL
    assert verdict.correctness
    assert verdict.evidence


def test_split_brain_can_be_waived_but_then_nothing_was_judged() -> None:
    history = sound()
    history.waives["split_brain"] = "one node only"
    assert SplitBrain().judge(history.run(), SplitBrainExpectation()).outcome is Outcome.UNKNOWN


def test_no_order_is_gone() -> None:
    verdict = DataLoss().judge(sound().run(), DataLossExpectation())
    assert verdict.outcome is Outcome.PASS
    assert verdict.summary == "0 of 6 acknowledged orders are gone"


def lost() -> LiteralHistory:
    history = sound()
    history.drop("orders", client_order_id="m1")
    history.change("entries", {"index": 2}, client_order_id="other")
    return history


def test_orders_that_are_gone_are_counted() -> None:
    verdict = DataLoss().judge(lost().run(), DataLossExpectation())
    assert verdict.outcome is Outcome.FAIL
    assert [figure.value for figure in verdict.figures] == [1.0, 890.0]
    assert "mia/m1 was acknowledged, and is gone" in verdict.evidence[0].text
    assert DataLoss().judge(lost().run(), DataLossExpectation(max=1)).outcome is Outcome.PASS
    calm = with_events(lost().run(), without=(FaultInjected,))
    assert DataLoss().judge(calm, DataLossExpectation()).figures[1].value == 0.0


def test_what_cannot_be_lost_is_unknown() -> None:
    history = sound()
    history.change("operations", {"kind": "new"}, outcome="info")
    assert "no order was acknowledged" in DataLoss().judge(history.run(), DataLossExpectation()).summary
    history = sound()
    history.absent.add("orders")
    assert DataLoss().judge(history.run(), DataLossExpectation()).outcome is Outcome.UNKNOWN
    history = sound()
    history.replicas.clear()
    assert "no replica was read" in DataLoss().judge(history.run(), DataLossExpectation()).summary


def converge(history: LiteralHistory) -> Outcome:
    return ReplicasConverge().judge(history.run(), ReplicasConvergeExpectation()).outcome


def test_equal_replicas_converge() -> None:
    assert converge(sound()) is Outcome.PASS


def test_replicas_that_differ_do_not() -> None:
    for table, values in (
        ("balances", {"amount": 99}),
        ("orders", {"state": "open"}),
        ("executions", {"fee": 5}),
        ("entries", {"hash": "x"}),
    ):
        history = sound()
        history.replicas["charlie"].tables[table][2].update(values)
        assert converge(history) is Outcome.FAIL, table
    history = sound()
    history.replicas["charlie"].state["digest"] = "other"
    assert converge(history) is Outcome.FAIL
    history = sound()
    history.replicas["charlie"].state.update(commit_index=12, applied_index=12)
    assert converge(history) is Outcome.FAIL


def test_one_replica_converges_with_nobody() -> None:
    history = sound()
    del history.replicas["alpha"], history.replicas["bravo"]
    assert converge(history) is Outcome.UNKNOWN
    history = sound()
    history.waives["replicas_converge"] = "one node"
    assert converge(history) is Outcome.UNKNOWN


def test_order_integrity_reports_each_predicate() -> None:
    verdict = OrderIntegrity().judge(sound().run(), OrderIntegrityExpectation())
    assert verdict.outcome is Outcome.PASS
    assert verdict.summary == "14 of 14 predicates judged"
    assert [finding.predicate for finding in verdict.findings] == list(OrderIntegrity.predicates)


def test_waived_predicates_are_named_and_all_waived_is_unknown() -> None:
    history = sound()
    history.waives = {"O13": "no priority", "O16": "no reports"}
    verdict = OrderIntegrity().judge(history.run(), OrderIntegrityExpectation())
    assert verdict.outcome is Outcome.PASS
    assert verdict.summary == "12 of 14 predicates judged; waived: O13, O16"
    only = OrderIntegrity().judge(history.run(), OrderIntegrityExpectation(predicates=("O13",)))
    assert only.outcome is Outcome.UNKNOWN


def test_the_worst_predicate_decides() -> None:
    history = sound()
    history.absent.add("account_fills")
    verdict = OrderIntegrity().judge(history.run(), OrderIntegrityExpectation())
    assert verdict.outcome is Outcome.UNKNOWN
    assert "unknown: O1, O16" in verdict.summary or "unknown: O16" in verdict.summary
    history.change("balances", {"account": "house"}, amount=0)
    verdict = OrderIntegrity().judge(history.run(), OrderIntegrityExpectation())
    assert verdict.outcome is Outcome.FAIL
    assert "broken: O7" in verdict.summary


@pytest.mark.parametrize("expectation", [OrderIntegrityExpectation, PricingExpectation])
def test_unknown_predicates_are_refused(expectation: type[OrderIntegrityExpectation]) -> None:
    with pytest.raises(ValidationError, match="no predicate 'X1'"):
        expectation(predicates=("X1",))


def test_prices_are_judged_with_the_limits_asked_for() -> None:
    run = priced().run()
    verdict = PricingConsistency().judge(run, PricingExpectation())
    assert verdict.outcome is Outcome.PASS
    assert verdict.summary == "5 of 5 predicates judged"
    strict = PricingConsistency().judge(run, PricingExpectation.model_validate({"max_staleness": "0.5ms"}))
    assert [finding.predicate for finding in strict.findings if finding.outcome is Outcome.FAIL] == ["P11"]
    history = priced()
    for row in history.quotes:
        if row["provider"] == "charlie" and row["kind"] == "perpetual":
            row["mark"] *= 1 + 1e-9
    loose = PricingExpectation(max_scaled_error=1e-8, predicates=("P1",))
    assert PricingConsistency().judge(history.run(), loose).outcome is Outcome.PASS
    assert (
        PricingConsistency().judge(history.run(), PricingExpectation(predicates=("P1",))).outcome
        is Outcome.FAIL
    )


def test_ages_while_the_host_stood_still_are_the_environments_fault() -> None:
    history = priced()
    history.change("quotes", {"source_sequence": 3}, index_age_ns=1_060 * 10**6)
    verdict = PricingConsistency().judge(with_events(history.run(), stall(100, 70)), PricingExpectation())
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.environment_caused


def test_ages_while_strangers_held_the_machine_are_the_environments_fault() -> None:
    history = priced()
    history.change("quotes", {"source_sequence": 3}, index_age_ns=1_060 * 10**6)
    verdict = PricingConsistency().judge(
        with_events(history.run(), contended(1_000, 0.5)), PricingExpectation()
    )
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.environment_caused


def test_no_quotes_no_figures() -> None:
    verdict = PricingConsistency().judge(sound().run(), PricingExpectation())
    assert (verdict.outcome, verdict.figures) == (Outcome.UNKNOWN, ())
