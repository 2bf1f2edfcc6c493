"""Tables on disk: written whole or not at all, and recognised when they are not whole."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.history.columns import TABLES
from harness.history.folder import RunFolder, write_atomically
from harness.history.frames import Columns, SchemaMismatch, conform


class TableUnreadable(ValueError):
    """A table that is torn or foreign; the message says which file, and why."""


def write_table(folder: RunFolder, name: str, frame: pd.DataFrame) -> Path:
    """Write one of the history's tables into a run's folder, whole or not at all, and return its path.

    Raises `KeyError` for a table that there is not, `SchemaMismatch` for a frame without the declared columns.
    """
    table = pa.Table.from_pandas(conform(TABLES[name], frame), preserve_index=False)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    path = folder.table(name)
    write_atomically(path, buffer.getvalue())
    return path


def read_table(path: Path, columns: Columns, *, optional: frozenset[str] = frozenset()) -> pd.DataFrame:
    """Read a table; `optional` columns may be absent from the file and are then missing values.

    Raises `FileNotFoundError`, or `TableUnreadable` for what is torn or foreign.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        frame = pq.read_table(path, partitioning=None, memory_map=True).to_pandas()
        return conform(columns, frame, optional=optional)
    except (pa.ArrowException, OSError) as error:
        raise TableUnreadable(f"{path.name} is torn or no Parquet file: {error}") from error
    except SchemaMismatch as error:
        raise TableUnreadable(f"{path.name} was written by another harness: {error}") from error
