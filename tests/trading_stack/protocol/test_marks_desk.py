"""When the primary proposes marks, and from what."""

from __future__ import annotations

from trading_stack.engine.marks import MarksDesk
from trading_stack.market.messages import MarksFrame
from trading_stack.venue.commands import Marks, decode

S = 1_000_000_000


def frame(sequence: int, *, index_age_ns: int = 0, surface_age_ns: int = 0) -> MarksFrame:
    return MarksFrame({"BTC-PERPETUAL": 5}, sequence, 77, index_age_ns, surface_age_ns, "hash")


def leading(*, any_inputs: bool = False) -> MarksDesk:
    desk = MarksDesk(any_inputs=any_inputs)
    desk.lead(10 * S)
    return desk


def test_a_standby_proposes_nothing() -> None:
    desk = MarksDesk(any_inputs=False)
    desk.hear(frame(1), 5 * S)
    assert desk.command(5 * S) is None


def test_marks_wait_for_inputs_that_are_all_newer_than_the_takeover() -> None:
    desk = leading()
    assert desk.command(10 * S) is None
    desk.hear(frame(1), 10 * S)
    assert desk.command(11 * S) is None, "it arrived at the takeover, not after it"
    desk.hear(frame(2, surface_age_ns=2 * S), 11 * S)
    assert desk.command(11 * S) is None, "its surface is from before"
    desk.hear(frame(3, index_age_ns=S // 10), 12 * S)
    command = desk.command(12 * S + S // 10)
    assert command is not None
    assert decode(command) == Marks({"BTC-PERPETUAL": 5}, 3, S // 5, 77)


def test_the_same_valuation_is_proposed_once() -> None:
    desk = leading()
    desk.hear(frame(1), 11 * S)
    assert desk.command(11 * S) is not None
    assert desk.command(11 * S + 1) is None
    desk.hear(frame(2), 12 * S)
    assert desk.command(12 * S) is not None


def test_a_valuation_that_grew_old_is_not_proposed() -> None:
    desk = leading()
    desk.hear(frame(1), 11 * S)
    assert desk.command(12 * S + 1) is None


def test_a_primary_that_resigned_proposes_nothing() -> None:
    desk = leading()
    desk.hear(frame(1), 11 * S)
    desk.resign()
    assert desk.command(11 * S) is None


def test_the_planted_mistake_marks_from_what_was_known_before() -> None:
    desk = leading(any_inputs=True)
    desk.hear(frame(1, index_age_ns=5 * S), 9 * S)
    assert desk.command(10 * S) is not None
