"""How long a stream of probes went without service, summed over all its silences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.checks.looks import look_gap_ns
from harness.checks.probes import Stream

SILENCE_NS: Final = 50_000_000
"""A shorter pause is no absence: services that work pause for up to about 40 ms on a busy machine with few cores, and the
shortest outages measured last about 70 ms. A stall of the host is overlooked up to the same length."""

LEAST_LOOKS: Final = 2
"""A silence in which fewer probes went out is none that they could tell."""


@dataclass(frozen=True, slots=True)
class Downtime:
    """What a stream missed. `total_ns` is an upper bound: `slack_ns` says how much less it can have been."""

    stream: Stream
    total_ns: int
    slack_ns: int
    silences: int


def silence_ns(stream: Stream) -> int:
    """How long a pause must be to count as an absence of service, by the probes of this stream."""
    return max(LEAST_LOOKS * stream.spacing_ns, SILENCE_NS)


def downtime(stream: Stream, *, onset_ns: int) -> Downtime:
    """The time after a fault's first effect in which a stream was without service.

    Service is absent in a silence: a stretch longer than `silence_ns` without one acknowledgement that is ok and within the
    deadline of its probe. It counts from the acknowledgement before it, but not from before `onset_ns`, to the one that
    ends it; one that never ends, to the last probe. How many probes were late does not matter: those that a gateway held
    and answered in time were without service for just as long.
    """
    acked = np.unique(stream.completed_ns[stream.on_time])
    last_ns = int(stream.intended_ns[-1]) if len(stream.intended_ns) else onset_ns
    after = acked[acked >= onset_ns]
    before = acked[acked < onset_ns]
    edges = np.concatenate((before[-1:] if len(before) else [onset_ns], after, [last_ns]))
    found = np.flatnonzero(np.diff(edges) > silence_ns(stream))
    spans = [(max(int(edges[place]), onset_ns), int(edges[place + 1])) for place in found]
    total = sum(end - begin for begin, end in spans)
    slack = sum(_slack_ns(stream, begin, end, onset_ns) for begin, end in spans)
    return Downtime(stream, total, slack, len(spans))


def _slack_ns(stream: Stream, begin_ns: int, end_ns: int, onset_ns: int) -> int:
    """Nobody looked just before a silence's end; nor at its beginning, unless the fault itself began it."""
    before = look_gap_ns(stream, begin_ns) if begin_ns > onset_ns else 0
    return min(end_ns - begin_ns, before + look_gap_ns(stream, end_ns))
