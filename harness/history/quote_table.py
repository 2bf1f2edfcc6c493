"""The table of published prices."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from harness.history.columns import QUOTES
from harness.history.frames import frame_of_structs
from harness.model.quotes import QuoteBatch


def quotes_table(batches: Iterable[QuoteBatch], *, origin_mono_ns: int) -> pd.DataFrame:
    """The table `quotes`, in the order in which the quotes were read; prices are floats, as they were published.

    `origin_mono_ns` is the run's origin on the host's monotonic clock.
    """
    quotes = [quote for batch in batches for quote in batch.quotes]
    published = [quote.published_mono_ns - origin_mono_ns for quote in quotes]
    return frame_of_structs(QUOTES, quotes, {"published_ns": published})
