"""A venue's state as bytes, the table of client order ids and the executions included.

It is a sequence of pieces, each a number that tells its kind, its length, and msgpack: a head, and then rows, at most a
thousand a piece. So nobody who writes or reads one in a thread keeps the interpreter from others for longer than a
piece takes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

import msgspec

from trading_stack.defects import Defect
from trading_stack.venue.execution import Execution
from trading_stack.venue.order import OPEN, Order, OrderRow
from trading_stack.venue.position import Position
from trading_stack.venue.state import Closed, State

PIECE_ROWS: Final = 1000
_FRAME: Final = struct.Struct(">BI")
_HEAD, _ORDERS, _IDS, _CLOSED, _REFUSALS, _POSITIONS, _COINS, _EXECUTIONS = range(8)

T = TypeVar("T")


class Head(msgspec.Struct, frozen=True, array_like=True):
    """What a state has once."""

    index: int
    epoch: int
    time_ns: int
    primary: str
    chain: bytes
    marks: dict[str, int]


IdRow = tuple[str, str, int]  # account, client order id, the order's index
ClosedRow = tuple[str, str, int, int]  # account, client order id, index, epoch
PositionRow = tuple[str, str, int, list[tuple[int, int]]]


def take(state: State, defects: frozenset[Defect]) -> bytes:
    """The state as bytes; the same state gives the same bytes."""
    return b"".join(_pieces(state, defects))


def _pieces(state: State, defects: frozenset[Defect]) -> Iterator[bytes]:
    ids = list(state.ids.items())
    if Defect.SNAPSHOT_WITHOUT_ID_TABLE in defects:  # planted defect
        ids = []
    ledger = state.ledger
    yield _piece(
        _HEAD, Head(state.index, state.epoch, state.time_ns, state.primary, state.chain, state.marks)
    )
    yield from _rows(_ORDERS, (order.row() for order in state.orders.values()))
    yield from _rows(_IDS, ((*key, known.index) for key, known in ids if isinstance(known, Order)))
    yield from _rows(
        _CLOSED, ((*key, known.index, known.epoch) for key, known in ids if isinstance(known, Closed))
    )
    yield from _rows(_REFUSALS, state.refusals.items())
    yield from _rows(_POSITIONS, ((*key, p.contracts, list(p.lots)) for key, p in ledger.positions.items()))
    yield from _rows(_COINS, ((*key, amount) for key, amount in ledger.coins.items()))
    yield from _rows(_EXECUTIONS, state.executions)


def _rows(kind: int, rows: Iterable[object]) -> Iterator[bytes]:
    remaining = iter(rows)
    while piece := list(islice(remaining, PIECE_ROWS)):
        yield _piece(kind, piece)


def _piece(kind: int, content: object) -> bytes:
    encoded = msgspec.msgpack.encode(content)
    return _FRAME.pack(kind, len(encoded)) + encoded


def read(data: bytes) -> State:
    """The state of a snapshot; raises `msgspec.DecodeError` when `data` is none."""
    state, headless = State(), True
    for kind, piece in _unframed(memoryview(data)):
        if headless != (kind == _HEAD) or kind > _EXECUTIONS:
            raise msgspec.DecodeError(f"a piece of kind {kind} where none belongs")
        headless = False
        _READERS[kind](state, piece)
    if headless:
        raise msgspec.DecodeError("no head")
    _rest_orders(state)
    state.touch_all()
    return state


def _unframed(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    at = 0
    while at < len(data):
        if len(data) - at < _FRAME.size:
            raise msgspec.DecodeError(f"cut at byte {len(data)}")
        kind, size = _FRAME.unpack_from(data, at)
        at += _FRAME.size
        if len(data) - at < size:
            raise msgspec.DecodeError(f"cut at byte {len(data)}")
        yield kind, data[at : at + size]
        at += size


# --- one reader for each kind of piece


def _reader(of: type[T], put: Callable[[State, T], None]) -> Callable[[State, memoryview], None]:
    decoder = msgspec.msgpack.Decoder(of)
    return lambda state, piece: put(state, decoder.decode(piece))


def _put_head(state: State, head: Head) -> None:
    state.index, state.epoch, state.time_ns = head.index, head.epoch, head.time_ns
    state.primary, state.chain, state.marks = head.primary, head.chain, head.marks


def _put_orders(state: State, rows: Sequence[OrderRow]) -> None:
    for row in rows:
        order = Order.from_row(row)
        state.orders[order.index] = order


def _put_ids(state: State, rows: Sequence[IdRow]) -> None:
    for account, client_order_id, index in rows:
        state.ids[(account, client_order_id)] = state.orders[index]


def _put_closed(state: State, rows: Sequence[ClosedRow]) -> None:
    for account, client_order_id, index, epoch in rows:
        state.ids[(account, client_order_id)] = Closed(index, epoch)


def _put_refusals(state: State, rows: Sequence[tuple[str, bytes]]) -> None:
    state.refusals.update(rows)


def _put_positions(state: State, rows: Sequence[PositionRow]) -> None:
    for account, instrument, contracts, lots in rows:
        state.ledger.positions[(account, instrument)] = Position(contracts, lots)


def _put_coins(state: State, rows: Sequence[tuple[str, str, int]]) -> None:
    for account, coin, amount in rows:
        state.ledger.coins[(account, coin)] = amount


def _put_executions(state: State, rows: Sequence[Execution]) -> None:
    for execution in rows:
        state.keep(execution)


_READERS: Final[Sequence[Callable[[State, memoryview], None]]] = (
    _reader(Head, _put_head),
    _reader(list[OrderRow], _put_orders),
    _reader(list[IdRow], _put_ids),
    _reader(list[ClosedRow], _put_closed),
    _reader(list[tuple[str, bytes]], _put_refusals),
    _reader(list[PositionRow], _put_positions),
    _reader(list[tuple[str, str, int]], _put_coins),
    _reader(list[Execution], _put_executions),
)


def _rest_orders(state: State) -> None:
    """Rebuild the books: a level's queue is in the order of priorities."""
    resting = [order for order in state.orders.values() if order.state == OPEN]
    resting.sort(key=lambda order: order.priority or 0)
    for order in resting:
        request = order.request
        assert request.price is not None
        state.books[request.instrument].own(request.side).rest(order, request.price)
