"""Writes a run's tables from what its processes left behind; the one place where records become history."""

from __future__ import annotations

from harness.history.folder import RunFolder
from harness.history.instrument_table import instruments_table
from harness.history.operation_table import operations_table, read_records
from harness.history.parquet import write_table
from harness.history.quote_table import quotes_table
from harness.history.replica_tables import account_tables, replica_tables
from harness.observe.files import read_accounts, read_instruments, read_quotes, read_replicas


def write_tables(folder: RunFolder, *, origin_mono_ns: int) -> None:
    """Make every table of the history; `origin_mono_ns` is the run's origin on the host's clock."""
    path = folder.path
    frames = {
        "operations": operations_table(read_records(path), origin_mono_ns=origin_mono_ns),
        "quotes": quotes_table(read_quotes(path), origin_mono_ns=origin_mono_ns),
        **replica_tables(read_replicas(path), origin_mono_ns=origin_mono_ns),
        **account_tables(read_accounts(path)),
    }
    if (instruments := read_instruments(path)) is not None:
        frames["instruments"] = instruments_table(instruments)
    for name, frame in frames.items():
        write_table(folder, name, frame)
