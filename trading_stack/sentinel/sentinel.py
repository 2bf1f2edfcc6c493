"""One sentinel as a pure state machine: `handle(event, now_ns) -> effects`. The same inputs give the same decisions.

A failover takes three steps. *Suspect*: no primary works from where this sentinel stands, and it tells its peers.
*Decide*: once a majority says so, the first of them in provider order moves that one candidate be elected for the next
epoch, the others staggered behind it; each signs at most one candidate an epoch, durably, and only if it suspects
itself. *Certify*: a majority of signatures is a certificate, and every sentinel hands it to the candidate. If the
candidate does not serve in time, or dies, another one is moved for a later epoch after a random back-off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from trading_stack.journal.certificate import Certificate
from trading_stack.sentinel.candidacy import Candidacy
from trading_stack.sentinel.config import Config
from trading_stack.sentinel.docket import Docket, Moved
from trading_stack.sentinel.events import (
    Ballot,
    Beat,
    DialFailed,
    Effect,
    EngineDown,
    EngineUp,
    Event,
    Heard,
    Order,
    PeerUp,
    Saved,
    SaveMoves,
    SetTimer,
    Tell,
    Tick,
    ToEngine,
    ToPeer,
)
from trading_stack.sentinel.handovers import Handovers
from trading_stack.sentinel.memory import Memory
from trading_stack.sentinel.messages import Accusation, Grant, Issued, Motion, Second
from trading_stack.sentinel.monitors.gauge import Level
from trading_stack.sentinel.view import View, believed
from trading_stack.sentinel.watch import Leader

DEFERRALS: Final = 2


class Sentinel:
    """One sentinel. `seed` draws its back-off.

    `voted` is the last ballot that it made durable, `moves_ns` when it saw the primary move, on its clock of now.
    """

    def __init__(
        self, config: Config, *, voted: Ballot | None, seed: int, moves_ns: Sequence[int] = ()
    ) -> None:
        self._config = config
        self._patience = config.patience
        self._view = View(config, moves_ns)
        self._docket = Docket(config, voted, self._issue)
        self._candidacy = Candidacy(config, self._view, seed=seed)
        self._handovers = Handovers(config, self._view, self._docket)
        self._lost: str | None = None
        self._lost_epoch = 0
        self._majority_ns: int | None = None
        self._told_ns = 0
        self._wanted_ns: int | None = None
        self._deferred = 0
        self._now_ns = 0
        self._effects: list[Effect] = []
        self._share_effects()
        watches = self._view.watches
        self._events: dict[type[Any], Callable[[Any], None]] = {
            Tick: lambda _: self._on_tick(),
            Beat: self._on_beat,
            EngineUp: self._on_engine_up,
            EngineDown: lambda event: watches[event.engine].fall(self._now_ns),
            DialFailed: lambda event: watches[event.engine].refuse(),
            PeerUp: self._on_peer_up,
            Heard: lambda event: self._messages[type(event.message)](event.sender, event.message),
            Saved: lambda event: self._docket.on_saved(event.ballot),
            Order: lambda event: self._handovers.take(event, self._now_ns),
        }
        self._messages: dict[type[Any], Callable[[str, Any], None]] = {
            Accusation: self._on_accusation,
            Motion: self._on_motion,
            Second: self._docket.on_second,
            Issued: self._on_issued,
        }

    def handle(self, event: Event, now_ns: int) -> list[Effect]:
        """Everything that this event makes the sentinel ask for, in order."""
        self._now_ns = now_ns
        self._events[type(event)](event)
        effects, self._effects = self._effects, []
        self._share_effects()
        return effects

    def _share_effects(self) -> None:
        self._docket.effects = self._handovers.effects = self._effects

    def objection(self, order: Order, now_ns: int) -> str | None:
        """Why an administrator's order would not be followed now, or None."""
        return (
            f"the primary is lost: {self._lost}" if self._lost else self._handovers.objection(order, now_ns)
        )

    @property
    def handover(self) -> str:
        """What became of the last order, for people; empty when there was none."""
        return self._handovers.outcome

    @property
    def leader(self) -> Leader | None:
        """Who leads, as far as this sentinel knows."""
        return self._view.leader

    def suspicion(self, engine: str, now_ns: int) -> float:
        """The evidence that an engine is dead, as a share of what it takes: 0 when it was heard just now."""
        return self._view.suspicion(engine, now_ns)

    @property
    def levels(self) -> dict[str, Level]:
        """How the primary's work is judged, by monitor."""
        return self._view.levels

    @property
    def lost(self) -> str | None:
        """Why this sentinel takes the primary for lost, or None."""
        return self._lost

    @property
    def calm_until_ns(self) -> int:
        """No tick before this time changes anything, as long as engines say what they said last; 0: each may."""
        busy = self._lost is not None or self._candidacy.pending is not None or self._handovers.under_way
        return 0 if busy else self._view.calm_until_ns

    def skip_ticks(self, wanted_ns: int) -> None:
        """Ticks were left out that would have changed nothing; the next one is wanted at this time."""
        self._wanted_ns = wanted_ns

    # --- what it remembers

    def memory(self) -> Memory | None:
        """All that later decisions rest on, as data; None while anything is under way."""
        seen = self._view.memory()
        calm = self._lost is None and self._candidacy.pending is None and self._majority_ns is None
        if seen is None or not calm or self._handovers.under_way or not self._docket.idle:
            return None
        return Memory(
            seed=self._candidacy.seed,
            draws=self._candidacy.draws,
            voted=self._docket.voted,
            voted_epoch=self._docket.voted_epoch,
            lost_epoch=self._lost_epoch,
            spent_epoch=self._candidacy.spent_epoch,
            failed=dict(self._candidacy.failed),
            told_ns=self._told_ns,
            wanted_ns=self._wanted_ns,
            deferred=self._deferred,
            outcome=self._handovers.outcome,
            followed=self._handovers.followed,
            seen=seen,
        )

    @classmethod
    def recalling(cls, config: Config, memory: Memory) -> Sentinel:
        """One that goes on where the other was whose memory this is."""
        sentinel = cls(config, voted=memory.voted, seed=memory.seed, moves_ns=memory.moves_ns)
        sentinel._candidacy.recall(memory)
        sentinel._docket.voted_epoch = max(sentinel._docket.voted_epoch, memory.voted_epoch)
        sentinel._lost_epoch = memory.lost_epoch
        sentinel._told_ns, sentinel._wanted_ns = memory.told_ns, memory.wanted_ns
        sentinel._deferred = memory.deferred
        sentinel._handovers.recall(memory.outcome, memory.followed)
        if memory.seen is not None:
            sentinel._view.recall(memory.seen)
        return sentinel

    # --- watching

    def _on_beat(self, event: Beat) -> None:
        if not self._view.on_beat(event, self._now_ns):
            return
        moves_ns = self._view.moves_ns(self._now_ns)
        if moves_ns:
            self._effects.append(SaveMoves(moves_ns))
        self._handovers.led()
        self._conclude(None)
        self._candidacy.led()
        if self._docket.moved is not None and self._docket.moved.ballot.new_epoch <= self._view.epoch:
            self._docket.moved = None

    def _on_engine_up(self, event: EngineUp) -> None:
        self._view.watches[event.engine].rise(self._now_ns)
        certificate = self._candidacy.certificate
        if certificate is not None and certificate.candidate == event.engine:
            self._effects.append(ToEngine(event.engine, Grant(certificate)))

    def _on_peer_up(self, event: PeerUp) -> None:
        """What was said before the connection was up may be lost."""
        self._effects.append(ToPeer(event.peer, self._accusation()))
        if self._candidacy.certificate is not None:
            self._effects.append(ToPeer(event.peer, Issued(self._candidacy.certificate)))

    def _on_tick(self) -> None:
        lag_ns = 0 if self._wanted_ns is None else self._now_ns - self._wanted_ns
        self._view.strain(max(0, lag_ns))
        if lag_ns > self._patience.own_lag_ns:
            self._view.excuse(lag_ns, self._now_ns)
        reason = self._view.why_lost(self._now_ns)
        if reason is not None and self._handovers.covers(reason, self._now_ns):
            reason = None
        defer = self._defers(reason, lag_ns)
        if not defer:
            self._conclude(reason)
            self._act()
            self._handovers.act(self._now_ns)
        if self._lost is None and self._candidacy.gave_up(self._now_ns):
            self._candidacy.spend()
        self._wanted_ns = self._now_ns + (self._patience.recheck_ns if defer else self._patience.tick_ns)
        self._effects.append(SetTimer(self._wanted_ns))

    def _defers(self, reason: str | None, lag_ns: int) -> bool:
        """Whether to look again once the sockets have been drained: own lag looks like a peer's silence."""
        doubtful = reason is not None and (self._lost is None or lag_ns > self._patience.late_ns)
        limit = DEFERRALS if lag_ns > self._patience.late_ns else 1
        self._deferred = self._deferred + 1 if doubtful and self._deferred < limit else 0
        return self._deferred > 0

    # --- suspecting

    def _conclude(self, reason: str | None) -> None:
        changed = (reason is None) != (self._lost is None)
        self._lost = reason
        if changed:
            self._tell_change(reason)
            if reason is not None:
                self._handovers.lost()
            else:  # what rested on the suspicion falls with it
                self._candidacy.spend()
                self._docket.moved = None
        if changed or (reason is not None and self._now_ns - self._told_ns >= self._patience.repeat_ns):
            self._told_ns = self._now_ns
            self._docket.broadcast(self._accusation())

    def _tell_change(self, reason: str | None) -> None:
        epoch = self._view.epoch
        if reason is not None:
            self._lost_epoch = epoch
            self._tell("primary_suspected" if epoch else "primary_missing", epoch=epoch, reason=reason)
        elif epoch == self._lost_epoch:  # otherwise a new primary leads, and nothing was taken back
            self._tell("suspicion_cleared", epoch=epoch)

    def _accusation(self) -> Accusation:
        return Accusation(self._view.epoch, self._lost is not None, self._highest_epoch())

    def _highest_epoch(self) -> int:
        return self._view.highest_epoch(self._docket.voted_epoch)

    def _on_accusation(self, sender: str, message: Accusation) -> None:
        self._view.on_accusation(sender, message, self._now_ns)
        self._act()

    # --- deciding

    def _act(self) -> None:
        accusers = self._view.accusers(self._now_ns, own=self._lost is not None)
        if self._lost is None or len(accusers) < self._config.majority:
            self._majority_ns = None
            return
        if self._majority_ns is None:
            self._majority_ns = self._now_ns
            self._tell("majority_suspected", epoch=self._view.epoch)
        if self._election_runs():
            return
        if self._now_ns >= self._majority_ns + self._turn(accusers) * self._patience.stagger_ns:
            self._move()

    def _turn(self, accusers: list[str]) -> int:
        """Whose turn this is to move: the first accuser's, but a cluster that begins leaves it to its first provider."""
        name = self._config.name
        return accusers.index(name) if self._view.leader else self._config.rank(name)[0]

    def _election_runs(self) -> bool:
        """Whether a candidate or a motion still has time; a candidate that failed is remembered."""
        candidacy = self._candidacy
        if candidacy.pending is not None:
            if not candidacy.gave_up(self._now_ns):
                return True
            candidacy.fail(self._now_ns)
            self._majority_ns = self._now_ns  # take turns again, staggered
        moved = self._docket.moved is not None
        if self._docket.busy(self._now_ns):
            return True
        if moved:
            self._back_off()
        return self._view.standing(self._now_ns, but=set(candidacy.failed))

    def _back_off(self) -> None:
        """A motion ran out of time: take turns again, after a while by chance, for two that move at once foil each other."""
        self._majority_ns = self._now_ns + self._candidacy.backoff_ns()

    def _move(self) -> None:
        """Move that the best candidate be elected for the next epoch."""
        avoid = self._candidacy.passed_over(self._now_ns)
        candidate = self._view.candidate(self._now_ns, avoid=avoid)
        if candidate is None:
            return
        ballot = Ballot(self._view.epoch, self._highest_epoch() + 1, candidate)
        self._tell("failover_decided", epoch=ballot.new_epoch, candidate=candidate)
        self._docket.move(ballot, self._now_ns)

    def _on_motion(self, sender: str, message: Motion) -> None:
        if message.planned:
            ballot = Ballot(message.old_epoch, message.new_epoch, message.candidate)
            agreed = self._lost is None and self._handovers.agrees(ballot, self._now_ns)
        else:
            agreed = self._lost is not None or self._config.credulous
        leap = message.new_epoch > believed(message.new_epoch, known=self._highest_epoch())
        self._docket.on_motion(sender, message, self._now_ns, agreed=agreed and not leap)

    # --- certifying

    def _issue(self, certificate: Certificate, moved: Moved) -> None:
        self._tell("certificate_issued", epoch=certificate.new_epoch, candidate=certificate.candidate)
        issued = Issued(certificate, planned=moved.planned)
        self._docket.broadcast(issued)
        self._on_issued(self._config.name, issued)

    def _on_issued(self, _: str, message: Issued) -> None:
        if message.planned:
            self._docket.voted_epoch = max(self._docket.voted_epoch, message.certificate.new_epoch)
            if self._lost is None:
                self._docket.moved = None
                self._handovers.certified(message.certificate, self._now_ns)
        else:
            self._take_certificate(message.certificate)

    def _take_certificate(self, certificate: Certificate) -> None:
        """Hand the certificate over, and give its candidate time."""
        if certificate.candidate not in self._view.watches or self._candidacy.outdated(certificate):
            return
        self._docket.voted_epoch = max(self._docket.voted_epoch, certificate.new_epoch)
        self._docket.moved = None
        self._candidacy.begin(certificate, self._now_ns)
        self._effects.append(ToEngine(certificate.candidate, Grant(certificate)))

    def _tell(self, kind: str, **fields: str | int) -> None:
        self._effects.append(Tell(kind, fields))
