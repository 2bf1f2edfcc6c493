"""What each replica of the hand-written history holds."""

from __future__ import annotations

from copy import deepcopy

from harness.checks.examples.history import INSTRUMENT, MS, PROVIDERS, Replica, Row
from harness.checks.examples.trading_day import (
    BOOK,
    COIN,
    LOG,
    POSITIONS,
    REFUSED,
    STEPS,
    order_id_of,
    orders_sent,
)


def replicas() -> dict[str, Replica]:
    """Three replicas that hold the same; bravo leads."""
    tables = {
        "entries": _entries(),
        "marks": _marks(),
        "executions": _executions(),
        "orders": _orders(),
        "balances": _balances(),
    }
    return {
        name: Replica(f"engine-{name}", deepcopy(tables), _state(name, leads=name == "bravo"))
        for name in PROVIDERS
    }


def _state(provider: str, *, leads: bool) -> Row:
    return {
        "provider": provider,
        "store_incarnation": provider,
        "role": "primary" if leads else "standby",
        "epoch": 2,
        "promised_epoch": 2,
        "commit_index": 14,
        "applied_index": 14,
        "first_index": 1,
        "digest": "d14",
    }


# index, epoch, type, account, client order id, side, quantity, price


def _entries() -> list[Row]:
    limit = {"order_type": "limit", "time_in_force": "gtc", "instrument": INSTRUMENT}
    return [
        {
            "index": index,
            "epoch": epoch,
            "hash": f"h{index}",
            "type": kind,
            "time_ns": index * 1_000,
            "account": account,
            "client_order_id": coid,
            "side": side,
            "quantity": quantity,
            "price": price,
            **({**limit, "refusal": REFUSED.get(str(coid), "")} if kind == "new" else {}),
            **(
                {"marks_source_sequence": 10 * index, "marks_input_age_ns": 20 * MS} if kind == "mark" else {}
            ),
        }
        for index, epoch, kind, account, coid, side, quantity, price in LOG
    ]


def _marks() -> list[Row]:
    base = {"instrument": INSTRUMENT, "price": 50_000 * 10**8, "input_age_ns": 20 * MS}
    return [
        {**base, "index": index, "epoch": epoch, "source_sequence": 10 * index}
        for index, epoch in ((4, 1), (7, 2))
    ]


def _executions() -> list[Row]:
    sent, epochs = orders_sent(), {entry[0]: entry[1] for entry in LOG}
    closed = {"instrument": "", "side": "", "quantity": 0, "price": None}
    return [
        {
            **(closed if kind == "closed" else {name: sent[coid][name] for name in closed}),
            "index": index,
            "ordinal": ordinal,
            "epoch": epochs[index],
            "exec_id": f"{index}-{ordinal}",
            "type": kind,
            "account": account,
            "client_order_id": coid,
            "order_id": "" if kind == "closed" else order_id_of(coid),
            "cum_quantity": cum,
            "leaves_quantity": leaves,
            "last_quantity": last,
            "last_price": at,
            "counter_order_id": counter,
            "fee": fee,
            "cash": cash,
            "reason": REFUSED.get(coid, ""),
        }
        for index, ordinal, kind, account, coid, cum, leaves, last, at, counter, fee, cash in STEPS
    ]


def _orders() -> list[Row]:
    sent = orders_sent()
    return [
        {
            **sent[coid],
            "order_id": order_id_of(coid),
            "state": state,
            "cum_quantity": cum,
            "leaves_quantity": leaves,
            "priority": priority,
        }
        for coid, state, cum, leaves, priority in BOOK
    ]


def _balances() -> list[Row]:
    positions = [
        {"account": who, "instrument": INSTRUMENT, "amount": amount} for who, amount in POSITIONS.items()
    ]
    return [
        *positions,
        *({"account": who, "instrument": None, "amount": amount} for who, amount in COIN.items()),
    ]
