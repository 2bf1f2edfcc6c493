"""The history's tables: how they are made, written and read. One import for whoever records a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from harness.history.folder import RunFolder
from harness.history.instrument_table import instruments_table
from harness.history.journal_tables import faults_table, leadership_table
from harness.history.operation_table import operations_table, read_records
from harness.history.parquet import TableUnreadable, read_table, write_table
from harness.history.quote_table import quotes_table
from harness.history.replica_tables import account_tables, replica_tables
from harness.model.instrument import Instrument
from harness.model.quotes import QuoteBatch
from harness.model.replica import AccountReport, ReplicaDump

__all__ = [
    "TableUnreadable",
    "account_tables",
    "collected_tables",
    "faults_table",
    "instruments_table",
    "leadership_table",
    "operations_table",
    "quotes_table",
    "read_records",
    "read_table",
    "replica_tables",
    "write_table",
    "write_tables",
]


def collected_tables(
    *,
    origin_mono_ns: int,
    records: Path | None = None,
    dumps: Iterable[ReplicaDump] | None = None,
    reports: Iterable[AccountReport] | None = None,
    batches: Iterable[QuoteBatch] | None = None,
    instruments: Iterable[Instrument] | None = None,
) -> dict[str, pd.DataFrame]:
    """Every table that can be made from what was collected; what is None leaves its tables out.

    `records` is the folder with the load generators' files.
    """
    tables: dict[str, pd.DataFrame] = {}
    if records is not None:
        tables["operations"] = operations_table(read_records(records), origin_mono_ns=origin_mono_ns)
    if dumps is not None:
        tables |= replica_tables(dumps, origin_mono_ns=origin_mono_ns)
    if reports is not None:
        tables |= account_tables(reports)
    if batches is not None:
        tables["quotes"] = quotes_table(batches, origin_mono_ns=origin_mono_ns)
    if instruments is not None:
        tables["instruments"] = instruments_table(instruments)
    return tables


def write_tables(folder: RunFolder, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables into a run's folder, each whole or not at all."""
    for name, frame in tables.items():
        write_table(folder, name, frame)
