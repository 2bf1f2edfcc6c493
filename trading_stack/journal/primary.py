"""A replica that leads an epoch: it orders commands, replicates them, and commits what a majority holds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from trading_stack.defects import Defect
from trading_stack.journal.certificate import Certificate
from trading_stack.journal.core import BATCH_BYTES, BATCH_ENTRIES, Core
from trading_stack.journal.entries import Entry
from trading_stack.journal.events import AnswerReads, Request
from trading_stack.journal.messages import Append, AppendReply

WINDOW_ENTRIES = 8 * BATCH_ENTRIES
LAZY_HEARTBEATS = 5

Commands = list[tuple[Request, bytes]]


@dataclass(slots=True)
class Progress:
    """What the primary knows of one follower. `next_index` is what to send next, `reset_round` since when.

    `fed_after` is where sending began: what is before it was not sent, and fills no window. `sent_index` is
    the greatest index that it was ever asked to compare or to write.
    """

    next_index: int
    heard_ns: int
    fed_after: int
    match_index: int = 0
    round: int = 0
    reset_round: int = 0
    proven: bool = False
    incarnation: str = ""
    certified: bool = False
    sent_index: int = 0


@dataclass(slots=True)
class Reads:
    """Reads that wait until a majority has answered a round sent after they were asked."""

    round: int
    requests: list[Request]


class Primary:
    """One epoch's leadership, from the first entry of its own until it steps down."""

    def __init__(self, core: Core, certificate: Certificate) -> None:
        self.epoch = certificate.new_epoch
        self.serving = False
        self.stalled_since_ns: int | None = core.now_ns  # nothing was committed since, and something waits
        self._core = core
        self._certificate = certificate
        self._round = 0
        self._reads: deque[Reads] = deque()
        first = core.log.last_index + 1
        self._opening_index = first
        self._followers = {peer: Progress(first, core.now_ns, first - 1) for peer in core.config.peers}
        self._timer_ns = core.now_ns
        self._trusted_from_ns = 0
        self._beats = 0
        self._ended = False

    def start(self, commands: Commands) -> None:
        """Open the epoch; commands that came before it ride along, in the same write and the same message."""
        core = self._core
        core.leader_epoch, core.leader = self.epoch, core.config.node
        self.propose([(None, core.config.epoch_command(self.epoch, core.config.node)), *commands])

    @property
    def queued(self) -> int:
        """How many entries wait to be committed."""
        return self._core.log.last_index - self._core.commit_index

    # --- commands and reads

    def propose(self, commands: Commands) -> None:
        index = self._core.log.last_index
        for offset, (request, _) in enumerate(commands, 1):
            self._core.waiting[index + offset] = request
        self._write([command for _, command in commands])

    def _write(self, commands: list[bytes]) -> None:
        core = self._core
        if not self.queued:
            self.stalled_since_ns = core.now_ns
        time_ns = core.now_ns + core.config.wall_offset_ns
        entries: list[Entry] = [core.log.write(self.epoch, time_ns, command) for command in commands]
        core.persist(fence=self.epoch, entries=entries, then=self._commit)
        if Defect.ACKNOWLEDGE_BEFORE_REPLICATION not in core.config.defects:
            self._replicate()

    def ask_reads(self, requests: list[Request]) -> None:
        """Answer once a majority has confirmed this primary, and not before it serves."""
        self._reads.append(Reads(self._round, requests))
        self._beat()
        self._answer_reads()

    def _answer_reads(self) -> None:
        if not self._reads or not self.serving:
            return
        confirmed = self._majority_of(self._round, [f.round for f in self._followers.values() if f.proven])
        while self._reads and self._reads[0].round < confirmed:
            self._core.effects.append(AnswerReads(self._reads.popleft().requests))

    # --- replication

    def _replicate(self) -> None:
        for peer, follower in self._followers.items():
            self._feed(peer, follower)

    def _feed(self, peer: str, follower: Progress) -> None:
        """Send what the follower lacks, as far as its window allows."""
        log = self._core.log
        while follower.next_index <= log.last_index:
            if follower.next_index - max(follower.match_index, follower.fed_after) > WINDOW_ENTRIES:
                return
            if follower.next_index <= log.base.index:
                return  # it needs the snapshot, which it is offered when it says that it lacks what is before
            entries = log.batch_after(follower.next_index - 1, most=BATCH_ENTRIES, most_bytes=BATCH_BYTES)
            self._append(peer, follower, entries)
            follower.next_index += len(entries)

    def _append(self, peer: str, follower: Progress, entries: list[Entry]) -> None:
        core = self._core
        before = max(follower.next_index - 1, core.log.base.index)
        self._round += 1
        follower.sent_index = max(follower.sent_index, before + len(entries))
        core.send(
            peer,
            Append(
                self.epoch,
                core.config.node,
                self._round,
                before,
                core.log.hash_at(before),
                entries,
                core.commit_index,
                self.serving,
                follower.match_index,
                follower.incarnation,
                None if follower.certified else self._certificate,
                core.life(),
            ),
        )

    def _beat(self) -> None:
        for peer, follower in self._followers.items():
            self._append(peer, follower, [])

    def on_peer_up(self, peer: str) -> None:
        """What was sent over an earlier connection may be lost: send it again."""
        follower = self._followers[peer]
        follower.certified = False
        self._rewind(peer, follower, follower.match_index)

    def on_append_reply(self, sender: str, message: AppendReply) -> str | None:
        """Take a follower's answer; the reason to step down when it holds to a higher epoch."""
        if message.epoch != self.epoch:
            return None
        if message.promised_epoch > self.epoch:
            if Defect.NO_FENCING in self._core.config.defects:
                return None  # planted: a refusal is not heard
            return f"{sender} promised epoch {message.promised_epoch}"
        follower = self._followers[sender]
        if message.round > self._round or message.match_index > follower.sent_index:
            return None  # an answer to what was never said
        follower.certified = not message.certificate_wanted
        if not self._core.recall(message.life):
            return None  # that store has forgotten something since, or speaks from before its last opening
        self._note_store(follower, message)
        if follower.certified:  # it follows this epoch, whether or not the logs agree yet
            follower.round = max(follower.round, message.round)
        if message.matched:
            self._matched(follower, message)
        elif message.round > follower.reset_round:
            self._rewind(sender, follower, min(message.hint, self._core.log.last_index))
        if Defect.ACKNOWLEDGE_BEFORE_REPLICATION not in self._core.config.defects:
            self._feed(sender, follower)
        self._answer_reads()
        return None

    def _note_store(self, follower: Progress, message: AppendReply) -> None:
        if (
            message.life.incarnation != follower.incarnation
        ):  # another store: nothing is known of what it holds
            follower.incarnation = message.life.incarnation
            follower.match_index = 0
        follower.proven = message.proven
        if message.proven:  # a store that forgot is no part of a majority
            follower.heard_ns = self._core.now_ns

    def _matched(self, follower: Progress, message: AppendReply) -> None:
        follower.match_index = max(follower.match_index, message.match_index)
        follower.next_index = max(follower.next_index, follower.match_index + 1)
        self._commit()

    def _rewind(self, peer: str, follower: Progress, after_index: int) -> None:
        follower.reset_round = self._round
        follower.next_index, follower.fed_after = after_index + 1, after_index
        self._append(peer, follower, [])
        if after_index < self._core.log.base.index:
            self._core.offer_snapshot(peer)

    # --- committing

    def _commit(self) -> None:
        core = self._core
        if (
            self._ended or core.installing
        ):  # others may be ahead of the state that the next entry is applied to
            return
        matches = [f.match_index for f in self._followers.values() if f.proven]
        index = self._majority_of(core.durable_index, matches)
        if Defect.ACKNOWLEDGE_BEFORE_REPLICATION in core.config.defects:
            index = core.durable_index  # planted: its own disk is enough
        if index <= core.commit_index:
            return
        # Entries of older epochs are never committed by counting replicas (Raft, figure 8).
        if core.log.epoch_at(index) != self.epoch and Defect.OLDER_EPOCH_COMMITTED not in core.config.defects:
            return
        first = core.commit_index + 1
        core.tell("entries_committed", epoch=self.epoch, first_index=first, last_index=index)
        core.commit(index)
        self.stalled_since_ns = core.now_ns if self.queued else None
        if not self.serving and index >= self._opening_index:
            self._serve()

    def _serve(self) -> None:
        core = self._core
        self.serving = True
        core.tell("primary_promoted", epoch=self.epoch, candidate=core.config.node)
        core.announce(self.epoch, core.config.node)
        self._beat()

    def _majority_of(self, own: int, others: list[int]) -> int:
        """The greatest value that a majority has reached; 0 when there is none."""
        reached = sorted([own, *others], reverse=True)
        needed = self._core.config.majority
        return reached[needed - 1] if len(reached) >= needed else 0

    # --- handing over

    def objection_to(self, peer: str) -> str | None:
        """Why this follower is in no state to take over now, or None."""
        core, follower = self._core, self._followers[peer]
        lag = core.log.last_index - follower.match_index
        if not follower.proven:
            return f"{peer} may not vote"
        if core.now_ns - follower.heard_ns > core.config.handover_ns:
            return f"{peer} was not heard lately"
        return f"{peer} lacks {lag} entries" if lag > core.config.handover_lag else None

    def held_by(self, peer: str) -> bool:
        """Whether all of this log is committed, and durable at this follower."""
        last = self._core.log.last_index
        return self._core.commit_index == last and self._followers[peer].match_index == last

    # --- time

    def on_timer(self) -> str | None:
        """Send heartbeats; the reason to step down when this primary is one no more."""
        core = self._core
        late_ns = core.now_ns - self._timer_ns - core.config.heartbeat_ns
        if late_ns > core.config.late_timer_ns:  # own absence is not the followers' silence: hear them first
            self._trusted_from_ns = core.now_ns + core.config.late_timer_ns
        self._timer_ns = core.now_ns
        self._beats += 1
        if Defect.ACKNOWLEDGE_BEFORE_REPLICATION in core.config.defects:
            if self._beats % LAZY_HEARTBEATS:
                return None
            self._replicate()
        self._beat()
        return self._unfit()

    def _unfit(self) -> str | None:
        core, config = self._core, self._core.config
        if core.now_ns < self._trusted_from_ns or Defect.NO_FENCING in config.defects:
            return None
        if core.writes and core.now_ns - core.writes[0].asked_ns > config.write_stall_ns:
            return "its store does not finish a write"
        heard = sum(core.now_ns - f.heard_ns <= config.quorum_ns for f in self._followers.values())
        return None if heard + 1 >= config.majority else "it reaches no majority"

    def end(self) -> list[Request]:
        """Give up leading; the clients to be referred to whoever is next."""
        core = self._core
        self._ended = True
        waiting = [request for request in core.waiting.values() if request is not None]
        core.waiting.clear()
        return waiting + [request for reads in self._reads for request in reads.requests]
