"""Mistakes that break the predicates on prices."""

from __future__ import annotations

from typing import Final

from harness.checks.examples.history import INSTRUMENT, MS, LiteralHistory
from harness.checks.examples.planting import Mistake, both, change
from harness.checks.examples.quotes import CALL, PUT


def _dear_puts(history: LiteralHistory) -> None:
    for row in history.quotes:
        if row["instrument"] == PUT:
            row["mark"] += 1e-6


def _bravo_makes_no_marks(history: LiteralHistory) -> None:
    """Bravo serves for 2.4 s."""
    history.drop("marks", epoch=2)
    for rows in history.every("entries"):
        for row in rows:
            row["time_ns"] = 300 * MS * row["index"]


OF_PRICES: Final = (
    Mistake(
        "P1",
        "charlie prices the call otherwise from the same inputs",
        change("quotes", {"provider": "charlie", "instrument": CALL, "source_sequence": 9}, mark=0.07),
    ),
    Mistake(
        "P1",
        "all providers agree on a call that an independent model prices otherwise",
        change("quotes", {"instrument": CALL}, mark=0.0685),
    ),
    Mistake(
        "P1",
        "charlie's perpetual is no number",
        change(
            "quotes",
            {"provider": "charlie", "instrument": INSTRUMENT, "source_sequence": 9},
            mark=float("nan"),
        ),
    ),
    Mistake(
        "P2",
        "a put is too dear by a millionth of a coin",
        _dear_puts,
    ),
    Mistake(
        "P3",
        "a call costs more than a coin",
        change("quotes", {"instrument": CALL, "source_sequence": 3}, mark=1.2),
    ),
    Mistake(
        "P3",
        "a put costs less than nothing",
        change("quotes", {"instrument": PUT, "source_sequence": 3}, mark=-0.01),
    ),
    Mistake(
        "P3",
        "a perpetual is worth nothing",
        change("quotes", {"instrument": INSTRUMENT, "source_sequence": 3}, mark=0.0),
    ),
    Mistake(
        "P10",
        "the first mark of epoch 2 jumps to 50,010 while the index was below 50,005",
        change("marks", {"index": 7, "instrument": INSTRUMENT}, price=50_010 * 10**8),
    ),
    Mistake(
        "P10",
        "the call's first mark of epoch 2 is out of its model's reach",
        change("marks", {"index": 7, "instrument": CALL}, price=9_000_000),
    ),
    Mistake(
        "P10",
        "bravo's index is a tenth too high, and so is the mark that it makes of it",
        both(
            change("quotes", {"provider": "bravo", "instrument": INSTRUMENT}, index=55_000.0, mark=55_000.0),
            change("marks", {"index": 7, "instrument": INSTRUMENT}, price=55_000 * 10**8),
        ),
    ),
    Mistake(
        "P10",
        "the call's first mark of epoch 2 comes after the perpetual's, and is out of its model's reach",
        change("marks", {"index": 7, "instrument": CALL}, index=8, price=9_000_000),
    ),
    Mistake(
        "P10",
        "bravo serves epoch 2 for 2.4 s without a single mark that could be compared",
        _bravo_makes_no_marks,
    ),
    Mistake(
        "P11",
        "charlie quotes on an index that is 2 s old",
        change("quotes", {"provider": "charlie", "source_sequence": 3}, index_age_ns=2_000 * MS),
    ),
    Mistake(
        "P11",
        "an option is quoted on a surface that is 11 s old",
        change("quotes", {"instrument": CALL, "source_sequence": 3}, surface_age_ns=11_000 * MS),
    ),
    Mistake(
        "P11",
        "marks in the journal rest on inputs 3 s old",
        change("marks", {"index": 7}, input_age_ns=3_000 * MS),
    ),
    Mistake(
        "P11",
        "bravo's first marks rest on inputs from before its takeover",
        change("quotes", {"provider": "bravo", "source_sequence": 70}, published_ns=1_100 * MS),
    ),
    Mistake(
        "P11",
        "bravo serves epoch 2 for 2.4 s without marks, although its prices tick",
        _bravo_makes_no_marks,
    ),
)
