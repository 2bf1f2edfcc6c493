"""Epochs that left no marks: too long is a violation, too short is said, and both without a mark in the journal to see."""

from __future__ import annotations

import pytest
from histories import stall, with_events

from harness.checks.examples.history import MS, LiteralHistory, stack_said
from harness.checks.examples.quotes import priced
from harness.checks.predicate import judge_predicate
from harness.checks.pricing.epochs import Epoch, epochs
from harness.checks.pricing_consistency import PREDICATES
from harness.checks.view import view
from harness.model.outcome import Outcome
from harness.model.verdicts import Finding

BOTH = pytest.mark.parametrize("name", ["P10", "P11"])


def unmarked(*, gap_ms: int = 300) -> LiteralHistory:
    """Bravo writes nine entries in epoch 2, with this much time between two, and none of them is a mark."""
    history = priced()
    history.drop("marks", epoch=2)
    for rows in history.every("entries"):
        for row in rows:
            row["time_ns"] = gap_ms * MS * row["index"]
    return history


def found(history: LiteralHistory, name: str) -> Finding:
    return judge_predicate(history.run(), PREDICATES[name])


def test_epochs_are_those_that_were_promoted_and_those_that_committed() -> None:
    history = unmarked(gap_ms=100)
    history.events.insert(-2, stack_said(4_000, "engine-charlie", "primary_promoted", epoch=3))
    history.events = [event for event in history.events if getattr(event, "at_ns", 0) != 1_262 * MS]
    assert epochs(view(history.run())) == (
        Epoch(1, "alpha", MS, 400 * MS, marked=True),
        Epoch(2, None, None, 800 * MS, marked=False),
        Epoch(3, "charlie", 4_000 * MS, 0, marked=False),
    )


@BOTH
def test_an_epoch_that_served_long_without_marks_is_a_violation(name: str) -> None:
    finding = found(unmarked(), name)
    assert finding.outcome is Outcome.FAIL
    assert "epoch 2 served for 2.4 s without a mark (limit 2 s)" in finding.evidence[0].text


@BOTH
def test_so_is_one_that_nobody_told_of(name: str) -> None:
    history = unmarked()
    history.events = [event for event in history.events if getattr(event, "at_ns", 0) != 1_262 * MS]
    assert found(history, name).outcome is Outcome.FAIL


@BOTH
def test_an_epoch_that_served_shortly_without_marks_is_not_judged_and_that_is_said(name: str) -> None:
    finding = found(unmarked(gap_ms=100), name)
    assert finding.outcome is Outcome.PASS
    assert "epoch 2 served for 800 ms without a mark, too short to be judged" in finding.summary


@BOTH
def test_an_epoch_that_was_promoted_and_wrote_nothing_is_told_too(name: str) -> None:
    history = priced()
    history.events.insert(-2, stack_said(4_000, "engine-charlie", "primary_promoted", epoch=3))
    finding = found(history, name)
    assert finding.outcome is Outcome.PASS
    assert "epoch 3 served for 0 ns without a mark, too short to be judged" in finding.summary


@BOTH
def test_a_silence_between_two_entries_is_no_service(name: str) -> None:
    history = unmarked(gap_ms=100)
    history.change("entries", {"index": 14}, time_ns=60_000 * MS)
    assert "served for 1.2 s" in found(history, name).summary


@BOTH
def test_without_ticks_newer_than_the_takeover_there_is_nothing_to_make_marks_of(name: str) -> None:
    history = unmarked()
    history.quotes = [
        row for row in history.quotes if row["provider"] != "bravo" or row["source_sequence"] < 85
    ]
    finding = found(history, name)
    assert finding.outcome is Outcome.PASS
    assert "and had only 21 ticks to make them of" in finding.summary


@BOTH
def test_nor_of_ticks_whose_surface_is_older_than_the_takeover(name: str) -> None:
    history = unmarked()
    for row in history.quotes:
        if row["provider"] == "bravo" and row["source_sequence"] >= 64:
            row["surface_age_ns"] = row["published_ns"] - 1_200 * MS
    assert "had only 0 ticks" in found(history, name).summary


@BOTH
def test_a_stall_of_the_host_is_no_service(name: str) -> None:
    run = with_events(unmarked().run(), stall(1_500, 450))
    assert judge_predicate(run, PREDICATES[name]).outcome is Outcome.PASS


@BOTH
def test_a_stack_without_any_marks_stays_unknown(name: str) -> None:
    history = unmarked()
    history.drop("marks", epoch=1)
    finding = found(history, name)
    assert (finding.outcome, "the table marks is empty" in finding.summary) == (Outcome.UNKNOWN, True)


@BOTH
def test_the_log_that_goes_back_farthest_is_read(name: str) -> None:
    history = priced()
    for provider in ("alpha", "charlie"):
        history.replicas[provider].state["first_index"] = 8
        history.replicas[provider].tables["marks"].clear()
    finding = found(history, name)
    assert (finding.outcome, "snapshot" in finding.summary) == (Outcome.PASS, False)
