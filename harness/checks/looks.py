"""How finely a stream of probes looked at the service: from when its probes really tried to reach it."""

from __future__ import annotations

import numpy as np

from harness.checks.probes import Stream
from harness.checks.view import MISSING, Ints


def look_gap_ns(stream: Stream, ack_ns: int, *, looks: Ints | None = None) -> int:
    """How much earlier than an acknowledgement the service can have been back, without a probe that could have seen it.

    The error has one side: what answered was there, so the true time is never later. It is the longer of two gaps between
    looks: the one before the acknowledged probe (nobody asked sooner), and the one in which the acknowledgement came (a
    gateway that holds orders through an outage answers old ones; only new ones ask anew). Never less than the spacing of the
    probes, since a single close pair must not promise more than the stream can keep. Who asks of many acknowledgements
    passes the stream's `looks_ns`, which are sorted each time otherwise.
    """
    looks = looks_ns(stream) if looks is None else looks
    gaps = np.diff(looks)
    if not len(gaps):
        return stream.spacing_ns
    acked = stream.sent_ns[(stream.completed_ns == ack_ns) & (stream.sent_ns != MISSING)]
    before = np.searchsorted(looks, acked, side="right") - 2
    around = np.searchsorted(looks, [ack_ns], side="right") - 1
    places = np.concatenate((before, around))
    inside = places[(places >= 0) & (places < len(gaps))]
    return max(stream.spacing_ns, int(gaps[inside].max()) if len(inside) else 0)


def looks_ns(stream: Stream) -> Ints:
    """When the stream looked, in the order of time.

    A probe that was sent looked then. One that never was had no connection from when it was due until it gave up, while its
    client kept dialling: somebody looked, and when it was due is the earliest that it can have been. Looks closer than half
    the spacing are one: probes that go out together, after their sender was late, ask once.
    """
    tried = np.sort(np.where(stream.sent_ns == MISSING, stream.intended_ns, stream.sent_ns))
    if not len(tried):
        return tried
    apart = np.diff(tried) >= stream.spacing_ns / 2
    return tried[np.concatenate(([True], apart))]
