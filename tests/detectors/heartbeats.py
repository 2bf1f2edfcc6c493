"""Short traces written by hand, and a slow evaluation to compare with: one object, one event at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from harness.detectors.contract import Detector, suspects
from harness.detectors.quality import NEVER
from harness.detectors.trace import Life, Trace, ints

MS = 1_000_000
HEARTBEAT = 20 * MS


def life(
    heard_ms: Sequence[float],
    *,
    ended_ms: float,
    died_ms: float | None = None,
    sequence: Sequence[int] | None = None,
    lags_ms: Sequence[tuple[float, float]] = (),
    sender: str = "",
) -> Life:
    """A life in milliseconds; lags as (from, until)."""
    return Life(
        heard_ns=ints([round(at * MS) for at in heard_ms]),
        sequence=ints(sequence if sequence is not None else range(len(heard_ms))),
        until_ns=ints([round(until * MS) for _, until in lags_ms]),
        lag_ns=ints([round((until - begin) * MS) for begin, until in lags_ms]),
        died_ns=None if died_ms is None else round(died_ms * MS),
        ended_ns=round(ended_ms * MS),
        sender=sender,
    )


def trace(*lives: Life, heartbeat_ns: int = HEARTBEAT) -> Trace:
    return Trace("by hand", "written by hand", heartbeat_ns, lives)


@dataclass(slots=True)
class Seen:
    """What a slow walk through one life saw: suspicions as (from, until), and the one that was open at the end."""

    suspicions: list[tuple[int, int]]
    open_ns: int | None

    def mistakes_ns(self, one: Life) -> list[int]:
        died = one.ended_ns if one.died_ns is None else one.died_ns
        return [min(end, died) - begin for begin, end in self.suspicions if begin < died]

    def detection_ns(self, one: Life) -> int:
        assert one.died_ns is not None
        return NEVER if self.open_ns is None else max(0, self.open_ns - one.died_ns)


def walk(one: Life, detector: Detector) -> Seen:
    """Tell a detector what its watcher noted, and ask it whenever the answer could change while the watcher runs."""
    lags = list(zip((one.until_ns - one.lag_ns).tolist(), one.until_ns.tolist(), strict=True))
    moments = [(until, 0, until - begin) for begin, until in lags]
    moments += [
        (at, 1, number) for at, number in zip(one.heard_ns.tolist(), one.sequence.tolist(), strict=True)
    ]
    since: int | None = None
    found: list[tuple[int, int]] = []
    before = int(one.heard_ns[0])
    in_time = [moment for moment in sorted(moments) if moment[0] <= one.ended_ns]
    for at, what, value in [*in_time, (one.ended_ns, 2, 0)]:
        deadline = detector.deadline_ns
        if since is None and deadline is not None and deadline < at:
            moment = max(deadline, before)
            if not any(begin <= moment < until for begin, until in lags):
                since = moment
        before = at
        if what == 2:
            break
        if what == 0:
            detector.lagged(value, at)
        else:
            detector.heard(value, at)
        if since is not None and not suspects(detector, at):
            found.append((since, at))
            since = None
        elif since is None and suspects(detector, at):
            since = at
    if since is not None:
        found.append((since, one.ended_ns))
    kept = [(begin, end) for begin, end in found if begin < end]
    return Seen(kept, since if kept and since is not None and since < one.ended_ns else None)


@st.composite
def lives(draw: st.DrawFn, *, dead: bool | None = None) -> Life:
    """Lives of up to some forty heartbeats, with losses, delays, own lags (in which nothing is heard) and a death."""
    count = draw(st.integers(1, 40))
    gaps = draw(st.lists(st.sampled_from([1, 1, 1, 1, 2, 3, 8]), min_size=count, max_size=count))
    delays = draw(st.lists(st.integers(0, 90_000), min_size=count, max_size=count))
    slots, heard, slot, latest = [], [], 0, 0
    for gap, delay in zip(gaps, delays, strict=True):
        slot += gap
        latest = max(latest + 1, slot * HEARTBEAT + delay * 1000)
        slots.append(slot)
        heard.append(latest)
    spans = _spans(draw(st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(1, 200_000)), max_size=5)))
    heard = _put_off(heard, spans)
    died = (
        heard[-1] + draw(st.integers(-30, 40)) * MS
        if (draw(st.booleans()) if dead is None else dead)
        else None
    )
    died = None if died is None else max(died, heard[0] + 1)
    ended = max(heard[-1], died or 0) + draw(st.integers(1, 900)) * MS
    kept = [(begin, until) for begin, until in spans if until > heard[0]]
    return Life(
        ints(heard),
        ints(slots),
        ints([until for _, until in kept]),
        ints([u - b for b, u in kept]),
        died,
        ended,
    )


def _spans(drawn: list[tuple[int, int]]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for begin_us, length_us in sorted(drawn):
        begin = begin_us * 1000
        if not spans or begin > spans[-1][1]:
            spans.append((begin, begin + length_us * 1000))
    return spans


def _put_off(heard: list[int], spans: list[tuple[int, int]]) -> list[int]:
    """What arrives while the watcher does not run is heard just after."""
    put_off, latest = [], 0
    for at in heard:
        later = next((until + 100 for begin, until in spans if begin <= at <= until), at)
        latest = max(latest + 1, later)
        put_off.append(latest)
    return put_off
