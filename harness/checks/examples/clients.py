"""What the clients of the hand-written history sent and were told."""

from __future__ import annotations

from typing import Final

from harness.checks.examples.history import INSTRUMENT, MS, Row
from harness.checks.examples.trading_day import POSITIONS, STEPS, order_id_of, orders_sent

# client order id, when it is due, when answered, and the answer: outcome, state, filled, left, entry, epoch, fills
_ANSWERS: Final = (
    ("m1", 100, 110, "ok", "open", 0, 5, 2, 1, ""),
    ("n1", 200, 210, "ok", "open", 0, 5, 3, 1, ""),
    ("t1", 300, 310, "ok", "filled", 7, 0, 5, 1, "5-2 5-4"),
    ("m2", 1_500, 1_510, "ok", "open", 0, 4, 9, 2, ""),
    ("n2", 1_600, 1_610, "ok", "open", 0, 3, 10, 2, ""),
    ("t2", 1_700, 2_700, "info", None, None, None, None, None, None),
    ("t3", 1_800, 2_800, "info", None, None, None, None, None, None),
    ("m3", 1_900, 1_910, "ok", "open", 0, 2, 13, 2, ""),
    ("t4", 2_000, 2_010, "fail", "rejected", 0, 0, 14, 2, ""),
)


def operations() -> list[Row]:
    """The table `operations`: nine orders, a cancel, a query and a resolve."""
    sent = {**orders_sent(), "t3": {**orders_sent()["t2"], "client_order_id": "t3"}}
    rows = [
        {
            **sent[coid],
            **_asked("new", due, answered),
            "order_type": "limit",
            "time_in_force": "gtc",
            "outcome": outcome,
            "first_attempt": outcome,
            "order_id": None if state is None else order_id_of(coid),
            "state": state,
            "cum_quantity": cum,
            "leaves_quantity": leaves,
            "sequence": sequence,
            "epoch": epoch,
            "exec_ids": fills,
            "client": f"client-{sent[coid]['account']}",
        }
        for coid, due, answered, outcome, state, cum, leaves, sequence, epoch, fills in _ANSWERS
    ]
    rows += _questions()
    return [{"op": number, **row} for number, row in enumerate(rows, start=1)]


def _questions() -> list[Row]:
    """The cancel of n1, and what the venue says of the orders of unknown outcome: t2 was filled, t3 never came."""
    told = {"outcome": "ok", "first_attempt": "ok", "epoch": 2}
    cancelled = {
        "order_id": "O3",
        "state": "cancelled",
        "cum_quantity": 2,
        "leaves_quantity": 0,
        "sequence": 8,
    }
    filled = {"order_id": "O11", "state": "filled", "cum_quantity": 5, "leaves_quantity": 0, "sequence": 11}
    never = {"order_id": "", "state": "rejected", "sequence": 12, "never_received": True}
    return [
        {
            **_asked("cancel", 1_400, 1_410),
            **told,
            **cancelled,
            "account": "noa",
            "client_order_id": "n1",
            "client": "client-noa",
        },
        {
            **_asked("query", 2_800, 2_810),
            **told,
            **filled,
            "exec_ids": "11-2 11-4",
            "account": "tom",
            "client_order_id": "t2",
            "client": "client-tom",
        },
        {
            **_asked("resolve", 2_900, 2_910),
            **told,
            **never,
            "account": "tom",
            "client_order_id": "t3",
            "client": "client-tom",
        },
    ]


def _asked(kind: str, due_ms: int, answered_ms: int) -> Row:
    return {
        "worker": "w1",
        "purpose": kind if kind in ("query", "resolve") else "flow",
        "kind": kind,
        "gateway": "gateway-bravo",
        "provider": "bravo",
        "intended_ns": due_ms * MS,
        "sent_ns": due_ms * MS,
        "completed_ns": answered_ms * MS,
        "attempts": 1,
    }


def account_fills() -> list[Row]:
    """The table `account_fills`: every fill, as one gateway tells it."""
    sent = orders_sent()
    return [
        {
            "through": "gateway-bravo",
            "account": account,
            "exec_id": f"{index}-{ordinal}",
            "order_id": order_id_of(coid),
            "client_order_id": coid,
            "instrument": INSTRUMENT,
            "side": sent[coid]["side"],
            "quantity": last,
            "price": at,
        }
        for index, ordinal, kind, account, coid, _, _, last, at, *_ in STEPS
        if kind == "filled"
    ]


def account_positions() -> list[Row]:
    """The table `account_positions`: every position after the last entry, as one gateway tells it."""
    return [
        {
            "through": "gateway-bravo",
            "account": who,
            "instrument": INSTRUMENT,
            "amount": amount,
            "sequence": 14,
        }
        for who, amount in POSITIONS.items()
    ]
