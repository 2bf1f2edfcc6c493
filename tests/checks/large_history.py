"""A sound history of any size, made column by column: three replicas, one reading each.

Blocks of four entries repeat: a sell rests, a buy takes it whole, another sell rests, and is cancelled. One entry in the
middle begins epoch 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.checks.examples.history import INSTRUMENT, PROVIDERS, meta, stack_said
from harness.history.columns import TABLES
from harness.history.frames import Columns
from harness.history.journal import Journal
from harness.history.run import Run
from harness.model.events import Collected, LoadDrained, LoadStarted, RunEnded

PRICE = 5_000_000_000_000
TERMS = {
    "instrument": [INSTRUMENT],
    "kind": "perpetual",
    "tick": [10],
    "contract_value": pd.array([10 * 10**8], dtype="Int64"),
    "price_band": pd.array([None], dtype="Int64"),
}
ROWS_A_BLOCK = 3 * (4 + 6 + 3) + 4 + 2

Column = npt.NDArray[Any]


def large_run(blocks: int) -> Run:
    """About 45 rows a block."""
    at = np.arange(blocks, dtype=np.int64)
    first = 4 * at + 1
    entries, executions, orders = _entries(at, first), _executions(at, first), _orders(at, first)
    tables = {
        "operations": _operations(entries, orders),
        "entries": _replicated("entries", entries),
        "executions": _replicated("executions", executions),
        "orders": _replicated("orders", orders),
        "balances": _replicated("balances", _balances(blocks)),
        "replicas": _replicas(4 * blocks),
        "account_fills": _reports(executions),
        "account_positions": _positions(blocks),
        "instruments": _frame(TABLES["instruments"], TERMS, 1),
    }
    events = (
        stack_said(0, "engine-alpha", "primary_promoted", epoch=1),
        LoadStarted(at_ns=1, workers=1),
        stack_said(
            1, "engine-alpha", "entries_committed", epoch=1, first_index=1, last_index=4 * (blocks // 2)
        ),
        stack_said(2, "engine-bravo", "primary_promoted", epoch=2),
        stack_said(
            3,
            "engine-bravo",
            "entries_committed",
            epoch=2,
            first_index=4 * (blocks // 2) + 1,
            last_index=4 * blocks,
        ),
        LoadDrained(at_ns=9, operations=1, unresolved=0, late_ns_p99=0, late_ns_max=0),
        Collected(at_ns=10, replicas=3, quotes=0, accounts=2),
        RunEnded(at_ns=11),
    )
    return Run(meta(), Journal(events), tables=tables)


def rows_of(run: Run) -> int:
    """All rows of all tables."""
    return sum(len(run.table(name)) for name in run._given)


def _frame(columns: Columns, values: dict[str, Any], length: int) -> pd.DataFrame:
    made = {}
    for name, dtype in columns.items():
        value = values.get(name)
        if value is None:
            value = np.zeros(length, dtype=np.int64) if dtype == "int64" else None
        if isinstance(value, (str, int, bool)) or value is None:
            value = [value] * length
        made[name] = pd.Series(value).astype(dtype)
    return pd.DataFrame(made)


def _interleave(*columns: Any) -> Column:
    """One column of several: the first of each, then the second of each, and so on."""
    return np.column_stack([np.asarray(column) for column in columns]).reshape(-1)


def _names(prefix: str, numbers: Column) -> Column:
    return np.char.add(prefix, numbers.astype(str)).astype(object)


def _repeat(blocks: int, *values: Any) -> Column:
    return np.tile(np.array(values, dtype=object), blocks)


def _ids(at: Column) -> tuple[Column, Column, Column]:
    return _names("s", at), _names("b", at), _names("r", at)


def _epochs(index: Column) -> Column:
    return np.where(index <= 4 * (int(index.max()) // 8), 1, 2)


def _entries(at: Column, first: Column) -> dict[str, Any]:
    sell, buy, rest = _ids(at)
    index = _interleave(first, first + 1, first + 2, first + 3)
    count = len(at)
    return {
        "index": index,
        "epoch": _epochs(index),
        "hash": _names("h", index),
        "type": _repeat(count, "new", "new", "new", "cancel"),
        "time_ns": index,
        "committed": True,
        "account": _repeat(count, "mia", "tom", "mia", "mia"),
        "client_order_id": _interleave(sell, buy, rest, rest),
        "instrument": _repeat(count, INSTRUMENT, INSTRUMENT, INSTRUMENT, None),
        "side": _repeat(count, "sell", "buy", "sell", None),
        "quantity": pd.array(_repeat(count, 2, 2, 3, None), dtype="Int64"),
        "order_type": _repeat(count, "limit", "limit", "limit", None),
        "price": pd.array(_repeat(count, PRICE, PRICE, PRICE + 10, None), dtype="Int64"),
        "time_in_force": _repeat(count, "gtc", "gtc", "gtc", None),
        "refusal": _repeat(count, "", "", "", None),
    }


def _executions(at: Column, first: Column) -> dict[str, Any]:
    sell, buy, rest = _ids(at)
    index = _interleave(first, first + 1, first + 1, first + 1, first + 2, first + 3)
    count = len(at)
    ordinal = np.tile(np.array([0, 0, 1, 2, 0, 0]), count)
    orders = [_names("O", first + step) for step in range(3)]
    none = np.full(count, None, dtype=object)
    return {
        "index": index,
        "ordinal": ordinal,
        "epoch": _epochs(index),
        "exec_id": np.char.add(np.char.add(index.astype(str), "-"), ordinal.astype(str)).astype(object),
        "type": _repeat(count, "accepted", "accepted", "filled", "filled", "accepted", "cancelled"),
        "account": _repeat(count, "mia", "tom", "mia", "tom", "mia", "mia"),
        "client_order_id": _interleave(sell, buy, sell, buy, rest, rest),
        "order_id": _interleave(orders[0], orders[1], orders[0], orders[1], orders[2], orders[2]),
        "instrument": INSTRUMENT,
        "side": _repeat(count, "sell", "buy", "sell", "buy", "sell", "sell"),
        "quantity": np.tile([2, 2, 2, 2, 3, 3], count),
        "price": np.tile([PRICE, PRICE, PRICE, PRICE, PRICE + 10, PRICE + 10], count),
        "cum_quantity": np.tile([0, 0, 2, 2, 0, 0], count),
        "leaves_quantity": np.tile([2, 2, 0, 0, 3, 0], count),
        "last_quantity": np.tile([0, 0, 2, 2, 0, 0], count),
        "last_price": pd.array(_repeat(count, None, None, PRICE, PRICE, None, None), dtype="Int64"),
        "counter_order_id": _interleave(none, none, orders[1], orders[0], none, none),
        "fee": np.tile([0, 0, 0, 1, 0, 0], count),
        "reason": "",
    }


def _orders(at: Column, first: Column) -> dict[str, Any]:
    count = len(at)
    return {
        "account": _repeat(count, "mia", "tom", "mia"),
        "client_order_id": _interleave(*_ids(at)),
        "order_id": _interleave(*(_names("O", first + step) for step in range(3))),
        "instrument": INSTRUMENT,
        "side": _repeat(count, "sell", "buy", "sell"),
        "quantity": np.tile([2, 2, 3], count),
        "price": np.tile([PRICE, PRICE, PRICE + 10], count),
        "state": _repeat(count, "filled", "filled", "cancelled"),
        "cum_quantity": np.tile([2, 2, 0], count),
    }


def _balances(blocks: int) -> dict[str, Any]:
    return {
        "account": ["mia", "tom", "mia", "tom", "house"],
        "instrument": [INSTRUMENT, INSTRUMENT, None, None, None],
        "amount": [-2 * blocks, 2 * blocks, 0, -blocks, blocks],
    }


def _replicated(table: str, values: dict[str, Any]) -> pd.DataFrame:
    length = len(values["account"])
    frames = []
    for name in PROVIDERS:
        own = {**values, "node": f"engine-{name}", "provider": name, "read": 1}
        frames.append(_frame(TABLES[table], {key: own[key] for key in own if key in TABLES[table]}, length))
    return pd.concat(frames, ignore_index=True)


def _replicas(last: int) -> pd.DataFrame:
    return _frame(
        TABLES["replicas"],
        {
            "node": [f"engine-{name}" for name in PROVIDERS],
            "provider": list(PROVIDERS),
            "read": 1,
            "epoch": 2,
            "promised_epoch": 2,
            "commit_index": last,
            "applied_index": last,
            "first_index": 1,
            "digest": "d",
            "read_ns": 10**13,
        },
        3,
    )


def _operations(entries: dict[str, Any], orders: dict[str, Any]) -> pd.DataFrame:
    length = len(entries["index"])
    order_ids = np.array(orders["order_id"]).reshape(-1, 3)
    index = entries["index"]
    return _frame(
        TABLES["operations"],
        {
            **{name: entries[name] for name in entries if name in TABLES["operations"]},
            "op": index,
            "worker": "w",
            "client": entries["account"],
            "purpose": "flow",
            "kind": entries["type"],
            "gateway": "gateway-bravo",
            "provider": "bravo",
            "intended_ns": index * 1_000,
            "sent_ns": index * 1_000,
            "completed_ns": index * 1_000 + 500,
            "first_attempt": "ok",
            "attempts": 1,
            "outcome": "ok",
            "order_id": _interleave(order_ids[:, 0], order_ids[:, 1], order_ids[:, 2], order_ids[:, 2]),
            "state": _repeat(len(order_ids), "open", "filled", "open", "cancelled"),
            "cum_quantity": np.tile([0, 2, 0, 0], len(order_ids)),
            "leaves_quantity": np.tile([2, 0, 3, 0], len(order_ids)),
            "sequence": index,
        },
        length,
    )


def _reports(executions: dict[str, Any]) -> pd.DataFrame:
    fills = np.asarray(executions["type"]) == "filled"
    kept = {
        name: (np.asarray(values)[fills] if not isinstance(values, str) else values)
        for name, values in executions.items()
        if name in TABLES["account_fills"]
    }
    count = int(fills.sum())
    kept |= {"through": "gateway-bravo", "quantity": np.full(count, 2), "price": np.full(count, PRICE)}
    return _frame(TABLES["account_fills"], kept, count)


def _positions(blocks: int) -> pd.DataFrame:
    told = {"account": ["mia", "tom"], "amount": [-2 * blocks, 2 * blocks]}
    values = {**told, "through": "gateway-bravo", "instrument": INSTRUMENT, "sequence": 4 * blocks}
    return _frame(TABLES["account_positions"], values, 2)
