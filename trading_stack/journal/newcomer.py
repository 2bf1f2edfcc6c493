"""How a store that may have forgotten something earns its vote.

A store is empty when a cluster begins, and when it was wiped; only in the first case may it vote at once. It is the
first case when every peer says that its own store is empty and new as well, or when a peer remembers this very store
as a founder. Otherwise the store recovers: a majority of the others must answer after it was opened, the serving
primary of the highest epoch they promised among them; it then promises that epoch and may vote once it durably holds
all that this primary's log held. What it may have promised or acknowledged before is covered: any majority that it
was part of shares a member with those that answered.

A store that was put back to an older state of itself, promise and all, still has its name and believes in its vote.
It betrays itself by its age, durable counts of its openings and writes: each store says its age in all that binds
(`Status`, `PreVote`, `Seal`, `SealReply`, `Append`, `AppendReply`), and remembers, durably, the greatest age at which
it ever saw another. A number drawn for each opening tells apart two that were given the same count. A candidate
doesn't count the seal of a store that was older once, a voter refuses one that stands, and the store itself gives up
its name and its vote as soon as a peer tells it how old it was (`Status.seen`). It binds itself to nobody before it
was told (`hearing`). So one peer that saw a later opening is enough. Within one opening, the number of writes tells;
it is heard by those that exchange appends with the store, and is as durable as their own last write. Further openings
add writes, and hide nothing: the store knows with how many each of its openings began. What remains is a store put
back to an older state of its last opening while every peer that heard more of it is gone, out of reach for longer
than it is waited for, or was put back as well: nobody who could answer knows better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trading_stack.defects import Defect
from trading_stack.journal.config import Role
from trading_stack.journal.core import Core
from trading_stack.journal.messages import Recover, RecoverReply, Status


@dataclass(slots=True)
class Recovery:
    """One attempt: hold all that the primary of `epoch` held, durably, up to `last_index`."""

    epoch: int
    last_index: int


class Newcomer:
    """Watches over `core.proven`. `leading` tells whether this replica serves as primary."""

    def __init__(self, core: Core, leading: Callable[[], bool], nonce: int) -> None:
        self._core = core
        self._leading = leading
        self._nonce = nonce
        self._statuses: dict[str, Status] = {}
        self._replies: dict[str, RecoverReply] = {}
        self._recovery: Recovery | None = None
        self._asked_ns: int | None = None
        self._introduced_ns = 0
        if Defect.WIPED_REPLICA_VOTES in core.config.defects:
            core.proven = True  # planted: any store may vote

    def on_peer_up(self, peer: str) -> None:
        self._core.hearing.linked.add(peer)
        self._core.introduce(peer)

    def on_status(self, sender: str, message: Status) -> None:
        core = self._core
        self._statuses[sender] = message
        remembered = core.recall(message.life)
        once = message.seen.get(core.incarnation)
        if once is not None and once.opening == core.age.opening:
            core.hearing.confirmed.add(sender)
        if message.asks or not remembered:
            core.introduce(sender)  # it must learn what it forgot
        if once is not None and core.forgot(once):
            core.disown(
                f"the store was rolled back: this is its opening {core.age.opens}, with {core.age.writes} writes, and "
                f"{sender} saw an earlier opening {once.opens}, with {once.writes}"
            )
            self._introduce()
        if not self._core.proven and (self._all_new() or self._remembered(message)):
            self._found(message)

    def _all_new(self) -> bool:
        statuses = self._statuses
        return (
            self._core.empty
            and len(statuses) == len(self._core.config.peers)
            and all(status.empty and not status.proven for status in statuses.values())
        )

    def _remembered(self, message: Status) -> bool:
        core = self._core
        return core.empty and message.founders.get(core.config.node) == core.incarnation

    def _found(self, message: Status) -> None:
        core = self._core
        founders = dict(message.founders)
        if not founders:
            founders = {peer: status.life.incarnation for peer, status in self._statuses.items()}
            founders[core.config.node] = core.incarnation
        core.founders = founders
        self._prove(founders)

    def _prove(self, founders: dict[str, str] | None = None) -> None:
        """Give the vote to the store of this name, once that is durable: not to what it is called after a disowning."""
        core = self._core
        incarnation = core.incarnation
        core.persist(
            fence=None, founders=founders, proven=True, then=lambda: self._become_proven(incarnation)
        )

    def _become_proven(self, incarnation: str) -> None:
        core = self._core
        if core.incarnation != incarnation:
            return
        core.proven = True
        self._recovery = None
        self._introduce()

    def _introduce(self) -> None:
        for peer in self._core.config.peers:
            self._core.introduce(peer)

    # --- what others know of this store

    def _ask_on(self) -> None:
        """Ask those again that have not confirmed this opening: question or answer may be lost."""
        core, hearing = self._core, self._core.hearing
        if hearing.complete:
            return
        hearing.turns += 1
        if core.now_ns - self._introduced_ns >= core.config.resend_ns:
            self._introduced_ns = core.now_ns
            for peer in core.config.peers:
                if hearing.lacks(peer):
                    core.introduce(peer)

    # --- recovery of a store that forgot

    def on_timer(self) -> None:
        core = self._core
        self._ask_on()
        if core.proven or core.role is not Role.STANDBY:
            return
        self._check_recovery()
        if self._asked_ns is None or core.now_ns - self._asked_ns >= core.config.resend_ns:
            self._asked_ns = core.now_ns
            self._nonce += 1
            self._replies.clear()
            core.broadcast(Recover(self._nonce))

    def on_recover(self, sender: str, message: Recover) -> None:
        core = self._core
        core.send(
            sender,
            RecoverReply(
                message.nonce,
                core.votes,
                core.promise.epoch,
                core.leader_epoch,
                self._leading(),
                core.log.last_index,
            ),
        )

    def on_recover_reply(self, sender: str, message: RecoverReply) -> None:
        core = self._core
        if core.proven or message.nonce != self._nonce or not message.proven:
            return
        self._replies[sender] = message
        if len(self._replies) < (len(core.config.peers) + 1) // 2 + 1:
            return
        promised = max(reply.promised_epoch for reply in self._replies.values())
        for primary, reply in self._replies.items():
            if reply.leads and reply.epoch == promised:
                self._recover(primary, reply)

    def _recover(self, primary: str, reply: RecoverReply) -> None:
        core = self._core
        if core.promise.epoch < reply.epoch:
            core.make_promise(reply.epoch, primary)
        if self._recovery is None or self._recovery.epoch != reply.epoch:
            self._recovery = Recovery(reply.epoch, reply.last_index)
        self._check_recovery()

    def _check_recovery(self) -> None:
        core, recovery = self._core, self._recovery
        if recovery is None or core.promise.epoch != recovery.epoch or core.leader_epoch != recovery.epoch:
            return
        if core.commit_index >= recovery.last_index:
            self._recovery = None
            self._prove()
