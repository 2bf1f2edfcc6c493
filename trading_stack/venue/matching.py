"""Matching: an incoming order trades with resting ones by price, then by time of acceptance, at their prices.

Self-trade prevention cancels the newest: when the next order to trade with belongs to the same account, the
incoming order's rest is cancelled, and the resting order keeps its place. Fill-or-kill counts only what can be
traded before that point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from trading_stack.defects import Defect
from trading_stack.instruments import INSTRUMENTS
from trading_stack.venue.entry import ACCEPTED, EXEC_CANCELLED, EXEC_REJECTED, Entry
from trading_stack.venue.ladder import Ladder
from trading_stack.venue.order import CANCELLED, FILLED, REJECTED, Order
from trading_stack.venue.refusals import refusal
from trading_stack.venue.state import State

OwnMarks: TypeAlias = Callable[[], Mapping[str, int]]
"""What the pricing beside this replica says by now: never the same on another, so only a planted mistake asks it."""


class Matcher:
    """Brings new orders to their books."""

    __slots__ = ("_fok_fills_partly", "_own_marks", "_set_order", "_state")

    def __init__(self, state: State, defects: frozenset[Defect], own_marks: OwnMarks) -> None:
        self._state = state
        self._own_marks = own_marks if Defect.LOCAL_MARK_IN_APPLY in defects else None
        self._fok_fills_partly = Defect.FOK_FILLS_PARTLY in defects
        self._set_order = Defect.SET_ORDER_IN_APPLY in defects

    def enter(self, order: Order, entry: Entry) -> str | None:
        """Accept or refuse an order, trade it, and rest or cancel what is left; the code of a refusal."""
        request = order.request
        code = refusal(request, self._state.books)
        if code is not None:
            order.state, order.leaves, order.reason = REJECTED, 0, code
            entry.step(order, EXEC_REJECTED, reason=code)
            return code
        entry.step(order, ACCEPTED)
        other = self._state.books[request.instrument].other(request.side)
        limit_key = other.limit_key(request.price)
        if request.time_in_force == "fok" and not self._can_fill(order, other, limit_key):
            self._cancel_rest(order, entry, "fill_or_kill")
            return None
        self_trade = self._trade(order, other, limit_key, entry)
        self._finish(order, entry, self_trade=self_trade)
        return None

    def cancel(self, order: Order, entry: Entry) -> None:
        """Take a resting order off its book."""
        request = order.request
        assert request.price is not None
        self._state.books[request.instrument].own(request.side).remove(order, request.price)
        self._cancel_rest(order, entry, "cancel")

    def _can_fill(self, order: Order, other: Ladder, limit_key: int) -> bool:
        if self._fok_fills_partly:  # planted defect
            return True
        missing = order.request.quantity
        for resting in other.orders(limit_key):
            if resting.request.account == order.request.account:
                return False
            missing -= resting.leaves
            if missing <= 0:
                return True
        return False

    def _trade(self, taker: Order, other: Ladder, limit_key: int, entry: Entry) -> bool:
        """Trade until nothing is left or nothing fits; whether self-trade prevention ended it."""
        account = taker.request.account
        while taker.leaves:
            maker = other.best(limit_key)
            if maker is None:
                return False
            if self._set_order:  # planted defect: a set of objects has an order of its own in every process
                maker = next(iter(set(other.best_level().values())))
            if maker.request.account == account:
                return True
            self._fill(maker, taker, other, entry)
        return False

    def _fill(self, maker: Order, taker: Order, ladder: Ladder, entry: Entry) -> None:
        price = maker.request.price
        assert price is not None
        contracts = min(maker.leaves, taker.leaves)
        instrument = INSTRUMENTS[maker.request.instrument]
        makers_account, takers_account = maker.request.account, taker.request.account
        booking = self._state.ledger.settle(
            instrument,
            maker=makers_account,
            taker=takers_account,
            taker_buys=taker.request.side == "buy",
            contracts=contracts,
            price=self._booked_at(instrument.name, price),
        )
        self._state.touch_accounts(instrument.name, instrument.underlying, makers_account, takers_account)
        _take(maker, contracts)
        _take(taker, contracts)
        if not maker.leaves:
            ladder.remove(maker, price)
            maker.priority = None
        entry.changed(maker)
        self._state.touch_order(maker)
        entry.fill(maker, counter=taker, contracts=contracts, price=price, fee=0, cash=booking.maker_cash)
        entry.fill(
            taker,
            counter=maker,
            contracts=contracts,
            price=price,
            fee=booking.taker_fee,
            cash=booking.taker_cash,
        )

    def _booked_at(self, instrument: str, price: int) -> int:
        if self._own_marks is None:
            return price
        return self._own_marks().get(instrument, price)  # planted defect

    def _finish(self, order: Order, entry: Entry, *, self_trade: bool) -> None:
        request = order.request
        if not order.leaves:
            return
        if self_trade:
            self._cancel_rest(order, entry, "self_trade")
        elif request.price is None or request.time_in_force in ("ioc", "fok"):
            self._cancel_rest(order, entry, "unfilled")
        else:
            order.priority = order.index
            self._state.books[request.instrument].own(request.side).rest(order, request.price)

    def _cancel_rest(self, order: Order, entry: Entry, reason: str) -> None:
        order.state, order.leaves, order.priority, order.reason = CANCELLED, 0, None, reason
        entry.changed(order)
        self._state.touch_order(order)
        entry.step(order, EXEC_CANCELLED, reason=reason)


def _take(order: Order, contracts: int) -> None:
    order.cum += contracts
    order.leaves -= contracts
    if not order.leaves:
        order.state = FILLED
