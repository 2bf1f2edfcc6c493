"""The columns of the history's tables: the one place that says what a run leaves for checks to judge.

All times are nanoseconds on the run's clock (`*_ns`, int64; missing is pandas' `<NA>`), unless said. Prices are integers
of 1e-8 of the instrument's quote unit (USD; coin for options), `cash`, `fee` and balances of coin integers of 1e-8 coin,
quantities whole contracts; quotes alone are floats, as they were published.
"""

from __future__ import annotations

from typing import Final

OPERATIONS: Final[dict[str, str]] = {
    "op": "int64",  # unique in the run
    "worker": "string",
    "client": "string",  # one connection or session; a reconnecting client keeps its name
    "purpose": "string",  # flow, probe (at one gateway), reconnect (the probe that moves), resolve, query
    "kind": "string",  # new, cancel, query, resolve, read, write, cas
    "gateway": "string",  # the entry point it was sent to (the last one, when it moved)
    "provider": "string",
    "account": "string",
    "client_order_id": "string",
    "instrument": "string",
    "side": "string",
    "order_type": "string",
    "time_in_force": "string",
    "quantity": "Int64",
    "price": "Int64",
    "intended_ns": "int64",  # when it was due
    "sent_ns": "Int64",
    "completed_ns": "Int64",  # missing: nothing was heard before the client gave up or died
    "first_attempt": "string",  # outcome of the first attempt, before any reconnecting
    "attempts": "Int64",
    "outcome": "string",  # ok, fail, info
    "code": "string",  # of a fail
    "reason": "string",
    "order_id": "string",
    "state": "string",
    "cum_quantity": "Int64",
    "leaves_quantity": "Int64",
    "sequence": "Int64",  # log index that decided it
    "epoch": "Int64",
    "exec_ids": "string",  # joined by spaces
    "never_received": "boolean",
    "key": "string",  # registers
    "value": "string",
    "expected": "string",
}

# One row an entry, replica and reading (`read` counts from 1); committed means index <= the replica's commit index.
ENTRIES: Final[dict[str, str]] = {
    "node": "string",
    "provider": "string",
    "read": "int64",
    "index": "int64",
    "epoch": "int64",
    "hash": "string",
    "type": "string",
    "time_ns": "int64",  # the venue's own time, not the run's clock
    "committed": "boolean",
    "account": "string",
    "client_order_id": "string",
    "instrument": "string",
    "side": "string",
    "quantity": "Int64",
    "order_type": "string",
    "price": "Int64",
    "time_in_force": "string",
    "marks_source_sequence": "Int64",
    "marks_input_age_ns": "Int64",
    "refusal": "string",  # a gateway's verdict that a new order came with; "": none; missing: the stack doesn't tell
}

INSTRUMENTS: Final[dict[str, str]] = {  # what can be traded, as the stack tells it
    "instrument": "string",
    "kind": "string",  # perpetual, future, option_call, option_put
    "tick": "int64",
    "contract_value": "Int64",  # of one contract: 1e-8 USD of an inverse perpetual or future, 1e-8 coin of an option
    "price_band": "Int64",  # about the mark: 1e-8 of the mark, for an option 1e-8 coin
}

MARKS: Final[dict[str, str]] = {  # the prices of mark entries, one row an instrument
    "node": "string",
    "read": "int64",
    "index": "int64",
    "epoch": "int64",
    "instrument": "string",
    "price": "int64",
    "source_sequence": "Int64",
    "input_age_ns": "Int64",
}

EXECUTIONS: Final[dict[str, str]] = {
    "node": "string",
    "read": "int64",
    "index": "int64",
    "ordinal": "int64",
    "epoch": "int64",
    "exec_id": "string",
    "type": "string",
    "account": "string",
    "client_order_id": "string",
    "order_id": "string",
    "instrument": "string",
    "side": "string",
    "quantity": "int64",
    "price": "Int64",
    "cum_quantity": "int64",
    "leaves_quantity": "int64",
    "last_quantity": "int64",
    "last_price": "Int64",
    "counter_order_id": "string",
    "fee": "int64",
    "cash": "int64",
    "reason": "string",
}

ORDERS: Final[dict[str, str]] = {
    "node": "string",
    "read": "int64",
    "account": "string",
    "client_order_id": "string",
    "order_id": "string",
    "instrument": "string",
    "side": "string",
    "quantity": "int64",
    "price": "Int64",
    "state": "string",
    "cum_quantity": "int64",
    "leaves_quantity": "int64",
    "priority": "Int64",
}

BALANCES: Final[dict[str, str]] = {
    "node": "string",
    "read": "int64",
    "account": "string",
    "instrument": "string",  # missing: the account's coin
    "amount": "int64",
}

# One row a replica and reading; `promised_epoch` and the indexes are as the replica told them.
REPLICAS: Final[dict[str, str]] = {
    "node": "string",
    "provider": "string",
    "read": "int64",
    "store_incarnation": "string",
    "role": "string",
    "epoch": "int64",
    "promised_epoch": "int64",
    "commit_index": "int64",
    "applied_index": "int64",
    "first_index": "int64",
    "digest": "string",
    "read_ns": "int64",
}

ACCOUNT_FILLS: Final[dict[str, str]] = {  # what clients were told through each entry point
    "through": "string",
    "account": "string",
    "exec_id": "string",
    "order_id": "string",
    "client_order_id": "string",
    "instrument": "string",
    "side": "string",
    "quantity": "int64",
    "price": "int64",
}

ACCOUNT_POSITIONS: Final[dict[str, str]] = {
    "through": "string",
    "account": "string",
    "instrument": "string",
    "amount": "int64",
    "sequence": "int64",
}

QUOTES: Final[dict[str, str]] = {
    "provider": "string",
    "instrument": "string",
    "kind": "string",
    "published_ns": "int64",
    "source_sequence": "int64",
    "valuation_ns": "int64",
    "model_version": "string",
    "inputs_hash": "string",
    "mark": "float64",
    "index": "float64",
    "index_age_ns": "int64",
    "surface_age_ns": "int64",
    "forward": "float64",
    "strike": "float64",
    "volatility": "float64",
    "expiry_years": "float64",
    "basis": "float64",
}

# Made from the journal alone.
LEADERSHIP: Final[dict[str, str]] = {
    "at_ns": "int64",
    "seen_ns": "int64",
    "service": "string",
    "provider": "string",
    "kind": "string",
    "epoch": "Int64",
    "promised_epoch": "Int64",
    "candidate": "string",
    "first_index": "Int64",
    "last_index": "Int64",
    "reason": "string",
}

FAULTS: Final[dict[str, str]] = {
    "fault_id": "string",
    "fault": "string",
    "targets": "string",  # joined by spaces
    "primary": "string",  # provider that led at the onset
    "epoch": "Int64",
    "asked_ns": "int64",
    "first_effect_ns": "int64",
    "last_effect_ns": "int64",
    "lifted_ns": "Int64",
    "convincing": "boolean",  # at least one convincing fact, and none that speaks against it
    "failed": "string",
}

TABLES: Final[dict[str, dict[str, str]]] = {
    "operations": OPERATIONS,
    "entries": ENTRIES,
    "marks": MARKS,
    "executions": EXECUTIONS,
    "orders": ORDERS,
    "balances": BALANCES,
    "replicas": REPLICAS,
    "account_fills": ACCOUNT_FILLS,
    "account_positions": ACCOUNT_POSITIONS,
    "quotes": QUOTES,
    "instruments": INSTRUMENTS,
}

OPTIONAL: Final[dict[str, frozenset[str]]] = {"entries": frozenset({"refusal"})}
"""By table, the columns that older runs don't have: absent, they read as missing."""
