"""Matching on literal sequences."""

from __future__ import annotations

import pytest
from venue_steps import BTC, TICK, P, Steps, new

from trading_stack.venue.queries import BookQuery


def test_a_limit_order_rests_and_is_acknowledged() -> None:
    steps = Steps()
    reply = steps.do(new("ann", "1", "buy", 5))
    assert reply["outcome"] == "ok"
    assert reply["order"] == {
        "order_id": "O1",
        "state": "open",
        "cum_quantity": 0,
        "leaves_quantity": 5,
        "sequence": 1,
        "epoch": 1,
        "exec_ids": [],
        "never_received": False,
        "reason": "",
    }
    assert steps.ask(BookQuery(BTC))["bids"] == [[P, 5, 1]]


def test_better_prices_trade_first_and_at_the_resting_price() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 2, P + TICK))
    steps.do(new("bob", "1", "sell", 2, P))
    reply = steps.do(new("cat", "1", "buy", 3, P + 5 * TICK))
    assert reply["order"]["state"] == "filled"
    assert steps.fills() == [
        ("bob", "sell", 2, P),
        ("cat", "buy", 2, P),
        ("ann", "sell", 1, P + TICK),
        ("cat", "buy", 1, P + TICK),
    ]


def test_at_one_price_the_oldest_trades_first() -> None:
    steps = Steps()
    for account in ("ann", "bob", "cat"):
        steps.do(new(account, "1", "sell", 2))
    steps.do(new("dan", "1", "buy", 3))
    assert [fill[0] for fill in steps.fills()] == ["ann", "dan", "bob", "dan"]
    assert steps.state("cat", "1") == "open"


def test_a_partly_filled_order_keeps_its_place() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 5))
    steps.do(new("bob", "1", "sell", 5))
    steps.do(new("cat", "1", "buy", 2))
    steps.do(new("cat", "2", "buy", 2))
    assert [fill[0] for fill in steps.fills() if fill[1] == "sell"] == ["ann", "ann"]


def test_no_order_trades_beyond_its_limit() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 2, P + TICK))
    steps.do(new("bob", "1", "buy", 2, P))
    assert steps.fills() == []
    assert steps.ask(BookQuery(BTC))["asks"] == [[P + TICK, 2, 1]]


def test_books_of_instruments_are_apart() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 2, 50_000 * 2 * TICK))
    steps.do(new("bob", "1", "buy", 2, 50_000 * 2 * TICK, instrument="BTC-30JAN26"))
    assert steps.fills() == []


@pytest.mark.parametrize("force", ["gtc", "ioc"])
def test_what_a_market_order_cannot_fill_is_cancelled(force: str) -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 2))
    reply = steps.do(new("bob", "1", "buy", 5, None, type_="market", force=force))
    assert (reply["order"]["state"], reply["order"]["cum_quantity"]) == ("cancelled", 2)
    assert steps.ask(BookQuery(BTC))["bids"] == []


def test_an_immediate_order_never_rests() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 2))
    reply = steps.do(new("bob", "1", "buy", 5, force="ioc"))
    assert reply["outcome"] == "ok"
    assert (reply["order"]["state"], reply["order"]["cum_quantity"]) == ("cancelled", 2)
    assert reply["order"]["reason"] == "unfilled"


def test_fill_or_kill_fills_whole_or_not_at_all() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 2))
    steps.do(new("bob", "1", "sell", 2, P + TICK))
    killed = steps.do(new("cat", "1", "buy", 5, P + TICK, force="fok"))
    assert (killed["order"]["state"], killed["order"]["cum_quantity"]) == ("cancelled", 0)
    assert steps.fills() == []
    filled = steps.do(new("cat", "2", "buy", 4, P + TICK, force="fok"))
    assert filled["order"]["state"] == "filled"


def test_fill_or_kill_counts_only_what_its_limit_reaches() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 2))
    steps.do(new("bob", "1", "sell", 2, P + TICK))
    assert steps.do(new("cat", "1", "buy", 4, P, force="fok"))["order"]["cum_quantity"] == 0


def test_fill_or_kill_does_not_count_what_lies_behind_an_own_order() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 2))
    steps.do(new("cat", "1", "sell", 1))
    steps.do(new("bob", "1", "sell", 2))
    assert steps.do(new("cat", "2", "buy", 3, force="fok"))["order"]["cum_quantity"] == 0


def test_post_only_is_refused_when_it_would_trade() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 2))
    reply = steps.do(new("bob", "1", "buy", 1, force="post_only"))
    assert (reply["outcome"], reply["code"]) == ("fail", "would_trade")
    assert reply["order"]["state"] == "rejected"
    assert steps.do(new("bob", "2", "buy", 1, P - TICK, force="post_only"))["order"]["state"] == "open"


def test_self_trade_prevention_cancels_the_incoming_rest() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 2))
    steps.do(new("bob", "1", "sell", 2))
    reply = steps.do(new("bob", "2", "buy", 3))
    assert (reply["order"]["state"], reply["order"]["cum_quantity"]) == ("cancelled", 2)
    assert reply["order"]["reason"] == "self_trade"
    assert steps.state("bob", "1") == "open"


def test_a_cancel_takes_what_is_left() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 5))
    steps.do(new("bob", "1", "buy", 2))
    reply = steps.cancel("ann", "1")
    assert (reply["order"]["state"], reply["order"]["cum_quantity"]) == ("cancelled", 2)
    assert steps.ask(BookQuery(BTC))["asks"] == []
    assert steps.do(new("bob", "2", "buy", 2))["order"]["cum_quantity"] == 0


def test_cancelling_from_the_middle_leaves_the_others_places() -> None:
    steps = Steps()
    for account in ("ann", "bob", "cat"):
        steps.do(new(account, "1", "sell", 2))
    steps.cancel("bob", "1")
    steps.do(new("dan", "1", "buy", 4))
    assert [fill[0] for fill in steps.fills() if fill[1] == "sell"] == ["ann", "cat"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (new("house", "1", "buy", 1), "reserved_account"),
        (new("ann", "1", "buy", 1, instrument="DOGE"), "unknown_instrument"),
        (new("ann", "1", "buy", 0), "bad_quantity"),
        (new("ann", "1", "buy", -1), "bad_quantity"),
        (new("ann", "1", "buy", 10**10), "bad_quantity"),
        (new("ann", "1", "buy", 1, P + 1), "bad_price"),
        (new("ann", "1", "buy", 1, 0), "bad_price"),
        (new("ann", "1", "buy", 1, -TICK), "bad_price"),
        (new("ann", "1", "buy", 1, 10**17), "bad_price"),
        (new("ann", "1", "buy", 1, None), "bad_price"),
        (new("ann", "1", "buy", 1, P, type_="market"), "market_with_price"),
        (new("ann", "1", "buy", 1, None, type_="market", force="post_only"), "market_post_only"),
    ],
)
def test_the_venue_refuses_and_remembers(command: object, code: str) -> None:
    steps = Steps()
    reply = steps.do(command)  # type: ignore[arg-type]
    assert (reply["outcome"], reply["code"], reply["order"]["state"]) == ("fail", code, "rejected")
    assert [row.type for row in steps.venue.dump().executions] == ["rejected"]
    again = steps.do(command)  # type: ignore[arg-type]
    assert again == reply


@pytest.mark.parametrize("names", [("", "1"), ("ann", ""), ("a" * 65, "1"), ("ann", "1" * 65)])
def test_names_that_cannot_be_kept_are_refused_without_a_trace(names: tuple[str, str]) -> None:
    steps = Steps()
    assert steps.do(new(*names, "buy", 1))["code"] == "bad_id"
    assert steps.resolve(*names)["code"] == "bad_id"
    assert steps.venue.dump().orders == []


@pytest.mark.parametrize("junk", [b"", b"\xc1", b"\x93\xa1N\xa1a", b"\x91\xa1Z", b"{}"])
def test_what_is_no_command_changes_nothing(junk: bytes) -> None:
    steps = Steps()
    assert steps.do(junk)["code"] == "malformed"
    assert steps.venue.dump().executions == []


def test_each_step_has_an_execution_with_an_id_of_its_entry() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 2))
    steps.do(new("bob", "1", "buy", 3, force="ioc"))
    rows = steps.venue.dump().executions
    assert [(row.exec_id, row.type, row.account) for row in rows] == [
        ("1-0", "accepted", "ann"),
        ("2-0", "accepted", "bob"),
        ("2-1", "filled", "ann"),
        ("2-2", "filled", "bob"),
        ("2-3", "cancelled", "bob"),
    ]
    assert [(row.cum_quantity, row.leaves_quantity) for row in rows] == [
        (0, 2),
        (0, 3),
        (2, 0),
        (2, 1),
        (2, 0),
    ]
    assert rows[2].counter_order_id == "O2"
    assert rows[3].counter_order_id == "O1"
    assert (rows[2].fee, rows[3].fee) == (0, 2)
