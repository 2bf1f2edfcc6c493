"""Each planted mistake of the venue shows, and only when it is switched on."""

from __future__ import annotations

import time

from venue_steps import BTC, TICK, P, Steps, new, replay

from trading_stack.defects import Defect
from trading_stack.venue import commands
from trading_stack.venue.commands import Cancel
from trading_stack.venue.machine import Venue


def test_priority_is_lost_by_a_promotion_alike_on_every_replica() -> None:
    defect = Defect.RESTING_ORDER_LOSES_PRIORITY
    for defects, first in (((), "ann"), ((defect,), "cat")):
        steps = Steps(*defects)
        steps.lead(1)
        for account in ("ann", "bob", "cat"):
            steps.do(new(account, "1", "sell", 2))
        steps.lead(2)
        steps.do(new("dan", "1", "buy", 1))
        assert steps.fills()[0][0] == first
        assert replay(steps.log, *defects).digest() == steps.venue.digest()
        restored = Venue.restore(steps.venue.snapshot(), defects=frozenset(defects))
        assert restored.digest() == steps.venue.digest()


def test_more_promotions_give_no_priority_back() -> None:
    for orders in (2, 3, 4):
        for promotions in range(1, 6):
            steps = Steps(Defect.RESTING_ORDER_LOSES_PRIORITY)
            steps.lead(1)
            for number in range(orders):
                steps.do(new(f"maker-{number}", "1", "sell", 2))
            for epoch in range(2, 2 + promotions):
                steps.lead(epoch)
            steps.do(new("dan", "1", "buy", 1))
            assert steps.fills()[0][0] != "maker-0", f"{orders} orders, {promotions} promotions"


def test_the_first_promotion_of_all_changes_nothing() -> None:
    steps = Steps(Defect.RESTING_ORDER_LOSES_PRIORITY, Defect.FILL_APPLIED_TWICE)
    steps.lead(1)
    assert steps.venue.dump().balances == []


def test_a_fill_is_applied_twice_after_a_promotion() -> None:
    steps = Steps(Defect.FILL_APPLIED_TWICE)
    steps.lead(1)
    steps.lead(2)
    steps.do(new("ann", "1", "sell", 2))
    steps.do(new("bob", "1", "buy", 2))
    steps.lead(3)
    positions = {row.account: row.amount for row in steps.venue.dump().balances if row.instrument is not None}
    assert positions == {"ann": -4, "bob": 4}
    assert len(steps.fills()) == 2


def test_fill_or_kill_fills_partly() -> None:
    steps = Steps(Defect.FOK_FILLS_PARTLY)
    steps.do(new("ann", "1", "sell", 2))
    reply = steps.do(new("bob", "1", "buy", 5, P, force="fok"))
    assert (reply["order"]["state"], reply["order"]["cum_quantity"]) == ("cancelled", 2)


def test_a_cancel_of_the_past_is_forgotten_and_one_of_the_present_is_not() -> None:
    venue = Venue(defects=frozenset({Defect.FORGOTTEN_CANCEL_ON_REPLAY}))
    venue.apply(1, 1, 1, commands.encode(new("ann", "1", "sell", 2)))
    venue.apply(2, 1, 2, commands.encode(Cancel("ann", "1", "a")))
    assert venue.dump().orders[0].state == "open"
    venue.apply(3, 1, time.time_ns(), commands.encode(Cancel("ann", "1", "b")))
    assert venue.dump().orders[0].state == "cancelled"


def booked(*defects: Defect, marks: dict[str, int]) -> Steps:
    """Trades at 50,000 beside a pricing that says something else."""
    steps = Steps(*defects, own_marks=lambda: marks)
    for number in ("1", "2"):
        steps.do(new("ann", number, "sell", 100_000))
        steps.do(new("bob", number, "buy", 100_000, force="ioc"))
    return steps


def test_money_booked_at_a_replicas_own_mark_is_other_money_on_each() -> None:
    defect = Defect.LOCAL_MARK_IN_APPLY
    one, other = (booked(defect, marks={BTC: mark}) for mark in (P + 40 * TICK, P + 90 * TICK))
    assert one.venue.digest() != other.venue.digest()
    assert one.venue.dump().balances != other.venue.dump().balances
    assert one.fills() == other.fills()
    assert one.coin() == other.coin() == 0
    assert booked(defect, marks={}).venue.digest() == booked(marks={}).venue.digest()
    assert replay(one.log, defect).digest() != one.venue.digest()


def test_the_right_venue_never_asks_the_pricing_beside_it() -> None:
    one, other = (booked(marks={BTC: mark}) for mark in (P + 40 * TICK, P + 90 * TICK))
    assert one.venue.digest() == other.venue.digest() == replay(one.log).digest()
