"""Mistakes that break predicates O1 to O8."""

from __future__ import annotations

from typing import Final

from harness.checks.examples.history import INSTRUMENT, LiteralHistory
from harness.checks.examples.planting import (
    Mistake,
    both,
    change,
    charlie_lacks,
    copy,
    drop,
    fill,
    on_charlie,
    order,
)


def _invent_an_order(history: LiteralHistory) -> None:
    copy("entries", {"index": 13}, index=15, account="eve", client_order_id="x1")(history)
    for replica in history.replicas.values():
        replica.state.update(commit_index=15, applied_index=15)


OF_ORDERS: Final = (
    Mistake(
        "O1",
        "m3 was entered twice: it has a second order",
        copy("orders", order("m3"), order_id="O15"),
    ),
    Mistake(
        "O1",
        "m1's client was told an order id that no replica has",
        change("operations", order("m1"), order_id="O99"),
    ),
    Mistake("O2", "charlie has lost the acknowledged order m3", charlie_lacks("orders", order("m3"))),
    Mistake(
        "O2",
        "m1 was acknowledged and is not in the log",
        change("entries", {"index": 2}, client_order_id="zz"),
    ),
    Mistake(
        "O2",
        "m3 was acknowledged from an entry that is beyond every log",
        both(
            change("operations", order("m3"), sequence=40),
            drop("entries", index=13),
            drop("orders", client_order_id="m3"),
        ),
    ),
    Mistake(
        "O2", "charlie holds m3 under another order id", on_charlie("orders", order("m3"), order_id="O77")
    ),
    Mistake(
        "O2",
        "t1's client was told that it is filled; the books say open",
        change("orders", order("t1"), state="open"),
    ),
    Mistake(
        "O2",
        "t1's client was told 7 filled; the books say 5",
        change("orders", order("t1"), cum_quantity=5),
    ),
    Mistake(
        "O3",
        "nobody sent the order eve/x1",
        _invent_an_order,
    ),
    Mistake(
        "O3",
        "the log has m1 at another price than its client sent",
        change("entries", {"index": 2}, price=105),
    ),
    Mistake("O3", "two clients sent m1", copy("operations", order("m1"), op=99, client="client-eve")),
    Mistake(
        "O3",
        "t4 was refused to its client, and is alive",
        change("orders", order("t4"), state="open", leaves_quantity=1),
    ),
    Mistake(
        "O3",
        "every book holds the order eve/x2, which is in no log",
        copy("orders", order("m3"), account="eve", client_order_id="x2", order_id="O99"),
    ),
    Mistake(
        "O3",
        "t2, of which its client heard nothing, is in the log and left no trace on any replica",
        both(drop("orders", client_order_id="t2"), drop("executions", client_order_id="t2")),
    ),
    Mistake("O3", "nobody asked to cancel n1", drop("operations", kind="cancel")),
    Mistake(
        "O4",
        "the last fill of m2 was booked once more: its account holds 4 contracts too many",
        change("balances", {"account": "mia", "instrument": INSTRUMENT}, amount=3),
    ),
    Mistake("O4", "two executions share an id", change("executions", fill(5, 3), exec_id="5-1")),
    Mistake(
        "O4",
        "one fill stands under two ids",
        copy("executions", fill(11, 1), index=12, ordinal=1, exec_id="12-1"),
    ),
    Mistake(
        "O4",
        "tom's coin is not what his fills booked",
        change("balances", {"account": "tom", "instrument": None}, amount=-6),
    ),
    Mistake(
        "O5",
        "the final fill is missing: t2 and n2 stop one short, and everything else adds up",
        both(
            drop("executions", **fill(11, 3)),
            drop("executions", **fill(11, 4)),
            change("orders", order("n2"), cum_quantity=0, leaves_quantity=3),
            change("orders", order("t2"), cum_quantity=4, leaves_quantity=1, state="open"),
        ),
    ),
    Mistake(
        "O5",
        "filled and left do not add up to the quantity",
        change("executions", fill(5, 3), leaves_quantity=4),
    ),
    Mistake(
        "O5",
        "m2 left no trace, although nobody was told that it is refused: t2 traded as if it had never been there",
        both(
            drop("orders", client_order_id="m2"),
            drop("executions", client_order_id="m2"),
            drop("executions", **fill(11, 2)),
            change("executions", fill(11, 3), last_quantity=3, cum_quantity=3, leaves_quantity=0),
            change("executions", fill(11, 4), last_quantity=3, cum_quantity=3, leaves_quantity=2),
            change("orders", order("n2"), state="filled", cum_quantity=3, leaves_quantity=0),
            change("entries", {"index": 11}, time_in_force="ioc"),
            change("orders", order("t2"), state="cancelled", cum_quantity=3, leaves_quantity=0),
        ),
    ),
    Mistake(
        "O5",
        "t4 is refused although nothing speaks against it: it should rest",
        change("entries", {"index": 14}, refusal=""),
    ),
    Mistake(
        "O5",
        "m3 was refused by its gateway, and is accepted all the same",
        change("entries", {"index": 13}, refusal="price_band"),
    ),
    Mistake("O5", "m3 bids nothing, and is accepted", change("entries", {"index": 13}, price=0)),
    Mistake(
        "O5",
        "nobody lists what m3 is for, and it is accepted",
        change("entries", {"index": 13}, instrument="ETH-PERPETUAL"),
    ),
    Mistake("O5", "less than nothing is left", change("executions", fill(11, 4), leaves_quantity=-1)),
    Mistake(
        "O5",
        "an order is accepted with a part already gone",
        change("executions", fill(9, 0), leaves_quantity=3),
    ),
    Mistake("O5", "the filled quantity falls", change("executions", fill(8, 0), cum_quantity=1)),
    Mistake("O5", "a cancelled order has quantity left", change("executions", fill(8, 0), leaves_quantity=3)),
    Mistake("O5", "a rejected order has a fill", change("executions", fill(14, 0), cum_quantity=1)),
    Mistake("O5", "a fill of nothing", change("executions", fill(11, 3), last_quantity=0)),
    Mistake("O5", "an open order has nothing left", change("orders", order("m3"), leaves_quantity=0)),
    Mistake("O5", "a filled order is not filled", change("orders", order("m2"), cum_quantity=3)),
    Mistake("O6", "m1 asked for 5 and was filled 6", change("executions", fill(5, 1), last_quantity=6)),
    Mistake(
        "O6",
        "mia was told 9 fills of her order m1 for 5",
        change("account_fills", {"exec_id": "5-1"}, quantity=9),
    ),
    Mistake(
        "O6", "n2 got more than price and time give it", change("executions", fill(11, 3), last_quantity=3)
    ),
    Mistake(
        "O7",
        "the two legs of a trade differ in quantity",
        change("executions", fill(5, 2), last_quantity=4),
    ),
    Mistake(
        "O7", "the two legs of a trade differ in price", change("executions", fill(5, 2), last_price=101)
    ),
    Mistake("O7", "both legs of a trade buy", change("executions", fill(5, 1), side="buy")),
    Mistake("O7", "a trade has one leg", drop("executions", **fill(5, 2))),
    Mistake(
        "O7",
        "a trade has no price",
        both(
            change("executions", fill(5, 1), last_price=None),
            change("executions", fill(5, 2), last_price=None),
        ),
    ),
    Mistake(
        "O7",
        "mia's fill 11-1 books a hundred-millionth of a coin too much, and every balance agrees with it",
        both(
            change("executions", fill(11, 1), cash=40_405),
            change("balances", {"account": "mia", "instrument": None}, amount=40_405),
            change("balances", {"account": "house"}, amount=4),
        ),
    ),
    Mistake(
        "O7",
        "positions do not sum to zero",
        change("balances", {"account": "noa", "instrument": INSTRUMENT}, amount=0),
    ),
    Mistake(
        "O7",
        "a hundred-millionth of a coin has vanished",
        change("balances", {"account": "house"}, amount=3),
    ),
    Mistake(
        "O8",
        "n1 is filled after it was cancelled",
        copy("executions", fill(5, 3), index=9, ordinal=1, exec_id="9-1"),
    ),
    Mistake("O8", "m2 is filled before it was accepted", drop("executions", **fill(9, 0))),
    Mistake(
        "O8", "m2 is accepted twice", copy("executions", fill(9, 0), index=10, ordinal=1, exec_id="10-1")
    ),
    Mistake(
        "O8",
        "t3 was closed as never received, and is accepted later",
        copy(
            "executions",
            fill(13, 0),
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
        change("orders", order("m3"), state="cancelled"),
    ),
    Mistake("O8", "a step that no order can take", change("executions", fill(9, 0), type="replaced")),
    Mistake(
        "O8",
        "tom was told that t2 is filled, then that it is open",
        copy("operations", {"kind": "query"}, op=98, sequence=13, state="open"),
    ),
)
