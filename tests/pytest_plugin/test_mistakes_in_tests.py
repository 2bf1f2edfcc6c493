"""A typo in a Python test: told by the parameter's own name, with the closest valid word."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.model.errors import UsageError
from harness.testing.chaos import Chaos
from harness.testing.session import _read

CHAOS = Chaos(lambda: pytest.fail("a mistake must be found before the stack is touched"))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda: CHAOS.provider_outage(mode="drak"),  # type: ignore[arg-type]
            "provider_outage: mode: 'drak' is none of dark, abrupt, frozen, unreachable; did you mean 'dark'?",
        ),
        (
            lambda: CHAOS.latency("alpha", latency_ms=-5),
            "latency: latency_ms: -5: input should be greater than or equal to 0",
        ),
        (
            lambda: CHAOS.latency("alpha", latency_ms=5, shape="spikes"),
            'latency: `spike_ms` and `every_ms` go with `shape="spikes"`, which needs both',
        ),
        (
            lambda: CHAOS.latency(("a", "a"), latency_ms=5),
            "latency: target.link: both ends are 'a': a link has two different ends",
        ),
        (
            lambda: CHAOS.partition(shape="ful"),  # type: ignore[arg-type]
            "partition: shape: 'ful' is none of full, one_way, partial, clients; did you mean 'full'?",
        ),
        (
            lambda: CHAOS.partition(shape="partial"),
            'partition: `peer` goes with `shape="partial"`, which needs it: whom the target is cut off from',
        ),
        (
            lambda: CHAOS.partition(shape="one_way"),
            'partition: `direction="to"` or `direction="from"` goes with `shape="one_way"`, which needs it',
        ),
        (
            lambda: CHAOS.service_crash(3),  # type: ignore[arg-type]
            "service_crash: target.service: expected text, found 3",
        ),
        (
            lambda: CHAOS.clock_drift("engine"),
            "clock_drift: a clock gains or it loses: write one of `gains_ms` and `loses_ms`",
        ),
        (
            lambda: CHAOS.packet_loss(("alpha", "bravo"), share=1.0),
            "packet_loss: share: a link loses more than 0% and at most 90% of its packets: a `partition` loses all",
        ),
        (
            lambda: _read({"leader_changes": {"exatly": 1}}),
            "this expectation can't be read: leader_changes: there is no setting 'exatly'; did you mean 'exactly'?",
        ),
    ],
)
def test_a_mistake_is_told_in_the_words_of_python(act: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        act()
    assert caught.value.message == message
