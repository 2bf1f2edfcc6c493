"""O13: price-time priority, across failovers, by an independent matcher; and the book is never crossed."""

from __future__ import annotations

import numpy as np

from harness.checks.grouping import first_of_group, lookup, ordered
from harness.checks.integrity.replay import replayed
from harness.checks.predicate import Found, Predicate, Violations
from harness.checks.view import MISSING, Bools, Ints, View
from harness.model.verdicts import Evidence


def judge(view: View) -> Found:
    """Each replica's trades against the reference matcher's, entry by entry; then the resting orders themselves."""
    reference = replayed(view)
    violations = Violations()
    judged = reference.entries
    wanted = np.array(
        [(fill.entry, fill.maker, fill.quantity, fill.price) for fill in reference.fills], dtype=np.int64
    ).reshape(-1, 4)
    for reading, applied in sorted(reference.applied.items()):
        actual = _makers(view, reading, reference.source)
        _trades(view, reading, actual[actual[:, 0] <= applied], wanted[wanted[:, 0] <= applied], violations)
    resting = np.flatnonzero(
        view.equals("orders", "state", "open") & (view.ints("orders", "price") != MISSING)
    )
    _queues(view, resting, violations)
    _crossed(view, resting, violations)
    traded = bool(view.equals("executions", "type", "filled").any())
    unknown = reference.unknown or ("" if traded else "nothing was traded, so no priority was used")
    return violations.found(judged + len(resting), unknown=unknown)


def _trades(view: View, reading: int, actual: Ints, wanted: Ints, violations: Violations) -> None:
    """Compare the makers of each entry's trades, in order, with quantity and price: rows (entry, maker, quantity, price)."""
    if actual.shape == wanted.shape and np.array_equal(actual, wanted):
        return
    wrong = _differing_entries(actual, wanted)
    violations.extend(len(wrong), (_difference(view, reading, index, actual, wanted) for index in wrong))


def _makers(view: View, reading: int, source: int) -> Ints:
    """Rows (entry, maker, quantity, price): the legs of trades that don't belong to the entry's own order.

    Entries are those of `source`, which has the same log from its first entry: this reading's may begin with a snapshot.
    """
    rows = np.flatnonzero(
        (view.reading("executions") == reading) & view.equals("executions", "type", "filled")
    )
    rows = rows[ordered(view.ints("executions", "index")[rows], view.ints("executions", "ordinal")[rows])]
    index, keys = view.ints("executions", "index")[rows], view.order_key("executions")[rows]
    entered = np.flatnonzero(view.equals("entries", "type", "new") & (view.reading("entries") == source))
    takers = lookup(
        index, view.ints("entries", "index")[entered], view.order_key("entries")[entered], absent=-1
    )
    rows = rows[keys != takers]
    columns = ("last_quantity", "last_price")
    return np.column_stack(
        (
            view.ints("executions", "index")[rows],
            view.order_key("executions")[rows],
            *(view.ints("executions", name)[rows] for name in columns),
        )
    )


def _differing_entries(actual: Ints, wanted: Ints) -> list[int]:
    """The entries whose trades differ, ascending."""
    both = []
    for trades in (actual, wanted):
        begins = first_of_group(trades[:, 0])
        starts = np.flatnonzero(begins)
        within = (
            np.arange(len(trades)) - starts[np.cumsum(begins) - 1]
            if len(trades)
            else np.zeros(0, dtype=np.int64)
        )
        both.append(np.column_stack((trades, within)))
    stacked = np.concatenate(both)
    _, inverse, counts = np.unique(stacked, axis=0, return_inverse=True, return_counts=True)
    return [int(index) for index in np.unique(stacked[counts[inverse.reshape(-1)] == 1, 0])]


def _difference(view: View, reading: int, index: int, actual: Ints, wanted: Ints) -> Evidence:
    told = [
        "; ".join(
            f"{quantity} at {price} with {view.order_name(int(maker))}"
            for _, maker, quantity, price in trades[trades[:, 0] == index].tolist()
        )
        or "nothing"
        for trades in (actual, wanted)
    ]
    text = (
        f"on {view.reading_name(reading)} entry {index} traded {told[0]}; by price and time it is {told[1]}"
    )
    return Evidence(text, None, (f"entries:{view.reading_name(reading)}:{index}",))


def _queues(view: View, resting: Ints, violations: Violations) -> None:
    """Resting orders of one side and price stand in the order in which the log accepted them."""
    priority = view.ints("orders", "priority")[resting]
    resting, priority = resting[priority != MISSING], priority[priority != MISSING]
    accepted = _accepted(view, resting)
    groups = (
        view.reading("orders")[resting],
        view.codes("orders", "instrument")[resting],
        view.equals("orders", "side", "buy")[resting].astype(np.int64),
        view.ints("orders", "price")[resting],
    )
    order = ordered(*groups, priority)
    begins = first_of_group(*(group[order] for group in groups))
    known = accepted[order] != MISSING
    overtaken = ~begins[1:] & known[1:] & known[:-1] & (accepted[order][1:] < accepted[order][:-1])
    for at in np.flatnonzero(overtaken):
        front, back = resting[order[at]], resting[order[at + 1]]
        names = [view.order_name(int(view.order_key("orders")[row])) for row in (front, back)]
        violations.add(
            f"on {view.reading_name(int(groups[0][order[at]]))} order {names[0]} (entry {accepted[order[at]]}) stands "
            f"before {names[1]} (entry {accepted[order[at + 1]]}) at one price"
        )


def _accepted(view: View, orders: Ints) -> Ints:
    """The entry of each order's first `new` in the log of the very replica that holds it; `MISSING` without one."""
    new = np.flatnonzero(view.equals("entries", "type", "new") & (view.order_key("entries") >= 0))
    new = new[np.argsort(view.ints("entries", "index")[new], kind="stable")]
    span = max(int(view.order_key(table).max(initial=0)) for table in ("entries", "orders")) + 1
    own = view.reading("entries")[new] * span + view.order_key("entries")[new]
    known, at = np.unique(own, return_index=True)
    held = view.reading("orders")[orders] * span + view.order_key("orders")[orders]
    return lookup(held, known, view.ints("entries", "index")[new][at], absent=MISSING)


def _crossed(view: View, resting: Ints, violations: Violations) -> None:
    """No bid rests at or above an ask."""
    groups = (
        view.reading("orders")[resting] * (view.size("instrument") + 1)
        + view.codes("orders", "instrument")[resting]
    )
    price = view.ints("orders", "price")[resting]
    buys = view.equals("orders", "side", "buy")[resting]
    for group in np.unique(groups):
        here: Bools = groups == group
        bids, asks = price[here & buys], price[here & ~buys]
        if len(bids) and len(asks) and bids.max() >= asks.min():
            reading, instrument = divmod(int(group), view.size("instrument") + 1)
            violations.add(
                f"on {view.reading_name(reading)} the book of {view.text('instrument', instrument)} is crossed: "
                f"{bids.max()} is bid and {asks.min()} asked"
            )


O13 = Predicate(
    "O13",
    "priority",
    "Orders trade by price, then by the order of their acceptance, also across a failover, as an independent matcher "
    "replays them; the book is never crossed.",
    ("executions", "orders", "entries", "replicas"),
    judge,
)
