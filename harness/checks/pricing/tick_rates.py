"""How often the inputs of prices tick, as the published quotes show it: ages mean little when nothing ever comes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from harness.checks.view import Bools
from harness.history.run import Run

LEAST_INDEX_TICKS_PER_S: Final = 20.0
LEAST_SURFACE_TICKS_PER_S: Final = 5.0
"""Both from DOMAIN P11."""
LEAST_QUIET_S: Final = 0.5
_SETTLE_NS: Final = 5_000_000_000
_SAME_TICK_NS: Final = 20_000_000
"""Two births of the surface that are nearer than this are one tick, whose age was not taken at one moment: a tenth of the
time between two ticks at the least rate."""


def too_slow(run: Run) -> str:
    """Why freshness can't be judged: too few ticks in the seconds that no fault touched. Empty when there are enough.

    Judged is the provider that has the most: who has fewer has old inputs, which is judged elsewhere. A run without half a
    quiet second is taken as a whole. The ticks of the surface are told apart by when they were born; without options
    nothing rests on them.
    """
    quotes = run.quotes
    quiet, seconds = _quiet(run)
    if seconds <= 0:
        return "all quotes were published at one moment, so nobody knows how often their inputs tick"
    index = quotes[quiet].groupby("provider")["source_sequence"].nunique()
    told = [_told("index", index, seconds, LEAST_INDEX_TICKS_PER_S)]
    options = quotes["strike"].notna().to_numpy()
    if options.any():
        surface = (
            quotes[quiet & options].groupby("provider")[["published_ns", "surface_age_ns"]].apply(_births)
        )
        told.append(_told("surface", surface, seconds, LEAST_SURFACE_TICKS_PER_S))
    return "; ".join(text for text in told if text)


def _told(what: str, ticks: pd.Series, seconds: float, least: float) -> str:
    best = float(ticks.max()) / seconds if len(ticks) else 0.0
    if best >= least:
        return ""
    return (
        f"the {what} ticks {best:.1f} times a second, too slowly to judge freshness ({least:g}/s are needed)"
    )


def _births(quotes: pd.DataFrame) -> int:
    """How many ticks of the surface one provider's quotes show."""
    born = np.unique((quotes["published_ns"] - quotes["surface_age_ns"]).to_numpy())
    count, last = 0, None
    for at_ns in born.tolist():
        if last is None or at_ns >= last + _SAME_TICK_NS:
            count, last = count + 1, at_ns
    return count


def _quiet(run: Run) -> tuple[Bools, float]:
    """Which quotes were published while no fault lasted, and how many seconds that was."""
    at = run.quotes["published_ns"].to_numpy()
    begin, end = int(at.min()), int(at.max())
    quiet, seconds = np.ones(len(at), dtype=np.bool_), (end - begin) / 1e9
    for first, until in _disturbed(run, end):
        quiet &= (at < first) | (at > until)
        seconds -= max(0, min(until, end) - max(first, begin)) / 1e9
    if seconds < LEAST_QUIET_S:
        return np.ones(len(at), dtype=np.bool_), (end - begin) / 1e9
    return quiet, seconds


def _disturbed(run: Run, end_ns: int) -> list[tuple[int, int]]:
    """The stretches that faults touched, and some seconds after each; those that overlap are one."""
    merged: list[tuple[int, int]] = []
    for first, lifted in zip(run.faults["first_effect_ns"], run.faults["lifted_ns"], strict=True):
        until = end_ns if pd.isna(lifted) else int(lifted) + _SETTLE_NS
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((int(first), until))
    return merged
