"""How finely a stream of probes looked, by hand-written sends."""

from __future__ import annotations

import numpy as np
import pytest

from harness.checks.examples.history import MS
from harness.checks.looks import look_gap_ns, looks_ns
from harness.checks.probes import NEVER, Stream
from harness.checks.view import MISSING

SPACING_MS = 10


def stream(sent_ms: list[int | None], *, acked_ms: dict[int, int] | None = None) -> Stream:
    """Probes due every 10 ms and sent as said (None: never); `acked_ms` names, by place, those that were answered."""
    count = len(sent_ms)
    completed = [(acked_ms or {}).get(place) for place in range(count)]
    on_time = np.array([one is not None for one in completed])
    return Stream(
        name="gateway-bravo",
        provider="bravo",
        moves=False,
        struck=False,
        intended_ns=np.arange(count) * SPACING_MS * MS,
        sent_ns=np.array([MISSING if one is None else one * MS for one in sent_ms]),
        completed_ns=np.array([NEVER if one is None else one * MS for one in completed]),
        epoch=np.ones(count, dtype=np.int64),
        on_time=on_time,
        at_once=on_time,
    )


@pytest.mark.parametrize(
    ("sent_ms", "acked_ms", "ack_ms", "gap_ms", "why"),
    [
        ([0, 10, 20, 30], {2: 23}, 23, 10, "as planned"),
        ([0, 10, 26, 30], {2: 29}, 29, 16, "the deciding probe went out 6 ms late"),
        ([0, 12, 18, 27], {2: 25}, 25, 10, "never finer than the spacing: the two were close by chance"),
        ([0, 10, 20, 47], {1: 35}, 35, 27, "a held order was answered while no new one was sent"),
        ([0, 10, None, 30], {3: 34}, 34, 10, "one found no connection: it asked all the same"),
        ([0, None, None, 46, 46], {3: 49}, 49, 26, "it asked when it was due, at the earliest"),
        ([0, 31, 31, 31, 40], {2: 34}, 34, 31, "those that went out together after a pause asked once"),
        ([0, 10, 20, 30], {0: 5}, 5, 10, "nobody looked before the first"),
        ([0, 10, 20, 30], {3: 99}, 99, 10, "nobody looked after the last"),
    ],
)
def test_the_gap_is_between_probes_that_asked(
    sent_ms: list[int | None], acked_ms: dict[int, int], ack_ms: int, gap_ms: int, why: str
) -> None:
    assert look_gap_ns(stream(sent_ms, acked_ms=acked_ms), ack_ms * MS) == gap_ms * MS, why


def test_a_stream_that_could_never_connect_looked_as_planned() -> None:
    assert look_gap_ns(stream([None, None, None]), 5 * MS) == SPACING_MS * MS
    assert look_gap_ns(stream([0, None, None]), 5 * MS) == SPACING_MS * MS
    assert look_gap_ns(stream([]), 5 * MS) == 0


def test_sends_out_of_order_are_looks_in_order() -> None:
    assert (looks_ns(stream([0, 24, 20, 30])) / MS).tolist() == [0, 20, 30]
