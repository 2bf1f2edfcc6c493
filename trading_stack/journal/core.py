"""What every role of a replica shares: its log, its promise, its writes under way, and the effects it asks for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from trading_stack.defects import Defect
from trading_stack.journal.certificate import Certificate, valid
from trading_stack.journal.config import Config, Role
from trading_stack.journal.entries import Entry, sound
from trading_stack.journal.events import (
    Apply,
    Effect,
    Install,
    Lead,
    Persist,
    Promise,
    Request,
    Rewind,
    Send,
    Stored,
    Tell,
)
from trading_stack.journal.hearing import Hearing
from trading_stack.journal.life import Age, Life
from trading_stack.journal.log import Log
from trading_stack.journal.messages import Message, SnapshotOffer, Status
from trading_stack.journal.snapshots import Snapshot

BATCH_ENTRIES: Final = 512
BATCH_BYTES: Final = 512 << 10
NEVER_SEEN: Final = Age()


@dataclass(slots=True)
class Write:
    """A write under way; `last_index` is how far the log is durable once it is done (None: it has no entries)."""

    ticket: int
    asked_ns: int
    last_index: int | None
    then: Callable[[], None] | None


@dataclass(slots=True)
class Core:
    """The state that all roles read and change. Nothing here reads a clock or does anything but ask."""

    config: Config
    incarnation: str
    proven: bool
    founders: dict[str, str]
    promise: Promise
    log: Log
    durable_index: int
    age: Age
    fresh: bool
    nonce: int
    seen: dict[str, Age]
    openings: tuple[int, ...]
    hearing: Hearing
    snapshot: Snapshot | None = None
    role: Role = Role.STANDBY
    commit_index: int = 0
    leader_epoch: int = 0
    leader: str | None = None
    heard_primary_ns: int | None = None
    broken: str = ""
    now_ns: int = 0
    effects: list[Effect] = field(default_factory=list)
    writes: deque[Write] = field(default_factory=deque)
    waiting: dict[int, Request] = field(default_factory=dict)
    announced: Lead | None = None
    installing: int = 0  # snapshots whose state takes the place of this one's once they are durable
    _ticket: int = 0
    _opened_writes: int = 0
    _verified: Certificate | None = None

    @classmethod
    def of(cls, config: Config, stored: Stored, nonce: int) -> Core:
        base = stored.snapshot.base.index if stored.snapshot else 0
        return cls(
            config=config,
            incarnation=stored.incarnation,
            proven=stored.proven,
            founders=dict(stored.founders),
            promise=stored.promise,
            log=Log(stored.entries, stored.snapshot.base if stored.snapshot else None),
            durable_index=len(stored.entries) + base,
            commit_index=base,  # only what was committed is ever part of a snapshot
            snapshot=stored.snapshot,
            age=stored.age._replace(opening=nonce),
            fresh=stored.fresh,
            nonce=nonce,
            seen=dict(stored.seen),
            openings=stored.openings or (stored.age.writes,),
            hearing=Hearing(config.peers),
            _opened_writes=stored.age.writes,
        )

    # --- asking

    def send(self, to: str, message: Message) -> None:
        self.effects.append(Send(to, message))

    def broadcast(self, message: Message) -> None:
        for peer in self.config.peers:
            self.send(peer, message)

    def tell(self, kind: str, **fields: str | int) -> None:
        self.effects.append(Tell(kind, fields))

    def announce(self, epoch: int, primary: str | None) -> None:
        """Tell gateways who leads, once for each change."""
        last = self.announced
        if last is None or last.epoch != epoch or last.primary != primary:
            self.announced = Lead(epoch, primary)
            self.effects.append(self.announced)

    @property
    def empty(self) -> bool:
        """Whether the store is as it was made."""
        return self.fresh and self.log.last_index == 0 and self.promise.epoch == 0

    def introduce(self, peer: str) -> None:
        """Say which store this is, and ask the peer to do the same if it has not confirmed this opening."""
        asks = self.hearing.lacks(peer)
        self.send(
            peer, Status(self.life(), self.proven, self.empty, self.founders, dict(self.seen), asks=asks)
        )

    def life(self) -> Life:
        return Life(self.incarnation, self.age)

    # --- writing

    def persist(
        self,
        *,
        fence: int | None,
        truncate_from: int | None = None,
        entries: Collection[Entry] = (),
        promise: Promise | None = None,
        founders: dict[str, str] | None = None,
        proven: bool | None = None,
        incarnation: str | None = None,
        snapshot: Snapshot | None = None,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Ask for one durable write; `then` runs when it is done. Writes are done in the order asked for."""
        self._ticket += 1
        if truncate_from is not None:
            self._forget_durable(truncate_from)
        last = self.log.last_index if entries else None
        self.writes.append(Write(self._ticket, self.now_ns, last, then))
        self.effects.append(
            Persist(
                self._ticket,
                fence,
                truncate_from,
                list(entries),
                promise,
                founders,
                proven,
                incarnation,
                dict(self.seen) if self.seen else None,
                snapshot,
            )
        )

    def _forget_durable(self, first: int) -> None:
        self.durable_index = min(self.durable_index, first - 1)
        for write in self.writes:
            if write.last_index is not None:
                write.last_index = min(write.last_index, first - 1)

    def on_persisted(self, ticket: int) -> None:
        self.age = self.age._replace(writes=self._opened_writes + ticket)
        while self.writes and self.writes[0].ticket <= ticket:
            write = self.writes.popleft()
            if write.last_index is not None:
                self.durable_index = max(self.durable_index, write.last_index)
            if write.then is not None:
                write.then()

    def make_promise(self, epoch: int, candidate: str, then: Callable[[], None] | None = None) -> None:
        """Promise at once in memory, and run `then` when the promise is durable."""
        self.promise = Promise(epoch, candidate)
        if Defect.PROMISE_NOT_DURABLE in self.config.defects:  # planted: answered, and never written
            if then is not None:
                then()
            return
        self.persist(fence=None, promise=self.promise, then=then)

    # --- the log

    def splice(self, entries: list[Entry], *, fence: int, then: Callable[[], None] | None = None) -> bool:
        """Write a leader's entries that follow a point where the logs agree; entries already here stay untouched.

        Only what truly differs is truncated: an entry that is the same may be committed. False when nothing was
        written, because all was here or because the entries can't be trusted.
        """
        if not entries:
            return False
        fresh = self._fresh(entries)
        if fresh and fresh[0].index <= self.log.base.index:
            self.cut(fresh[0].index)
            return False
        if not fresh or not self._sound(fresh):
            return False
        truncate_from = fresh[0].index if fresh[0].index <= self.log.last_index else None
        if truncate_from is not None and not self.cut(truncate_from):
            return False
        self.log.extend(fresh)
        self.persist(fence=fence, truncate_from=truncate_from, entries=fresh, then=then)
        return True

    def cut(self, first: int) -> bool:
        """Truncate the log in memory from `first`; what was committed is never cut."""
        if first <= self.commit_index:
            forgetful = {Defect.ACKNOWLEDGE_BEFORE_REPLICATION, Defect.SPLIT_BRAIN_LOCAL_VOTE}
            if first <= self.log.base.index or not self.config.defects & forgetful:
                self.break_down(f"committed entry {first} differs from the primary's")
                return False
            self.commit_index = first - 1  # planted mistakes make even committed entries go
            self.effects.append(Rewind(first - 1))
        self.log.truncate(first)
        return True

    def _fresh(self, entries: list[Entry]) -> list[Entry]:
        for offset, entry in enumerate(entries):
            if not self.log.holds(entry.index, entry.hash):
                return entries[offset:]
        return []

    def _sound(self, entries: list[Entry]) -> bool:
        if entries[0].index > self.log.last_index + 1:
            return False
        before = self.log.hash_at(entries[0].index - 1)
        for index, entry in enumerate(entries, entries[0].index):
            if entry.index != index or not sound(entry, before):
                return False
            before = entry.hash
        return True

    def commit(self, index: int) -> None:
        """Apply everything up to `index`, which a majority holds."""
        if index <= self.commit_index:
            return
        entries = self.log.slice(self.commit_index + 1, index)
        self.commit_index = index
        waiting = self.waiting
        requests: list[Request | None] = [waiting.pop(entry.index, None) for entry in entries]
        self.effects.append(Apply(entries, requests))

    # --- snapshots

    def offer_snapshot(self, to: str) -> None:
        """Offer what stands for the entries that are gone."""
        if self.snapshot is not None:
            epoch, snapshot = self.promise.epoch, self.snapshot
            self.send(to, SnapshotOffer(epoch, snapshot.base, snapshot.digest, len(snapshot.data)))

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        """Let one's own snapshot take the place of the entries that it stands for, once it is durable."""
        # planted: what is put in the place of the old entries knows nothing of promises
        forgets = Defect.SNAPSHOT_FORGETS_PROMISE in self.config.defects
        promise = Promise() if forgets else None
        self.persist(fence=None, snapshot=snapshot, promise=promise, then=lambda: self._kept(snapshot))

    def _kept(self, snapshot: Snapshot) -> None:
        if snapshot.base.index > self.log.base.index:  # none from a peer overtook it
            self.snapshot = snapshot
            self.log.compact(snapshot.base)
            self.tell("snapshot_taken", last_index=snapshot.base.index)

    def install(self, snapshot: Snapshot, *, fence: int) -> None:
        """Let a peer's snapshot take the place of the whole log, which doesn't reach its base or differs there.

        The log begins anew at once, as with entries; nothing counts as durable, and the state stays, until it is.
        """
        self._forget_durable(self.commit_index + 1)
        self.snapshot = snapshot
        self.log.reset(snapshot.base)
        self.commit_index = snapshot.base.index
        self.installing += 1
        self.persist(
            fence=fence,
            truncate_from=snapshot.base.index + 1,
            snapshot=snapshot,
            then=lambda: self._installed(snapshot),
        )
        self.writes[-1].last_index = snapshot.base.index

    def _installed(self, snapshot: Snapshot) -> None:
        self.installing -= 1
        self.effects.append(Install(snapshot))
        self.tell("snapshot_installed", last_index=snapshot.base.index)

    # --- trust

    @property
    def votes(self) -> bool:
        """Whether this store may vote, and has heard from its peers that it forgot nothing."""
        return self.proven and self.hearing.over

    def binds_to(self, peer: str) -> bool:
        """Whether this store may promise to, or acknowledge to, this peer."""
        return self.proven and self.hearing.over and peer in self.hearing.confirmed

    def forgot(self, seen: Age) -> bool:
        """Whether this store has forgotten something since a peer saw it at that age.

        It then is younger; or it was opened again since, and the opening that followed the one in which it was seen
        began with no more writes than the peer saw.
        """
        if seen.opens >= self.age.opens:
            return self.age.behind(seen)
        return seen.writes >= self.openings[seen.opens - self.age.opens :][0]

    def certified(self, certificate: Certificate | None, epoch: int, candidate: str) -> bool:
        """Whether a majority of sentinels allowed this candidate this epoch."""
        if certificate is None or (certificate.new_epoch, certificate.candidate) != (epoch, candidate):
            return False
        if certificate == self._verified:
            return True
        config = self.config
        needed = 1 if Defect.SPLIT_BRAIN_LOCAL_VOTE in config.defects else config.sentinels_needed
        if not valid(certificate, cluster=config.cluster, needed=needed, verify=config.verify):
            return False
        self._verified = certificate
        return True

    def recall(self, life: Life | None) -> bool:
        """Take note of another store's age, for ever; False when that store has forgotten something since.

        A new opening is written down at once, the number of writes with whatever is written next.
        """
        if life is None:
            return False
        seen = self.seen.get(life.incarnation, NEVER_SEEN)
        if seen == life.age and seen is not NEVER_SEEN:
            return True
        newer = self.seen[life.incarnation] = seen.with_(life.age)
        if newer.opens > seen.opens:
            self.persist(fence=None)
        return not life.age.behind(seen)

    def disown(self, reason: str) -> None:
        """This very store forgot something: it takes another name, and may not vote until it has recovered."""
        digest = blake2b(f"{self.incarnation} {self.nonce}".encode(), digest_size=16)
        self.incarnation = digest.hexdigest()
        self.proven = self.fresh = False
        self.tell("store_damaged", epoch=self.promise.epoch, reason=reason)
        self.persist(fence=None, proven=False, incarnation=self.incarnation)

    def break_down(self, reason: str) -> None:
        """Stop promising, voting, acknowledging and leading, until a restart finds the store sound."""
        if not self.broken:
            self.broken = reason
            self.tell("store_damaged", epoch=self.promise.epoch, reason=reason)
