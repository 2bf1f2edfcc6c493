"""How long a stream of probes went without service: its silences, and what single probes missed between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.checks.looks import look_gap_ns, looks_ns
from harness.checks.probes import NEVER, Stream
from harness.checks.view import Bools, Ints

SILENCE_NS: Final = 75_000_000
"""A shorter pause is no absence: services that work pause, too. In 1,816 s before any fault the longest pauses were 60.6 and
49.2 ms (708 streams in 177 runs, on two processors). An outage that is shorter shows in `failover_time` and `longest_gap`
alone; a stall of the host is overlooked up to the same length."""

LEAST_LOOKS: Final = 2
"""A silence in which fewer probes went out is none that they could tell."""


@dataclass(frozen=True, slots=True)
class Downtime:
    """What a stream missed.

    `total_ns` is an upper bound, less `slack_ns` at most, as long as it consists of `silences` alone. With `alone`, probes
    missed between them, it is off by `slack_ns` to either side: n of them in a row were an absence of n - 1 to n + 1 times
    their spacing. Unless `ended`, the last silence lasted longer than anybody looked, and the total is a lower bound.
    """

    stream: Stream
    total_ns: int
    slack_ns: int
    silences: int
    alone: int
    ended: bool

    @property
    def one_sided(self) -> bool:
        """Whether the true time is never larger."""
        return self.ended and not self.alone


def silence_ns(stream: Stream) -> int:
    """How long a pause must be to count as an absence of service, by the probes of this stream."""
    return max(LEAST_LOOKS * stream.spacing_ns, SILENCE_NS)


def downtime(stream: Stream, *, onset_ns: int) -> Downtime:
    """The time after the first effect of a fault in which a stream was without service.

    Service is absent in a silence: a stretch longer than `silence_ns` without one acknowledgement that is ok and within the
    deadline of its probe. It counts from the acknowledgement before it, but not from before `onset_ns`, to the one that
    ends it; one that never ends, to the last probe. How many probes were late in it does not matter: those that a gateway
    held and answered in time were without service for just as long. Between silences, where some are answered and others
    are not, each probe that was lost or late stands for the time until the next one was due.
    """
    edges = edges_ns(stream, stream.on_time, onset_ns=onset_ns)
    found = np.flatnonzero(np.diff(edges) > silence_ns(stream))
    begins, ends = np.maximum(edges[found], onset_ns), edges[found + 1]
    ended = not (len(found) and never_ended(edges, int(found[-1])))
    alone = _missed_alone(stream, begins, ends, onset_ns)
    count, in_a_row = int(alone.sum()), int((alone & np.diff(alone, prepend=False)).sum())
    return Downtime(
        stream,
        total_ns=int((ends - begins).sum()) + count * stream.spacing_ns,
        slack_ns=_slack_ns(stream, begins, ends, onset_ns=onset_ns, ended=ended)
        + in_a_row * stream.spacing_ns,
        silences=len(found),
        alone=count,
        ended=ended,
    )


def edges_ns(stream: Stream, counted: Bools, *, onset_ns: int) -> Ints:
    """Between which times nothing was acknowledged, of the probes that are `counted`.

    The last acknowledgement before the onset (without one, the onset), those after it, and when the last probe was due if
    that is later: nobody looked any longer.
    """
    acked = np.unique(stream.completed_ns[counted])
    before, after = acked[acked < onset_ns], acked[acked >= onset_ns]
    edges = np.concatenate((before[-1:] if len(before) else [onset_ns], after)).astype(np.int64)
    last_ns = int(stream.intended_ns[-1]) if len(stream.intended_ns) else onset_ns
    return np.append(edges, max(last_ns, int(edges[-1])))


def never_ended(edges: Ints, place: int) -> bool:
    """Whether the stretch from this edge to the next one is the last, which no acknowledgement ended."""
    return place == len(edges) - 2


def _missed_alone(stream: Stream, begins: Ints, ends: Ints, onset_ns: int) -> Bools:
    """Which probes since the onset, but the last, were lost or late while no silence was, until the next one was due."""
    due, until = stream.intended_ns[:-1], stream.intended_ns[1:]
    next_begins = np.append(begins, NEVER)[np.searchsorted(ends, due, side="right")]
    alone: Bools = ~stream.on_time[:-1] & (due >= onset_ns) & (next_begins >= until)
    return alone


def _slack_ns(stream: Stream, begins: Ints, ends: Ints, *, onset_ns: int, ended: bool) -> int:
    """Nobody looked just before a silence's end, if it has one; nor at its beginning, unless the fault itself began it."""
    looks = looks_ns(stream)
    before = [look_gap_ns(stream, int(at), looks=looks) if at > onset_ns else 0 for at in begins]
    after = [look_gap_ns(stream, int(at), looks=looks) for at in (ends if ended else ends[:-1])]
    both = np.array(before, dtype=np.int64)
    both[: len(after)] += np.array(after, dtype=np.int64)
    return int(np.minimum(both, ends - begins).sum())
