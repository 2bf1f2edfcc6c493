"""What clients saw: the probes as streams, one a gateway and one a client that reconnects elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.checks.struck import struck_gateways
from harness.checks.view import MISSING, Bools, Ints, View

DEADLINE_NS: Final = 250_000_000
"""An answer counts as on time until here, from when its order was due."""

NEVER: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Stream:
    """The probes of one client, by the time when they were due.

    `completed_ns` is `NEVER` for one without an ok, `sent_ns` is `MISSING` for one that never went out; `on_time` are those
    with an ok within the deadline, `at_once` the ones of them whose first attempt did it. `struck` says that a fault took
    its gateway away, so that nobody can expect an answer there. Probes go out later than they are due: `checks/looks` says
    how finely the stream could see.
    """

    name: str
    provider: str
    moves: bool
    struck: bool
    intended_ns: Ints
    sent_ns: Ints
    completed_ns: Ints
    epoch: Ints
    on_time: Bools
    at_once: Bools

    @property
    def spacing_ns(self) -> int:
        """The median distance between two probes, as they were due; 0 with fewer than two."""
        if len(self.intended_ns) < 2:
            return 0
        return int(np.median(np.diff(self.intended_ns)))


def streams(view: View, *, deadline_ns: int = DEADLINE_NS) -> tuple[Stream, ...]:
    """Every stream of probes, by name."""
    struck = struck_gateways(view.run)
    clients = view.codes("operations", "client")
    found = []
    for purpose, moves in (("probe", False), ("reconnect", True)):
        where = view.equals("operations", "purpose", purpose) & view.asks()
        for client in np.unique(clients[where]):
            rows = np.flatnonzero(where & (clients == client))
            rows = rows[np.argsort(view.ints("operations", "intended_ns")[rows], kind="stable")]
            found.append(_stream(view, rows, moves=moves, struck=struck, deadline_ns=deadline_ns))
    return tuple(sorted(found, key=lambda stream: stream.name))


def expected(all_streams: tuple[Stream, ...]) -> tuple[Stream, ...]:
    """Those that should work throughout: at gateways that no fault took away, and the clients that move."""
    return tuple(stream for stream in all_streams if stream.moves or not stream.struck)


def _stream(view: View, rows: Ints, *, moves: bool, struck: frozenset[str], deadline_ns: int) -> Stream:
    frame = view.run.operations
    first = int(rows[0])
    gateway, provider = (str(frame[name].iloc[first]) for name in ("gateway", "provider"))
    intended = view.ints("operations", "intended_ns")[rows]
    completed = view.ints("operations", "completed_ns")[rows]
    good = view.equals("operations", "outcome", "ok")[rows] & (completed != MISSING)
    completed = np.where(good, completed, NEVER)
    on_time = good & (completed - np.where(good, intended, 0) <= deadline_ns)
    epoch = view.ints("operations", "epoch")[rows]
    return Stream(
        name=str(frame["client"].iloc[first]) if moves else gateway,
        provider="" if moves else provider,
        moves=moves,
        struck=not moves and gateway in struck,
        intended_ns=intended,
        sent_ns=view.ints("operations", "sent_ns")[rows],
        completed_ns=completed,
        epoch=np.where(epoch == MISSING, -1, epoch),
        on_time=on_time,
        at_once=on_time & view.equals("operations", "first_attempt", "ok")[rows],
    )
