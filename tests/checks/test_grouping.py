from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks.examples.sound import sound
from harness.checks.grouping import first_of_group, group_sums, lookup, ordered, pack
from harness.checks.view import MISSING, view

SMALL = st.lists(st.tuples(st.integers(0, 5), st.integers(-9, 9)), max_size=40)


@given(SMALL)
def test_sums_by_key(rows: list[tuple[int, int]]) -> None:
    keys, values = (np.array([row[at] for row in rows], dtype=np.int64) for at in (0, 1))
    want: Counter[int] = Counter()
    for key, value in rows:
        want[key] += value
    found, sums = group_sums(keys, values)
    assert dict(zip(found.tolist(), sums.tolist(), strict=True)) == {key: want[key] for key, _ in rows}


@given(SMALL)
def test_groups_begin_where_a_key_changes(rows: list[tuple[int, int]]) -> None:
    keys, values = (np.array([row[at] for row in rows], dtype=np.int64) for at in (0, 1))
    order = ordered(keys, values)
    assert [(keys[at], values[at]) for at in order] == sorted(rows)
    assert first_of_group(keys[order], values[order]).sum() == len(set(rows))


def test_lookup() -> None:
    known, values = np.array([30, 10, 20]), np.array([3, 1, 2])
    assert lookup(np.array([10, 25, 30, 99]), known, values, absent=-1).tolist() == [1, -1, 3, -1]
    assert lookup(np.array([1]), known[:0], values[:0], absent=7).tolist() == [7]


def test_packing_refuses_what_does_not_fit() -> None:
    assert pack(np.array([2]), np.array([3])).tolist() == [11]
    with pytest.raises(OverflowError):
        pack(np.array([2**61]), np.array([2**10]))


def test_views_number_text_alike_in_all_tables() -> None:
    seen = view(sound().run())
    assert view(seen.run) is seen
    assert seen.size("instrument") == len(
        {seen.text("instrument", code) for code in range(seen.size("instrument"))}
    )
    m1 = int(seen.order_key("orders")[0])
    assert seen.order_name(m1) == "mia/m1"
    assert (seen.order_key("entries") == m1).sum() == 6
    assert (seen.order_key("operations") == m1).sum() == 1
    assert seen.order_key("balances" if False else "entries")[0] == -1
    assert seen.text("account", -1) == ""
    assert seen.ints("entries", "quantity")[0] == MISSING
    assert seen.codes("executions", "order_id")[-1] >= 0
    assert seen.text("operations.state", int(seen.codes("operations", "state")[0])) == "open"
    assert not seen.equals("entries", "account", "mia")[0]
    assert seen.reading_name(int(seen.reading("entries")[0])) == "engine-alpha (reading 1)"
