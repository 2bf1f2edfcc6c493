"""One replica of the journal as a pure state machine: `handle(event, now_ns) -> effects`.

No clock, socket or random source is read here; what is durable is what the shell has confirmed. The same code runs in
services, in tests over virtual time, and in simulations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from trading_stack.journal.candidate import Candidate
from trading_stack.journal.certificate import Certificate
from trading_stack.journal.config import Config, Role
from trading_stack.journal.core import Core
from trading_stack.journal.entries import Position
from trading_stack.journal.events import (
    AskReads,
    Certified,
    Effect,
    Event,
    HandOver,
    PeerUp,
    Persisted,
    PersistFailed,
    PersistRefused,
    Propose,
    Received,
    Refer,
    Request,
    SetTimer,
    SnapshotTaken,
    Stored,
    Timer,
)
from trading_stack.journal.handover import Handovers
from trading_stack.journal.installing import Installing
from trading_stack.journal.log import Log
from trading_stack.journal.messages import (
    Append,
    AppendReply,
    Fetch,
    FetchReply,
    PreVote,
    PreVoteReply,
    Recover,
    RecoverReply,
    Seal,
    SealReply,
    SnapshotOffer,
    SnapshotPart,
    SnapshotWanted,
    Status,
    Yield,
)
from trading_stack.journal.newcomer import Newcomer
from trading_stack.journal.primary import Primary
from trading_stack.journal.snapshots import Snapshot
from trading_stack.journal.taking import Taking
from trading_stack.journal.voter import Voter


class View(msgspec.Struct, frozen=True, gc=False):
    """What others may know of a replica at one moment. `heard_primary_ns` is when its primary was last heard.

    Of a primary alone: `queued` commands were taken and are not committed, and nothing has been since `stalled_since_ns`.
    """

    role: Role
    serving: bool
    proven: bool
    caught_up: bool
    broken: str
    epoch: int
    leader: str | None
    promised_epoch: int
    commit_index: int
    last: Position
    heard_primary_ns: int | None
    oldest_write_ns: int | None
    incarnation: str
    stalled_since_ns: int | None
    queued: int

    def unready(self) -> str | None:
        """Why it can't do its part, or None."""
        if self.broken:
            return f"the store is damaged: {self.broken}"
        if not self.proven:
            return "the store may not vote yet"
        if self.leader is None:
            return "no primary is known"
        return None if self.caught_up else "not caught up with the primary"


class Replica:
    """A replica that begins as a standby with what its store held. `nonce` must differ each time it is opened."""

    def __init__(self, config: Config, stored: Stored, *, nonce: int) -> None:
        self._core = Core.of(config, stored, nonce)
        self._voter = Voter(self._core, self._step_down)
        self._newcomer = Newcomer(self._core, lambda: self._leads, nonce)
        self._taking = Taking(self._core)
        self._installing = Installing(self._core, self._follows)
        self._handovers = Handovers(
            self._core,
            primary=lambda: self._primary,
            step_down=self._step_down,
            seal=self._voter.promised,
        )
        self._candidate: Candidate | None = None
        self._primary: Primary | None = None
        self._postponed: tuple[Certificate, int] | None = None
        self._timer_runs = False
        if stored.damage:
            self._core.tell("store_damaged", epoch=stored.promise.epoch, reason=stored.damage)
        core, voter, newcomer = self._core, self._voter, self._newcomer
        self._events: dict[type[Any], Callable[[Any], None]] = {
            Received: self._received,
            Certified: lambda event: self._stand(event.certificate),
            HandOver: lambda event: self._handovers.begin(event.certificate),
            PeerUp: self._peer_up,
            Persisted: lambda event: core.on_persisted(event.ticket),
            PersistRefused: self._persist_refused,
            PersistFailed: self._persist_failed,
            Propose: self._propose,
            AskReads: self._ask_reads,
            Timer: lambda _: self._on_timer(),
            SnapshotTaken: self._taking.on_taken,
        }
        self._messages: dict[type[Any], Callable[[str, Any], None]] = {
            Append: voter.on_append,
            AppendReply: self._append_reply,
            PreVote: voter.on_pre_vote,
            Seal: voter.on_seal,
            Fetch: voter.on_fetch,
            PreVoteReply: self._pre_vote_reply,
            SealReply: self._seal_reply,
            FetchReply: self._fetch_reply,
            Status: newcomer.on_status,
            Recover: newcomer.on_recover,
            RecoverReply: newcomer.on_recover_reply,
            SnapshotOffer: self._installing.on_offer,
            SnapshotWanted: self._installing.on_wanted,
            SnapshotPart: self._snapshot_part,
            Yield: lambda sender, message: self._stand(message.certificate, yielded_by=sender),
        }

    def handle(self, event: Event, now_ns: int) -> list[Effect]:
        """Everything that this event makes the replica ask for, in order."""
        core = self._core
        core.now_ns = now_ns
        if not core.broken or type(event) in (Propose, AskReads):
            self._events[type(event)](event)
        if core.role is not Role.STANDBY and (core.broken or not core.proven):
            self._step_down(core.broken or "its store was rolled back")
        if self._postponed is not None:
            self._stand_late()
        self._taking.consider()
        self._handovers.proceed()
        if core.broken:
            self._handovers.end()
        self._arm(fired=type(event) is Timer)
        effects, core.effects = core.effects, []
        return effects

    @property
    def log(self) -> Log:
        """The log in memory, for reading alone."""
        return self._core.log

    @property
    def snapshot(self) -> Snapshot | None:
        """What stands for the entries that the log no longer has."""
        return self._core.snapshot

    def view(self) -> View:
        core, primary, leads = self._core, self._primary, self._leads
        return View(
            role=core.role,
            serving=leads,
            proven=core.proven,
            caught_up=leads or self._voter.caught_up,
            broken=core.broken,
            epoch=core.leader_epoch,
            leader=core.leader,
            promised_epoch=core.promise.epoch,
            commit_index=core.commit_index,
            last=core.log.last,
            heard_primary_ns=core.heard_primary_ns,
            oldest_write_ns=core.writes[0].asked_ns if core.writes else None,
            incarnation=core.incarnation,
            stalled_since_ns=primary.stalled_since_ns if primary is not None else None,
            queued=primary.queued + self._handovers.held if primary is not None else 0,
        )

    # --- roles

    @property
    def _leads(self) -> bool:
        return self._primary is not None and self._primary.serving

    def _stand(self, certificate: Certificate, *, yielded_by: str | None = None) -> None:
        core = self._core
        if certificate.candidate != core.config.node or not core.proven:
            return
        if certificate.new_epoch <= core.promise.epoch:
            return
        if self._candidate is not None and self._candidate.epoch >= certificate.new_epoch:
            return
        if not core.certified(certificate, certificate.new_epoch, core.config.node):
            return
        if not core.hearing.over:
            self._postponed = (certificate, core.now_ns)
            return
        self._step_down(f"stands for epoch {certificate.new_epoch}")
        core.role = Role.CANDIDATE
        self._candidate = Candidate(core, certificate, self._lead, yielded_by=yielded_by)
        self._candidate.start()

    def _stand_late(self) -> None:
        """Stand for what was allowed before the peers had answered, unless sentinels have given it up meanwhile."""
        core = self._core
        assert self._postponed is not None
        certificate, since_ns = self._postponed
        if core.now_ns - since_ns > core.config.promotion_ns:
            self._postponed = None
        elif core.hearing.over:
            self._postponed = None
            self._stand(certificate)

    def _lead(self, certificate: Certificate) -> None:
        candidate, self._candidate = self._candidate, None
        self._core.role = Role.PRIMARY
        self._primary = Primary(self._core, certificate)
        self._primary.start([] if candidate is None else candidate.commands)
        if candidate is not None and candidate.reads:
            self._primary.ask_reads(candidate.reads)

    def _step_down(self, reason: str) -> None:
        self._handovers.interrupt()
        core, primary, candidate = self._core, self._primary, self._candidate
        self._candidate = None
        self._primary = None
        core.role = Role.STANDBY
        if candidate is not None:
            self._refer([*(request for request, _ in candidate.commands), *candidate.reads])
        if primary is None:
            return
        requests = primary.end()
        core.leader = None
        if primary.serving:
            core.tell("primary_stepped_down", epoch=primary.epoch, reason=reason)
        core.announce(max(primary.epoch, core.promise.epoch), None)
        if requests:
            core.effects.append(Refer(requests))

    # --- events

    def _received(self, event: Received) -> None:
        self._messages[type(event.message)](event.sender, event.message)

    def _pre_vote_reply(self, sender: str, message: PreVoteReply) -> None:
        if self._candidate is not None:
            self._candidate.on_pre_vote_reply(sender, message)

    def _seal_reply(self, sender: str, message: SealReply) -> None:
        if self._candidate is not None:
            self._candidate.on_seal_reply(sender, message)

    def _fetch_reply(self, sender: str, message: FetchReply) -> None:
        if self._candidate is not None:
            self._candidate.on_fetch_reply(sender, message)

    def _append_reply(self, sender: str, message: AppendReply) -> None:
        if self._primary is not None:
            reason = self._primary.on_append_reply(sender, message)
            if reason is not None:
                self._step_down(reason)

    def _follows(self, peer: str, epoch: int) -> bool:
        """Whether this replica takes its log from the peer in that epoch."""
        core, candidate = self._core, self._candidate
        if core.promise.epoch != epoch:
            return False
        if candidate is not None:
            return candidate.adopts_from(peer)
        return (core.leader_epoch, core.leader) == (epoch, peer)

    def _snapshot_part(self, sender: str, message: SnapshotPart) -> None:
        if self._installing.on_part(sender, message) and self._candidate is not None:
            self._candidate.on_peer_up(sender)  # it asks for the entries after it

    def _peer_up(self, event: PeerUp) -> None:
        self._newcomer.on_peer_up(event.peer)
        self._installing.on_peer_up(event.peer)
        if self._primary is not None:
            self._primary.on_peer_up(event.peer)
        if self._candidate is not None:
            self._candidate.on_peer_up(event.peer)

    def _propose(self, event: Propose) -> None:
        if self._handovers.hold(event.commands):
            return
        if self._primary is not None and not self._core.broken:
            self._primary.propose(event.commands)
        elif self._candidate is not None and self._candidate.awaited:
            self._candidate.commands += event.commands
        else:
            self._refer([request for request, _ in event.commands])

    def _ask_reads(self, event: AskReads) -> None:
        if self._primary is not None and not self._core.broken:
            self._primary.ask_reads(event.requests)
        elif self._candidate is not None and self._candidate.awaited:
            self._candidate.reads += event.requests
        else:
            self._refer(event.requests)

    def _refer(self, requests: list[Request]) -> None:
        asked = [request for request in requests if request is not None]
        if asked:
            self._core.effects.append(Refer(asked))

    def _persist_refused(self, event: PersistRefused) -> None:
        """The core refuses lower epochs itself; the store's own refusal means that somebody else wrote to it."""
        core = self._core
        core.tell("append_refused", epoch=core.leader_epoch, promised_epoch=event.promised_epoch)
        core.break_down(f"the store holds to epoch {event.promised_epoch}")

    def _persist_failed(self, event: PersistFailed) -> None:
        self._core.break_down(event.reason)

    def _on_timer(self) -> None:
        self._newcomer.on_timer()
        if self._primary is not None:
            reason = self._primary.on_timer()
            if reason is not None:
                self._step_down(reason)
        elif self._candidate is not None:
            if self._core.now_ns - self._candidate.started_ns > self._core.config.promotion_ns:
                self._step_down("not promoted in time")
            else:
                self._candidate.on_timer()

    def _arm(self, *, fired: bool) -> None:
        """Keep one timer running while there is something to time."""
        if fired:
            self._timer_runs = False
        core = self._core
        if self._timer_runs or core.broken:
            return
        if core.role is not Role.STANDBY or not core.proven or not core.hearing.complete:
            self._timer_runs = True
            core.effects.append(SetTimer(core.now_ns + core.config.heartbeat_ns))
