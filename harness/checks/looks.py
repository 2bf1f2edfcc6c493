"""How finely a stream of probes looked at the service: from when its probes were really sent."""

from __future__ import annotations

import numpy as np

from harness.checks.probes import Stream
from harness.checks.view import MISSING, Ints


def look_gap_ns(stream: Stream, ack_ns: int) -> int:
    """How much earlier than an acknowledgement the service can have been back, without a probe that could have seen it.

    The error has one side: what answered was there, so the true time is never later. It is the longer of two gaps between
    probes that were really sent: the one before the acknowledged probe (nobody asked sooner), and the one in which the
    acknowledgement came (a gateway that holds orders through an outage answers old ones; only new ones ask anew). Never
    less than the spacing of the probes, since a single close pair must not promise more than the stream can keep.
    """
    looks = looks_ns(stream)
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
    """When the stream looked: its actual sends in the order of time.

    Sends closer than half the spacing are one look: probes that go out together, after their sender was late, ask once.
    """
    sent = np.sort(stream.sent_ns[stream.sent_ns != MISSING])
    if not len(sent):
        return sent
    apart = np.diff(sent) >= stream.spacing_ns / 2
    return sent[np.concatenate(([True], apart))]
