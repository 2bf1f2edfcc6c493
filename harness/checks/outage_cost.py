"""What an outage cost: the longest silence, the time without service, and the orders that got no answer or a late one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from harness.checks.downtime import downtime, silence_ns
from harness.checks.looks import look_gap_ns
from harness.checks.probes import DEADLINE_NS, NEVER, Stream
from harness.checks.view import View
from harness.model.events import FaultInjected
from harness.model.units import counted, format_ns
from harness.model.verdicts import Figure


def outage_cost(
    seen: View, fault: FaultInjected, worst: Stream, working: Iterable[Stream]
) -> tuple[Figure, ...]:
    """From the fault's first effect to the end of the run.

    `longest_gap` is of the worst stream, `downtime` of whichever stream that should work was without service for longest.
    Orders are those of the order flow alone: probes of a dead gateway can't be answered, and say nothing of clients.
    """
    return (
        _longest_gap(worst, fault.first_effect_ns),
        _downtime(fault, working),
        *_orders(seen, fault),
    )


def _longest_gap(stream: Stream, onset_ns: int) -> Figure:
    """Between two acknowledgements; the service can have been there at either end, as long as nobody looked."""
    acked = np.unique(stream.completed_ns[stream.completed_ns != NEVER])
    around = acked[max(0, np.searchsorted(acked, onset_ns, side="right") - 1) :]
    if len(around) < 2:
        return Figure("longest_gap", 0.0, "ms", samples=0)
    place = int(np.diff(around).argmax())
    begins, ends = int(around[place]), int(around[place + 1])
    slack = min(ends - begins, look_gap_ns(stream, begins) + look_gap_ns(stream, ends))
    return Figure("longest_gap", _ms(ends - begins), "ms", _ms(slack), samples=1, one_sided=True)


def _downtime(fault: FaultInjected, working: Iterable[Stream]) -> Figure:
    every = [downtime(stream, onset_ns=fault.first_effect_ns) for stream in working]
    most = max(every, key=lambda one: (one.total_ns, one.stream.name))
    silences = counted(most.silences, "silence") if most.silences else "no silence"
    note = f"at {most.stream.name}, {silences} over {format_ns(silence_ns(most.stream))}"
    return Figure("downtime", _ms(most.total_ns), "ms", _ms(most.slack_ns), 1, note, one_sided=True)


def _orders(seen: View, fault: FaultInjected) -> tuple[Figure, Figure]:
    due_ns, completed_ns = (seen.ints("operations", name) for name in ("intended_ns", "completed_ns"))
    flow = seen.equals("operations", "purpose", "flow") & seen.equals("operations", "kind", "new")
    orders = flow & (due_ns >= fault.first_effect_ns)
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
