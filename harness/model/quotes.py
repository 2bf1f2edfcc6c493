"""Published prices, with all that is needed to judge them."""

from __future__ import annotations

import msgspec


class Quote(msgspec.Struct, frozen=True, array_like=True):
    """One mark of one instrument by one provider.

    Prices and `index`, `forward`, `strike` are floats in the instrument's quote unit (USD; coin for options);
    `volatility` is a year's, `expiry_years` the time to expiry at the valuation time, `basis` the clamped moving
    average that a perpetual or future adds to the index. `kind` is `option_call`, `option_put`, `future` or `perpetual`.
    `source_sequence` is that of the newest source event used; `valuation_ns` that event's own time (the source's
    clock); `published_mono_ns` the host's monotonic clock; `input_age_ns` the age of the oldest input, counted since
    its sequence last advanced.
    """

    cursor: int
    provider: str
    instrument: str
    kind: str
    published_mono_ns: int
    source_sequence: int
    valuation_ns: int
    model_version: str
    inputs_hash: str
    mark: float
    index: float
    index_age_ns: int
    surface_age_ns: int
    forward: float | None = None
    strike: float | None = None
    volatility: float | None = None
    expiry_years: float | None = None
    basis: float | None = None


class QuoteBatch(msgspec.Struct, frozen=True):
    """Quotes, oldest first, and the cursor to ask from next. `dropped` counts those that were overwritten unread."""

    quotes: list[Quote]
    cursor: int
    dropped: int = 0
