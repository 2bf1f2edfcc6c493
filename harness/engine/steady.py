"""Whether a stack under load was in its steady state, by its probes."""

from __future__ import annotations

from harness.load.live import ProbeCount
from harness.model.events import SteadyStateJudged
from harness.model.outcome import Outcome
from harness.scenario.settings import SteadyState


def judged(probes: ProbeCount, asked: SteadyState, *, at_ns: int, strain: str) -> SteadyStateJudged:
    """The verdict on the probes of the last `for`; `strain` says how busy the machine is, for one that is not held.

    No probe at all is no steady state.
    """
    held = probes.scheduled > 0 and asked.availability.admits(probes.availability)
    told = f"{probes.on_time} of {probes.scheduled} probes on time in {asked.for_s:g} s"
    missed = f", at least {asked.availability.min or 0:.1%} asked" + (f"; {strain}" if strain else "")
    return SteadyStateJudged(
        at_ns=at_ns,
        outcome=Outcome.PASS if held else Outcome.UNKNOWN,
        summary=told if held else told + missed,
    )
