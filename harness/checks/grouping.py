"""Grouping rows by integer keys, without a loop over the rows. Keys and values are arrays with one element a row."""

from __future__ import annotations

import numpy as np

from harness.checks.view import Bools, Ints


def ordered(*keys: Ints) -> Ints:
    """The numbers of the rows, ordered by the first key, then the second, and so on; stable. At least one key."""
    return np.lexsort(keys[::-1]).astype(np.int64, copy=False)


def first_of_group(*keys: Ints) -> Bools:
    """Where, in rows already ordered by the keys, a group of equal keys begins. At least one key."""
    if not len(keys[0]):
        return np.zeros(0, dtype=np.bool_)
    begins = np.zeros(len(keys[0]), dtype=np.bool_)
    begins[0] = True
    for key in keys:
        begins[1:] |= key[1:] != key[:-1]
    return begins


def group_sums(keys: Ints, values: Ints) -> tuple[Ints, Ints]:
    """The distinct keys, ascending, and the sum of each one's values, exactly as long as it fits in 64 bits."""
    if not len(keys):
        return keys, values
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    starts = np.flatnonzero(first_of_group(sorted_keys))
    return sorted_keys[starts], np.add.reduceat(values[order], starts)


def is_member(keys: Ints, of: Ints) -> Bools:
    """Which of the keys are among others, one element a key."""
    return np.isin(keys, of)


def lookup(keys: Ints, known: Ints, values: Ints, *, absent: int) -> Ints:
    """For each key the value that `known` (any order, unique) maps it to, or `absent`."""
    if not len(known):
        return np.full(len(keys), absent, dtype=np.int64)
    order = np.argsort(known, kind="stable")
    at = np.searchsorted(known, keys, sorter=order)
    at[at == len(known)] = 0
    hit = order[at]
    return np.where(known[hit] == keys, values[hit], absent)


def pack(high: Ints, low: Ints) -> Ints:
    """One key of two that are not negative: for joins. Raises `OverflowError` when they don't fit in 63 bits."""
    span = int(low.max(initial=0)) + 1
    if int(high.max(initial=0)) > (2**62) // span:
        raise OverflowError(f"keys up to {int(high.max())} and {span} don't fit together")
    return high * span + low
