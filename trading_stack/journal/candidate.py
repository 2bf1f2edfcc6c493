"""A replica that was allowed to stand: pre-vote, seal, adopt the greatest log, and then lead."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from trading_stack.defects import Defect
from trading_stack.journal.certificate import Certificate
from trading_stack.journal.core import Core
from trading_stack.journal.entries import Position
from trading_stack.journal.events import Request
from trading_stack.journal.messages import Fetch, FetchReply, PreVote, PreVoteReply, Seal, SealReply


class Stage(Enum):
    PRE_VOTE = auto()
    SEAL = auto()
    ADOPT = auto()


class Candidate:
    """One attempt for one epoch. `lead` is called with the certificate once the log is adopted.

    `yielded_by` is the old primary, if it makes way: it is about to promise, and its clients come here. What they
    ask for is kept in `commands` and `reads` until this candidate leads.
    """

    def __init__(
        self,
        core: Core,
        certificate: Certificate,
        lead: Callable[[Certificate], None],
        *,
        yielded_by: str | None = None,
    ) -> None:
        self.commands: list[tuple[Request, bytes]] = []
        self.reads: list[Request] = []
        self.awaited = yielded_by is not None
        self.epoch = certificate.new_epoch
        self.stage = Stage.PRE_VOTE
        self.started_ns = core.now_ns
        self._core = core
        self._certificate = certificate
        self._lead = lead
        self._willing = {core.config.node, *([] if yielded_by is None else [yielded_by])}
        self._sealed: dict[str, Position] = {}
        self._best = core.config.node
        self._fetching = -1
        self._resent_ns = core.now_ns

    def start(self) -> None:
        self._core.tell("election_started", epoch=self.epoch, candidate=self._core.config.node)
        if not self.awaited:
            self._ask()
        self._after_pre_vote()

    def on_pre_vote_reply(self, sender: str, message: PreVoteReply) -> None:
        if self.stage is not Stage.PRE_VOTE or message.epoch != self.epoch or not message.granted:
            return
        self._willing.add(sender)
        self._after_pre_vote()

    def on_seal_reply(self, sender: str, message: SealReply) -> None:
        if self.stage is not Stage.SEAL or message.epoch != self.epoch or not message.granted:
            return
        if not self._core.recall(message.life):
            return  # that store has forgotten something that it may have acknowledged
        self._sealed[sender] = Position(message.last_epoch, message.last_index)
        self._after_seal()

    def on_fetch_reply(self, sender: str, message: FetchReply) -> None:
        core = self._core
        if self.stage is not Stage.ADOPT or message.epoch != self.epoch or sender != self._best:
            return
        if message.after_index != self._fetching:
            return  # an answer to an earlier question
        if not message.matched:
            self._fetch(max(core.commit_index, message.hint))
            return
        core.splice(message.entries, fence=self.epoch)
        reached = message.after_index + len(message.entries)
        if core.broken or (message.entries and not core.log.holds(reached, message.entries[-1].hash)):
            return  # unsound entries are no part of what is adopted: the timer asks again
        self._after_fetch(reached)

    def adopts_from(self, peer: str) -> bool:
        return self.stage is Stage.ADOPT and peer == self._best

    def on_peer_up(self, peer: str) -> None:
        """What was asked over an earlier connection may be lost."""
        if self.stage is not Stage.ADOPT or peer == self._best:
            self._ask()

    def on_timer(self) -> None:
        """Ask again what may have been lost."""
        if self._core.now_ns - self._resent_ns >= self._core.config.resend_ns:
            self._resent_ns = self._core.now_ns
            self._ask()

    # --- stages

    def _ask(self) -> None:
        core = self._core
        if self.stage is Stage.PRE_VOTE:
            core.broadcast(PreVote(self._certificate, core.life()))
        elif self.stage is Stage.SEAL:
            core.broadcast(Seal(self._certificate, core.life()))
        else:
            self._fetch(min(core.log.last_index, self._sealed[self._best].end))

    def _after_pre_vote(self) -> None:
        if len(self._willing) < self._core.config.majority:
            return
        self.stage = Stage.SEAL
        self._core.make_promise(self.epoch, self._core.config.node, self._promised)

    def _promised(self) -> None:
        core = self._core
        if core.promise.epoch != self.epoch:
            return
        core.tell("promise_made", epoch=self.epoch, candidate=core.config.node)
        core.announce(self.epoch, core.config.node if self.awaited else None)
        self._sealed[core.config.node] = core.log.last
        self._ask()
        self._after_seal()

    def _after_seal(self) -> None:
        core = self._core
        if core.config.node not in self._sealed or len(self._sealed) < core.config.majority:
            return
        core.tell("log_sealed", epoch=self.epoch, candidate=core.config.node)
        self.stage = Stage.ADOPT
        self._best = max(self._sealed, key=lambda node: (self._worth(node), node == core.config.node, node))
        if self._best == core.config.node:
            self._lead(self._certificate)
        else:
            self._ask()

    def _worth(self, node: str) -> tuple[int, int]:
        position = self._sealed[node]
        if Defect.CANDIDATE_BY_LOG_LENGTH in self._core.config.defects:
            return (0, position.end)  # planted: the longest log, whoever wrote its end
        return position

    def _fetch(self, after_index: int) -> None:
        core = self._core
        self._fetching = after_index
        core.send(self._best, Fetch(self.epoch, after_index, core.log.hash_at(after_index)))

    def _after_fetch(self, reached: int) -> None:
        target = self._sealed[self._best].end
        if reached < target:
            self._fetch(reached)
            return
        core = self._core
        if core.log.last_index > target and core.cut(target + 1):
            core.persist(fence=self.epoch, truncate_from=target + 1)
        self._lead(self._certificate)
