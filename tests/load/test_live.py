from __future__ import annotations

from harness.load.live import LiveProbes, ProbeCount
from harness.model.operations import Fail, Info, NewOrder, Ok, Reply, Side
from harness.model.record import Completed, Invoked, OperationRecord

EVERY_NS = 20 * 10**6
MS = 10**6
ORDER = NewOrder("a", "b", "c", Side.BUY, 1)


def probe(
    op: int, *, due_ms: int, reply: Reply, took_ms: int = 5, purpose: str = "probe"
) -> list[OperationRecord]:
    return [
        Invoked(op, "probes", "c", purpose, "alpha", "alpha", due_ms * MS, due_ms * MS, ORDER),
        Completed(op, (due_ms + took_ms) * MS, "alpha", "alpha", 1, "ok", reply),
    ]


def test_outcomes_are_told_apart() -> None:
    live = LiveProbes(every_ns=EVERY_NS)
    live.feed(probe(1, due_ms=0, reply=Ok()))
    live.feed(probe(2, due_ms=20, reply=Ok(), took_ms=300))
    live.feed(probe(3, due_ms=40, reply=Fail("no")))
    live.feed(probe(4, due_ms=60, reply=Info("?")))
    counts = live.counts(from_ns=0, to_ns=100 * MS, deadline_ns=250 * MS)
    assert counts == {"alpha": ProbeCount(scheduled=5, on_time=1, late=1, failed=1, unknown=1)}
    assert counts["alpha"].availability == 0.2


def test_a_probe_that_was_never_recorded_still_counts_as_due() -> None:
    """Planted: counting records alone would call a dark gateway fully available."""
    live = LiveProbes(every_ns=EVERY_NS)
    live.feed(probe(1, due_ms=0, reply=Ok()))
    counts = live.counts(from_ns=1000 * MS, to_ns=2000 * MS, deadline_ns=250 * MS)
    assert counts["alpha"] == ProbeCount(scheduled=50, on_time=0, late=0, failed=0, unknown=0)
    assert counts["alpha"].availability == 0


def test_a_window_before_the_first_probe_expects_nothing() -> None:
    live = LiveProbes(every_ns=EVERY_NS)
    live.feed(probe(1, due_ms=1000, reply=Ok()))
    counts = live.counts(from_ns=0, to_ns=1000 * MS, deadline_ns=250 * MS)
    assert counts["alpha"].scheduled == 0
    assert counts["alpha"].availability == 1


def test_order_flow_is_no_probe_and_the_moving_client_is_its_own_stream() -> None:
    live = LiveProbes(every_ns=EVERY_NS)
    live.feed(probe(1, due_ms=0, reply=Ok(), purpose="flow"))
    live.feed(probe(2, due_ms=0, reply=Ok(), purpose="reconnect"))
    assert list(live.counts(from_ns=0, to_ns=20 * MS, deadline_ns=250 * MS)) == ["reconnect"]


def test_what_is_long_over_is_forgotten() -> None:
    live = LiveProbes(every_ns=EVERY_NS, keep_ns=100 * MS)
    for number in range(20):
        live.feed(probe(number, due_ms=20 * number, reply=Ok()))
    counts = live.counts(from_ns=0, to_ns=400 * MS, deadline_ns=250 * MS)["alpha"]
    assert counts.scheduled == 20
    assert counts.on_time == 6
