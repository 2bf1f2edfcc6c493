"""The words that scenario files may use. Faults and checks live on a higher floor, so they are handed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from harness.documents.reading import keys_of
from harness.model.errors import UsageError
from harness.model.quantities import Settings
from harness.model.stack_event import Moment

ENTRY_KEYS: Final = ("id", "at", "when", "fault", "lasts")


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Faults and checks by name, each with the model of its settings, and the events that `when:` may wait for.

    A fault's fields are the keys beside `fault:`; `ENTRY_KEYS` belong to the timeline. A fault class with a true
    `instant` has no end, so `lasts` is not allowed beside it. A check's fields are the keys of its expectation.
    """

    faults: Mapping[str, type[Settings]]
    checks: Mapping[str, type[Settings]]
    events: Iterable[str] = tuple(Moment)

    def __post_init__(self) -> None:
        for name, fault in self.faults.items():
            taken = sorted(set(keys_of(fault)) & set(ENTRY_KEYS))
            if taken:
                raise UsageError(
                    f"the fault {name!r} has the key {taken[0]!r}, which belongs to the timeline"
                )


def is_instant(fault: type[Settings]) -> bool:
    """Whether a fault is over as soon as it strikes (a reset), so that it can't last."""
    return bool(getattr(fault, "instant", False))
