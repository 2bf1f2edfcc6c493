"""Whom a store that was opened must hear before it binds itself: its peers may know that it forgot something.

A store that was put back to an older state doesn't know what it promised and acknowledged since. Whoever it promised
or acknowledged that to does. So, after each opening, it asks each peer how old the peer knows it to be, and neither
promises nor acknowledges anything before both have answered; its answer also tells the peer that what it hears from an
earlier opening counts no more. A peer that may be down is not waited for without end, and less long while it can't
be dialled; from then on one that has answered is enough. Waiting is counted in turns of the timer, which stands still
when the replica does. Nothing is promised or acknowledged to a peer that has not answered itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

AWAY_TURNS: Final = 15
"""Heartbeats, 300 ms in all, for a peer that can't be dialled."""
LINKED_TURNS: Final = 25
"""Heartbeats, 500 ms in all, for one that can: twice the longest pause before it dials back, to answer."""


@dataclass(slots=True)
class Hearing:
    """Which of the peers were dialled, which have confirmed this opening of the store, and how long it has waited."""

    peers: tuple[str, ...]
    confirmed: set[str] = field(default_factory=set)
    linked: set[str] = field(default_factory=set)
    turns: int = 0

    @property
    def complete(self) -> bool:
        return len(self.confirmed) == len(self.peers)

    @property
    def over(self) -> bool:
        """Whether every peer has answered, or one has and the other was waited for."""
        if self.complete or not self.confirmed:
            return self.complete
        patience = LINKED_TURNS if self.linked - self.confirmed else AWAY_TURNS
        return self.turns >= patience

    def lacks(self, peer: str) -> bool:
        """Whether this peer is still to answer."""
        return peer not in self.confirmed
