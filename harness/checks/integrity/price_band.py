"""Whether gateways refused orders for their price alone where it was too far from the mark.

A gateway holds an order against its own last mark, which no history has. What it has are the marks that were published:
within reach of all of them, no mark can have spoken against the price; beyond reach of all, any did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.checks.grouping import first_of_group
from harness.checks.integrity.evidence import entry_row
from harness.checks.integrity.terms import terms
from harness.checks.predicate import Violations
from harness.checks.view import MISSING, Ints, View
from harness.model.units import counted

_SCALE: Final = 10**8


@dataclass(frozen=True, slots=True)
class Reach:
    """Prices (1e-8) that published marks allow, by instrument code: each mark from `low` to `high`, some mark from
    `lowest` to `highest`. `MISSING` where no mark or no width of the band is known."""

    low: Ints
    high: Ints
    lowest: Ints
    highest: Ints


def judge_price_bands(view: View, violations: Violations) -> str:
    """Add the refusals that no mark justifies; what to say of those that could not be decided."""
    rows, reach = _refused(view, "price_band"), _reach(view)
    instrument, price = view.codes("entries", "instrument")[rows], view.ints("entries", "price")[rows]
    known = (price != MISSING) & (reach.low[instrument] != MISSING)
    wrong = known & (reach.low[instrument] <= price) & (price <= reach.high[instrument])
    right = known & ((price < reach.lowest[instrument]) | (price > reach.highest[instrument]))
    for row, code, at in zip(*(column[wrong].tolist() for column in (rows, instrument, price)), strict=True):
        order = view.order_name(int(view.order_key("entries")[row]))
        violations.add(
            f"order {order} at {at} was refused for the price band; every mark that was published allows "
            f"{reach.low[code]} to {reach.high[code]}",
            rows=(entry_row(view, row),),
        )
    told = []
    if count := int((~(wrong | right)).sum()):
        told.append(
            f"believed: {counted(count, 'refusal')} for the price band, which the published marks don't decide"
        )
    if count := len(_refused(view, "no_fresh_price")):
        told.append(
            f"believed: {counted(count, 'refusal')} for want of a fresh mark, of which the gateway alone knows"
        )
    return "; ".join(told)


def _refused(view: View, word: str) -> Ints:
    """The committed orders that came with this verdict, each entry once, as rows of `entries`."""
    rows = np.flatnonzero(view.equals("entries", "refusal", word) & view.flags("entries", "committed"))
    rows = rows[np.argsort(view.ints("entries", "index")[rows], kind="stable")]
    return rows[first_of_group(view.ints("entries", "index")[rows])]


def _reach(view: View) -> Reach:
    known, marks = terms(view), view.run.quotes["mark"].to_numpy()
    columns = np.full((4, len(known.listed)), MISSING, dtype=np.int64)
    codes = np.where(np.isfinite(marks), view.codes("quotes", "instrument"), -1)
    order = np.argsort(codes, kind="stable")
    begins = np.flatnonzero(first_of_group(codes[order]))
    for code, own in zip(codes[order][begins].tolist(), np.split(marks[order], begins[1:]), strict=False):
        band = int(known.price_band[code])
        if band == MISSING or code < 0:
            continue
        least, most = int(np.floor(own.min() * _SCALE)), int(np.ceil(own.max() * _SCALE))
        below, above = (band, band) if known.option[code] else (least * band // _SCALE, most * band // _SCALE)
        columns[:, code] = (most - above, least + below, least - below, most + above)
    return Reach(*columns)
