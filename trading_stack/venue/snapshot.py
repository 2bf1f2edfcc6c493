"""A venue's state as bytes, the table of client order ids and the executions included."""

from __future__ import annotations

import msgspec

from trading_stack.defects import Defect
from trading_stack.venue.execution import Execution
from trading_stack.venue.order import OPEN, Order, OrderRow
from trading_stack.venue.position import Position
from trading_stack.venue.state import Closed, State

PositionRow = tuple[str, str, int, list[tuple[int, int]]]


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """All of a state. `ids` are (account, client order id, order's index); `closed` those of no order."""

    index: int
    epoch: int
    time_ns: int
    primary: str
    chain: bytes
    marks: dict[str, int]
    orders: list[OrderRow]
    ids: list[tuple[str, str, int]]
    closed: list[tuple[str, str, int, int]]
    refusals: dict[str, bytes]
    positions: list[PositionRow]
    coins: list[tuple[str, str, int]]
    executions: list[Execution]


def take(state: State, defects: frozenset[Defect]) -> bytes:
    """The state as bytes; the same state gives the same bytes."""
    ids = list(state.ids.items())
    if Defect.SNAPSHOT_WITHOUT_ID_TABLE in defects:  # planted defect
        ids = []
    return msgspec.msgpack.encode(
        Snapshot(
            state.index,
            state.epoch,
            state.time_ns,
            state.primary,
            state.chain,
            state.marks,
            [order.row() for order in state.orders.values()],
            [(*key, known.index) for key, known in ids if isinstance(known, Order)],
            [(*key, known.index, known.epoch) for key, known in ids if isinstance(known, Closed)],
            state.refusals,
            [
                (*key, position.contracts, list(position.lots))
                for key, position in state.ledger.positions.items()
            ],
            [(*key, amount) for key, amount in state.ledger.coins.items()],
            state.executions,
        )
    )


def read(data: bytes) -> State:
    """The state of a snapshot; raises `msgspec.DecodeError` when `data` is none."""
    snapshot = msgspec.msgpack.decode(data, type=Snapshot)
    state = State()
    state.index, state.epoch, state.time_ns = snapshot.index, snapshot.epoch, snapshot.time_ns
    state.primary, state.chain, state.marks = snapshot.primary, snapshot.chain, snapshot.marks
    state.refusals = snapshot.refusals
    for row in snapshot.orders:
        order = Order.from_row(row)
        state.orders[order.index] = order
    _read_ids(state, snapshot)
    for account, instrument, contracts, lots in snapshot.positions:
        state.ledger.positions[(account, instrument)] = Position(contracts, lots)
    for account, coin, amount in snapshot.coins:
        state.ledger.coins[(account, coin)] = amount
    for execution in snapshot.executions:
        state.keep(execution)
    _rest_orders(state)
    state.touch_all()
    return state


def _read_ids(state: State, snapshot: Snapshot) -> None:
    for account, client_order_id, index in snapshot.ids:
        state.ids[(account, client_order_id)] = state.orders[index]
    for account, client_order_id, index, epoch in snapshot.closed:
        state.ids[(account, client_order_id)] = Closed(index, epoch)


def _rest_orders(state: State) -> None:
    """Rebuild the books: a level's queue is in the order of priorities."""
    resting = [order for order in state.orders.values() if order.state == OPEN]
    resting.sort(key=lambda order: order.priority or 0)
    for order in resting:
        request = order.request
        assert request.price is not None
        state.books[request.instrument].own(request.side).rest(order, request.price)
