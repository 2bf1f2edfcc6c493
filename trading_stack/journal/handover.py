"""A primary that hands over in good order: it holds new commands, lets the target hold all of its log, and yields.

Source: leadership transfer, D. Ongaro, "Consensus: Bridging Theory and Practice" (2014), section 3.10. Here sentinels
allow it by a certificate as for any election, and the old primary makes the first promise to the target itself: with
the target's own, that is a majority of three, so that the target opens its epoch without a round of questions.

Until the old primary has asked its store to promise, nothing has happened: when the target does not come up in time,
the old primary goes on with what it held. From then on it leads no more, whatever becomes of the target, and refers
what it held to the target; if the target fails, sentinels see a primary that stepped down, and elect another. The
target is told at once, and makes its own promise while the old primary's is written; it leads once both are durable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from trading_stack.journal.certificate import Certificate
from trading_stack.journal.core import Core
from trading_stack.journal.events import Refer
from trading_stack.journal.messages import Yield
from trading_stack.journal.primary import Commands, Primary


@dataclass(slots=True)
class Handover:
    """One under way: the commands that are held since it began."""

    certificate: Certificate
    since_ns: int
    held: Commands = field(default_factory=list)


class Handovers:
    """The old primary's part. `step_down` ends its leadership; `seal` answers a candidate as if it had asked."""

    def __init__(
        self,
        core: Core,
        *,
        primary: Callable[[], Primary | None],
        step_down: Callable[[str], None],
        seal: Callable[[str, int], None],
    ) -> None:
        self._core = core
        self._primary = primary
        self._step_down = step_down
        self._seal = seal
        self._handover: Handover | None = None
        self._tried_epoch = 0

    def begin(self, certificate: Certificate) -> None:
        """Start to hand over, if this is the primary that the certificate is about, and it was not tried before."""
        core, primary = self._core, self._primary()
        if primary is None or not primary.serving or certificate.old_epoch != primary.epoch:
            return
        epoch, target = certificate.new_epoch, certificate.candidate
        if self._handover is not None or epoch <= max(core.promise.epoch, self._tried_epoch):
            return
        if target not in core.config.peers or not core.certified(certificate, epoch, target):
            return
        self._tried_epoch = epoch
        objection = primary.objection_to(target)
        if objection is not None:
            core.tell("handover_abandoned", epoch=epoch, candidate=target, reason=objection)
            return
        core.tell("handover_started", epoch=epoch, candidate=target)
        self._handover = Handover(certificate, core.now_ns)

    @property
    def held(self) -> int:
        """How many commands are kept back."""
        return 0 if self._handover is None else len(self._handover.held)

    def hold(self, commands: Commands) -> bool:
        """Keep commands back while a handover is under way; False when none is."""
        if self._handover is None:
            return False
        self._handover.held += commands
        return True

    def proceed(self) -> None:
        """Yield once the target holds everything, or go on without it when it takes too long."""
        handover = self._handover
        if handover is None:
            return
        core, primary = self._core, self._primary()
        if primary is None:
            return
        if primary.held_by(handover.certificate.candidate):
            self._yield(handover)
        elif core.now_ns - handover.since_ns > core.config.handover_ns:
            self._handover = None
            self._abandoned(handover, "the target did not come up in time")
            if handover.held:
                primary.propose(handover.held)

    def _yield(self, handover: Handover) -> None:
        """Make way. The target writes its promise while this one is written, and counts neither before it is durable."""
        core, certificate = self._core, handover.certificate
        epoch, target = certificate.new_epoch, certificate.candidate
        self._handover = None
        self._step_down(f"hands over to {target}")
        core.send(target, Yield(certificate))
        core.make_promise(epoch, target, lambda: self._yielded(epoch, target))
        core.announce(epoch, target)
        self._refer(handover)

    def _yielded(self, epoch: int, target: str) -> None:
        core = self._core
        if core.promise.epoch != epoch:
            return
        core.tell("handover_yielded", epoch=epoch, candidate=target)
        self._seal(target, epoch)

    def interrupt(self) -> None:
        """Whatever this replica led is over, and a handover that has not come to its promise with it."""
        if self._handover is not None:
            self._abandoned(self._handover, "the primary stepped down")
            self.end()

    def end(self) -> None:
        """Refer what was held to whoever is next."""
        handover, self._handover = self._handover, None
        if handover is not None:
            self._refer(handover)

    def _refer(self, handover: Handover) -> None:
        held = [request for request, _ in handover.held if request is not None]
        if held:
            self._core.effects.append(Refer(held))

    def _abandoned(self, handover: Handover, reason: str) -> None:
        certificate = handover.certificate
        self._core.tell(
            "handover_abandoned", epoch=certificate.new_epoch, candidate=certificate.candidate, reason=reason
        )
