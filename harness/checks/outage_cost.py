"""What an outage cost: the longest silence, the time without service, and the orders that got no answer or a late one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from harness.checks.availability import counts_from_ns
from harness.checks.downtime import downtime, edges_ns, never_ended, silence_ns
from harness.checks.looks import look_gap_ns
from harness.checks.probes import DEADLINE_NS, NEVER, Stream
from harness.checks.view import MISSING, View
from harness.model.units import counted, format_ns
from harness.model.verdicts import Figure

AT_LEAST: Final = "at least: it never ended"

GIVE_UP_NS: Final = 2_000_000_000
"""How long clients wait for an answer, from when an order was due: the `wait_ns` of their policies. It stands in for the end
of an order that nobody recorded."""


def outage_cost(seen: View, worst: Stream, working: Iterable[Stream]) -> tuple[Figure, ...]:
    """From the first effect of the first fault to the end of the run, whichever fault was the worst.

    `longest_gap` is of the worst stream, `downtime` of whichever stream that should work was without service for longest.
    Orders are those of the order flow alone: probes of a dead gateway can't be answered, and say nothing of clients.
    """
    onset_ns = counts_from_ns(seen.run)
    return (_longest_gap(worst, onset_ns), _downtime(working, onset_ns), *_orders(seen, onset_ns))


def _longest_gap(stream: Stream, onset_ns: int) -> Figure:
    """Between two acknowledgements; the service can have been there at either end, as long as nobody looked.

    A gap that no acknowledgement ended is at least as long as probes were due.
    """
    edges = edges_ns(stream, stream.completed_ns != NEVER, onset_ns=onset_ns)
    place = int(np.diff(edges).argmax())
    begins, ends = int(edges[place]), int(edges[place + 1])
    if never_ended(edges, place):
        return Figure("longest_gap", _ms(ends - begins), "ms", samples=1, note=AT_LEAST)
    slack = min(ends - begins, look_gap_ns(stream, begins) + look_gap_ns(stream, ends))
    return Figure("longest_gap", _ms(ends - begins), "ms", _ms(slack), samples=1, one_sided=True)


def _downtime(working: Iterable[Stream], onset_ns: int) -> Figure:
    every = [downtime(stream, onset_ns=onset_ns) for stream in working]
    most = max(every, key=lambda one: (one.total_ns, one.stream.name))
    silences = counted(most.silences, "silence") if most.silences else "no silence"
    note = f"at {most.stream.name}, {silences} over {format_ns(silence_ns(most.stream))}"
    if most.alone:
        note += f" and {counted(most.alone, 'probe')} missed between"
    if not most.ended:
        note += f"; {AT_LEAST}"
    return Figure("downtime", _ms(most.total_ns), "ms", _ms(most.slack_ns), 1, note, one_sided=most.one_sided)


def _orders(seen: View, onset_ns: int) -> tuple[Figure, Figure]:
    """Of the orders that were due since the onset, and of those that were in flight then."""
    due_ns, completed_ns = (seen.ints("operations", name) for name in ("intended_ns", "completed_ns"))
    flow = seen.equals("operations", "purpose", "flow") & seen.asks()
    over_ns = np.where(completed_ns == MISSING, due_ns + GIVE_UP_NS, completed_ns)
    orders = flow & ((due_ns >= onset_ns) | (over_ns > onset_ns))
    unknown = orders & seen.equals("operations", "outcome", "info")
    late = orders & seen.equals("operations", "outcome", "ok") & (completed_ns - due_ns > DEADLINE_NS)
    count = int(orders.sum())
    never = "no answer before the client gave up"
    return (
        Figure("failed_orders", float(unknown.sum()), "orders", samples=count, note=never),
        Figure(
            "late_orders",
            float(late.sum()),
            "orders",
            samples=count,
            note=f"later than {format_ns(DEADLINE_NS)}",
        ),
    )


def _ms(value_ns: int) -> float:
    return round(value_ns / 1e6, 3)
