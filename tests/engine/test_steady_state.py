"""The steady state before the first fault."""

from __future__ import annotations

import pytest

from harness.engine.steady import judged
from harness.load.live import ProbeCount
from harness.model.outcome import Outcome
from harness.scenario.settings import SteadyState

ASKED = SteadyState(for_s=2)


@pytest.mark.parametrize(
    ("probes", "outcome", "summary"),
    [
        (ProbeCount(1000, 999, 1, 0, 0), Outcome.PASS, "999 of 1000 probes on time in 2 s"),
        (
            ProbeCount(1000, 998, 2, 0, 0),
            Outcome.UNKNOWN,
            "998 of 1000 probes on time in 2 s, at least 99.9% asked; busy",
        ),
        (
            ProbeCount(0, 0, 0, 0, 0),
            Outcome.UNKNOWN,
            "0 of 0 probes on time in 2 s, at least 99.9% asked; busy",
        ),
    ],
)
def test_too_few_probes_on_time_are_no_steady_state(
    probes: ProbeCount, outcome: Outcome, summary: str
) -> None:
    event = judged(probes, ASKED, at_ns=5, strain="busy")
    assert (event.at_ns, event.outcome, event.summary) == (5, outcome, summary)


def test_in_virtual_time_no_machine_is_busy() -> None:
    assert judged(ProbeCount(2, 1, 0, 1, 0), ASKED, at_ns=0, strain="").summary.endswith(
        "at least 99.9% asked"
    )
