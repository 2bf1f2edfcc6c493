from __future__ import annotations

import itertools

from toy_stack import MARKET

from harness.load.probes import RECONNECTING_CLIENT, probe_client, probe_instrument, probe_price, probes
from harness.load.timed import PROBE, RECONNECT
from harness.model.operations import NewOrder, TimeInForce

EVERY_NS = 20 * 10**6
GATEWAYS = ("gateway-alpha", "gateway-bravo", "gateway-charlie")


def test_each_stream_is_evenly_spaced_and_streams_are_staggered() -> None:
    stream = probes(MARKET, GATEWAYS, first_gateway="gateway-bravo", every_ns=EVERY_NS)
    sent = list(itertools.islice(stream, 400))
    assert [timed.due_ns for timed in sent] == sorted(timed.due_ns for timed in sent)
    offsets = set()
    for client in (*map(probe_client, GATEWAYS), RECONNECTING_CLIENT):
        due = [timed.due_ns for timed in sent if timed.client == client]
        assert {b - a for a, b in itertools.pairwise(due)} == {EVERY_NS}
        offsets.add(due[0])
    assert offsets == {0, EVERY_NS // 4, EVERY_NS // 2, 3 * EVERY_NS // 4}


def test_probes_are_real_orders_that_leave_nothing_behind() -> None:
    sent = list(
        itertools.islice(probes(MARKET, GATEWAYS, first_gateway="gateway-bravo", every_ns=EVERY_NS), 200)
    )
    ids = set()
    for timed in sent:
        order = timed.operation
        assert isinstance(order, NewOrder)
        assert order.time_in_force is TimeInForce.IMMEDIATE_OR_CANCEL
        assert order.account == timed.client
        assert order.price == 47_500 * 10**8
        ids.add((order.account, order.client_order_id))
        assert timed.purpose == (RECONNECT if timed.client == RECONNECTING_CLIENT else PROBE)
    assert len(ids) == len(sent)
    assert {timed.gateway for timed in sent if timed.purpose == RECONNECT} == {"gateway-bravo"}


def test_the_probed_instrument_is_a_perpetual_or_the_first() -> None:
    assert probe_instrument(MARKET).name == "BTC-PERPETUAL"
    assert probe_instrument(MARKET[1:]).name == "BTC-FUTURE"


def test_a_price_below_a_tick_is_a_tick() -> None:
    assert probe_price(MARKET[3]) == MARKET[3].tick
