"""recovery: after the last fault was lifted, the steady state is back, at every gateway; and how long that took."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
import pandas as pd
from pydantic import Field

from harness.checks.bounds import told_bound
from harness.checks.contract import Check
from harness.checks.looks import look_gap_ns
from harness.checks.probes import DEADLINE_NS, Stream, streams
from harness.checks.strain import strained
from harness.checks.taken import Taken, longest
from harness.checks.view import view
from harness.history.run import Run
from harness.model.outcome import Outcome
from harness.model.quantities import Bound, Milliseconds, Settings, Share
from harness.model.units import format_ns
from harness.model.verdicts import Verdict

STEADY_S: Final = 1.0


class RecoveryExpectation(Bound[Milliseconds]):
    """How soon the steady state must be back. `for` says how long it must then hold (1 s unless said)."""

    availability: Share = Field(
        default=0.99,
        description="The share of probes, at each gateway, that makes a steady state.",
        examples=["99%"],
    )


class Recovery(Check[RecoveryExpectation]):
    """From the measured end of the last fault to the acknowledgement that begins a steady stretch, at every gateway."""

    name: ClassVar[str] = "recovery"
    summary: ClassVar[str] = "The steady state is back after the last fault, at every gateway."
    Expectation: ClassVar[type[Settings]] = RecoveryExpectation

    def judge(self, run: Run, expectation: RecoveryExpectation) -> Verdict:
        bound = told_bound(expectation, "ms")
        lifted_ns = _lifted(run)
        every = streams(view(run), deadline_ns=DEADLINE_NS)
        if lifted_ns is None or not every:
            text = (
                "no fault was lifted"
                if lifted_ns is None
                else run.problem("operations") or "no probes were sent"
            )
            return Verdict(self.name, Outcome.UNKNOWN, text, bound=bound)
        hold_ns = round((expectation.for_s if expectation.for_s is not None else STEADY_S) * 1e9)
        last = min(int(stream.intended_ns[-1]) for stream in every)
        if last - lifted_ns < hold_ns:
            text = (
                f"the load ends {format_ns(max(0, last - lifted_ns))} after the last fault: too soon to tell"
            )
            return Verdict(self.name, Outcome.UNKNOWN, text, bound=bound)
        found = {
            stream.name: _steady_from(stream, lifted_ns, hold_ns, expectation.availability)
            for stream in every
        }
        never = sorted(name for name, took in found.items() if took is None)
        times = {name: took for name, took in found.items() if took is not None}
        figures = tuple(took.figure(f"at {name}") for name, took in times.items())
        if never:
            text = f"no steady state came back at {', '.join(never)}"
            return Verdict(self.name, Outcome.FAIL, text, bound=bound, figures=figures)
        worst, took = max(times, key=lambda name: (times[name].most_ns, name)), longest(times.values())
        text = took.told(expectation, at=f"after the last fault, last at {worst}")
        return Verdict(
            self.name,
            took.judge(expectation),
            f"the steady state was back {text}",
            bound=bound,
            figures=(took.figure("recovery"), *figures),
            environment_caused=took.in_doubt(expectation)
            and strained(run, lifted_ns + took.least_ns, lifted_ns + took.most_ns),
        )


def _lifted(run: Run) -> int | None:
    """When the last fault was over; one that strikes once is over with its last effect."""
    faults = run.faults
    if faults.empty:
        return None
    return max(
        int(effect) if pd.isna(lifted) else int(lifted)
        for effect, lifted in zip(faults["last_effect_ns"], faults["lifted_ns"], strict=True)
    )


def _steady_from(stream: Stream, lifted_ns: int, hold_ns: int, share: float) -> Taken | None:
    """How long after the lift the first acknowledgement came of a steady stretch; None when there is none.

    The stretch begins with a probe that was due since the lift and acknowledged in time, at that acknowledgement and not
    when the probe was due: a gateway may hold it. If one that was due later is acknowledged sooner, service was back then;
    and it can have been back earlier, as long as nobody looked.
    """
    due = stream.intended_ns
    starts = np.flatnonzero(due >= lifted_ns)
    ends = np.searchsorted(due, due[starts] + hold_ns)
    whole = due[starts] + hold_ns <= due[-1] + stream.spacing_ns
    answered = np.concatenate(([0], np.cumsum(stream.on_time)))
    count = ends - starts
    good = whole & stream.on_time[starts] & (answered[ends] - answered[starts] >= share * count)
    found = starts[good]
    if not len(found):
        return None
    ack_ns = int(stream.completed_ns[found[0] :].min())
    took_ns = ack_ns - lifted_ns
    return Taken(max(0, took_ns - look_gap_ns(stream, ack_ns)), took_ns)
