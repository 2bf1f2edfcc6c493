"""Every bit, every length and every row of what a store's tables hold, changed by SQL: the pages around them are sound."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trading_stack.journal.files import FILE, WAL

KEYS: Final = {"entries": "idx", "meta": "one", "snapshot": "part"}
INT_BITS: Final = 64

Value = int | bytes


@dataclass(frozen=True)
class Record:
    """One statement to the database."""

    what: str
    statement: str
    values: tuple[Value, ...] = ()

    def __str__(self) -> str:
        return self.what

    def of(self, files: dict[str, bytes]) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as name:
            _put(files, Path(name))
            with closing(sqlite3.connect(Path(name) / FILE, isolation_level=None)) as database:
                database.execute(self.statement, self.values)
            data = (Path(name) / FILE).read_bytes()
        return {file: data if file == FILE else other for file, other in files.items() if file != WAL}


def records(files: dict[str, bytes]) -> Iterator[Record]:
    """All single changes: a bit flipped, a value cut, a row away, one more row, a value of another type."""
    with tempfile.TemporaryDirectory() as name:
        _put(files, Path(name))
        with closing(sqlite3.connect(Path(name) / FILE)) as database:
            tables = {table: database.execute(f"SELECT * FROM {table}") for table in KEYS}
            content = {
                table: ([column[0] for column in found.description], found.fetchall())
                for table, found in tables.items()
            }
    for table, (columns, rows) in content.items():
        key = KEYS[table]
        others = ", ".join(columns[1:])
        for row in rows:
            where = f"{table} {row[0]}"
            yield Record(f"{where} away", f"DELETE FROM {table} WHERE {key} = ?", (row[0],))
            again = f"INSERT OR REPLACE INTO {table} SELECT {key} + ?, {others} FROM {table} WHERE {key} = ?"
            yield Record(f"{where} copied to the next", again, (1, row[0]))
            yield Record(f"{where} copied far away", again, (1000, row[0]))
            for column, value in zip(columns, row, strict=True):
                statement = f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {key} = ?"
                yield from _values(f"{where} {column}", statement, value, row[0])


def _values(where: str, statement: str, value: Value, key: int) -> Iterator[Record]:
    if isinstance(value, int):
        for bit in range(INT_BITS):
            flipped = ((value ^ 1 << bit) + (1 << 63)) % (1 << 64) - (1 << 63)
            yield Record(f"{where}: bit {bit}", statement, (flipped, key))
        return
    for at, byte in enumerate(value):
        yield Record(f"{where} cut to {at}", statement, (value[:at], key))
        for bit in range(8):
            flipped_bytes = value[:at] + bytes([byte ^ 1 << bit]) + value[at + 1 :]
            yield Record(f"{where}: bit {bit} of {at}", statement, (flipped_bytes, key))
    yield Record(f"{where} as text", statement.replace("= ?", "= CAST(? AS TEXT)", 1), (value, key))


def _put(files: dict[str, bytes], directory: Path) -> None:
    for file in (FILE, WAL):
        (directory / file).write_bytes(files[file])
