"""Each predicate on a sound history, on each planted mistake, and on histories that say nothing."""

from __future__ import annotations

import pytest

from harness.checks.examples.mistakes import MISTAKES
from harness.checks.examples.planting import Mistake
from harness.checks.explain import explain_predicate, explanation, is_predicate, sound_history, with_mistake
from harness.checks.order_integrity import PREDICATES as OF_ORDERS
from harness.checks.predicate import Predicate, judge_predicate, summarise
from harness.checks.pricing_consistency import PREDICATES as OF_PRICES
from harness.history.journal import Journal
from harness.history.run import Run
from harness.model.errors import UsageError
from harness.model.outcome import Outcome
from harness.model.verdicts import Finding

ALL = {**OF_ORDERS, **OF_PRICES}
EVERY = pytest.mark.parametrize("predicate", ALL.values(), ids=ALL)


@EVERY
def test_a_sound_history_passes(predicate: Predicate) -> None:
    finding = judge_predicate(sound_history(predicate.name).run(), predicate)
    assert (finding.outcome, finding.evidence) == (Outcome.PASS, ()), finding.summary
    assert finding.judged > 0


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.predicate}: {mistake.text}")
def test_each_mistake_is_caught_by_its_predicate_with_evidence(mistake: Mistake) -> None:
    finding = judge_predicate(with_mistake(mistake).run(), ALL[mistake.predicate])
    assert finding.outcome is Outcome.FAIL, finding.summary
    assert finding.evidence
    assert all(evidence.text for evidence in finding.evidence)
    assert len(finding.evidence) <= 5


@EVERY
def test_every_predicate_has_a_mistake(predicate: Predicate) -> None:
    assert any(mistake.predicate == predicate.name for mistake in MISTAKES)


@EVERY
def test_an_absent_table_is_unknown(predicate: Predicate) -> None:
    for table in predicate.tables:
        history = sound_history(predicate.name)
        history.absent.add(table)
        finding = judge_predicate(history.run(), predicate)
        assert finding.outcome is Outcome.UNKNOWN, table
        assert f"there is no table {table}" in finding.summary


@EVERY
def test_an_empty_table_is_unknown(predicate: Predicate) -> None:
    run = sound_history(predicate.name).run()
    for table in predicate.tables:
        tables = {**run._given, table: run.table(table).iloc[:0]}
        finding = judge_predicate(Run(run.meta, run.journal, tables=tables), predicate)
        assert finding.outcome is Outcome.UNKNOWN, table


@EVERY
def test_a_cut_history_is_unknown(predicate: Predicate) -> None:
    run = sound_history(predicate.name).run()
    torn = Run(run.meta, Journal(run.events, torn="line 9 is cut"), tables=run._given)
    killed = Run(run.meta, Journal(run.events[:-2]), tables=run._given)
    for cut in (torn, killed):
        finding = judge_predicate(cut, predicate)
        assert finding.outcome is Outcome.UNKNOWN
        assert "not whole" in finding.summary


@EVERY
def test_a_waived_predicate_says_why(predicate: Predicate) -> None:
    history = sound_history(predicate.name)
    history.waives[predicate.name] = "this stack has no such thing"
    finding = judge_predicate(history.run(), predicate)
    assert finding.outcome is Outcome.NOT_RUN
    assert finding.waived == "this stack has no such thing"


@EVERY
def test_a_predicate_can_be_explained(predicate: Predicate) -> None:
    told = explanation(predicate.name.lower())
    assert told.passes().outcome is Outcome.PASS
    assert told.fails().outcome is Outcome.FAIL
    text = "\n".join(explain_predicate(predicate.name))
    assert predicate.sentence in text
    assert told.mistake in text
    assert "PASS: " in text
    assert "FAIL: " in text


def test_what_is_no_predicate_is_told() -> None:
    assert is_predicate("o12")
    assert not is_predicate("O99")
    with pytest.raises(UsageError, match="no predicate 'O99'"):
        explanation("O99")


def test_a_predicate_that_crashes_is_unknown() -> None:
    def crash(view: object) -> object:
        raise ZeroDivisionError("oh")

    broken = Predicate("O1", "idempotence", "…", ("operations",), crash)  # type: ignore[arg-type]
    finding = judge_predicate(sound_history("O1").run(), broken)
    assert finding.outcome is Outcome.UNKNOWN
    assert "ZeroDivisionError: oh" in finding.summary


def test_a_predicate_that_had_nothing_to_judge_is_not_counted_as_judged() -> None:
    idle, busy = Finding("O15", Outcome.PASS, "", 0), Finding("O2", Outcome.PASS, "", 9)
    broken = Finding("O3", Outcome.FAIL, "", 0)
    assert summarise((idle, busy, broken)) == "2 of 3 predicates judged; nothing to judge for O15; broken: O3"


def test_the_summary_names_the_cause_of_what_is_unknown_once_and_counts_the_rest() -> None:
    cut = [
        Finding(f"O{n}", Outcome.UNKNOWN, f"title {n}: not judged, there is no entries.parquet")
        for n in range(1, 15)
    ]
    assert (
        summarise(cut)
        == "0 of 14 predicates judged; unknown: O1 (not judged, there is no entries.parquet) and 13 more"
    )
    busy, crashed = (
        Finding("O2", Outcome.PASS, "", 9),
        Finding("P1", Outcome.UNKNOWN, "parity: the predicate crashed: KeyError: 3"),
    )
    assert (
        summarise([busy, crashed])
        == "1 of 2 predicates judged; unknown: P1 (the predicate crashed: KeyError: 3)"
    )
