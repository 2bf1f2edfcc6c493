"""From what one watcher noted, in order of time, to the lives of the senders that it heard."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from harness.detectors.trace import Ints, Life, ints


@dataclass(slots=True)
class _Open:
    """A life that is being read."""

    sender: str
    life: int
    heard_ns: list[int] = field(default_factory=list)
    sequence: list[int] = field(default_factory=list)
    died_ns: int | None = None


class LivesOfOneWatcher:
    """Gathers lives; times must not fall from call to call.

    A heartbeat that is older than one heard before, of this life or a later one, is no news and is left out. A sender
    whose next life is heard though nobody told of its death was watched up to its last heartbeat, no longer.
    """

    def __init__(self) -> None:
        self._open: dict[str, _Open] = {}
        self._closed: list[tuple[_Open, int]] = []
        self._until_ns: list[int] = []
        self._lag_ns: list[int] = []

    def heard(self, sender: str, life: int, sequence: int, at_ns: int) -> None:
        current = self._open.get(sender)
        if current is None or life > current.life:
            if current is not None:
                self._close(current, at_ns)
            current = self._open[sender] = _Open(sender, life)
        if life == current.life and (not current.sequence or sequence > current.sequence[-1]):
            current.heard_ns.append(at_ns)
            current.sequence.append(sequence)

    def lagged(self, lag_ns: int, at_ns: int) -> None:
        """Spans that overlap become one, since a lag counts from its own onset alone."""
        begin_ns = at_ns - lag_ns
        while self._until_ns and begin_ns < self._until_ns[-1]:
            begin_ns = min(begin_ns, self._until_ns.pop() - self._lag_ns.pop())
        self._until_ns.append(at_ns)
        self._lag_ns.append(at_ns - begin_ns)

    def died(self, sender: str, at_ns: int) -> None:
        current = self._open.get(sender)
        if current is not None and current.died_ns is None:
            current.died_ns = at_ns

    def close(self, ended_ns: int) -> tuple[Life, ...]:
        """All lives; those that go on were watched until `ended_ns`."""
        for current in self._open.values():
            self._closed.append((current, ended_ns))
        until_ns, lag_ns = ints(self._until_ns), ints(self._lag_ns)
        return tuple(_life(noted, end_ns, until_ns, lag_ns) for noted, end_ns in self._closed)

    def _close(self, current: _Open, next_ns: int) -> None:
        self._closed.append((current, next_ns if current.died_ns is not None else current.heard_ns[-1]))


def _life(noted: _Open, ended_ns: int, until_ns: Ints, lag_ns: Ints) -> Life:
    """One life, with the lags that touch it."""
    first, last = np.searchsorted(until_ns, [noted.heard_ns[0], ended_ns], side="right")
    last = min(int(last) + 1, len(until_ns))
    return Life(
        heard_ns=ints(noted.heard_ns),
        sequence=ints(noted.sequence),
        until_ns=until_ns[first:last],
        lag_ns=lag_ns[first:last],
        died_ns=noted.died_ns,
        ended_ns=ended_ns,
        sender=noted.sender,
    )
