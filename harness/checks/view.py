"""The history's tables as arrays of integers, which is how checks go through millions of rows.

Text that identifies (accounts, order ids, …) is numbered once for all tables that speak of the same things; after that,
joining and grouping are integer work. Missing is -1 (for codes) or `MISSING` (for integers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from harness.history.run import Run
from harness.model.operations import RegisterKind

Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

MISSING: Final = np.iinfo(np.int64).min

_WITH_ACCOUNT: Final = (
    "operations",
    "entries",
    "executions",
    "orders",
    "balances",
    "account_fills",
    "account_positions",
)
_WITH_ORDERS: Final = ("operations", "entries", "executions", "orders", "account_fills")
_WITH_NODE: Final = ("entries", "marks", "executions", "orders", "balances", "replicas")
_DOMAINS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "account": tuple((table, "account") for table in _WITH_ACCOUNT),
    "client_order_id": tuple((table, "client_order_id") for table in _WITH_ORDERS),
    "order_id": (
        ("operations", "order_id"),
        ("executions", "order_id"),
        ("executions", "counter_order_id"),
        ("orders", "order_id"),
        ("account_fills", "order_id"),
    ),
    "exec_id": (("executions", "exec_id"), ("account_fills", "exec_id")),
    "instrument": tuple(
        (table, "instrument") for table in (*_WITH_ACCOUNT, "marks", "quotes", "instruments")
    ),
    "node": tuple((table, "node") for table in _WITH_NODE),
    "through": (("account_fills", "through"), ("account_positions", "through")),
    "side": tuple((table, "side") for table in _WITH_ORDERS),
    "order_type": tuple((table, "order_type") for table in ("operations", "entries")),
    "time_in_force": tuple((table, "time_in_force") for table in ("operations", "entries")),
}
_DOMAIN_OF: Final = {place: name for name, places in _DOMAINS.items() for place in places}


class View:
    """Arrays made from a run's tables, each once, with one element a row of the table. Use `view(run)`.

    Every method raises `KeyError` for a table or a column that there is not. Arrays are shared: never write into them.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._codes: dict[tuple[str, str], Ints] = {}
        self._values: dict[str, Sequence[str]] = {}
        self._made: dict[tuple[str, ...], Any] = {}

    def length(self, table: str) -> int:
        """How many rows a table has."""
        return len(self.run.table(table))

    def codes(self, table: str, column: str) -> Ints:
        """A number for each text, the same in every table of the column's domain; -1 where it is missing or empty."""
        place = (table, column)
        if place not in self._codes:
            self._number(_DOMAIN_OF.get(place, f"{table}.{column}"), place)
        return self._codes[place]

    def text(self, domain: str, code: int) -> str:
        """The text that a code stands for; a `domain` is a column's name, or `table.column` for one of its own."""
        return self._texts(domain)[code] if code >= 0 else ""

    def size(self, domain: str) -> int:
        """How many different texts a domain has."""
        return len(self._texts(domain))

    def ints(self, table: str, column: str) -> Ints:
        """An integer column; `MISSING` where there is none."""
        key = ("ints", table, column)
        if key not in self._made:
            series = self.run.table(table)[column]
            if str(series.dtype) == "int64":
                self._made[key] = series.to_numpy()
            else:
                self._made[key] = series.to_numpy(dtype="int64", na_value=MISSING)
        made: Ints = self._made[key]
        return made

    def equals(self, table: str, column: str, text: str) -> Bools:
        """Where a text column has exactly this value; missing has none."""
        key = ("equals", table, column, text)
        if key not in self._made:
            found = pc.fill_null(pc.equal(_arrow(self.run, table, column), text), fill_value=False)
            self._made[key] = found.to_numpy(zero_copy_only=False)
        made: Bools = self._made[key]
        return made

    def asks(self) -> Bools:
        """Where an operation asks the stack for work: a new order, or anything on a register."""
        key = ("asks",)
        if key not in self._made:
            kinds = ("new", *RegisterKind)
            self._made[key] = np.logical_or.reduce(
                [self.equals("operations", "kind", kind) for kind in kinds]
            )
        made: Bools = self._made[key]
        return made

    def flags(self, table: str, column: str) -> Bools:
        """Where a column of truth values is true; missing is not."""
        key = ("flags", table, column)
        if key not in self._made:
            self._made[key] = self.run.table(table)[column].to_numpy(dtype=np.bool_, na_value=False)
        made: Bools = self._made[key]
        return made

    def missing(self, table: str, column: str) -> Bools:
        """Where a column has no value at all (an empty text is one)."""
        key = ("missing", table, column)
        if key not in self._made:
            self._made[key] = self.run.table(table)[column].isna().to_numpy()
        made: Bools = self._made[key]
        return made

    def order_key(self, table: str) -> Ints:
        """One number for each pair of account and client order id, the same in every table; -1 where one is missing."""
        key = ("order_key", table)
        if key not in self._made:
            account, coid = self.codes(table, "account"), self.codes(table, "client_order_id")
            combined = account * self.size("client_order_id") + coid
            combined[(account < 0) | (coid < 0)] = -1
            self._made[key] = combined
        made: Ints = self._made[key]
        return made

    def order_name(self, key: int) -> str:
        """The account and client order id of an order key (not -1), for people: `account/client order id`."""
        account, coid = divmod(int(key), self.size("client_order_id"))
        return f"{self.text('account', account)}/{self.text('client_order_id', coid)}"

    def reading(self, table: str) -> Ints:
        """One number for each reading of each replica, the same in every table."""
        key = ("reading", table)
        if key not in self._made:
            self._made[key] = self.codes(table, "node") * READS + self.ints(table, "read")
        made: Ints = self._made[key]
        return made

    def reading_name(self, reading: int) -> str:
        """Which replica, and which of its readings, for people: `node (reading n)`."""
        node, read = divmod(int(reading), READS)
        return f"{self.text('node', node)} (reading {read})"

    def _texts(self, domain: str) -> Sequence[str]:
        if domain not in self._values:
            table, _, column = domain.partition(".")
            self._number(domain, _DOMAINS[domain][0] if domain in _DOMAINS else (table, column))
        return self._values[domain]

    def _number(self, domain: str, place: tuple[str, str]) -> None:
        places = _DOMAINS.get(domain, (place,))
        columns = [_arrow(self.run, *one) for one in places]
        chunks = [chunk for column in columns for chunk in column.chunks]
        encoded = pc.dictionary_encode(pa.chunked_array(chunks, type=pa.large_string())).combine_chunks()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = pa.chunked_array(encoded.chunks).combine_chunks()
        values = encoded.dictionary.to_pylist()
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        if "" in values:
            codes[codes == values.index("")] = -1
        start = 0
        for one, column in zip(places, columns, strict=True):
            self._codes[one] = codes[start : start + len(column)]
            start += len(column)
        self._values[domain] = values


READS: Final = 1_000
"""More readings of one replica than any run makes."""


def view(run: Run) -> View:
    """The run's view, shared by all checks that judge it."""
    found = run.cache.get("view")
    if not isinstance(found, View):
        found = run.cache["view"] = View(run)
    return found


def _arrow(run: Run, table: str, column: str) -> Any:
    array = pa.array(run.table(table)[column].array)
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    return chunked.cast(pa.large_string())
