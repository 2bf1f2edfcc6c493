"""Planned handovers, as one sentinel sees them: ordered by an administrator, decided with its peers, and followed.

A sentinel moves or seconds a planned motion only on an order that it heard from the administrator itself, and only
while the primary is well and the target alive, proven and caught up. A majority's certificate goes to the primary,
which makes way (`journal.handover`). Until the target serves, a primary that stepped down for it is not taken for
lost; any other sign of a lost primary or target ends the plan, and what follows is a failover like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from trading_stack.journal.certificate import Certificate
from trading_stack.sentinel.config import Config
from trading_stack.sentinel.docket import Docket
from trading_stack.sentinel.events import Ballot, Effect, Order, Tell, ToEngine
from trading_stack.sentinel.messages import HandOver
from trading_stack.sentinel.view import STEPPED_DOWN, View


@dataclass(slots=True)
class Plan:
    """An order under way.

    `ballot` is what this sentinel moved last, `certificate` what a majority signed, `yielded_ns` when the primary was
    seen to make way.
    """

    order: Order
    since_ns: int
    ballot: Ballot | None = None
    certificate: Certificate | None = None
    yielded_ns: int | None = None


class Handovers:
    """At most one plan at a time. `effects` is the sentinel's own list."""

    def __init__(self, config: Config, view: View, docket: Docket) -> None:
        self.effects: list[Effect] = []
        self.outcome = ""
        self._config = config
        self._patience = config.patience
        self._view = view
        self._docket = docket
        self._plan: Plan | None = None
        self._last: Certificate | None = None  # followed, or followed once: it is never followed again

    @property
    def under_way(self) -> bool:
        return self._plan is not None

    @property
    def followed(self) -> Certificate | None:
        """The last planned certificate that was followed."""
        return self._last

    def recall(self, outcome: str, followed: Certificate | None) -> None:
        """Begin with what became of earlier plans."""
        self.outcome, self._last = outcome, followed

    def objection(self, order: Order, now_ns: int) -> str | None:
        """Why this sentinel would not hand over now, or None."""
        if self._plan is not None:
            return f"a handover to {self._plan.order.target} is under way"
        rested_ns = self._view.rested_ns(now_ns)
        if rested_ns is not None and rested_ns < self._patience.handover_rest_ns:
            return f"the primary changed {rested_ns // 1_000_000} ms ago"
        return self._view.objection_to(order.target, order.old_epoch, now_ns)

    def take(self, order: Order, now_ns: int) -> None:
        """An administrator ordered it."""
        if self.objection(order, now_ns) is None:
            self._plan = Plan(order, now_ns)
            self.outcome = f"handing over to {order.target}"

    def act(self, now_ns: int) -> None:
        """Move when it is one's turn; give up what has had its time."""
        plan = self._plan
        if plan is None:
            return
        if plan.certificate is None:
            self._try(plan, now_ns)
        elif now_ns - plan.since_ns > self._patience.handover_ns:
            self._give_up("it took too long")
        elif (reason := self._view.dead(plan.order.target, now_ns)) is not None:
            self._give_up(reason)

    def _try(self, plan: Plan, now_ns: int) -> None:
        objection = self._view.objection_to(plan.order.target, plan.order.old_epoch, now_ns)
        turn = self._config.rank(self._config.name)[0]
        if now_ns - plan.since_ns > self._patience.order_ns:
            self._give_up(objection or "no majority of sentinels agreed in time")
        elif self._docket.busy(now_ns) or objection is not None:
            return  # it may be better in a moment: a heartbeat that was late is no reason to give up
        elif now_ns >= plan.since_ns + turn * self._patience.stagger_ns:
            self._move(plan, now_ns)

    def _move(self, plan: Plan, now_ns: int) -> None:
        """Move for the next epoch; for the same one again as long as nobody is known to have signed for a later one."""
        order, ballot = plan.order, plan.ballot
        latest = self._view.highest_epoch(self._docket.voted_epoch)
        if ballot is None or ballot.new_epoch < latest:
            plan.ballot = ballot = Ballot(order.old_epoch, latest + 1, order.target)
            self._tell("handover_decided", epoch=ballot.new_epoch, candidate=order.target)
        self._docket.move(ballot, now_ns, planned=True)

    def agrees(self, ballot: Ballot, now_ns: int) -> bool:
        """Whether a peer's planned motion is what the administrator ordered here, too, and can be done now."""
        plan = self._plan
        return (
            plan is not None
            and (plan.order.old_epoch, plan.order.target) == (ballot.old_epoch, ballot.candidate)
            and plan.certificate is None
            and self._view.objection_to(ballot.candidate, ballot.old_epoch, now_ns) is None
        )

    def certified(self, certificate: Certificate, now_ns: int) -> None:
        """A majority signed: the primary is to make way. The first certificate of an epoch is followed alone."""
        leader, plan, last = self._view.leader, self._plan, self._last
        if (
            leader is None
            or leader.epoch != certificate.old_epoch
            or certificate.candidate not in self._view.watches
        ):
            return
        if plan is not None and plan.certificate is not None:
            return
        if last is not None and certificate.new_epoch <= last.new_epoch:
            return
        order = Order(certificate.old_epoch, certificate.candidate)
        self._plan, self._last = Plan(order, now_ns, certificate=certificate), certificate
        self.effects.append(ToEngine(leader.engine, HandOver(certificate)))

    def covers(self, reason: str, now_ns: int) -> bool:
        """Whether the primary steps down for its successor, which still has time to serve: nothing is lost."""
        plan = self._plan
        if plan is None or plan.certificate is None or reason != STEPPED_DOWN:
            return False
        if plan.yielded_ns is None:
            plan.yielded_ns = now_ns
        stands = self._view.stands(plan.order.target)
        return stands or now_ns - plan.yielded_ns <= self._patience.yielding_ns

    def lost(self) -> None:
        """The primary is lost: what follows is no plan."""
        self._give_up("the primary is lost")

    def led(self) -> None:
        """A new primary serves; whether by the plan is told even when the plan was given up before."""
        leader, last = self._view.leader, self._last
        if leader is None:
            return
        if last is not None and (last.new_epoch, last.candidate) == (leader.epoch, leader.engine):
            self._plan = None
            self.outcome = f"{leader.engine} took over"
            self._tell("handover_completed", epoch=leader.epoch, candidate=leader.engine)
        else:
            self._give_up(f"{leader.engine} leads epoch {leader.epoch}")

    def _give_up(self, reason: str) -> None:
        if self._docket.moved is not None and self._docket.moved.planned:
            self._docket.moved = None
        plan, self._plan = self._plan, None
        if plan is None:
            return
        epoch = plan.certificate.new_epoch if plan.certificate else plan.order.old_epoch
        self.outcome = f"not handed over: {reason}"
        self._tell("handover_abandoned", epoch=epoch, candidate=plan.order.target, reason=reason)

    def _tell(self, kind: str, **fields: str | int) -> None:
        self.effects.append(Tell(kind, fields))
