"""How far a store's life has come, so that one which was put back to an older state of itself can be told."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

OPENINGS_KEPT: Final = 64


def opened(openings: tuple[int, ...], writes: int) -> tuple[int, ...]:
    """How many writes a store had made with each of its last openings, after one more that made it so many."""
    return (*openings, writes)[-OPENINGS_KEPT:]


class Age(NamedTuple):
    """How often a store was opened and how many writes it has made durable; neither ever falls in an honest life.

    `opening` is a number drawn for the last opening: no count is given to two of them.
    """

    opens: int = 0
    writes: int = 0
    opening: int = 0

    def behind(self, seen: Age) -> bool:
        """Whether a store of this age has forgotten something since it was `seen`."""
        counted_twice = self.opens == seen.opens and self.opening != seen.opening
        return self.opens < seen.opens or counted_twice or self.writes < seen.writes

    def with_(self, other: Age) -> Age:
        """The greater of each count; the opening is that of the last."""
        opens, _, opening = self if self.opens >= other.opens else other
        return Age(opens, max(self.writes, other.writes), opening)


class Life(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Which store speaks, and its age at that moment. It claims nothing that isn't durable."""

    incarnation: str
    age: Age
