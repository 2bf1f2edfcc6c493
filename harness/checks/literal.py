"""Histories written by hand: a small sound one, for explaining predicates and for testing them.

Three replicas, two makers and a taker on one perpetual. The primary of epoch 1 (alpha) is lost after entry 5; bravo leads
epoch 2. Every number below was worked out by hand, so that no code under judgement made it.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from harness.history.columns import TABLES
from harness.history.frames import frame_of_rows
from harness.history.journal import Journal
from harness.history.meta import RunMeta
from harness.history.run import Run
from harness.model.events import (
    Collected,
    Event,
    FaultEvidence,
    FaultHealed,
    FaultInjected,
    LoadDrained,
    LoadStarted,
    RunEnded,
    ServiceStarted,
    StackSaid,
)
from harness.model.stack_event import StackEvent

Row: TypeAlias = dict[str, Any]

MS: Final = 1_000_000
INSTRUMENT: Final = "BTC-PERPETUAL"
PROVIDERS: Final = ("alpha", "bravo", "charlie")
OF_REPLICAS: Final = ("entries", "marks", "executions", "orders", "balances")
ONSET_MS: Final = 1_000
READ_MS: Final = 5_000


@dataclass
class Replica:
    """What one replica holds; every reading of it is alike."""

    node: str
    tables: dict[str, list[Row]]
    state: Row
    reads: int = 2

    def rows(self, table: str) -> list[Row]:
        """The table's rows, once a reading, with what a reading adds."""
        return [
            {**row, "node": self.node, "read": read, **self._more(table, row)}
            for read in range(1, self.reads + 1)
            for row in self.tables[table]
        ]

    def readings(self) -> list[Row]:
        return [
            {**self.state, "node": self.node, "read": read, "read_ns": (READ_MS + 100 * read) * MS}
            for read in range(1, self.reads + 1)
        ]

    def _more(self, table: str, row: Row) -> Row:
        if table != "entries":
            return {}
        return {"provider": self.state["provider"], "committed": row["index"] <= self.state["commit_index"]}


@dataclass
class LiteralHistory:
    """A history that can be changed row by row, and judged at any moment by `run()`."""

    replicas: dict[str, Replica]
    operations: list[Row] = field(default_factory=list)
    account_fills: list[Row] = field(default_factory=list)
    account_positions: list[Row] = field(default_factory=list)
    quotes: list[Row] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)
    waives: dict[str, str] = field(default_factory=dict)

    def every(self, table: str) -> list[list[Row]]:
        """The rows of a table on each replica, to be changed alike."""
        return [replica.tables[table] for replica in self.replicas.values()]

    def change(self, table: str, where: Row, **values: Any) -> None:
        """Change the rows that match: of an own table, or of a replicated one on every replica."""
        for rows in self.every(table) if table in OF_REPLICAS else [getattr(self, table)]:
            for row in rows:
                if all(row.get(key) == value for key, value in where.items()):
                    row.update(values)

    def drop(self, table: str, **where: Any) -> None:
        """Take the rows that match away, on every replica."""
        for rows in self.every(table) if table in OF_REPLICAS else [getattr(self, table)]:
            rows[:] = [row for row in rows if any(row.get(key) != value for key, value in where.items())]

    def run(self) -> Run:
        """The history as checks see it."""
        rows = {
            name: [row for one in self.replicas.values() for row in one.rows(name)] for name in OF_REPLICAS
        }
        rows["replicas"] = [row for one in self.replicas.values() for row in one.readings()]
        own = ("operations", "account_fills", "account_positions", "quotes")
        rows |= {name: getattr(self, name) for name in own}
        tables = {name: frame_of_rows(TABLES[name], rows[name]) for name in TABLES if name not in self.absent}
        return Run(meta(waives=self.waives), Journal(tuple(self.events)), tables=tables)


def meta(**values: Any) -> RunMeta:
    """The identity of a hand-written run on three providers."""
    base: Row = {
        "run_id": "literal",
        "scenario": "literal",
        "seed": 7,
        "platform": "process",
        "stack": "literal",
        "providers": PROVIDERS,
        "entry_points": {f"gateway-{name}": name for name in PROVIDERS},
        "machine": {"cpus": 2},
    }
    return RunMeta(**{**base, **values})


def sound() -> LiteralHistory:
    """The history with nothing wrong in it."""
    tables = {
        "entries": _entries(),
        "marks": _marks(),
        "executions": _executions(),
        "orders": _orders(),
        "balances": _balances(),
    }
    replicas = {
        name: Replica(f"engine-{name}", deepcopy(tables), _state(name, leads=name == "bravo"))
        for name in PROVIDERS
    }
    return LiteralHistory(
        replicas=replicas,
        operations=_operations(),
        account_fills=_account_fills(),
        account_positions=_account_positions(),
        events=_events(),
    )


def stack_said(at_ms: float, service: str, kind: str, **more: Any) -> StackSaid:
    """One event of the stack."""
    at_ns = round(at_ms * MS)
    provider = service.rpartition("-")[2]
    event = StackEvent(service=service, kind=kind, mono_ns=at_ns, provider=provider, **more)
    return StackSaid(at_ns=at_ns, seen_ns=at_ns, event=event)


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
_LOG: Final = (
    (1, 1, "epoch", None, None, None, None, None),
    (2, 1, "new", "mia", "m1", "sell", 5, 100),
    (3, 1, "new", "noa", "n1", "sell", 5, 100),
    (4, 1, "mark", None, None, None, None, None),
    (5, 1, "new", "tom", "t1", "buy", 7, 101),
    (6, 2, "epoch", None, None, None, None, None),
    (7, 2, "mark", None, None, None, None, None),
    (8, 2, "cancel", "noa", "n1", None, None, None),
    (9, 2, "new", "mia", "m2", "buy", 4, 99),
    (10, 2, "new", "noa", "n2", "buy", 3, 99),
    (11, 2, "new", "tom", "t2", "sell", 5, 90),
    (12, 2, "resolve", "tom", "t3", None, None, None),
    (13, 2, "new", "mia", "m3", "buy", 2, 99),
    (14, 2, "new", "tom", "t4", "buy", 1, 7),
)

# index, ordinal, type, account, client order id, filled, left, this fill, its price, the other order, fee, cash
_STEPS: Final = (
    (2, 0, "accepted", "mia", "m1", 0, 5, 0, None, None, 0, 0),
    (3, 0, "accepted", "noa", "n1", 0, 5, 0, None, None, 0, 0),
    (5, 0, "accepted", "tom", "t1", 0, 7, 0, None, None, 0, 0),
    (5, 1, "filled", "mia", "m1", 5, 0, 5, 100, "O5", 0, 0),
    (5, 2, "filled", "tom", "t1", 5, 2, 5, 100, "O2", 2, 0),
    (5, 3, "filled", "noa", "n1", 2, 3, 2, 100, "O5", 0, 0),
    (5, 4, "filled", "tom", "t1", 7, 0, 2, 100, "O3", 1, 0),
    (8, 0, "cancelled", "noa", "n1", 2, 0, 0, None, None, 0, 0),
    (9, 0, "accepted", "mia", "m2", 0, 4, 0, None, None, 0, 0),
    (10, 0, "accepted", "noa", "n2", 0, 3, 0, None, None, 0, 0),
    (11, 0, "accepted", "tom", "t2", 0, 5, 0, None, None, 0, 0),
    (11, 1, "filled", "mia", "m2", 4, 0, 4, 99, "O11", 0, 3),
    (11, 2, "filled", "tom", "t2", 4, 1, 4, 99, "O9", 1, -2),
    (11, 3, "filled", "noa", "n2", 1, 2, 1, 99, "O11", 0, 0),
    (11, 4, "filled", "tom", "t2", 5, 0, 1, 99, "O10", 1, 0),
    (12, 0, "closed", "tom", "t3", 0, 0, 0, None, None, 0, 0),
    (13, 0, "accepted", "mia", "m3", 0, 2, 0, None, None, 0, 0),
    (14, 0, "rejected", "tom", "t4", 0, 0, 0, None, None, 0, 0),
)

# client order id, state, filled, left, priority
_BOOK: Final = (
    ("m1", "filled", 5, 0, None),
    ("n1", "cancelled", 2, 0, None),
    ("t1", "filled", 7, 0, None),
    ("m2", "filled", 4, 0, None),
    ("n2", "open", 1, 2, 10),
    ("t2", "filled", 5, 0, None),
    ("m3", "open", 0, 2, 13),
    ("t4", "rejected", 0, 0, None),
)
_POSITIONS: Final = {"mia": -1, "noa": -1, "tom": 2}
_COIN: Final = {"mia": 3, "noa": 0, "tom": -7, "house": 4}


def _orders_sent() -> dict[str, Row]:
    """The orders of the log by client order id, with what their clients sent."""
    return {
        coid: {
            "account": account,
            "client_order_id": coid,
            "instrument": INSTRUMENT,
            "side": side,
            "quantity": quantity,
            "price": price,
        }
        for _, _, kind, account, coid, side, quantity, price in _LOG
        if kind == "new" and coid is not None
    }


def _order_id(coid: str) -> str:
    """Orders are named after the entry that accepted them."""
    return next(f"O{index}" for index, _, kind, _, one, *_ in _LOG if kind == "new" and one == coid)


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
            **(limit if kind == "new" else {}),
            **(
                {"marks_source_sequence": 10 * index, "marks_input_age_ns": 20 * MS} if kind == "mark" else {}
            ),
        }
        for index, epoch, kind, account, coid, side, quantity, price in _LOG
    ]


def _marks() -> list[Row]:
    base = {"instrument": INSTRUMENT, "price": 50_000 * 10**8, "input_age_ns": 20 * MS}
    return [
        {**base, "index": index, "epoch": epoch, "source_sequence": 10 * index}
        for index, epoch in ((4, 1), (7, 2))
    ]


def _executions() -> list[Row]:
    sent, epochs = _orders_sent(), {entry[0]: entry[1] for entry in _LOG}
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
            "order_id": "" if kind == "closed" else _order_id(coid),
            "cum_quantity": cum,
            "leaves_quantity": leaves,
            "last_quantity": last,
            "last_price": at,
            "counter_order_id": counter,
            "fee": fee,
            "cash": cash,
            "reason": "",
        }
        for index, ordinal, kind, account, coid, cum, leaves, last, at, counter, fee, cash in _STEPS
    ]


def _orders() -> list[Row]:
    sent = _orders_sent()
    return [
        {
            **sent[coid],
            "order_id": _order_id(coid),
            "state": state,
            "cum_quantity": cum,
            "leaves_quantity": leaves,
            "priority": priority,
        }
        for coid, state, cum, leaves, priority in _BOOK
    ]


def _balances() -> list[Row]:
    positions = [
        {"account": who, "instrument": INSTRUMENT, "amount": amount} for who, amount in _POSITIONS.items()
    ]
    return [
        *positions,
        *({"account": who, "instrument": None, "amount": amount} for who, amount in _COIN.items()),
    ]


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


def _operations() -> list[Row]:
    sent = {**_orders_sent(), "t3": {**_orders_sent()["t2"], "client_order_id": "t3"}}
    rows = [
        {
            **sent[coid],
            **_asked("new", due, answered),
            "order_type": "limit",
            "time_in_force": "gtc",
            "outcome": outcome,
            "first_attempt": outcome,
            "order_id": None if state is None else _order_id(coid),
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


def _account_fills() -> list[Row]:
    sent = _orders_sent()
    return [
        {
            "through": "gateway-bravo",
            "account": account,
            "exec_id": f"{index}-{ordinal}",
            "order_id": _order_id(coid),
            "client_order_id": coid,
            "instrument": INSTRUMENT,
            "side": sent[coid]["side"],
            "quantity": last,
            "price": at,
        }
        for index, ordinal, kind, account, coid, _, _, last, at, *_ in _STEPS
        if kind == "filled"
    ]


def _account_positions() -> list[Row]:
    return [
        {
            "through": "gateway-bravo",
            "account": who,
            "instrument": INSTRUMENT,
            "amount": amount,
            "sequence": 14,
        }
        for who, amount in _POSITIONS.items()
    ]


def _events() -> list[Event]:
    """The journal: the load, the loss of alpha, and how bravo took over."""
    onset, healed = ONSET_MS * MS, 3_000 * MS
    before: list[Event] = [
        ServiceStarted(at_ns=0, service=f"{role}-{name}", provider=name, role=role, pid=None)
        for name in PROVIDERS
        for role in ("gateway", "engine", "sentinel")
    ]
    return [
        *before,
        stack_said(1, "engine-alpha", "primary_promoted", epoch=1),
        LoadStarted(at_ns=50 * MS, workers=1),
        stack_said(320, "engine-alpha", "entries_committed", epoch=1, first_index=1, last_index=5),
        _injected(onset),
        FaultEvidence(
            at_ns=onset,
            fault_id="outage",
            subject="engine-alpha",
            source="victim",
            fact="stopped",
            convincing=True,
        ),
        stack_said(1_240, "sentinel-bravo", "majority_suspected", epoch=1),
        stack_said(1_250, "sentinel-bravo", "certificate_issued", epoch=2, candidate="bravo"),
        stack_said(1_252, "engine-charlie", "promise_made", epoch=2, candidate="bravo"),
        stack_said(1_255, "engine-bravo", "log_sealed", epoch=2, candidate="bravo"),
        stack_said(1_262, "engine-bravo", "primary_promoted", epoch=2, candidate="bravo"),
        stack_said(2_950, "engine-bravo", "entries_committed", epoch=2, first_index=6, last_index=14),
        FaultHealed(
            at_ns=healed, fault_id="outage", asked_ns=healed, first_lifted_ns=healed, last_lifted_ns=healed
        ),
        LoadDrained(at_ns=4_000 * MS, operations=12, unresolved=0, late_ns_p99=1, late_ns_max=1),
        Collected(at_ns=(READ_MS + 500) * MS, replicas=6, quotes=0, accounts=3),
        RunEnded(at_ns=(READ_MS + 600) * MS),
    ]


def _injected(onset_ns: int) -> FaultInjected:
    return FaultInjected(
        at_ns=onset_ns,
        fault_id="outage",
        fault="provider_outage",
        targets=("gateway-alpha", "engine-alpha", "sentinel-alpha"),
        primary="alpha",
        epoch=1,
        asked_ns=onset_ns,
        first_effect_ns=onset_ns,
        last_effect_ns=onset_ns + 2 * MS,
        parameters={},
    )
