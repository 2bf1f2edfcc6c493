"""Which orders the committed log holds, for those who ask whether books and answers agree with it."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import first_of_group, is_member, lookup, ordered
from harness.checks.integrity.readings import Reading
from harness.checks.view import Bools, Ints, View

_NEVER = np.iinfo(np.int64).max


def logged_orders(view: View, reading: Reading) -> Ints:
    """The `new` entries that a reading had committed and applied, as rows of `entries`."""
    index = view.ints("entries", "index")
    return np.flatnonzero(
        (view.reading("entries") == reading.code)
        & view.equals("entries", "type", "new")
        & (index <= min(reading.commit_index, reading.applied_index))
        & (view.order_key("entries") >= 0)
    )


def binding_orders(view: View, reading: Reading) -> Ints:
    """The logged orders that must be on the books, as rows of `entries`: all but those whose id was closed before they came.

    A venue that closes an id although its order is in the log has lost that order, so a later closing excuses nothing.
    """
    rows = logged_orders(view, reading)
    closed_at = _closed_at(view, reading, view.order_key("entries")[rows])
    return rows[view.ints("entries", "index")[rows] < closed_at]


def refused_to_clients(view: View) -> Bools:
    """Which operations sent an order of which its client was told that it is refused, and never anything else."""
    keys = view.order_key("operations")
    new = view.equals("operations", "kind", "new")
    refused = new & view.equals("operations", "outcome", "fail")
    return np.asarray(refused & ~is_member(keys, keys[new & ~refused]))


def _closed_at(view: View, reading: Reading, keys: Ints) -> Ints:
    """For each order key the entry that closed it on this replica; beyond all entries when none did."""
    rows = np.flatnonzero(
        (view.reading("executions") == reading.code) & view.equals("executions", "type", "closed")
    )
    closed, index = view.order_key("executions")[rows], view.ints("executions", "index")[rows]
    order = ordered(closed, index)
    earliest = order[first_of_group(closed[order])]
    return lookup(keys, closed[earliest], index[earliest], absent=_NEVER)
