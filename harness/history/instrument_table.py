"""The table of what can be traded."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from harness.history.columns import INSTRUMENTS
from harness.history.frames import frame_of_structs
from harness.model.instrument import Instrument


def instruments_table(instruments: Iterable[Instrument]) -> pd.DataFrame:
    """The table `instruments`, one row an instrument, in the order given."""
    kept = list(instruments)
    return frame_of_structs(INSTRUMENTS, kept, {"instrument": [one.name for one in kept]})
