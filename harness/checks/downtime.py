"""How long a stream of probes went without service, summed over all its silences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.checks.looks import look_gap_ns
from harness.checks.probes import Stream
from harness.checks.view import Ints

UNUSUAL: Final = 2
"""A silence this many times the longest before the fault is none of the usual ones: chance makes the longest pause of the
next second a little longer than that of the last one, but hardly twice as long."""

STALL_NS: Final = 50_000_000
"""A silence longer than a stall of the host that the judges overlook is one, however restless the stream was before."""


@dataclass(frozen=True, slots=True)
class Downtime:
    """What a stream missed. `total_ns` is an upper bound: `slack_ns` says how much less it can have been."""

    stream: Stream
    total_ns: int
    slack_ns: int
    silences: int


def downtime(stream: Stream, *, onset_ns: int, calm_until_ns: int) -> Downtime:
    """The time after a fault's first effect in which a stream was without service.

    Service is absent in a silence: a stretch without one acknowledgement that is ok and within the deadline of its probe,
    longer than `UNUSUAL` times the longest one before `calm_until_ns` (the first effect of the run's first fault) or than
    `STALL_NS`, and never shorter than `UNUSUAL` probes apart. It counts from the acknowledgement before it, but not from
    before `onset_ns`, to the one that ends it; one that never ends, to the last probe. How many probes were late does not
    matter: those that a gateway held and answered in time were without service for just as long.
    """
    acked = np.unique(stream.completed_ns[stream.on_time])
    threshold_ns = _threshold_ns(stream, acked[acked < calm_until_ns])
    last_ns = int(stream.intended_ns[-1]) if len(stream.intended_ns) else onset_ns
    after = acked[acked >= onset_ns]
    before = acked[acked < onset_ns]
    edges = np.concatenate((before[-1:] if len(before) else [onset_ns], after, [last_ns]))
    found = np.flatnonzero(np.diff(edges) > threshold_ns)
    total = sum(int(edges[place + 1]) - max(int(edges[place]), onset_ns) for place in found)
    slack = sum(_slack_ns(stream, int(edges[place]), int(edges[place + 1]), onset_ns) for place in found)
    return Downtime(stream, total, slack, len(found))


def _threshold_ns(stream: Stream, calm: Ints) -> int:
    usual = int(np.diff(calm).max()) if len(calm) > 1 else 0
    return max(UNUSUAL * stream.spacing_ns, min(UNUSUAL * usual, STALL_NS))


def _slack_ns(stream: Stream, from_ns: int, to_ns: int, onset_ns: int) -> int:
    """Nobody looked just before its end; nor at its beginning, unless the fault itself began it."""
    begins = look_gap_ns(stream, from_ns) if from_ns > onset_ns else 0
    return begins + look_gap_ns(stream, to_ns)
