"""Carries out what the replica asks for: sends, writes, timers, and commands applied to the venue."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, NamedTuple

from trading_stack.dial import Client
from trading_stack.engine.archive import NewVenue, state_after, venue_of
from trading_stack.engine.messages import Done, Leading, NotPrimary
from trading_stack.engine.tally import Tally
from trading_stack.events import emit, log
from trading_stack.journal.events import (
    AnswerReads,
    Apply,
    AskReads,
    Effect,
    Event,
    Install,
    Lead,
    Persist,
    Propose,
    Refer,
    Request,
    Rewind,
    Send,
    SetTimer,
    SnapshotTaken,
    TakeSnapshot,
    Tell,
    Timer,
)
from trading_stack.journal.replica import Replica
from trading_stack.journal.store import Outcome, Store
from trading_stack.wire import Connection

OF_THE_VENUE: Final = (Apply, AnswerReads, Rewind, Install)


class Asked(NamedTuple):
    """Who waits for an answer since when: a gateway's request on its connection, with the query if it is a read."""

    connection: Connection
    request: int
    since_ns: int
    query: bytes = b""


class Host:
    """One replica, its store and its venue on an event loop. Everything runs on the loop but the store's writer."""

    def __init__(self, replica: Replica, store: Store, new_venue: NewVenue) -> None:
        self.replica = replica
        self.venue = venue_of(new_venue, replica.snapshot)
        self.leading = Leading(0, None)
        self.peers: Mapping[str, Client] = {}
        self.on_leading: Callable[[Leading], None] = lambda _: None
        self.tally = Tally(time.monotonic_ns())
        self.counts = {"commands": 0, "reads": 0, "applied": 0, "referred": 0}
        self._store = store
        self._new_venue = new_venue
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._commands: list[tuple[Request, bytes]] = []
        self._reads: list[Request] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._behind: deque[Effect] | None = None
        self._effects: dict[type[Any], Callable[[Any], None]] = {
            Send: self._send,
            Persist: store.write,
            Apply: self._apply,
            AnswerReads: lambda effect: self._answer_reads(effect.requests),
            Refer: lambda effect: self._refer(effect.requests),
            Rewind: lambda effect: self._rewind(effect.index),
            Lead: self._lead,
            Tell: lambda effect: emit(effect.kind, **effect.fields),
            SetTimer: self._set_timer,
            TakeSnapshot: lambda effect: self._begin(self._take_snapshot(effect)),
            Install: self._install,
        }

    def start(self) -> None:
        """Begin to write; must be called from the event loop."""
        self._store.start(lambda outcomes: self._loop.call_soon_threadsafe(self._stored, outcomes))

    def tell(self, event: Event) -> None:
        """Let the replica handle an event, and do what it asks for."""
        self._carry_out(self.replica.handle(event, time.monotonic_ns()))

    def submit(self, asked: Request, command: bytes) -> None:
        """Queue a command; those of one turn of the loop become one batch."""
        self.counts["commands"] += 1
        self._want_flush()
        self._commands.append((asked, command))

    def read(self, asked: Asked) -> None:
        """Queue a read; those of one turn of the loop share one confirmation."""
        self.counts["reads"] += 1
        self._want_flush()
        self._reads.append(asked)

    def answer_unconfirmed(self, asked: Asked) -> None:
        """Answer a read from the present state; only a planted defect does so."""
        self._answer_reads([asked])

    def _want_flush(self) -> None:
        if not self._commands and not self._reads:
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        commands, self._commands = self._commands, []
        reads, self._reads = self._reads, []
        if commands:
            self.tell(Propose(commands))
        if reads:
            self.tell(AskReads(reads))

    def _stored(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            self.tell(outcome)

    # --- effects

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if self._behind is not None and isinstance(effect, OF_THE_VENUE):
                self._behind.append(effect)
            else:
                self._effects[type(effect)](effect)

    def _send(self, effect: Send) -> None:
        self.peers[effect.to].send(
            effect.message
        )  # a message to a peer that is down is lost, as the replica expects

    def _apply(self, effect: Apply) -> None:
        apply = self.venue.apply
        self.counts["applied"] += len(effect.entries)
        now_ns = time.monotonic_ns()
        for entry, asked in zip(effect.entries, effect.requests, strict=True):
            result = apply(entry.index, entry.epoch, entry.time_ns, entry.command)
            if isinstance(asked, Asked):
                asked.connection.send(Done(asked.request, entry.index, entry.epoch, result))
                self.tally.answer(now_ns - asked.since_ns)

    def _answer_reads(self, requests: list[Request]) -> None:
        view, now_ns = self.replica.view(), time.monotonic_ns()
        for asked in requests:
            if isinstance(asked, Asked):
                result = self.venue.read(asked.query)
                asked.connection.send(Done(asked.request, view.commit_index, view.epoch, result))
                self.tally.answer(now_ns - asked.since_ns)

    def _refer(self, requests: list[Request]) -> None:
        leading = self.leading
        self.counts["referred"] += len(requests)
        self.tally.turn_away(len(requests))
        for asked in requests:
            if isinstance(asked, Asked):
                asked.connection.send(NotPrimary(asked.request, leading.primary, leading.epoch))

    def _rewind(self, index: int) -> None:
        self.venue = venue_of(self._new_venue, self.replica.snapshot)
        for entry in self.replica.log.slice(self.venue.index + 1, index):
            self.venue.apply(entry.index, entry.epoch, entry.time_ns, entry.command)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take_snapshot(self, effect: TakeSnapshot) -> None:
        index = effect.entries[-1].index
        data: bytes | None = None
        try:
            data = await asyncio.to_thread(state_after, self._new_venue, effect.after, effect.entries)
        except Exception as failure:  # the log stays as it is; the venue itself is not touched
            log(f"no snapshot after entry {index}: {type(failure).__name__}: {failure}")
        self.tell(SnapshotTaken(index, data))

    def _install(self, effect: Install) -> None:
        """Make the snapshot's venue; what comes for the venue meanwhile waits for it."""
        if self._behind is None:
            self._behind = deque([effect])
            self._begin(self._catch_up(self._behind))
        else:
            self._behind.append(effect)

    async def _catch_up(self, behind: deque[Effect]) -> None:
        while behind:
            effect = behind.popleft()
            if isinstance(effect, Install):
                old, self.venue = (
                    self.venue,
                    await asyncio.to_thread(venue_of, self._new_venue, effect.snapshot),
                )
                await asyncio.to_thread(old.dismantle)
            else:
                self._effects[type(effect)](effect)
        self._behind = None

    def _lead(self, effect: Lead) -> None:
        self.leading = Leading(effect.epoch, effect.primary)
        self.on_leading(self.leading)

    def _set_timer(self, effect: SetTimer) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0, effect.at_ns - time.monotonic_ns()) / 1e9
        self._timer = self._loop.call_later(delay_s, self.tell, Timer())
