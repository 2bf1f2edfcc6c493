"""Mistakes planted into the hand-written history: at least one a predicate, each a way in which it can fail.

They explain the predicates to people, and prove that each catches what it is there for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from harness.checks.literal import INSTRUMENT, MS, LiteralHistory, Row, stack_said
from harness.checks.literal_quotes import CALL, PUT


@dataclass(frozen=True, slots=True)
class Mistake:
    """What went wrong, in words, and how the sound history is changed for it. The first of a predicate explains it."""

    predicate: str
    text: str
    plant: Callable[[LiteralHistory], None]


def _change(table: str, where: Row, **values: object) -> Callable[[LiteralHistory], None]:
    return lambda history: history.change(table, where, **values)


def _on_charlie(table: str, where: Row, **values: object) -> Callable[[LiteralHistory], None]:
    def plant(history: LiteralHistory) -> None:
        for row in history.replicas["charlie"].tables[table]:
            if all(row.get(key) == value for key, value in where.items()):
                row.update(values)

    return plant


def _drop(table: str, **where: object) -> Callable[[LiteralHistory], None]:
    return lambda history: history.drop(table, **where)


def _copy(table: str, where: Row, **values: object) -> Callable[[LiteralHistory], None]:
    """Add a changed copy of the first row that matches, on every replica where the table is replicated."""

    def plant(history: LiteralHistory) -> None:
        own = getattr(history, table, None)
        for rows in [own] if own is not None else history.every(table):
            found = next(row for row in rows if all(row.get(key) == value for key, value in where.items()))
            rows.append({**found, **values})

    return plant


def _both(*plants: Callable[[LiteralHistory], None]) -> Callable[[LiteralHistory], None]:
    def plant(history: LiteralHistory) -> None:
        for one in plants:
            one(history)

    return plant


def _told(at_ms: float, service: str, kind: str, **more: object) -> Callable[[LiteralHistory], None]:
    return lambda history: history.events.insert(-2, stack_said(at_ms, service, kind, **more))


def _state(node: str, **values: object) -> Callable[[LiteralHistory], None]:
    return lambda history: history.replicas[node].state.update(values)


def _charlie_lacks(table: str, where: Row) -> Callable[[LiteralHistory], None]:
    def plant(history: LiteralHistory) -> None:
        rows = history.replicas["charlie"].tables[table]
        rows[:] = [row for row in rows if any(row.get(key) != value for key, value in where.items())]

    return plant


def _invent_an_order(history: LiteralHistory) -> None:
    _copy("entries", {"index": 13}, index=15, account="eve", client_order_id="x1")(history)
    for replica in history.replicas.values():
        replica.state.update(commit_index=15, applied_index=15)


def _dear_puts(history: LiteralHistory) -> None:
    for row in history.quotes:
        if row["instrument"] == PUT:
            row["mark"] += 1e-6


def _fill(index: int, ordinal: int) -> Row:
    return {"index": index, "ordinal": ordinal}


def _order(coid: str) -> Row:
    return {"client_order_id": coid}


_FIRST: Final = (
    Mistake(
        "O1",
        "m3 was entered twice: it has a second order",
        _copy("orders", _order("m3"), order_id="O15"),
    ),
    Mistake(
        "O1",
        "m1's client was told an order id that no replica has",
        _change("operations", _order("m1"), order_id="O99"),
    ),
    Mistake("O2", "charlie has lost the acknowledged order m3", _charlie_lacks("orders", _order("m3"))),
    Mistake(
        "O2",
        "m1 was acknowledged and is not in the log",
        _change("entries", {"index": 2}, client_order_id="zz"),
    ),
    Mistake(
        "O2",
        "m3 was acknowledged from an entry that is beyond every log",
        _both(
            _change("operations", _order("m3"), sequence=40),
            _drop("entries", index=13),
            _drop("orders", client_order_id="m3"),
        ),
    ),
    Mistake(
        "O2", "charlie holds m3 under another order id", _on_charlie("orders", _order("m3"), order_id="O77")
    ),
    Mistake(
        "O2",
        "t1's client was told that it is filled; the books say open",
        _change("orders", _order("t1"), state="open"),
    ),
    Mistake(
        "O2",
        "t1's client was told 7 filled; the books say 5",
        _change("orders", _order("t1"), cum_quantity=5),
    ),
    Mistake(
        "O3",
        "nobody sent the order eve/x1",
        _invent_an_order,
    ),
    Mistake(
        "O3",
        "the log has m1 at another price than its client sent",
        _change("entries", {"index": 2}, price=105),
    ),
    Mistake("O3", "two clients sent m1", _copy("operations", _order("m1"), op=99, client="client-eve")),
    Mistake(
        "O3",
        "t4 was refused to its client, and is alive",
        _change("orders", _order("t4"), state="open", leaves_quantity=1),
    ),
    Mistake("O3", "nobody asked to cancel n1", _drop("operations", kind="cancel")),
    Mistake(
        "O4",
        "the last fill of m2 was booked once more: its account holds 4 contracts too many",
        _change("balances", {"account": "mia", "instrument": INSTRUMENT}, amount=3),
    ),
    Mistake("O4", "two executions share an id", _change("executions", _fill(5, 3), exec_id="5-1")),
    Mistake(
        "O4",
        "one fill stands under two ids",
        _copy("executions", _fill(11, 1), index=12, ordinal=1, exec_id="12-1"),
    ),
    Mistake(
        "O4",
        "tom's coin is not what his fills booked",
        _change("balances", {"account": "tom", "instrument": None}, amount=-6),
    ),
    Mistake(
        "O5",
        "the final fill is missing: t2 and n2 stop one short, and everything else adds up",
        _both(
            _drop("executions", **_fill(11, 3)),
            _drop("executions", **_fill(11, 4)),
            _change("orders", _order("n2"), cum_quantity=0, leaves_quantity=3),
            _change("orders", _order("t2"), cum_quantity=4, leaves_quantity=1, state="open"),
        ),
    ),
    Mistake(
        "O5",
        "filled and left do not add up to the quantity",
        _change("executions", _fill(5, 3), leaves_quantity=4),
    ),
    Mistake("O5", "less than nothing is left", _change("executions", _fill(11, 4), leaves_quantity=-1)),
    Mistake(
        "O5",
        "an order is accepted with a part already gone",
        _change("executions", _fill(9, 0), leaves_quantity=3),
    ),
    Mistake("O5", "the filled quantity falls", _change("executions", _fill(8, 0), cum_quantity=1)),
    Mistake(
        "O5", "a cancelled order has quantity left", _change("executions", _fill(8, 0), leaves_quantity=3)
    ),
    Mistake("O5", "a rejected order has a fill", _change("executions", _fill(14, 0), cum_quantity=1)),
    Mistake("O5", "a fill of nothing", _change("executions", _fill(11, 3), last_quantity=0)),
    Mistake("O5", "an open order has nothing left", _change("orders", _order("m3"), leaves_quantity=0)),
    Mistake("O5", "a filled order is not filled", _change("orders", _order("m2"), cum_quantity=3)),
    Mistake("O6", "m1 asked for 5 and was filled 6", _change("executions", _fill(5, 1), last_quantity=6)),
    Mistake(
        "O6",
        "mia was told 9 fills of her order m1 for 5",
        _change("account_fills", {"exec_id": "5-1"}, quantity=9),
    ),
    Mistake(
        "O6", "n2 got more than price and time give it", _change("executions", _fill(11, 3), last_quantity=3)
    ),
    Mistake(
        "O7",
        "the two legs of a trade differ in quantity",
        _change("executions", _fill(5, 2), last_quantity=4),
    ),
    Mistake(
        "O7", "the two legs of a trade differ in price", _change("executions", _fill(5, 2), last_price=101)
    ),
    Mistake("O7", "both legs of a trade buy", _change("executions", _fill(5, 1), side="buy")),
    Mistake("O7", "a trade has one leg", _drop("executions", **_fill(5, 2))),
    Mistake(
        "O7",
        "positions do not sum to zero",
        _change("balances", {"account": "noa", "instrument": INSTRUMENT}, amount=0),
    ),
    Mistake(
        "O7",
        "a hundred-millionth of a coin has vanished",
        _change("balances", {"account": "house"}, amount=3),
    ),
    Mistake(
        "O8",
        "n1 is filled after it was cancelled",
        _copy("executions", _fill(5, 3), index=9, ordinal=1, exec_id="9-1"),
    ),
    Mistake("O8", "m2 is filled before it was accepted", _drop("executions", **_fill(9, 0))),
    Mistake(
        "O8", "m2 is accepted twice", _copy("executions", _fill(9, 0), index=10, ordinal=1, exec_id="10-1")
    ),
    Mistake(
        "O8",
        "t3 was closed as never received, and is accepted later",
        _copy(
            "executions",
            _fill(13, 0),
            index=14,
            ordinal=1,
            exec_id="14-1",
            account="tom",
            client_order_id="t3",
            order_id="O14b",
        ),
    ),
    Mistake(
        "O8",
        "m3 is held as cancelled, but nothing cancelled it",
        _change("orders", _order("m3"), state="cancelled"),
    ),
    Mistake("O8", "a step that no order can take", _change("executions", _fill(9, 0), type="replaced")),
    Mistake(
        "O8",
        "tom was told that t2 is filled, then that it is open",
        _copy("operations", {"kind": "query"}, op=98, sequence=13, state="open"),
    ),
)

_SECOND: Final = (
    Mistake("O10", "charlie's log forked at entry 3", _on_charlie("entries", {"index": 3}, hash="other")),
    Mistake(
        "O10",
        "charlie's entry 3 has another price under the same hash",
        _on_charlie("entries", {"index": 3}, price=98),
    ),
    Mistake(
        "O10",
        "charlie's log has a hole",
        _charlie_lacks("entries", {"index": 5}),
    ),
    Mistake(
        "O10", "charlie says that more is committed than its log has", _state("charlie", commit_index=20)
    ),
    Mistake(
        "O12",
        "alpha committed entry 6 under epoch 1, which bravo's epoch 2 replaced",
        _told(2_000, "engine-alpha", "entries_committed", epoch=1, first_index=6, last_index=6),
    ),
    Mistake("O12", "the epoch falls along the log", _change("entries", {"index": 8}, epoch=1)),
    Mistake("O12", "charlie's promise is older than its log", _state("charlie", promised_epoch=1)),
    Mistake(
        "O12", "charlie forgot a promise of epoch 3", _told(2_100, "engine-charlie", "promise_made", epoch=3)
    ),
    Mistake("O12", "epoch 2 has two leaders", _told(1_300, "engine-charlie", "primary_promoted", epoch=2)),
    Mistake(
        "O12",
        "bravo committed an entry that no log has",
        _told(2_500, "engine-bravo", "entries_committed", epoch=2, first_index=15, last_index=15),
    ),
    Mistake(
        "O12", "an answer names epoch 1 for an entry of epoch 2", _change("operations", _order("m2"), epoch=1)
    ),
    Mistake(
        "O12",
        "an answer comes from an entry that did not commit",
        _change("operations", _order("m3"), sequence=33),
    ),
    Mistake(
        "O13",
        "m3 was accepted after n2 and stands before it",
        _both(_change("orders", _order("m3"), priority=10), _change("orders", _order("n2"), priority=13)),
    ),
    Mistake(
        "O13",
        "entry 11 traded with n2 first, although m2 was there before",
        _both(
            _change("executions", _fill(11, 1), last_quantity=2, cum_quantity=2, leaves_quantity=2),
            _change("executions", _fill(11, 3), last_quantity=3, cum_quantity=3, leaves_quantity=0),
        ),
    ),
    Mistake(
        "O13",
        "entry 11 did not trade at all",
        _both(*(_drop("executions", **_fill(11, step)) for step in (1, 2, 3, 4))),
    ),
    Mistake(
        "O13",
        "the book is crossed",
        _change("orders", _order("n1"), state="open", price=99, leaves_quantity=3),
    ),
    Mistake("O14", "t1 bought above its limit", _change("entries", {"index": 5}, price=99)),
    Mistake("O14", "m1 sold below its limit", _change("executions", _fill(5, 1), last_price=90)),
    Mistake("O14", "tom trades with himself", _change("executions", {"order_id": "O2"}, account="tom")),
    Mistake(
        "O15",
        "t3 is answered as never received, and again as accepted",
        _copy(
            "operations",
            {"kind": "resolve"},
            op=97,
            completed_ns=3_000 * MS,
            never_received=False,
            order_id="O12",
            state="open",
        ),
    ),
    Mistake(
        "O15", "no question about t3 was answered", _change("operations", {"kind": "resolve"}, outcome="info")
    ),
    Mistake(
        "O15",
        "t2 is answered as never received, and the books hold it",
        _change("operations", {"kind": "query"}, never_received=True),
    ),
    Mistake(
        "O15",
        "t2 is answered as filled, and charlie does not know it",
        _charlie_lacks("orders", _order("t2")),
    ),
    Mistake(
        "O15",
        "t3 was resolved a minute after its client gave up",
        _change("operations", {"kind": "resolve"}, completed_ns=63_000 * MS),
    ),
    Mistake("O16", "noa is not told her fill 11-3", _drop("account_fills", exec_id="11-3")),
    Mistake("O16", "noa is told her fill 11-3 twice", _copy("account_fills", {"exec_id": "11-3"})),
    Mistake(
        "O16",
        "noa is told a fill that the drop copy doesn't have",
        _copy("account_fills", {"exec_id": "11-3"}, exec_id="77-1"),
    ),
    Mistake("O16", "noa is told another price", _change("account_fills", {"exec_id": "11-3"}, price=98)),
    Mistake(
        "O16", "noa is told another position", _change("account_positions", {"account": "noa"}, amount=0)
    ),
    Mistake(
        "O16",
        "t1 was answered with a fill that does not exist",
        _change("operations", _order("t1"), exec_ids="5-2 5-9"),
    ),
)

_PRICES: Final = (
    Mistake(
        "P1",
        "charlie prices the call otherwise from the same inputs",
        _change("quotes", {"provider": "charlie", "instrument": CALL, "source_sequence": 9}, mark=0.07),
    ),
    Mistake(
        "P1",
        "all providers agree on a call that an independent model prices otherwise",
        _change("quotes", {"instrument": CALL}, mark=0.0685),
    ),
    Mistake(
        "P1",
        "charlie's perpetual is no number",
        _change(
            "quotes",
            {"provider": "charlie", "instrument": INSTRUMENT, "source_sequence": 9},
            mark=float("nan"),
        ),
    ),
    Mistake(
        "P2",
        "a put is too dear by a millionth of a coin",
        _dear_puts,
    ),
    Mistake(
        "P3",
        "a call costs more than a coin",
        _change("quotes", {"instrument": CALL, "source_sequence": 3}, mark=1.2),
    ),
    Mistake(
        "P3",
        "a put costs less than nothing",
        _change("quotes", {"instrument": PUT, "source_sequence": 3}, mark=-0.01),
    ),
    Mistake(
        "P3",
        "a perpetual is worth nothing",
        _change("quotes", {"instrument": INSTRUMENT, "source_sequence": 3}, mark=0.0),
    ),
    Mistake(
        "P10",
        "the first mark of epoch 2 jumps to 50,010 while the index was below 50,005",
        _change("marks", {"index": 7, "instrument": INSTRUMENT}, price=50_010 * 10**8),
    ),
    Mistake(
        "P10",
        "the call's first mark of epoch 2 is out of its model's reach",
        _change("marks", {"index": 7, "instrument": CALL}, price=9_000_000),
    ),
    Mistake(
        "P11",
        "charlie quotes on an index that is 2 s old",
        _change("quotes", {"provider": "charlie", "source_sequence": 3}, index_age_ns=2_000 * MS),
    ),
    Mistake(
        "P11",
        "an option is quoted on a surface that is 11 s old",
        _change("quotes", {"instrument": CALL, "source_sequence": 3}, surface_age_ns=11_000 * MS),
    ),
    Mistake(
        "P11",
        "marks in the journal rest on inputs 3 s old",
        _change("marks", {"index": 7}, input_age_ns=3_000 * MS),
    ),
    Mistake(
        "P11",
        "bravo's first marks rest on inputs from before its takeover",
        _change("quotes", {"provider": "bravo", "source_sequence": 70}, published_ns=1_100 * MS),
    ),
)

MISTAKES: Final = (*_FIRST, *_SECOND, *_PRICES)
