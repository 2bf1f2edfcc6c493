from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_stack import MARKET

from harness.load.flow import (
    ACTIVE_A_KIND,
    LEVELS,
    OrderFlow,
    active_instruments,
    aggressive_price,
    passive_price,
    sessions,
    step,
)
from harness.load.profiles import PROFILES, Profile, profile_named
from harness.load.timed import FLOW, TimedOperation
from harness.model.errors import AdapterError
from harness.model.instrument import Instrument
from harness.model.operations import CancelOrder, NewOrder, OrderType, Side, TimeInForce

GATEWAYS = ("gateway-alpha", "gateway-bravo", "gateway-charlie")
STEADY = profile_named("steady")


def flow(
    *, seed: int = 7, count: int = 4000, profile: Profile = STEADY, worker: str = "flow-0", per_s: float = 200
) -> list[TimedOperation]:
    stream = OrderFlow(MARKET, GATEWAYS, profile=profile, per_s=per_s, seed=seed, worker=worker)
    return list(itertools.islice(stream, count))


def test_a_seed_gives_one_flow_and_iterating_again_gives_it_again() -> None:
    stream = OrderFlow(MARKET, GATEWAYS, profile=STEADY, per_s=200, seed=7)
    assert list(itertools.islice(stream, 500)) == list(itertools.islice(stream, 500))
    assert flow(seed=7, count=500) == flow(seed=7, count=500)
    assert flow(seed=8, count=500) != flow(seed=7, count=500)
    assert flow(worker="flow-1", count=500) != flow(worker="flow-0", count=500)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**63), name=st.sampled_from(sorted(PROFILES)), per_s=st.floats(1, 5000))
def test_every_flow_is_well_formed(seed: int, name: str, per_s: float) -> None:
    operations = flow(seed=seed, count=400, profile=profile_named(name), per_s=per_s)
    due = [timed.due_ns for timed in operations]
    assert due == sorted(due)
    home = {session.client: session for session in sessions("flow-0", GATEWAYS)}
    sent: dict[str, NewOrder] = {}
    cancelled: set[str] = set()
    for timed in operations:
        operation, session = timed.operation, home[timed.client]
        assert (timed.purpose, timed.gateway) == (FLOW, session.gateway)
        assert isinstance(operation, NewOrder | CancelOrder)
        assert operation.account in (*session.makers, session.taker)
        if isinstance(operation, NewOrder):
            assert operation.client_order_id not in sent
            assert_tradable(operation)
            sent[operation.client_order_id] = operation
        else:
            assert operation.client_order_id not in cancelled
            cancelled.add(operation.client_order_id)
            order = sent[operation.client_order_id]
            assert order.account == operation.account
            assert order.time_in_force is TimeInForce.GOOD_TILL_CANCEL


def assert_tradable(order: NewOrder) -> None:
    instrument = next(each for each in MARKET if each.name == order.instrument)
    assert instrument.minimum_quantity <= order.quantity <= instrument.maximum_quantity
    if order.order_type is OrderType.MARKET:
        assert order.price is None
    else:
        assert order.price is not None
        assert order.price > 0
        assert order.price % instrument.tick == 0


def test_workers_share_neither_accounts_nor_ids() -> None:
    def names(worker: str) -> tuple[set[str], set[str]]:
        orders = [t.operation for t in flow(worker=worker) if isinstance(t.operation, NewOrder)]
        return {order.account for order in orders}, {order.client_order_id for order in orders}

    first, second = names("flow-0"), names("flow-1")
    assert not first[0] & second[0]
    assert not first[1] & second[1]


def test_the_book_stays_bounded_and_cancels_keep_up() -> None:
    resting = Counter[str]()
    largest = 0
    for timed in flow(count=20_000):
        if isinstance(timed.operation, CancelOrder):
            resting["now"] -= 1
        elif isinstance(timed.operation, NewOrder):
            resting["now"] += timed.operation.time_in_force is TimeInForce.GOOD_TILL_CANCEL
        largest = max(largest, resting["now"])
    # About 85 resting orders a second that live 2 s on average; unbounded growth would leave thousands.
    assert largest < 300


def test_enough_orders_cross_on_every_kind() -> None:
    """A book with both sides inside, hit by takers: simulated roughly, by who could trade at all."""
    offered: dict[tuple[str, Side], int] = Counter()
    taken: Counter[str] = Counter()
    for timed in flow(count=6000):
        order = timed.operation
        if not isinstance(order, NewOrder):
            continue
        if "maker" in order.account:
            offered[order.instrument, order.side] += order.quantity
            continue
        opposite = Side.BUY if order.side is Side.SELL else Side.SELL
        taken[order.instrument] += min(order.quantity, offered[order.instrument, opposite])
    assert all(taken[instrument.name] > 100 for instrument in MARKET)


def test_takers_take_less_than_makers_offer_so_that_cancels_find_live_orders() -> None:
    volume = Counter[str]()
    for timed in flow(count=6000):
        if isinstance(timed.operation, NewOrder):
            volume["maker" if "maker" in timed.operation.account else "taker"] += timed.operation.quantity
    assert volume["taker"] < 0.4 * volume["maker"]


def test_makers_never_cross_and_takers_reach_every_level() -> None:
    for instrument in MARKET:
        highest_bid = max(passive_price(instrument, Side.BUY, level) for level in range(1, LEVELS + 1))
        lowest_offer = min(passive_price(instrument, Side.SELL, level) for level in range(1, LEVELS + 1))
        assert highest_bid < lowest_offer
        assert aggressive_price(instrument, Side.BUY) >= passive_price(instrument, Side.SELL, LEVELS)
        assert aggressive_price(instrument, Side.SELL) <= passive_price(instrument, Side.BUY, LEVELS)


def test_a_level_is_a_basis_point_or_at_least_a_tick() -> None:
    assert step(MARKET[0]) == 5 * 10**8
    assert step(MARKET[3]) == MARKET[3].tick


def test_a_long_chain_is_traded_in_a_few_instruments() -> None:
    chain = [Instrument(f"C{n}", "option_call", 1, 100, 1, 5) for n in range(50)]
    stream = OrderFlow(chain, GATEWAYS, profile=STEADY, per_s=10, seed=1)
    first = itertools.islice(stream, 500)
    traded = {timed.operation.instrument for timed in first if isinstance(timed.operation, NewOrder)}
    assert len(traded) == ACTIVE_A_KIND


def test_a_market_without_instruments_is_refused() -> None:
    from random import Random

    with pytest.raises(AdapterError, match="no instrument"):
        active_instruments([], Random(1))
