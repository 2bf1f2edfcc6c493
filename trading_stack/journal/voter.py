"""How a replica answers candidates and primaries, whatever its own role."""

from __future__ import annotations

from collections.abc import Callable

from trading_stack.defects import Defect
from trading_stack.journal.certificate import Certificate
from trading_stack.journal.config import Role
from trading_stack.journal.core import BATCH_BYTES, BATCH_ENTRIES, Core
from trading_stack.journal.messages import (
    Append,
    AppendReply,
    Fetch,
    FetchReply,
    PreVote,
    PreVoteReply,
    Seal,
    SealReply,
)


class Voter:
    """Promises, seals and appends. `step_down` ends whatever this replica leads or tries to lead."""

    def __init__(self, core: Core, step_down: Callable[[str], None]) -> None:
        self._core = core
        self._step_down = step_down
        self._leader_commit = 0
        self._leader_serves = False
        self._agreed = 0  # up to here the log is known to equal the primary's, in its epoch
        self._caught_up = False

    @property
    def caught_up(self) -> bool:
        """Whether this standby has held everything that its primary had committed, since it lost touch last."""
        return self._caught_up

    # --- elections

    def on_pre_vote(self, sender: str, message: PreVote) -> None:
        certificate = message.certificate
        granted = self._would_promise(sender, certificate) and self._core.recall(message.life)
        self._core.send(
            sender, PreVoteReply(certificate.new_epoch, self._core.promise.epoch, granted=granted)
        )

    def on_seal(self, sender: str, message: Seal) -> None:
        core, certificate = self._core, message.certificate
        epoch = certificate.new_epoch
        if not self._would_promise(sender, certificate) or not core.recall(message.life):
            core.send(sender, SealReply(epoch, core.promise.epoch, granted=False))
            return
        if core.promise.epoch == epoch:
            core.persist(fence=None, then=lambda: self._sealed(sender, epoch))  # behind the promise under way
            return
        self._step_down(f"sealed for epoch {epoch}")
        core.make_promise(epoch, certificate.candidate, lambda: self.promised(sender, epoch))

    def _would_promise(self, sender: str, certificate: Certificate) -> bool:
        core = self._core
        if not core.binds_to(sender) or not core.certified(
            certificate, certificate.new_epoch, certificate.candidate
        ):
            return False
        if Defect.NO_FENCING in core.config.defects and core.role is Role.PRIMARY:
            return False  # planted: a primary that nobody can depose
        promised = core.promise
        return certificate.new_epoch > promised.epoch or (
            (promised.epoch, promised.candidate) == (certificate.new_epoch, certificate.candidate)
            and core.role is not Role.PRIMARY
        )

    def promised(self, sender: str, epoch: int) -> None:
        """The promise to this candidate is durable: seal the log for it."""
        self._core.tell("promise_made", epoch=epoch, candidate=sender)
        self._sealed(sender, epoch)

    def _sealed(self, sender: str, epoch: int) -> None:
        core = self._core
        if core.promise.epoch != epoch or core.leader_epoch == epoch or not core.proven:
            return  # a higher epoch came in between, the candidate leads already, or the vote was lost meanwhile
        if (
            core.announced is None or core.announced.epoch < epoch
        ):  # whoever makes way has told of its successor
            core.announce(epoch, None)
        last = core.log.last
        core.send(
            sender,
            SealReply(
                epoch, epoch, granted=True, last_epoch=last.epoch, last_index=last.end, life=core.life()
            ),
        )

    def on_fetch(self, sender: str, message: Fetch) -> None:
        core, index = self._core, message.after_index
        if core.promise.epoch != message.epoch or core.promise.candidate != sender:
            return
        if index < core.log.base.index:
            core.offer_snapshot(sender)
            return
        if not core.log.holds(index, message.after_hash):
            core.send(sender, FetchReply(message.epoch, index, self._hint(index), [], matched=False))
            return
        entries = core.log.batch_after(index, most=BATCH_ENTRIES, most_bytes=BATCH_BYTES)
        core.send(sender, FetchReply(message.epoch, index, index, entries, matched=True))

    # --- appends

    def on_append(self, sender: str, message: Append) -> None:
        core = self._core
        if not self._accepts(sender, message):
            return
        self._follow(message)
        core.recall(message.life)
        if message.incarnation == core.incarnation and message.acknowledged > core.log.last_index:
            self._rolled_back(message)
        if not core.log.holds(message.before_index, message.before_hash):
            self._caught_up = False
            self._reply(sender, message, matched=False)
            return
        reach = message.before_index + len(message.entries)
        self._leader_commit = message.commit_index
        self._leader_serves = message.serving
        written = core.splice(
            message.entries, fence=message.epoch, then=lambda: self._durable(sender, message, reach)
        )
        if core.broken:
            return
        if not core.log.holds(reach, message.entries[-1].hash if message.entries else message.before_hash):
            self._caught_up = False  # unsound entries: what is here may be this replica's own tail
            self._reply(sender, message, matched=False)
            return
        self._agreed = max(self._agreed, reach)
        self._advance()
        if not written:
            self._reply(sender, message, matched=True, reach=reach)

    def _accepts(self, sender: str, message: Append) -> bool:
        core, promised = self._core, self._core.promise
        if message.primary != sender:
            return False
        if message.epoch < promised.epoch:
            self._refuse(sender, message)
            return False
        if message.epoch == promised.epoch:
            return promised.candidate == sender
        if Defect.NO_FENCING in core.config.defects and core.role is Role.PRIMARY:
            return False  # planted: deaf to its successor
        if not core.certified(message.certificate, message.epoch, sender):
            self._reply(sender, message, matched=False, certificate_wanted=True)
            return False
        self._step_down(f"epoch {message.epoch} is led by {sender}")
        core.make_promise(message.epoch, sender)
        return True

    def _refuse(self, sender: str, message: Append) -> None:
        core = self._core
        if Defect.NO_FENCING in core.config.defects:
            # Planted: a store without a fence. Rows that are there already are left alone, and acknowledged.
            reach = message.before_index + len(message.entries)
            core.send(
                sender,
                AppendReply(
                    message.epoch,
                    message.round,
                    message.epoch,
                    reach,
                    reach,
                    core.life(),
                    matched=True,
                    proven=True,
                ),
            )
            return
        core.tell("append_refused", epoch=message.epoch, promised_epoch=core.promise.epoch, candidate=sender)
        self._reply(sender, message, matched=False)

    def _follow(self, message: Append) -> None:
        core = self._core
        core.heard_primary_ns = core.now_ns
        if (core.leader_epoch, core.leader) != (message.epoch, message.primary):
            if core.role is not Role.STANDBY:
                self._step_down(f"epoch {message.epoch} is led by {message.primary}")
            core.leader_epoch, core.leader = message.epoch, message.primary
            self._agreed = 0
            self._leader_commit = 0
            self._caught_up = False
        if message.serving:
            core.announce(message.epoch, message.primary)

    def _rolled_back(self, message: Append) -> None:
        """This very store once held more durably in this epoch: it forgot, so it may not vote until recovered."""
        core = self._core
        if core.proven:
            core.disown(
                f"the store was rolled back: it ends at entry {core.log.last_index}, "
                f"and acknowledged entry {message.acknowledged}"
            )

    def _durable(self, sender: str, message: Append, reach: int) -> None:
        if self._core.leader_epoch == message.epoch and not self._core.broken:
            self._advance()
            self._reply(sender, message, matched=True, reach=reach)

    def _advance(self) -> None:
        """Commit what the primary has committed, as far as it is durable here and known to be the primary's."""
        core = self._core
        core.commit(min(self._leader_commit, self._agreed, core.durable_index))
        if not self._caught_up and self._leader_serves and core.commit_index >= self._leader_commit:
            self._caught_up = True
            core.tell("replica_caught_up", epoch=core.leader_epoch, last_index=core.commit_index)

    def _reply(
        self,
        sender: str,
        message: Append,
        *,
        matched: bool,
        reach: int = 0,
        certificate_wanted: bool = False,
    ) -> None:
        core = self._core
        core.send(
            sender,
            AppendReply(
                message.epoch,
                message.round,
                core.promise.epoch,
                min(reach, core.durable_index),
                self._hint(message.before_index),
                core.life(),
                matched=matched,
                proven=core.binds_to(sender),
                certificate_wanted=certificate_wanted,
            ),
        )

    def _hint(self, index: int) -> int:
        """Where the asker should try next, when the logs differ at `index`."""
        core = self._core
        if index > core.log.last_index:
            return core.log.last_index
        if index <= core.log.base.index:
            return max(0, index - 1)  # where only a snapshot helps
        start = core.log.epoch_start(index) - 1
        return max(core.commit_index, start) if core.commit_index < index else start
