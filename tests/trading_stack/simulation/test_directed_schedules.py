"""Each planted defect of the protocol breaks the rule that its schedule is made for; the right code breaks none."""

from __future__ import annotations

import pytest

from trading_stack.defects import Defect
from trading_stack.simulation.case import Case
from trading_stack.simulation.directed import DIRECTED
from trading_stack.simulation.playing import run
from trading_stack.simulation.rules import EVERY_RULE, Rule

CASES = pytest.mark.parametrize("case", DIRECTED.values(), ids=list(DIRECTED))


@CASES
def test_the_defect_breaks_its_rule(case: Case) -> None:
    finding = run(case.schedule, frozenset({case.defect}), judged=frozenset({case.rule})).finding
    assert finding is not None
    assert finding.rule is case.rule
    assert finding.nodes
    assert finding.events, "a finding carries what led to it"
    assert all(event.at_ns <= finding.at_ns for event in finding.events)


@CASES
def test_the_right_code_breaks_no_rule(case: Case) -> None:
    outcome = run(case.schedule)
    assert outcome.finding is None
    assert outcome.promotions, "a schedule under which nobody ever leads proves nothing"


def test_every_defect_of_the_protocol_has_its_schedule() -> None:
    protocol = list(Defect)[: list(Defect).index(Defect.NO_IDEMPOTENCY)]
    assert {defect for defect in protocol if defect in DIRECTED} == set(DIRECTED)
    assert len(DIRECTED) >= 11


@pytest.mark.parametrize(
    "defect",
    [
        Defect.ACKNOWLEDGE_BEFORE_REPLICATION,
        Defect.CANDIDATE_BY_LOG_LENGTH,
        Defect.PROMISE_NOT_DURABLE,
        Defect.OLDER_EPOCH_COMMITTED,
        Defect.WIPED_REPLICA_VOTES,
        Defect.LOST_FSYNC,
        Defect.SPLIT_BRAIN_LOCAL_VOTE,
    ],
)
def test_a_loss_is_seen_before_anybody_suffers_it(defect: Defect) -> None:
    """The state of the stores tells that a majority could be elected without a committed entry."""
    case = DIRECTED[defect]
    early = run(case.schedule, frozenset({defect})).finding
    late = run(case.schedule, frozenset({defect}), judged=EVERY_RULE - {Rule.RECOVERABLE}).finding
    assert early is not None
    assert late is not None
    assert early.rule is Rule.RECOVERABLE
    assert early.at_ns < late.at_ns


def test_an_attack_is_seen_when_its_frame_is_taken() -> None:
    for defect in (Defect.REPLAY_ACCEPTED, Defect.UNAUTHENTICATED_HEARTBEAT):
        finding = run(DIRECTED[defect].schedule, frozenset({defect})).finding
        assert finding is not None
        assert finding.rule is Rule.AUTHENTIC


def test_what_a_repeated_frame_says_does_no_harm_by_itself() -> None:
    """Rounds, epochs and incarnations in the messages mask the defect: only the taking of the frame gives it away."""
    case = DIRECTED[Defect.REPLAY_ACCEPTED]
    assert run(case.schedule, frozenset({case.defect}), judged=EVERY_RULE - {Rule.AUTHENTIC}).finding is None
