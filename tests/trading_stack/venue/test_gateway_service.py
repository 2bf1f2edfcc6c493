"""A real gateway before scripted engines, spoken to by the adapter and by plain HTTP."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from gateway_rig import Rig

from harness.model.operations import (
    CancelOrder,
    Fail,
    Info,
    NewOrder,
    Ok,
    OrderState,
    OrderType,
    QueryOrder,
    ReadRegister,
    Reply,
    ResolveOrder,
    Side,
)
from harness.stack import adapter as contract
from trading_stack.adapter import TradingStack
from trading_stack.client import Client
from trading_stack.instruments import SCALE

pytestmark = pytest.mark.processes

P = 50_000 * SCALE


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as running:
        yield running


@pytest.fixture
def client(rig: Rig) -> Iterator[TradingStack]:
    stack = TradingStack()
    stack.connect(rig.address, deadline_s=5)
    yield stack
    stack.close()


def order(
    id_: str, side: Side = Side.BUY, quantity: int = 2, price: int = P, account: str = "ann"
) -> NewOrder:
    return NewOrder(account, id_, "BTC-PERPETUAL", side, quantity, price=price)


class Asking(threading.Thread):
    """An operation that is waited for elsewhere."""

    def __init__(self, client: TradingStack, operation: Any, deadline_s: float = 5) -> None:
        super().__init__()
        self._arguments = (client, operation, deadline_s)
        self._reply: Reply | None = None
        self.start()

    def run(self) -> None:
        client, operation, deadline_s = self._arguments
        self._reply = client.invoke(operation, deadline_s=deadline_s)

    def reply(self) -> Reply:
        self.join(10)
        assert self._reply is not None
        return self._reply


def test_the_whole_life_of_orders(client: TradingStack) -> None:
    sold = client.invoke(order("1", Side.SELL, account="bob"), deadline_s=5)
    assert isinstance(sold, Ok)
    assert sold.order is not None
    assert (sold.order.state, sold.order.leaves_quantity, sold.order.epoch) == (OrderState.OPEN, 2, 1)
    bought = client.invoke(order("1", quantity=1), deadline_s=5)
    assert isinstance(bought, Ok)
    assert bought.order is not None
    assert (bought.order.state, bought.order.exec_ids) == (OrderState.FILLED, ("2-2",))
    cancelled = client.invoke(CancelOrder("bob", "1"), deadline_s=5)
    assert isinstance(cancelled, Ok)
    read = client.invoke(QueryOrder("bob", "1"), deadline_s=5)
    assert isinstance(read, Ok)
    assert read.order == cancelled.order
    reports = {report.account: report for report in client.account_reports(deadline_s=5)}
    assert reports["ann"].positions == {"BTC-PERPETUAL": 1}
    assert [fill.exec_id for fill in reports["bob"].fills] == ["2-1"]


def test_what_the_venue_or_its_gateway_refuses_is_a_fail(client: TradingStack, rig: Rig) -> None:
    refused = client.invoke(order("1", price=P + 1), deadline_s=5)
    assert isinstance(refused, Fail)
    assert (refused.code, refused.order and refused.order.state) == ("bad_price", OrderState.REJECTED)
    banded = client.invoke(order("2", price=P * 2), deadline_s=5)
    assert isinstance(banded, Fail)
    assert banded.code == "price_band"
    assert banded.order is not None
    assert banded.order.state is OrderState.REJECTED
    assert isinstance(client.invoke(ReadRegister("key"), deadline_s=5), Fail)
    malformed = client.invoke(order("3", quantity=-1), deadline_s=5)
    assert isinstance(malformed, Fail)
    assert malformed.code == "malformed"


def test_a_copy_that_is_out_of_the_band_by_now_is_told_what_the_first_one_did(
    client: TradingStack, rig: Rig
) -> None:
    market = NewOrder("ann", "1", "BTC-PERPETUAL", Side.BUY, 1, OrderType.MARKET)
    first = client.invoke(market, deadline_s=5)
    assert isinstance(first, Ok)
    rig.say_marks(age_s=5)
    assert client.invoke(market, deadline_s=5) == first
    second = client.invoke(msgspec.structs.replace(market, client_order_id="2"), deadline_s=5)
    assert isinstance(second, Fail)
    assert second.code == "no_fresh_price"


def test_a_lost_answer_is_unknown_and_a_copy_is_told_the_first_result(client: TradingStack, rig: Rig) -> None:
    rig.cluster.loses_answers = True
    assert isinstance(client.invoke(order("1"), deadline_s=0.1), Info)
    rig.cluster.loses_answers = False
    again = client.invoke(order("1"), deadline_s=5)
    assert isinstance(again, Ok)
    assert again.order is not None
    assert again.order.order_id == "O1"
    assert len(rig.cluster.venue.dump().orders) == 1


def test_an_order_waits_out_a_failover_and_is_executed_once(client: TradingStack, rig: Rig) -> None:
    rig.cluster.loses_answers = True
    asking = Asking(client, order("1"))
    rig.wait_until(lambda: len(rig.cluster.commands) == 1)
    rig.cluster.loses_answers = False
    rig.lead("bravo")
    reply = asking.reply()
    assert isinstance(reply, Ok)
    assert reply.order is not None
    assert reply.order.order_id == "O1"
    assert len(set(rig.cluster.commands)) == 1
    assert len(rig.cluster.venue.dump().orders) == 1


def test_without_a_primary_orders_are_held_and_go_out_when_there_is_one(
    client: TradingStack, rig: Rig
) -> None:
    rig.lead(None)
    asking = Asking(client, order("1"))
    assert client.ping(deadline_s=5)
    rig.lead("charlie")
    assert isinstance(asking.reply(), Ok)


def test_resolve_proves_that_an_order_never_came(client: TradingStack, rig: Rig) -> None:
    resolved = client.invoke(ResolveOrder("ann", "1"), deadline_s=5)
    assert isinstance(resolved, Ok)
    assert resolved.order is not None
    assert resolved.order.never_received
    late = client.invoke(order("1"), deadline_s=5)
    assert isinstance(late, Fail)
    assert late.code == "id_closed"


def test_a_late_answer_is_not_taken_for_another(client: TradingStack, rig: Rig) -> None:
    rig.do(lambda: setattr(rig.cluster, "holds", []))
    assert isinstance(client.invoke(order("1"), deadline_s=0.1), Info)
    second = Asking(client, order("2", quantity=1))
    rig.wait_until(lambda: len(rig.cluster.holds or ()) == 2)
    rig.release()
    reply = second.reply()
    assert isinstance(reply, Ok)
    assert reply.order is not None
    assert reply.order.order_id == "O2"


def test_replies_come_in_any_order(client: TradingStack, rig: Rig) -> None:
    rig.do(lambda: setattr(rig.cluster, "holds", []))
    asking = {str(number): Asking(client, order(str(number))) for number in range(20)}
    rig.wait_until(lambda: len(rig.cluster.holds or ()) == 20)
    rig.do(lambda: rig.cluster.holds.reverse() if rig.cluster.holds else None)
    rig.release()
    for id_, thread in asking.items():
        reply = thread.reply()
        assert isinstance(reply, Ok)
        read = client.invoke(QueryOrder("ann", id_), deadline_s=5)
        assert isinstance(read, Ok)
        assert reply.order == read.order


def test_a_broken_connection_is_info_for_all_that_wait_and_for_all_that_come(
    client: TradingStack, rig: Rig
) -> None:
    rig.do(lambda: setattr(rig.cluster, "holds", []))
    asking = Asking(client, order("1"))
    rig.wait_until(lambda: len(rig.cluster.holds or ()) == 1)
    client.close()
    assert isinstance(asking.reply(), Info)
    assert isinstance(client.invoke(order("2"), deadline_s=1), Info)
    assert not client.ping(deadline_s=1)
    client.close()


def test_close_ends_the_reader(rig: Rig) -> None:
    before = threading.active_count()
    stack = TradingStack()
    stack.close()
    stack.connect(rig.address, deadline_s=5)
    assert threading.active_count() == before + 1
    stack.close()
    assert threading.active_count() == before


def test_nobody_there_is_an_oserror() -> None:
    with pytest.raises(OSError, match="no connection"):
        TradingStack().connect(contract.Address("127.0.0.1", 1), deadline_s=1)


def test_plain_http_does_the_same(rig: Rig) -> None:
    def ask(method: str, target: str, body: object = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(*rig.address, timeout=5)
        connection.request(method, target, None if body is None else json.dumps(body))
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return response.status, json.loads(text) if text[:1] in b"[{" else text.decode()

    fields = {"account": "ann", "client_order_id": "1", "instrument": "BTC-PERPETUAL", "side": "buy"}
    assert ask("POST", "/orders", {**fields, "quantity": 1, "price": P})[0] == 200
    assert ask("GET", "/orders/ann/1")[1]["order"]["state"] == "open"
    assert ask("GET", "/book/BTC-PERPETUAL?depth=1")[1]["bids"] == [[P, 1, 1]]
    assert ask("DELETE", "/orders/ann/1")[1]["order"]["state"] == "cancelled"
    status, refused = ask(
        "POST", "/orders", {**fields, "client_order_id": "2", "quantity": 1, "price": P * 2}
    )
    assert (status, refused["code"]) == (422, "price_band")
    assert ask("POST", "/orders", {})[0] == 422
    assert ask("POST", "/orders", [1])[1]["code"] == "malformed"
    closed = {"account": "ann", "client_order_id": "9"}
    assert ask("POST", "/resolve", closed)[1]["order"]["never_received"]
    assert ask("GET", "/accounts") == (200, [])
    assert ask("GET", "/accounts/ann?skip=0")[1]["positions"] == {}
    assert ask("GET", "/quotes")[1]["marks"] == {"BTC-PERPETUAL": P}
    assert ask("GET", "/health") == (200, "ready")
    rig.lead(None)
    assert ask("GET", "/health")[0] == 503
    status, unknown = ask("POST", "/orders?deadline_ms=30", {**fields, "quantity": 1, "price": P})
    assert (status, unknown["outcome"]) == (504, "info")


def test_metrics_tell_what_was_done(client: TradingStack, rig: Rig) -> None:
    client.invoke(order("1"), deadline_s=5)
    figures = client.metrics(rig.admin, deadline_s=5)
    assert figures["router_sent"] == 1
    assert figures["router_answered"] == 1
    assert figures['engine_up{engine="bravo"}'] == 1


def test_it_offers_everything_that_the_harness_can_use() -> None:
    stack: contract.Adapter = TradingStack()
    for protocol in (
        contract.Heartbeat,
        contract.Leadership,
        contract.Quotes,
        contract.DropCopy,
        contract.Accounts,
        contract.Metrics,
        contract.Market,
    ):
        assert isinstance(stack, protocol)


def test_a_request_over_the_websocket_that_cannot_be_read_is_refused_under_its_number(rig: Rig) -> None:
    client = Client(*rig.address, deadline_s=5)
    assert json.loads(client.ask({"op": "dance"}, deadline_s=5))["code"] == "malformed"
    client.close()


def test_a_gateway_that_is_cut_off_lets_its_clients_go_and_takes_them_again(rig: Rig) -> None:
    client = TradingStack()
    client.connect(rig.address, deadline_s=5)
    rig.do(lambda: setattr(rig.cluster, "mute", True))
    reply = client.invoke(order("1"), deadline_s=5)
    assert isinstance(reply, Info)
    assert "closed by the far end" in reply.reason
    with pytest.raises(OSError, match="503"):
        client.connect(rig.address, deadline_s=5)
    rig.do(lambda: setattr(rig.cluster, "mute", False))
    rig.wait_for(lambda: client.metrics(rig.admin, deadline_s=5)["cut_off"] == 0)
    client.connect(rig.address, deadline_s=5)
    assert isinstance(client.invoke(order("1"), deadline_s=5), Ok)
    client.close()
