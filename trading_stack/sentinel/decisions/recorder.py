"""A sentinel that notes everything it is told, signs and decides."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from trading_stack.sentinel.config import Config
from trading_stack.sentinel.decisions.records import Input, Record, Signed, decided, opening
from trading_stack.sentinel.events import Ballot, Effect, Event
from trading_stack.sentinel.memory import Memory
from trading_stack.sentinel.sentinel import Sentinel


class Book(Protocol):
    """Where records go. `full`: it would rather begin anew."""

    full: bool

    def note(self, record: Record) -> None:
        """Add a record; never blocks."""

    def open(self, first: Record) -> None:
        """Begin anew with this record."""


class Recorder:
    """Hands events to `sentinel`, and writes the book."""

    def __init__(
        self, config: Config, book: Book, *, voted: Ballot | None, seed: int, moves_ns: tuple[int, ...] = ()
    ) -> None:
        self._config = config
        self._book = book
        self.sentinel = Sentinel(replace(config, sign=self._sign), voted=voted, seed=seed, moves_ns=moves_ns)
        book.open(opening(config, Memory(seed, voted, moves_ns)))

    def handle(self, event: Event, now_ns: int) -> list[Effect]:
        """Everything that this event makes the sentinel ask for, in order."""
        self._book.note(Input(now_ns, event))
        effects = self.sentinel.handle(event, now_ns)
        decisions = decided(effects)
        if decisions is not None:
            self._book.note(decisions)
        elif self._book.full:
            self._turn_over()
        return effects

    def _turn_over(self) -> None:
        """Begin the book anew, as soon as nothing is under way."""
        memory = self.sentinel.memory()
        if memory is not None:
            self._book.open(opening(self._config, memory))

    def _sign(self, message: bytes) -> bytes:
        signature = self._config.sign(message)
        self._book.note(Signed(message, signature))
        return signature
