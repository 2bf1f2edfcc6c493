"""What became of orders without a reply: asked of the venue until it says so, within a bound (predicate O15).

A query comes first, since an order that is there needs no more. Only when the venue doesn't know the id is it closed
for ever by `resolve`, after which "never received" is a fact, and a late original is refused.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import gevent
from gevent.pool import Pool

from harness.load.client import Attempted, Client
from harness.load.connection import NANOSECONDS_A_SECOND
from harness.load.timed import QUERY, RESOLVE
from harness.model.operations import Info, NewOrder, Ok, Operation, QueryOrder, ResolveOrder

AT_ONCE: Final = 32
ASK_WITHIN_NS: Final = NANOSECONDS_A_SECOND
PAUSE_S: Final = 0.05

Ask = Callable[[Client, str, Operation, int], Attempted]
"""Carries out an operation of a purpose through a client within so many ns, and records it."""


def resolve_all(
    orders: Iterable[NewOrder], clients: Sequence[Client], ask: Ask, *, until_ns: int
) -> list[NewOrder]:
    """Ask until each order's fate is known, or until `until_ns` (monotonic); returns those that are still unknown."""
    pool = Pool(AT_ONCE)
    starts = itertools.count()

    def settle(order: NewOrder) -> NewOrder | None:
        return None if _settled(order, clients, next(starts), ask, until_ns) else order

    return [order for order in pool.imap_unordered(settle, orders) if order is not None]


def _settled(order: NewOrder, clients: Sequence[Client], first: int, ask: Ask, until_ns: int) -> bool:
    for turn in itertools.count(first):
        left_ns = until_ns - time.monotonic_ns()
        if left_ns <= 0:
            return False
        if _asked(order, clients[turn % len(clients)], ask, min(left_ns, ASK_WITHIN_NS)):
            return True
        gevent.sleep(PAUSE_S)
    raise AssertionError("counting never ends")


def _asked(order: NewOrder, client: Client, ask: Ask, within_ns: int) -> bool:
    """Whether one round through one client was enough."""
    queried = ask(client, QUERY, QueryOrder(order.account, order.client_order_id), within_ns).reply
    if isinstance(queried, Info):
        return False
    if isinstance(queried, Ok) and queried.order is not None:
        return True
    resolved = ask(client, RESOLVE, ResolveOrder(order.account, order.client_order_id), within_ns).reply
    return not isinstance(resolved, Info)
