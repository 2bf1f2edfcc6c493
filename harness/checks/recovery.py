"""recovery: after the last fault was lifted, the steady state is back, at every gateway; and how long that took."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
import pandas as pd
from pydantic import Field

from harness.checks.bounds import judge_bound, told_bound
from harness.checks.contract import Check
from harness.checks.looks import look_gap_ns
from harness.checks.probes import DEADLINE_NS, Stream, streams
from harness.checks.view import view
from harness.history.run import Run
from harness.model.outcome import Outcome
from harness.model.quantities import Bound, Milliseconds, Settings, Share
from harness.model.units import format_ns
from harness.model.verdicts import Figure, Verdict

STEADY_S: Final = 1.0


class RecoveryExpectation(Bound[Milliseconds]):
    """How soon the steady state must be back. `for` says how long it must then hold (1 s unless said)."""

    availability: Share = Field(
        default=0.99,
        description="The share of probes, at each gateway, that makes a steady state.",
        examples=["99%"],
    )


class Recovery(Check[RecoveryExpectation]):
    """From the measured end of the last fault to the beginning of a steady stretch at every gateway."""

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
        times = {
            stream.name: _steady_from(stream, lifted_ns, hold_ns, expectation.availability)
            for stream in every
        }
        never = sorted(name for name, took in times.items() if took is None)
        figures = tuple(
            _figure(f"at {stream.name}", stream, took, lifted_ns)
            for stream in every
            if (took := times[stream.name]) is not None
        )
        if never:
            text = f"no steady state came back at {', '.join(never)}"
            return Verdict(self.name, Outcome.FAIL, text, bound=bound, figures=figures)
        worst = max(every, key=lambda stream: (times[stream.name] or 0, stream.name))
        took = times[worst.name] or 0
        outcome, why = judge_bound(expectation, took / 1e6)
        total = _figure("recovery", worst, took, lifted_ns)
        text = f"the steady state was back {format_ns(took)} after the last fault, last at {worst.name}{why}"
        return Verdict(self.name, outcome, text, bound=bound, figures=(total, *figures))


def _lifted(run: Run) -> int | None:
    """When the last fault was over; one that strikes once is over with its last effect."""
    faults = run.faults
    if faults.empty:
        return None
    return max(
        int(effect) if pd.isna(lifted) else int(lifted)
        for effect, lifted in zip(faults["last_effect_ns"], faults["lifted_ns"], strict=True)
    )


def _steady_from(stream: Stream, lifted_ns: int, hold_ns: int, share: float) -> int | None:
    """How long after the lift the first probe was due that begins a steady stretch; None when there is none."""
    due = stream.intended_ns
    starts = np.flatnonzero(due >= lifted_ns)
    ends = np.searchsorted(due, due[starts] + hold_ns)
    whole = due[starts] + hold_ns <= due[-1] + stream.spacing_ns
    answered = np.concatenate(([0], np.cumsum(stream.on_time)))
    count = ends - starts
    good = whole & stream.on_time[starts] & (answered[ends] - answered[starts] >= share * count)
    found = starts[good]
    return int(due[found[0]]) - lifted_ns if len(found) else None


def _figure(name: str, stream: Stream, took: int, lifted_ns: int) -> Figure:
    """One time that was taken once; the steady stretch can have begun earlier, as long as nobody looked."""
    due_ns = lifted_ns + took
    acked = stream.completed_ns[stream.intended_ns == due_ns]
    resolution = min(took, look_gap_ns(stream, int(acked[0]))) / 1e6
    return Figure(name, round(took / 1e6, 3), "ms", round(resolution, 3), samples=1, one_sided=True)
