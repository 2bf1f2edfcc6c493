from __future__ import annotations

import time

from test_client import GATEWAYS, QUICK, World

from harness.load.client import Attempted, Client
from harness.load.connection import Mishaps
from harness.load.resolving import resolve_all
from harness.load.timed import QUERY, RESOLVE
from harness.model.operations import (
    Fail,
    Info,
    NewOrder,
    Ok,
    Operation,
    OrderReport,
    OrderState,
    QueryOrder,
    Reply,
    ResolveOrder,
    Side,
)

KNOWN = OrderReport("o1", OrderState.OPEN, 0, 1)
CLOSED = OrderReport("", OrderState.REJECTED, 0, 0, never_received=True)


def orders(count: int) -> list[NewOrder]:
    return [NewOrder("account", f"id-{n}", "BTC-PERPETUAL", Side.BUY, 1) for n in range(count)]


def clients(count: int) -> list[Client]:
    world = World()
    return [Client(f"client-{n}", GATEWAYS, world.adapter, QUICK, Mishaps()) for n in range(count)]


class Venue:
    """Answers by client, and remembers what it was asked."""

    def __init__(self, query: Reply, *, resolve: Reply = Ok(CLOSED), dark: tuple[str, ...] = ()) -> None:  # noqa: B008
        self.asked: list[tuple[str, str, Operation]] = []
        self._query, self._resolve, self._dark = query, resolve, dark

    def ask(self, client: Client, purpose: str, operation: Operation, within_ns: int) -> Attempted:
        assert within_ns > 0
        self.asked.append((client.name, purpose, operation))
        reply = self._query if purpose == QUERY else self._resolve
        if client.name in self._dark:
            reply = Info("dark")
        return Attempted(reply, GATEWAYS[0], 1, "ok", 0)


def soon_ns() -> int:
    return time.monotonic_ns() + 2 * 10**9


def test_an_order_that_is_there_needs_no_more_than_a_query() -> None:
    venue = Venue(Ok(KNOWN))
    assert resolve_all(orders(3), clients(2), venue.ask, until_ns=soon_ns()) == []
    assert sorted(purpose for _, purpose, _ in venue.asked) == [QUERY] * 3


def test_an_order_that_nobody_knows_is_closed_for_ever() -> None:
    for unknown in (Fail("unknown_order"), Ok()):
        venue = Venue(unknown)
        assert resolve_all(orders(1), clients(1), venue.ask, until_ns=soon_ns()) == []
        assert [operation for _, _, operation in venue.asked] == [
            QueryOrder("account", "id-0"),
            ResolveOrder("account", "id-0"),
        ]


def test_a_gateway_that_stays_dark_is_passed_over_for_the_next() -> None:
    venue = Venue(Ok(KNOWN), dark=("client-0",))
    assert resolve_all(orders(4), clients(2), venue.ask, until_ns=soon_ns()) == []
    assert {name for name, _, _ in venue.asked} == {"client-0", "client-1"}


def test_what_nobody_can_tell_within_the_bound_is_said_to_be_unresolved() -> None:
    """Planted: giving up without saying so would let O15 pass."""
    venue = Venue(Ok(KNOWN), dark=("client-0", "client-1"))
    left = resolve_all(orders(3), clients(2), venue.ask, until_ns=time.monotonic_ns() + 120_000_000)
    assert sorted(order.client_order_id for order in left) == ["id-0", "id-1", "id-2"]
    assert RESOLVE not in {purpose for _, purpose, _ in venue.asked}


def test_a_lost_answer_to_resolve_is_asked_for_again() -> None:
    venue = Venue(Fail("unknown_order"), resolve=Info("lost"))
    left = resolve_all(orders(1), clients(1), venue.ask, until_ns=time.monotonic_ns() + 120_000_000)
    assert len(left) == 1
    assert sum(purpose == RESOLVE for _, purpose, _ in venue.asked) > 1


def test_nothing_unknown_is_nothing_to_do() -> None:
    assert resolve_all([], clients(1), Venue(Ok(KNOWN)).ask, until_ns=soon_ns()) == []
