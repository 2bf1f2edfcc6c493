"""DataFrames with exactly the declared columns and types, so that no check has to guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import pandas as pd

Columns = Mapping[str, str]
"""Column name to pandas dtype, in order: the declarations of `harness.history.columns`."""


class SchemaMismatch(ValueError):
    """A table whose columns or values are not those that are declared; the message names the column."""


def make_frame(columns: Columns, values: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """A frame of the declared columns, given as sequences of one length; one that is not given is missing values.

    Raises `SchemaMismatch` for a column that is not declared, a value of another type, and a missing one that may not be.
    """
    length = max((len(column) for column in values.values()), default=0)
    if unknown := sorted(set(values) - set(columns)):
        raise SchemaMismatch(f"unknown column {unknown[0]!r}; declared are {', '.join(columns)}")
    return pd.DataFrame(
        {
            name: _array(name, dtype, values[name]) if name in values else _missing(name, dtype, length)
            for name, dtype in columns.items()
        }
    )


def frame_of_rows(columns: Columns, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A frame of rows given as mappings; absent keys are missing values. For small tables. Raises `SchemaMismatch`."""
    kept = list(rows)
    present = dict.fromkeys(name for row in kept for name in row)
    return make_frame(columns, {name: [row.get(name) for row in kept] for name in present})


def frame_of_structs(columns: Columns, structs: Sequence[Any], given: Mapping[str, Any]) -> pd.DataFrame:
    """A frame of objects whose attributes are named as the columns; `given` has the columns that they lack.

    A scalar in `given` holds for every row. Raises `AttributeError` for a column that neither has, `SchemaMismatch` for a
    value of another type.
    """
    values: dict[str, Sequence[Any]] = {}
    for name in columns:
        if name not in given:
            values[name] = list(map(attrgetter(name), structs))
        elif isinstance(given[name], Sequence) and not isinstance(given[name], str):
            values[name] = given[name]
        else:
            values[name] = [given[name]] * len(structs)
    return make_frame(columns, values)


def empty_frame(columns: Columns) -> pd.DataFrame:
    """A frame without rows, with the declared types."""
    return make_frame(columns, {name: [] for name in columns})


def concat_frames(columns: Columns, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Frames of one declaration, one below the other, with rows numbered anew."""
    full = [frame for frame in frames if len(frame)]
    if not full:
        return empty_frame(columns)
    return pd.concat(full, ignore_index=True)


def conform(columns: Columns, frame: pd.DataFrame, *, optional: frozenset[str] = frozenset()) -> pd.DataFrame:
    """The frame with the declared order and types; raises `SchemaMismatch` where it cannot be had.

    Of the `optional` columns those that the frame lacks are added, with nothing but missing values.
    """
    absent = [name for name in columns if name not in frame.columns]
    if required := [name for name in absent if name not in optional]:
        raise SchemaMismatch(f"the column {required[0]!r} is absent")
    added = {name: _missing(name, columns[name], len(frame)) for name in absent}
    kept = frame.assign(**added)[list(columns)]
    if all(str(kept[name].dtype) == dtype for name, dtype in columns.items()):
        return kept
    try:
        return kept.astype(dict(columns))
    except (TypeError, ValueError) as error:
        raise SchemaMismatch(f"a column has another type than declared: {error}") from error


def _array(name: str, dtype: Any, values: Any) -> Any:
    try:
        return pd.array(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise SchemaMismatch(f"column {name!r} is declared {dtype}: {error}") from error


def _missing(name: str, dtype: str, length: int) -> Any:
    if dtype == "int64" and length:
        raise SchemaMismatch(f"column {name!r} may not be missing")
    return _array(name, dtype, [None] * length)
