"""What the charts draw: small series made from a run's tables, binned to what can be seen.

Times are seconds from the start of the load. Nothing here draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from harness.history.run import Run
from harness.model.events import FaultHealed, FaultInjected, RunAborted, RunEnded, StackSaid
from harness.model.stack_event import Moment

ON_TIME_NS: Final = 250_000_000
PROBES: Final = ("probe", "reconnect")
MOST_BINS: Final = 240


@dataclass(frozen=True, slots=True)
class Shade:
    """A fault, as a span on the time axis. `end_s` is the end of the run for a fault that was never lifted."""

    fault_id: str
    fault: str
    start_s: float
    end_s: float


def seconds(run: Run, at_ns: float) -> float:
    """A time of the run's clock in seconds from the start of the load."""
    return (at_ns - run.zero_ns) / 1e9


def shades(run: Run) -> tuple[Shade, ...]:
    """The faults of a run, by their measured onsets and ends."""
    injected = [event for event in run.events if isinstance(event, FaultInjected)]
    ends = [lifted_ns(run, event) for event in injected]
    return tuple(
        Shade(
            fault_id=event.fault_id,
            fault=event.fault,
            start_s=seconds(run, event.first_effect_ns),
            end_s=last_s(run) if end_ns is None else seconds(run, end_ns),
        )
        for event, end_ns in zip(injected, ends, strict=True)
    )


def lifted_ns(run: Run, fault: FaultInjected) -> int | None:
    """When a fault was over. None when nobody saw its end, because the run broke off.

    A run that goes to its end heals what it holds, so a fault without an end there was over at once (a reset).
    """
    for event in run.events:
        if isinstance(event, FaultHealed) and event.fault_id == fault.fault_id:
            return event.last_lifted_ns
    broken = any(isinstance(event, RunAborted) for event in run.events)
    whole = any(isinstance(event, RunEnded) for event in run.events)
    return fault.last_effect_ns if whole and not broken else None


def last_s(run: Run) -> float:
    """When the last operation was intended, or the last fault ended: where the time axis stops."""
    intended = run.operations["intended_ns"]
    latest = int(intended.max()) if len(intended) else run.zero_ns
    lifted = run.faults["lifted_ns"].dropna()
    return seconds(run, max([latest, *(int(value) for value in lifted)])) + 0.05


def probes(run: Run) -> pd.DataFrame:
    """One row a probe: through (the gateway, or `reconnecting`), t_s (when it was due), latency_ms from then, ok, on_time.

    latency_ms is NaN for a probe without an answer; on_time means acknowledged within `ON_TIME_NS`.
    """
    kept = run.operations[run.operations["purpose"].isin(PROBES)]
    latency_ns = (kept["completed_ns"] - kept["intended_ns"]).astype("Float64")
    ok = (kept["outcome"] == "ok").fillna(value=False).astype(bool)
    through = kept["gateway"].where(kept["purpose"] == "probe", "reconnecting")
    return pd.DataFrame(
        {
            "through": through.astype("object"),
            "t_s": (kept["intended_ns"] - run.zero_ns) / 1e9,
            "latency_ms": latency_ns.to_numpy(dtype=float, na_value=np.nan) / 1e6,
            "ok": ok,
            "on_time": ok & (latency_ns <= ON_TIME_NS).fillna(value=False).astype(bool),
        }
    )


def service_spans(run: Run) -> pd.DataFrame:
    """Columns through, start_s, end_s, answered: how many probes were acknowledged on time (`all`, `some`, `none`).

    Neighbouring bins of one answer are one span.
    """
    frame, width_s = _binned(run, MOST_BINS)
    columns = ["through", "start_s", "end_s", "answered"]
    if frame.empty:
        return pd.DataFrame(columns=columns)
    bins = frame.groupby(["through", "bin"], sort=True)["on_time"].agg(["all", "any"]).reset_index()
    answered = np.where(bins["all"], "all", np.where(bins["any"], "some", "none"))
    bins = bins.assign(
        answered=answered,
        start_s=bins["bin"] * width_s,
        end_s=((bins["bin"] + 1) * width_s).clip(upper=last_s(run)),
    )
    before = bins[["through", "answered"]].shift()
    starts = (bins["through"] != before["through"]) | (bins["answered"] != before["answered"])
    spans = bins.groupby(starts.cumsum()).agg(
        through=("through", "first"),
        start_s=("start_s", "first"),
        end_s=("end_s", "last"),
        answered=("answered", "first"),
    )
    return spans[columns].reset_index(drop=True)


def latency_series(run: Run, *, most_bins: int = MOST_BINS) -> pd.DataFrame:
    """Columns through, t_s, median_ms, worst_ms: latency of acknowledged probes from their intended time.

    There is one row a bin of even width; one in which nothing was acknowledged has NaN.
    """
    frame, width_s = _binned(run, most_bins)
    if frame.empty or not frame["ok"].any():
        return pd.DataFrame({"through": [], "t_s": [], "median_ms": [], "worst_ms": []})
    # A bin in which nothing was acknowledged stays, without a value, so that no line is drawn across an outage.
    latency = frame["latency_ms"].where(frame["ok"])
    grouped = (
        latency.groupby([frame["through"], frame["bin"]], sort=True).agg(["median", "max"]).reset_index()
    )
    return pd.DataFrame(
        {
            "through": grouped["through"],
            "t_s": grouped["bin"] * width_s,
            "median_ms": grouped["median"],
            "worst_ms": grouped["max"],
        }
    )


def reigns(run: Run) -> pd.DataFrame:
    """Columns provider, epoch, start_s, end_s: who led when, from promotion to step-down or the next promotion."""
    told = sorted(
        (event for event in run.events if isinstance(event, StackSaid)), key=lambda event: event.at_ns
    )
    promoted = [event for event in told if event.event.kind == Moment.PRIMARY_PROMOTED]
    nexts = [*(seconds(run, event.at_ns) for event in promoted), last_s(run)][1:]
    rows = [
        {
            "provider": event.event.provider or event.event.service,
            "epoch": event.event.epoch or 0,
            "start_s": max(0.0, seconds(run, event.at_ns)),
            "end_s": min(next_s, _lost_s(run, told, event)),
        }
        for event, next_s in zip(promoted, nexts, strict=True)
    ]
    return pd.DataFrame(rows, columns=["provider", "epoch", "start_s", "end_s"])


def _lost_s(run: Run, told: list[StackSaid], promoted: StackSaid) -> float:
    """When a leader stopped leading: it stepped down, or a fault took it away; infinity when neither happened."""
    service = promoted.event.service
    ends = [
        event.at_ns
        for event in told
        if event.event.kind == Moment.PRIMARY_STEPPED_DOWN and event.event.service == service
    ]
    ends += [
        event.first_effect_ns
        for event in run.events
        if isinstance(event, FaultInjected) and service in event.targets
    ]
    return min((seconds(run, end) for end in ends if end > promoted.at_ns), default=float("inf"))


def _binned(run: Run, most_bins: int) -> tuple[pd.DataFrame, float]:
    """The probes with the number of their bin, and the bins' width in seconds."""
    frame = probes(run)
    if frame.empty:
        return frame, 1.0
    width_s = max(0.05, round(last_s(run) / most_bins, 2))
    return frame.assign(bin=np.floor(frame["t_s"] / width_s).astype(int)), width_s
