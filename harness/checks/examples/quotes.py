"""Prices for the hand-written history: three providers, a perpetual, a future, and a call with its put."""

from __future__ import annotations

import math
from typing import Final

from harness.checks.examples.history import INSTRUMENT, MS, PROVIDERS, LiteralHistory, Row
from harness.checks.examples.sound import sound

FUTURE: Final = "BTC-30JAN26"
CALL: Final = "BTC-30JAN26-50000-C"
PUT: Final = "BTC-30JAN26-50000-P"
STRIKE: Final = 50_000.0
VOLATILITY: Final = 0.6
YEARS: Final = 0.08
TICKS: Final = 150
TICK_MS: Final = 20


def priced() -> LiteralHistory:
    """The sound history with sound prices: the index moves by a few dollars, and bravo's first mark rests on tick 70."""
    history = sound()
    history.quotes = [
        row for sequence in range(1, TICKS + 1) for name in PROVIDERS for row in _publication(name, sequence)
    ]
    for marks in history.every("marks"):
        marks += [
            {
                **mark,
                "instrument": CALL,
                "price": round(_option(_future(mark["source_sequence"]), call=True) * 10**8),
            }
            for mark in tuple(marks)
        ]
    return history


def _future(sequence: int) -> float:
    """The forward of the option's expiry: the future's mark, 100 USD above the index."""
    return 50_000.0 + sequence % 5 + 100.0


def _publication(provider: str, sequence: int) -> list[Row]:
    index, forward = 50_000.0 + sequence % 5, _future(sequence)
    base: Row = {
        "provider": provider,
        "published_ns": (sequence * TICK_MS + 1) * MS,
        "source_sequence": sequence,
        "valuation_ns": sequence * TICK_MS * MS,
        "model_version": "m1",
        "inputs_hash": f"i{sequence}",
        "index": index,
        "index_age_ns": MS,
        "surface_age_ns": 5 * MS,
    }
    terms = {"forward": forward, "strike": STRIKE, "volatility": VOLATILITY, "expiry_years": YEARS}
    return [
        {**base, "instrument": INSTRUMENT, "kind": "perpetual", "mark": index, "basis": 0.0},
        {
            **base,
            "instrument": FUTURE,
            "kind": "future",
            "mark": forward,
            "basis": 100.0,
            "expiry_years": YEARS,
        },
        {**base, **terms, "instrument": CALL, "kind": "option_call", "mark": _option(forward, call=True)},
        {**base, **terms, "instrument": PUT, "kind": "option_put", "mark": _option(forward, call=False)},
    ]


def _option(forward: float, *, call: bool) -> float:
    """The inverse price by the textbook: N(d1) - K/F N(d2) for a call, in coin."""
    deviation = VOLATILITY * math.sqrt(YEARS)
    d1 = math.log(forward / STRIKE) / deviation + deviation / 2
    sign = 1.0 if call else -1.0
    return sign * (_normal(sign * d1) - STRIKE / forward * _normal(sign * (d1 - deviation)))


def _normal(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2
