"""Keeps the collector of garbage from holding up a run for what was there before it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def old_objects_left_alone() -> Iterator[None]:
    """Within, collections look at new objects only.

    A collection of all that a long suite has gathered holds this process up for a quarter of a second and more: faults would
    strike late, answers be read late, and the host seem to have stood still.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
