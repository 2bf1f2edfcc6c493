"""What repeated runs came to, in the same words wherever it is told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from harness.model.outcome import Outcome
from harness.model.units import counted
from harness.report.failovers import Failovers
from harness.report.judged import Retried
from harness.report.repeats import Repeats

CLAIMED_N: Final = 59
"""From so many runs the worst bounds the 95th percentile with 95 % confidence."""
_MOST_REASONS: Final = 2

KEY: Final = (
    "Bounds hold with 95 % confidence, and count whatever was not judged, attempts that were retried included, as a failure "
    "and as the longest time. Of failures: exact and one-sided (Clopper-Pearson). Of times, whatever their distribution: "
    "the median lies in the range beside it; of all runs at most 1 − 0.05^(1/n) are worse than the worst of n, so "
    f"from {CLAIMED_N} runs the worst bounds the 95th percentile. Where service never came back, the time is infinite."
)
"""What the bounds mean, once a report."""


def told(repeats: Repeats) -> tuple[str, ...]:
    """A few lines: the outcomes, the failures, the failover times and what was tried again."""
    exact = " (exact one-sided 95 % bound)" if repeats.judged else ""
    lines = [f"{judged_text(repeats)}: {counts_text(repeats.counts)}", f"{failures_text(repeats)}{exact}"]
    if repeats.failovers is not None:
        lines.append(_failover_line(repeats.failovers))
    if repeats.retried:
        lines.append(retried_text(repeats.retried))
    return tuple(lines)


def judged_text(repeats: Repeats) -> str:
    """`9 of 10 runs judged`."""
    return f"{repeats.judged:,} of {counted(len(repeats.runs), 'run')} judged"


def counts_text(counts: Mapping[Outcome, int]) -> str:
    """`8 PASS, 1 FAIL, 1 UNKNOWN`; outcomes that no run came to are left out."""
    return ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items() if count)


def failures_text(repeats: Repeats) -> str:
    """How many failed, and how many of all runs do so at most."""
    if not repeats.judged:
        return "nothing is known of failures"
    return (
        f"{repeats.failed:,} of {repeats.judged:,} failed; "
        f"at most {percent_up(repeats.failure_at_most)} of all runs fail"
    )


def between_text(times: Failovers) -> str:
    """`251 ms to 262 ms`, between which the median lies with 95 % confidence; empty with fewer than six runs."""
    between = times.median_between_ms
    return f"{time_text(between[0])} to {time_text(between[1])}" if between else ""


def worse_text(times: Failovers) -> str:
    """What share of all runs is worse than the worst at most; where service did not always come back, in how many."""
    share = percent_up(times.worse_at_most)
    if times.never:
        return (
            f"not served again in {times.never:,} of {len(times.times_ms):,}, in at most {share} of all runs"
        )
    return f"at most {share} of all runs are worse"


def retried_text(retried: Sequence[Retried]) -> str:
    """`2 attempts retried: the host stood still for 120 ms`; empty without any. Reasons are told once, and not all."""
    if not retried:
        return ""
    reasons = list(dict.fromkeys(attempt.why for attempt in retried))
    hidden = len(reasons) - _MOST_REASONS
    shown = [*reasons[:_MOST_REASONS], *([f"and {counted(hidden, 'other cause')}"] if hidden > 0 else [])]
    return f"{counted(len(retried), 'attempt')} retried: {'; '.join(shown)}"


def time_text(time_ms: float | None) -> str:
    """`1,256 ms`; `never` where it is infinite, empty where there is none."""
    if time_ms is None:
        return ""
    return "never" if math.isinf(time_ms) else f"{time_ms:,.0f} ms"


def percent_up(share: float) -> str:
    """A share that is a bound from above: rounded up, so that it stays one.

    >>> percent_up(0.2589), percent_up(0.0495), percent_up(1.0)
    ('25.9%', '5%', '100%')
    """
    return f"{math.ceil(round(share * 1000, 6)) / 10:g}%"


def _failover_line(times: Failovers) -> str:
    unjudged = f", {times.unjudged:,} unjudged" if times.unjudged else ""
    parts = [f"failover time: n = {len(times.times_ms):,}{unjudged}"]
    if times.times_ms:
        between = f" ({between_text(times)})" if times.median_between_ms else ""
        parts.append(f"median {time_text(times.median_ms)}{between}")
        parts.append(f"worst {time_text(times.worst_ms)}, {worse_text(times)} (95 % confidence)")
    return "; ".join(parts)
