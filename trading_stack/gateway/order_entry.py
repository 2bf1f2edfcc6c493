"""Order entry: turns a client's request into a command or a query for the engines, within its deadline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from trading_stack.defects import Defect
from trading_stack.gateway.band import Band
from trading_stack.gateway.replies import EXPIRED, OVERLOADED, PONG, UNKNOWN
from trading_stack.gateway.requests import (
    AccountRequest,
    AccountsRequest,
    BookRequest,
    CancelRequest,
    NewRequest,
    PingRequest,
    QueryRequest,
    Request,
    ResolveRequest,
)
from trading_stack.gateway.router import Answered, Effect, Router
from trading_stack.gateway.stall import StallWatch
from trading_stack.venue import commands, queries

Reply: TypeAlias = Callable[[bytes], None]


class Counts(msgspec.Struct):
    """What came in, for metrics."""

    requests: int = 0
    out_of_band: int = 0
    overloaded: int = 0
    expired: int = 0


class OrderEntry:
    """Takes requests. `boot` names this process's life, so that the ids of cancels never repeat."""

    def __init__(
        self, router: Router, band: Band, watch: StallWatch, *, boot: str, defects: frozenset[Defect]
    ) -> None:
        self._router = router
        self._band = band
        self._watch = watch
        self._boot = boot
        self._cancels = 0
        self._forwards_old = Defect.THAWED_GATEWAY_FORWARDS in defects
        self.counts = Counts()

    def take(self, request: Request, reply: Reply, now_ns: int) -> list[Effect]:
        """Handle a request; `reply` is called once, now or later."""
        self.counts.requests += 1
        if isinstance(request, PingRequest):
            reply(PONG)
            return []
        age_ns = self._watch.age_ns(now_ns)
        deadline_ns = now_ns - age_ns + request.deadline_ms * 1_000_000
        if now_ns >= deadline_ns:
            if self._forwards_old and isinstance(request, NewRequest):  # planted defect
                return self._forward_renewed(request, reply, now_ns)
            self.counts.expired += 1
            reply(EXPIRED)
            return []
        return self._route(request, reply, deadline_ns, now_ns)

    def _route(self, request: Request, reply: Reply, deadline_ns: int, now_ns: int) -> list[Effect]:
        if self._router.full:
            self.counts.overloaded += 1
            reply(OVERLOADED)
            return []
        message = self._translate(request)
        if isinstance(message, commands.New):
            message = self._judge(message, now_ns)
        if isinstance(message, commands.New | commands.Cancel | commands.Resolve):
            command = commands.encode(message)
            return self._router.submit(
                command, deadline_ns=deadline_ns, answered=_telling(reply), now_ns=now_ns
            )
        query = queries.encode(message)
        return self._router.read(query, deadline_ns=deadline_ns, answered=_telling(reply), now_ns=now_ns)

    def _judge(self, order: commands.New, now_ns: int) -> commands.New:
        """The order with the price band's verdict, which the venue makes final unless it knows the order."""
        verdict = self._band.verdict(order, now_ns)
        if not verdict:
            return order
        self.counts.out_of_band += 1
        return msgspec.structs.replace(order, refusal=verdict)

    def _translate(self, request: Request) -> commands.Command | queries.Query:
        match request:
            case NewRequest():
                return _new_order(request, request.client_order_id)
            case CancelRequest():
                self._cancels += 1
                return commands.Cancel(
                    request.account, request.client_order_id, f"{self._boot}-{self._cancels}"
                )
            case ResolveRequest():
                return commands.Resolve(request.account, request.client_order_id)
            case QueryRequest():
                return queries.OrderQuery(request.account, request.client_order_id)
            case AccountRequest():
                return queries.AccountQuery(request.account, request.skip)
            case BookRequest():
                return queries.BookQuery(request.instrument, request.depth)
            case AccountsRequest() | PingRequest():
                return queries.AccountsQuery()

    def _forward_renewed(self, request: NewRequest, reply: Reply, now_ns: int) -> list[Effect]:
        """Planted defect `thawed-gateway-forwards`: old orders go out under ids that the venue can't refuse."""
        message = _new_order(request, f"{request.client_order_id}-again")
        deadline_ns = now_ns + request.deadline_ms * 1_000_000
        return self._router.submit(
            commands.encode(message), deadline_ns=deadline_ns, answered=_telling(reply), now_ns=now_ns
        )


def _new_order(request: NewRequest, client_order_id: str) -> commands.New:
    return commands.New(
        request.account,
        client_order_id,
        request.instrument,
        request.side,
        request.quantity,
        request.order_type,
        request.price,
        request.time_in_force,
    )


def _telling(reply: Reply) -> Answered:
    return lambda result: reply(UNKNOWN if result is None else result)
