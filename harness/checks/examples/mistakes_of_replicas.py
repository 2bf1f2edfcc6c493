"""Mistakes that break predicates O10 to O16."""

from __future__ import annotations

from typing import Final

from harness.checks.examples.history import MS
from harness.checks.examples.planting import (
    Mistake,
    both,
    change,
    charlie_lacks,
    copy,
    drained,
    drop,
    fill,
    on_charlie,
    order,
    state,
    told,
)

OF_REPLICAS: Final = (
    Mistake("O10", "charlie's log forked at entry 3", on_charlie("entries", {"index": 3}, hash="other")),
    Mistake(
        "O10",
        "charlie's entry 3 has another price under the same hash",
        on_charlie("entries", {"index": 3}, price=98),
    ),
    Mistake(
        "O10",
        "charlie's log has a hole",
        charlie_lacks("entries", {"index": 5}),
    ),
    Mistake("O10", "charlie says that more is committed than its log has", state("charlie", commit_index=20)),
    Mistake(
        "O12",
        "alpha committed entry 6 under epoch 1, which bravo's epoch 2 replaced",
        told(2_000, "engine-alpha", "entries_committed", epoch=1, first_index=6, last_index=6),
    ),
    Mistake(
        "O12",
        "bravo committed entry 5 of epoch 1 under epoch 2 before any entry of its own",
        told(1_270, "engine-bravo", "entries_committed", epoch=2, first_index=1, last_index=5),
    ),
    Mistake("O12", "the epoch falls along the log", change("entries", {"index": 8}, epoch=1)),
    Mistake("O12", "charlie's promise is older than its log", state("charlie", promised_epoch=1)),
    Mistake(
        "O12", "charlie forgot a promise of epoch 3", told(2_100, "engine-charlie", "promise_made", epoch=3)
    ),
    Mistake("O12", "epoch 2 has two leaders", told(1_300, "engine-charlie", "primary_promoted", epoch=2)),
    Mistake(
        "O12",
        "bravo committed an entry that no log has",
        told(2_500, "engine-bravo", "entries_committed", epoch=2, first_index=15, last_index=15),
    ),
    Mistake(
        "O12", "an answer names epoch 1 for an entry of epoch 2", change("operations", order("m2"), epoch=1)
    ),
    Mistake(
        "O12",
        "an answer comes from an entry that did not commit",
        change("operations", order("m3"), sequence=33),
    ),
    Mistake(
        "O13",
        "m3 was accepted after n2 and stands before it",
        both(change("orders", order("m3"), priority=10), change("orders", order("n2"), priority=13)),
    ),
    Mistake(
        "O13",
        "entry 11 traded with n2 first, although m2 was there before",
        both(
            change("executions", fill(11, 1), last_quantity=2, cum_quantity=2, leaves_quantity=2),
            change("executions", fill(11, 3), last_quantity=3, cum_quantity=3, leaves_quantity=0),
        ),
    ),
    Mistake(
        "O13",
        "entry 11 did not trade at all",
        both(*(drop("executions", **fill(11, step)) for step in (1, 2, 3, 4))),
    ),
    Mistake(
        "O13",
        "the book is crossed",
        change("orders", order("n1"), state="open", price=99, leaves_quantity=3),
    ),
    Mistake("O14", "t1 bought above its limit", change("entries", {"index": 5}, price=99)),
    Mistake("O14", "m1 sold below its limit", change("executions", fill(5, 1), last_price=90)),
    Mistake("O14", "tom trades with himself", change("executions", {"order_id": "O2"}, account="tom")),
    Mistake(
        "O15",
        "t3 is answered as never received, and again as accepted",
        copy(
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
        "O15",
        "no question about t3 was answered, and the load went on for 36 s after its client gave up",
        both(change("operations", {"kind": "resolve"}, outcome="info"), drained(39_000)),
    ),
    Mistake(
        "O15",
        "t2 is answered as never received, and the books hold it",
        change("operations", {"kind": "query"}, never_received=True),
    ),
    Mistake(
        "O15",
        "t2 is answered as never received, and closed for it, after the log had it",
        both(
            change("operations", {"kind": "query"}, never_received=True),
            drop("orders", client_order_id="t2"),
            copy("executions", fill(12, 0), index=13, client_order_id="t2", exec_id="13-9"),
        ),
    ),
    Mistake(
        "O15",
        "t2 is answered as filled, and charlie does not know it",
        charlie_lacks("orders", order("t2")),
    ),
    Mistake(
        "O15",
        "t3 was resolved a minute after its client gave up",
        change("operations", {"kind": "resolve"}, completed_ns=63_000 * MS),
    ),
    Mistake("O16", "noa is not told her fill 11-3", drop("account_fills", exec_id="11-3")),
    Mistake("O16", "noa is told her fill 11-3 twice", copy("account_fills", {"exec_id": "11-3"})),
    Mistake(
        "O16",
        "noa is told a fill that the drop copy doesn't have",
        copy("account_fills", {"exec_id": "11-3"}, exec_id="77-1"),
    ),
    Mistake("O16", "noa is told another price", change("account_fills", {"exec_id": "11-3"}, price=98)),
    Mistake("O16", "noa is told another position", change("account_positions", {"account": "noa"}, amount=0)),
    Mistake(
        "O16",
        "t1 was answered with a fill that does not exist",
        change("operations", order("t1"), exec_ids="5-2 5-9"),
    ),
)
