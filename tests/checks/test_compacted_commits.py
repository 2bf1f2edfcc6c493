"""Commits that are older than every log: held against one another, and left out where that shows nothing."""

from __future__ import annotations

import pytest

from harness.checks.examples.history import LiteralHistory
from harness.checks.examples.planting import told
from harness.checks.examples.sound import sound
from harness.checks.integrity.o12_single_writer import O12
from harness.checks.predicate import judge_predicate
from harness.checks.split_brain import SplitBrain, SplitBrainExpectation
from harness.model.events import StackSaid
from harness.model.outcome import Outcome

BEFORE_THE_SEAL_MS, AFTER_THE_SEAL_MS = 900, 2_000


def compacted(history: LiteralHistory, base: int, *, but: str = "") -> LiteralHistory:
    """The logs without their first entries, but for one replica's."""
    for name, replica in history.replicas.items():
        if name != but:
            replica.state["first_index"] = base + 1
            replica.tables["entries"] = [row for row in replica.tables["entries"] if row["index"] > base]
    return history


def committing(at_ms: int, epoch: int, last: int, *, first: int | None = None) -> LiteralHistory:
    """The sound history, in which alpha tells of one commit more."""
    history = sound()
    told(at_ms, "engine-alpha", "entries_committed", epoch=epoch, first_index=first or last, last_index=last)(
        history
    )
    return history


def judged(history: LiteralHistory) -> tuple[Outcome, str]:
    """What split_brain says; O12 says the same."""
    run = history.run()
    verdict = SplitBrain().judge(run, SplitBrainExpectation())
    assert judge_predicate(run, O12).outcome is verdict.outcome
    return verdict.outcome, verdict.summary


def test_what_a_failover_committed_before_all_logs_began_is_left_out_and_counted() -> None:
    outcome, summary = judged(compacted(sound(), 7))
    assert outcome is Outcome.PASS
    assert summary == "two primaries: 1 judged; 1 commit older than every log left out"


def test_a_commit_that_the_later_primary_carried_over_is_no_reason_for_doubt() -> None:
    history = compacted(committing(BEFORE_THE_SEAL_MS, 1, 6), 7)
    assert judged(history) == (
        Outcome.PASS,
        "two primaries: 1 judged; 2 commits older than every log left out",
    )


def test_a_commit_after_the_seal_that_no_log_can_show_is_doubted() -> None:
    assert judged(committing(AFTER_THE_SEAL_MS, 1, 6))[0] is Outcome.FAIL
    outcome, summary = judged(compacted(committing(AFTER_THE_SEAL_MS, 1, 6), 7))
    assert outcome is Outcome.UNKNOWN
    assert "1 commit older than every log: told after a majority had sealed a higher epoch" in summary


def test_one_log_that_reaches_back_shows_it() -> None:
    for keeper in ("alpha", "bravo", "charlie"):
        history = compacted(committing(AFTER_THE_SEAL_MS, 1, 6), 7, but=keeper)
        assert judged(history)[0] is Outcome.FAIL, keeper


@pytest.mark.parametrize("at_ms", [BEFORE_THE_SEAL_MS, AFTER_THE_SEAL_MS])
def test_a_lower_epoch_that_committed_as_far_as_a_higher_one_is_two_primaries(at_ms: int) -> None:
    history = committing(at_ms, 1, 7, first=6)
    told(2_000, "engine-bravo", "entries_committed", epoch=2, first_index=6, last_index=7)(history)
    assert judged(compacted(history, 9))[0] is Outcome.FAIL


def test_an_epoch_that_is_higher_than_the_oldest_kept_entry_was_replaced() -> None:
    assert judged(compacted(committing(AFTER_THE_SEAL_MS, 3, 6), 7))[0] is Outcome.FAIL


def test_an_epoch_of_which_a_log_keeps_an_entry_is_confirmed_back_to_its_beginning() -> None:
    history = sound()
    told(2_000, "engine-bravo", "entries_committed", epoch=2, first_index=6, last_index=7)(history)
    assert judged(compacted(history, 9))[1].startswith("two primaries: 2 judged; 1 commit older")


def test_when_no_commit_can_be_compared_nothing_is_known() -> None:
    history = compacted(sound(), 7)
    history.events = [
        event
        for event in history.events
        if not (
            isinstance(event, StackSaid)
            and event.event.kind == "entries_committed"
            and event.event.epoch == 2
        )
    ]
    outcome, summary = judged(history)
    assert outcome is Outcome.UNKNOWN
    assert summary.startswith("two primaries: 1 commit older than every log")
