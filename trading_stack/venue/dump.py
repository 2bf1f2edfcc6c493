"""A venue's drop copy: executions, orders and balances, field for field as drop copies tell them."""

from __future__ import annotations

import msgspec

from trading_stack.venue.order import Order
from trading_stack.venue.state import State


class ExecutionRow(msgspec.Struct, frozen=True, gc=False):
    """An execution with its fields named."""

    index: int
    ordinal: int
    epoch: int
    exec_id: str
    type: str
    account: str
    client_order_id: str
    order_id: str
    instrument: str
    side: str
    quantity: int
    price: int | None
    cum_quantity: int
    leaves_quantity: int
    last_quantity: int
    last_price: int | None
    counter_order_id: str | None
    fee: int
    cash: int
    reason: str


class FinalOrder(msgspec.Struct, frozen=True, gc=False):
    """An order as it is now; `priority` orders the resting orders of one side and price, lower first."""

    account: str
    client_order_id: str
    order_id: str
    instrument: str
    side: str
    quantity: int
    price: int | None
    state: str
    cum_quantity: int
    leaves_quantity: int
    priority: int | None


class Balance(msgspec.Struct, frozen=True, gc=False):
    """An account's contracts of an instrument, or (`instrument` None) its coin in 1e-8 coin."""

    account: str
    instrument: str | None
    amount: int


class VenueDump(msgspec.Struct, frozen=True):
    """Everything a venue did and holds."""

    executions: list[ExecutionRow]
    orders: list[FinalOrder]
    balances: list[Balance]


def dump(state: State) -> VenueDump:
    """The drop copy of a state."""
    return VenueDump(
        [ExecutionRow(*msgspec.structs.astuple(execution)) for execution in state.executions],
        [_order(order) for order in state.orders.values()],
        _balances(state),
    )


def _order(order: Order) -> FinalOrder:
    request = order.request
    return FinalOrder(
        request.account,
        request.client_order_id,
        order.order_id,
        request.instrument,
        request.side,
        request.quantity,
        request.price,
        order.state,
        order.cum,
        order.leaves,
        order.priority,
    )


def _balances(state: State) -> list[Balance]:
    """Positions and coin. A drop copy has one coin row an account: the sum over the coins it holds, each of which
    sums to zero over all accounts by itself."""
    coins: dict[str, int] = {}
    for (account, _), amount in state.ledger.coins.items():
        coins[account] = coins.get(account, 0) + amount
    return [
        *(
            Balance(account, instrument, position.contracts)
            for (account, instrument), position in state.ledger.positions.items()
        ),
        *(Balance(account, None, amount) for account, amount in coins.items()),
    ]
