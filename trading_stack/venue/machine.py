"""The venue's state machine: the same commands give the same state, replies and executions on every replica.

Nothing here reads a clock, draws a number, uses a float, or depends on the order of a set or on `hash()`: time,
marks and leadership arrive as commands. Replies are decided at apply and kept, so that a copy of a command, from
any gateway and in any epoch, changes nothing and is told the same.
"""

from __future__ import annotations

import os
import time
from hashlib import blake2b
from typing import Final, Self, assert_never

import msgspec

from trading_stack import defects as planted
from trading_stack.defects import Defect
from trading_stack.instruments import INSTRUMENTS
from trading_stack.venue import answers, queries, replies, snapshot
from trading_stack.venue.commands import Cancel, Command, Epoch, Marks, New, Resolve, decode
from trading_stack.venue.dump import VenueDump, dump
from trading_stack.venue.entry import FILL, Entry
from trading_stack.venue.matching import Matcher, OwnMarks
from trading_stack.venue.order import CANCELLED, FILLED, OPEN, Order
from trading_stack.venue.refusals import REASONS, names_are_bad
from trading_stack.venue.replies import Fail, Ok
from trading_stack.venue.state import Closed, State

_encode_effects: Final = msgspec.msgpack.Encoder().encode
_REPLAYED_AFTER_NS: Final = 10**9


class Venue:
    """A replica's venue. `defects` are the planted mistakes, by default those that the environment names.

    `own_marks` is there for the planted mistake `local-mark-in-apply` alone.
    """

    def __init__(
        self,
        *,
        defects: frozenset[Defect] | None = None,
        state: State | None = None,
        own_marks: OwnMarks = dict,
    ) -> None:
        self._defects = planted.active(os.environ) if defects is None else defects
        self._state = State() if state is None else state
        self._matcher = Matcher(self._state, self._defects, own_marks)
        self._repeats_execute = Defect.NO_IDEMPOTENCY in self._defects
        self._wall_clock = Defect.WALL_CLOCK_IN_APPLY in self._defects
        self._forgets_cancels = Defect.FORGOTTEN_CANCEL_ON_REPLAY in self._defects

    @property
    def index(self) -> int:
        """The entry that was applied last."""
        return self._state.index

    def apply(self, index: int, epoch: int, time_ns: int, command: bytes) -> bytes:
        """Apply the journal's entry `index`; returns the reply for its client, as JSON.

        Never raises for what a command says. Raises `ValueError` for an index that was applied before: that is a
        mistake of the journal, and must not change the state.
        """
        state = self._state
        if index <= state.index:
            raise ValueError(f"entry {index} was applied before: the state is after {state.index}")
        entry = Entry(index, epoch, max(state.time_ns + 1, time_ns))
        try:
            decoded = decode(command)
        except msgspec.DecodeError:
            reply = _fail("malformed")
        else:
            reply = self._apply(entry, decoded)
        for execution in entry.executions:
            state.keep(execution)
        state.index, state.time_ns = index, entry.time_ns
        effects = _encode_effects((index, epoch, entry.time_ns, reply, entry.executions))
        state.chain = blake2b(state.chain + effects, digest_size=16).digest()
        return reply

    def read(self, query: bytes) -> bytes:
        """Answer a query from the present state, as JSON."""
        try:
            return answers.answer(self._state, queries.decode(query))
        except msgspec.DecodeError:
            return _fail("malformed")

    def digest(self) -> str:
        """A hash over the applied state and all that led to it, the same on every replica."""
        return self._state.digest()

    def snapshot(self) -> bytes:
        """The whole state, for `restore`."""
        return snapshot.take(self._state, self._defects)

    @classmethod
    def restore(
        cls, data: bytes, *, defects: frozenset[Defect] | None = None, own_marks: OwnMarks = dict
    ) -> Self:
        """The venue of a snapshot; raises `msgspec.DecodeError` when `data` is none."""
        return cls(defects=defects, state=snapshot.read(data), own_marks=own_marks)

    def dismantle(self) -> None:
        """Let go of the state, a piece at a time; the venue is of no use any more."""
        self._state.dismantle()

    def dump(self) -> VenueDump:
        """Executions, orders and balances, for a drop copy."""
        return dump(self._state)

    def _apply(self, entry: Entry, command: Command) -> bytes:
        match command:
            case New():
                return self._new(entry, command)
            case Cancel():
                return self._cancel(entry, command)
            case Resolve():
                return self._resolve(entry, command)
            case Marks():
                self._state.marks.update(
                    (name, price) for name, price in command.prices.items() if name in INSTRUMENTS
                )
                return replies.OK
            case Epoch():
                return self._lead(command)
            case _:
                assert_never(command)

    def _new(self, entry: Entry, request: New) -> bytes:
        known = self._state.ids.get((request.account, request.client_order_id))
        if known is not None and not self._repeats_execute:  # planted defect: no-idempotency
            return _told_again(known, request)
        if names_are_bad(request.account, request.client_order_id):
            return _fail("bad_id")
        accepted_ns = time.time_ns() if self._wall_clock else entry.time_ns  # planted defect
        order = Order(request, index=entry.index, epoch=entry.epoch, accepted_ns=accepted_ns)
        self._state.add_order(order)
        code = self._matcher.enter(order, entry)
        report = order.report()
        order.first_reply = replies.encode(Ok(report) if code is None else Fail(code, REASONS[code], report))
        return order.first_reply

    def _cancel(self, entry: Entry, request: Cancel) -> bytes:
        refused = self._state.refusals.get(request.request) if request.request else None
        if refused is not None:
            return refused
        known = self._state.ids.get((request.account, request.client_order_id))
        if known is None:
            reply = _fail("unknown_order")
            if request.request:
                self._state.refuse(request.request, reply)
            return reply
        if isinstance(known, Closed):
            return _fail("id_closed")
        if known.state == OPEN and not self._forgotten(entry):
            self._matcher.cancel(known, entry)
        if known.state in (CANCELLED, OPEN):
            return replies.encode(Ok(known.report()))
        code = "already_filled" if known.state == FILLED else "was_rejected"
        return replies.encode(Fail(code, REASONS[code], known.report()))

    def _forgotten(self, entry: Entry) -> bool:
        """Planted defect `forgotten-cancel-on-replay`: an entry of the past is being replayed."""
        return self._forgets_cancels and time.time_ns() - entry.time_ns > _REPLAYED_AFTER_NS

    def _resolve(self, entry: Entry, request: Resolve) -> bytes:
        key = (request.account, request.client_order_id)
        known = self._state.ids.get(key)
        if known is None:
            if names_are_bad(*key):
                return _fail("bad_id")
            known = Closed(entry.index, entry.epoch)
            self._state.close_id(key, known)
            entry.close(*key)
        return replies.encode(Ok(known.report()))

    def _lead(self, command: Epoch) -> bytes:
        promoted = self._state.epoch > 0
        self._state.epoch, self._state.primary = command.epoch, command.primary
        if promoted and Defect.RESTING_ORDER_LOSES_PRIORITY in self._defects:  # planted defect
            self._requeue_all()
        if promoted and Defect.FILL_APPLIED_TWICE in self._defects:  # planted defect
            self._book_last_fill_again()
        return replies.OK

    def _requeue_all(self) -> None:
        for book in self._state.books.values():
            book.bids.requeue_newest_first()
            book.asks.requeue_newest_first()
        self._state.touch_all()

    def _book_last_fill_again(self) -> None:
        last = next((step for step in reversed(self._state.executions) if step.type == FILL), None)
        if last is None or last.counter_order_id is None or last.last_price is None:
            return
        maker = self._state.orders[int(last.counter_order_id[1:])]
        self._state.ledger.settle(
            INSTRUMENTS[last.instrument],
            maker=maker.request.account,
            taker=last.account,
            taker_buys=last.side == "buy",
            contracts=last.last_quantity,
            price=last.last_price,
        )
        self._state.touch_all()


def _told_again(known: Order | Closed, request: New) -> bytes:
    """What a client is told whose client order id is taken."""
    if isinstance(known, Closed):
        return replies.encode(Fail("id_closed", REASONS["id_closed"], known.report()))
    return known.first_reply if known.request.same_order(request) else _fail("duplicate_id")


def _fail(code: str) -> bytes:
    return replies.encode(Fail(code, REASONS[code]))
