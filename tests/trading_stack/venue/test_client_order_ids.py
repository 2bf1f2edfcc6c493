"""One client order id means one order, for ever, however often and from wherever its command comes."""

from __future__ import annotations

import msgspec
from venue_steps import TICK, P, Steps, new

from trading_stack.defects import Defect
from trading_stack.venue.queries import OrderQuery


def test_a_copy_is_told_the_first_result_and_changes_nothing() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 5))
    first = steps.do(new("bob", "1", "buy", 2))
    steps.lead(2)
    before = steps.venue.dump()
    assert steps.do(new("bob", "1", "buy", 2)) == first
    assert steps.do(new("ann", "1", "sell", 5))["order"]["cum_quantity"] == 0
    assert steps.venue.dump() == before


def test_an_id_with_other_content_is_refused() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 5))
    reply = steps.do(new("ann", "1", "sell", 6))
    assert (reply["outcome"], reply["code"]) == ("fail", "duplicate_id")
    assert len(steps.venue.dump().orders) == 1


def test_an_id_stays_taken_after_its_order_ended() -> None:
    steps = Steps()
    first = steps.do(new("ann", "1", "sell", 5))
    steps.cancel("ann", "1")
    assert steps.do(new("ann", "1", "sell", 5)) == first
    assert steps.state("ann", "1") == "cancelled"


def test_a_gateways_verdict_is_final_only_for_an_order_that_the_venue_does_not_know() -> None:
    steps = Steps()
    first = steps.do(new("ann", "1", "sell", 5))
    banded = msgspec.structs.replace(new("ann", "1", "sell", 5), refusal="price_band")
    assert steps.do(banded) == first
    assert steps.do(msgspec.structs.replace(banded, quantity=6))["code"] == "duplicate_id"
    refused = steps.do(msgspec.structs.replace(banded, client_order_id="2"))
    assert (refused["outcome"], refused["code"]) == ("fail", "price_band")
    assert steps.do(new("ann", "2", "sell", 5)) == refused


def test_ids_of_accounts_are_apart() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 5))
    assert steps.do(new("bob", "1", "sell", 6))["order"]["order_id"] == "O2"


def test_resolve_closes_an_id_that_never_came_and_refuses_it_for_ever() -> None:
    steps = Steps()
    resolved = steps.resolve("ann", "1")
    assert resolved["order"]["never_received"]
    assert resolved["order"]["order_id"] == ""
    late = steps.do(new("ann", "1", "sell", 5))
    assert (late["outcome"], late["code"]) == ("fail", "id_closed")
    assert late["order"]["never_received"]
    assert steps.resolve("ann", "1") == resolved
    assert [row.type for row in steps.venue.dump().executions] == ["closed"]
    assert steps.cancel("ann", "1")["code"] == "id_closed"
    assert steps.ask(OrderQuery("ann", "1"))["order"]["never_received"]


def test_resolve_of_a_known_id_tells_its_state() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 5))
    reply = steps.resolve("ann", "1")
    assert (reply["outcome"], reply["order"]["state"]) == ("ok", "open")
    assert not reply["order"]["never_received"]


def test_a_second_copy_of_a_cancel_is_told_that_it_worked() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 5))
    first = steps.cancel("ann", "1", "once")
    assert steps.cancel("ann", "1", "once") == first


def test_a_second_copy_of_a_refused_cancel_stays_refused_when_its_order_came_in_between() -> None:
    steps = Steps()
    assert steps.cancel("ann", "1", "once")["code"] == "unknown_order"
    steps.do(new("ann", "1", "sell", 5))
    assert steps.cancel("ann", "1", "once")["code"] == "unknown_order"
    assert steps.state("ann", "1") == "open"
    assert steps.cancel("ann", "1", "twice")["order"]["state"] == "cancelled"


def test_cancels_of_ended_orders_are_told_why() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 5))
    steps.do(new("bob", "1", "buy", 5))
    steps.do(new("cat", "1", "buy", 0))
    assert steps.cancel("ann", "1")["code"] == "already_filled"
    assert steps.cancel("cat", "1")["code"] == "was_rejected"


def test_a_query_of_an_unknown_id_has_no_order() -> None:
    assert Steps().ask(OrderQuery("ann", "1")) == {"outcome": "ok", "order": None}


def test_a_query_tells_the_entry_that_changed_the_order_last() -> None:
    steps = Steps()
    steps.do(new("ann", "1", "sell", 5))
    steps.lead(2)
    steps.do(new("bob", "1", "buy", 5))
    report = steps.ask(OrderQuery("ann", "1"))["order"]
    assert (report["sequence"], report["epoch"], report["exec_ids"]) == (3, 2, ["3-1"])


def test_planted_no_idempotency_executes_a_copy_under_a_new_order_id() -> None:
    steps = Steps(Defect.NO_IDEMPOTENCY)
    first = steps.do(new("ann", "1", "sell", 5))
    second = steps.do(new("ann", "1", "sell", 5))
    assert first["order"]["order_id"] != second["order"]["order_id"]
    assert len(steps.venue.dump().orders) == 2
    restored = type(steps.venue).restore(steps.venue.snapshot(), defects=frozenset({Defect.NO_IDEMPOTENCY}))
    assert restored.digest() == steps.venue.digest()


def test_planted_snapshot_without_ids_forgets_them() -> None:
    steps = Steps(Defect.SNAPSHOT_WITHOUT_ID_TABLE)
    steps.do(new("ann", "1", "sell", 5, P + TICK))
    steps.resolve("ann", "2")
    before = steps.venue.digest()
    steps.venue = type(steps.venue).restore(steps.venue.snapshot(), defects=frozenset())
    assert steps.venue.digest() != before
    assert steps.do(new("ann", "2", "sell", 5))["outcome"] == "ok"
    assert steps.do(new("ann", "1", "sell", 5, P + TICK))["order"]["order_id"] == "O4"
    assert msgspec.to_builtins(steps.venue.dump().orders[0])["client_order_id"] == "1"
