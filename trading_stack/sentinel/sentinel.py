"""One sentinel as a pure state machine: `handle(event, now_ns) -> effects`. The same inputs give the same decisions.

A failover takes three steps. *Suspect*: no primary works from where this sentinel stands, and it tells its peers.
*Decide*: once a majority says so, the first of them in provider order moves that one candidate be elected for the next
epoch, the others staggered behind it; each signs at most one candidate an epoch, durably, and only if it suspects
itself. *Certify*: a majority of signatures is a certificate, and every sentinel hands it to the candidate. If the
candidate does not serve in time, or dies, another one is moved for a later epoch after a random back-off.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from trading_stack.journal.certificate import Certificate, signed_bytes
from trading_stack.sentinel.config import Config
from trading_stack.sentinel.events import (
    Ballot,
    Beat,
    DialFailed,
    Effect,
    EngineDown,
    EngineUp,
    Event,
    Heard,
    Save,
    Saved,
    SetTimer,
    Tell,
    Tick,
    ToEngine,
    ToPeer,
)
from trading_stack.sentinel.messages import NEVER, Accusation, FromPeer, Grant, Issued, Motion, Second
from trading_stack.sentinel.watch import Leader, Watch, best_candidate, committing


@dataclass(slots=True)
class Pending:
    """A certificate was issued; its candidate has until `until_ns` to serve."""

    certificate: Certificate
    since_ns: int
    backoff_ns: int


@dataclass(slots=True)
class Moved:
    """A motion under way: this sentinel's own (with the signatures so far), or one that it seconded."""

    ballot: Ballot
    since_ns: int
    own: bool
    signatures: dict[str, bytes] = field(default_factory=dict)
    asked_ns: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a peer said last, and when it was heard."""

    accusation: Accusation
    heard_ns: int


class Sentinel:
    """One sentinel. `voted` is the last ballot it made durable; `seed` draws its back-off."""

    def __init__(self, config: Config, *, voted: Ballot | None, seed: int) -> None:
        self._config = config
        self._patience = config.patience
        self._random = random.Random(seed)  # noqa: S311 - a back-off, not a secret
        self._watches = {engine: Watch() for engine in config.engines}
        self._judgements: dict[str, Judgement] = {}
        self._leader: Leader | None = None
        self._voted_epoch = voted.new_epoch if voted else 0
        self._voted = voted
        self._lost: str | None = None
        self._lost_epoch = 0
        self._doubted = False
        self._majority_ns: int | None = None
        self._moved: Moved | None = None
        self._pending: Pending | None = None
        self._failed: dict[str, int] = {}
        self._moves_ns: deque[int] = deque()
        self._gathered_ns: int | None = None
        self._told_ns = 0
        self._ticked_ns: int | None = None
        self._wanted_ns = 0
        self._saving: dict[Ballot, Callable[[], None]] = {}
        self._now_ns = 0
        self._effects: list[Effect] = []
        self._events: dict[type[Any], Callable[[Any], None]] = {
            Tick: lambda _: self._on_tick(),
            Beat: self._on_beat,
            EngineUp: self._on_engine_up,
            EngineDown: lambda event: self._watches[event.engine].fall(self._now_ns),
            DialFailed: self._on_dial_failed,
            Heard: self._on_heard,
            Saved: self._on_saved,
        }

    def handle(self, event: Event, now_ns: int) -> list[Effect]:
        """Everything that this event makes the sentinel ask for, in order."""
        self._now_ns = now_ns
        self._events[type(event)](event)
        effects, self._effects = self._effects, []
        return effects

    @property
    def leader(self) -> Leader | None:
        """Who leads, as far as this sentinel knows."""
        return self._leader

    @property
    def lost(self) -> str | None:
        """Why this sentinel takes the primary for lost, or None."""
        return self._lost

    # --- watching

    def _on_beat(self, event: Beat) -> None:
        watch = self._watches[event.engine]
        watch.heard_ns, watch.beat = self._now_ns, event.heartbeat
        beat = event.heartbeat
        if beat.serving and (self._leader is None or beat.epoch > self._leader.epoch):
            self._take_leader(Leader(beat.epoch, event.engine))

    def _take_leader(self, leader: Leader) -> None:
        if self._leader is not None:
            self._moves_ns.append(self._now_ns)
        self._leader = leader
        self._failed.clear()
        if self._pending is not None and self._pending.certificate.new_epoch <= leader.epoch:
            self._pending = None
        if self._moved is not None and self._moved.ballot.new_epoch <= leader.epoch:
            self._moved = None

    def _on_engine_up(self, event: EngineUp) -> None:
        self._watches[event.engine].rise(self._now_ns)
        if self._pending is not None and self._pending.certificate.candidate == event.engine:
            self._effects.append(ToEngine(event.engine, Grant(self._pending.certificate)))

    def _on_dial_failed(self, event: DialFailed) -> None:
        self._watches[event.engine].refusals += 1

    def _on_tick(self) -> None:
        self._excuse_own_lag()
        reason = self._why_lost()
        recheck = reason is not None and self._lost is None and not self._doubted
        self._doubted = recheck
        if not recheck:  # a doubt is looked at again once the sockets have been drained
            self._conclude(reason)
            self._act()
        self._wanted_ns = self._now_ns + (self._patience.recheck if recheck else self._patience.tick)
        self._effects.append(SetTimer(self._wanted_ns))

    def _excuse_own_lag(self) -> None:
        lag_ns = self._now_ns - self._wanted_ns if self._ticked_ns is not None else 0
        self._ticked_ns = self._now_ns
        if lag_ns > self._patience.own_lag:
            self._doubted = False
            for watch in self._watches.values():
                watch.excuse(lag_ns, self._now_ns)

    def _why_lost(self) -> str | None:
        """Why no primary works, from here, or None."""
        if self._leader is None:
            return self._why_none_yet()
        watch = self._watches[self._leader.engine]
        reason = watch.dead(self._now_ns, self._patience)
        if reason is not None:
            return reason if self._may_move_away(watch) else None
        beat = watch.beat
        if beat is not None and watch.up and not beat.serving and watch.heard_ns is not None:
            return "stepped down"
        return None

    def _may_move_away(self, watch: Watch) -> bool:
        """Hysteresis, hold-down and the most moves a window limit only moves away from a primary that commits."""
        assert self._leader is not None
        patience, now = self._patience, self._now_ns
        if self._config.credulous or not committing(self._watches, self._leader.engine, now, patience):
            return True
        while self._moves_ns and now - self._moves_ns[0] > patience.window:
            self._moves_ns.popleft()
        held = bool(self._moves_ns) and now - self._moves_ns[-1] < patience.hold_down
        age_ns = watch.age_ns(now) or 0
        return (
            age_ns > patience.silence_of_committing
            and not held
            and len(self._moves_ns) < patience.most_in_window
        )

    def _why_none_yet(self) -> str | None:
        """A cluster that begins: wait for all engines, or a while for a majority of them."""
        patience, now = self._patience, self._now_ns
        beats = [
            w.beat for w in self._watches.values() if w.fresh(now, patience.silence) and w.beat is not None
        ]
        if any(
            beat.primary is not None and NEVER < beat.primary_age_ns <= patience.silence for beat in beats
        ):
            return None
        ready = sum(beat.ready for beat in beats)
        if ready < len(self._watches) // 2 + 1:
            self._gathered_ns = None
            return None
        if self._gathered_ns is None:
            self._gathered_ns = now
        if ready == len(self._watches) or now - self._gathered_ns > patience.gathering:
            return "no primary yet"
        return None

    # --- suspecting

    def _conclude(self, reason: str | None) -> None:
        epoch = self._leader.epoch if self._leader else 0
        changed = (reason is None) != (self._lost is None)
        self._lost = reason
        if changed and reason is not None:
            self._lost_epoch = epoch
            self._tell("primary_suspected" if self._leader else "primary_missing", epoch=epoch, reason=reason)
        elif changed:
            if epoch == self._lost_epoch:  # otherwise a new primary leads, and nothing was taken back
                self._tell("suspicion_cleared", epoch=epoch)
            self._majority_ns = None
        if changed or (reason is not None and self._now_ns - self._told_ns >= self._patience.repeat):
            self._told_ns = self._now_ns
            self._broadcast(Accusation(epoch, reason is not None, self._highest_epoch()))

    def _accusers(self) -> list[str]:
        """Who says that no primary works, in provider order; this sentinel among them if it says so."""
        fresh = {
            peer
            for peer, judgement in self._judgements.items()
            if judgement.accusation.lost and self._now_ns - judgement.heard_ns <= self._patience.accusation
        }
        if self._lost is not None:
            fresh.add(self._config.name)
        return sorted(fresh, key=self._rank)

    def _rank(self, name: str) -> tuple[int, str]:
        engines = self._config.engines
        return (engines.index(name) if name in engines else len(engines), name)

    def _highest_epoch(self) -> int:
        promised = [watch.beat.promised_epoch for watch in self._watches.values() if watch.beat is not None]
        said = [judgement.accusation.promised_epoch for judgement in self._judgements.values()]
        led = self._leader.epoch if self._leader else 0
        return max([self._voted_epoch, led, *promised, *said])

    # --- deciding

    def _act(self) -> None:
        accusers = self._accusers()
        if self._lost is None or len(accusers) < self._config.majority:
            self._majority_ns = None
            return
        if self._majority_ns is None:
            self._majority_ns = self._now_ns
            self._tell("majority_suspected", epoch=self._leader.epoch if self._leader else 0)
        if self._elections_run():
            return
        turn_ns = self._majority_ns + accusers.index(self._config.name) * self._patience.stagger
        if self._now_ns >= turn_ns:
            self._move()

    def _elections_run(self) -> bool:
        """Whether a motion or a candidate still has time; a candidate that failed is remembered."""
        now, patience = self._now_ns, self._patience
        if self._pending is not None:
            if not self._gave_up(self._pending):
                return True
            self._failed[self._pending.certificate.candidate] = now + patience.exclusion
            self._pending = None
            self._majority_ns = now  # take turns again, staggered
        if self._moved is None:
            return self._candidate_seen()
        if now - self._moved.since_ns < patience.motion:
            if self._moved.own and now - self._moved.asked_ns >= patience.repeat:
                self._ask(self._moved)
            return True
        self._moved = None
        return False

    def _candidate_seen(self) -> bool:
        """Whether an engine stands already, by a certificate that did not reach this sentinel."""
        return any(
            watch.fresh(self._now_ns, self._patience.fresh)
            and watch.beat is not None
            and watch.beat.role != "standby"
            and not watch.beat.serving
            for engine, watch in self._watches.items()
            if engine not in self._failed
        )

    def _gave_up(self, pending: Pending) -> bool:
        candidate = pending.certificate.candidate
        watch = self._watches[candidate]
        if watch.dead(self._now_ns, self._patience) is not None:
            return True
        waited_ns = self._now_ns - pending.since_ns - pending.backoff_ns
        beat = watch.beat
        answered = (
            beat is not None
            and beat.role != "standby"
            and beat.promised_epoch <= pending.certificate.new_epoch
        )
        return waited_ns > (self._patience.promotion if answered else self._patience.answer)

    def _move(self) -> None:
        """Move that the best candidate be elected for the next epoch."""
        now = self._now_ns
        avoid = {engine for engine, until_ns in self._failed.items() if now < until_ns}
        last = self._leader.engine if self._leader else None
        candidate = best_candidate(self._watches, now, self._patience, avoid=avoid, last=last)
        if candidate is None:
            return
        ballot = Ballot(self._leader.epoch if self._leader else 0, self._highest_epoch() + 1, candidate)
        self._tell("failover_decided", epoch=ballot.new_epoch, candidate=candidate)
        self._moved = moved = Moved(ballot, now, own=True)
        self._vote(ballot, lambda: self._moved_durably(moved))

    def _moved_durably(self, moved: Moved) -> None:
        if self._moved is not moved:
            return
        moved.signatures[self._config.name] = self._signature(moved.ballot)
        self._ask(moved)
        self._certify(moved)

    def _ask(self, moved: Moved) -> None:
        signature = moved.signatures.get(self._config.name)
        if signature is not None:
            moved.asked_ns = self._now_ns
            ballot = moved.ballot
            self._broadcast(Motion(ballot.old_epoch, ballot.new_epoch, ballot.candidate, signature))

    def _vote(self, ballot: Ballot, then: Callable[[], None]) -> None:
        """Make the ballot durable, then go on; one candidate an epoch."""
        self._voted_epoch, self._voted = ballot.new_epoch, ballot
        self._saving[ballot] = then
        self._effects.append(Save(ballot))

    def _on_saved(self, event: Saved) -> None:
        then = self._saving.pop(event.ballot, None)
        if then is not None:
            then()

    def _signature(self, ballot: Ballot) -> bytes:
        return self._config.sign(
            signed_bytes(self._config.cluster, ballot.old_epoch, ballot.new_epoch, ballot.candidate)
        )

    # --- hearing from peers

    def _on_heard(self, event: Heard) -> None:
        sender, message = event.sender, event.message
        if isinstance(message, Accusation):
            self._judgements[sender] = Judgement(message, self._now_ns)
            self._act()
        elif isinstance(message, Motion):
            self._on_motion(sender, message)
        elif isinstance(message, Second):
            self._on_second(sender, message)
        else:
            self._take_certificate(message.certificate)

    def _on_motion(self, sender: str, message: Motion) -> None:
        ballot = Ballot(message.old_epoch, message.new_epoch, message.candidate)
        if ballot == self._voted and ballot not in self._saving:
            self._second(sender, ballot)
            return
        if (self._lost is None and not self._config.credulous) or ballot.new_epoch <= self._voted_epoch:
            refusal = Second(
                ballot.old_epoch, ballot.new_epoch, ballot.candidate, None, self._highest_epoch()
            )
            self._effects.append(ToPeer(sender, refusal))
            return
        self._moved = Moved(ballot, self._now_ns, own=False)
        self._vote(ballot, lambda: self._second(sender, ballot))

    def _second(self, sender: str, ballot: Ballot) -> None:
        second = Second(
            ballot.old_epoch, ballot.new_epoch, ballot.candidate, self._signature(ballot), self._voted_epoch
        )
        self._effects.append(ToPeer(sender, second))

    def _on_second(self, sender: str, message: Second) -> None:
        moved = self._moved
        ballot = Ballot(message.old_epoch, message.new_epoch, message.candidate)
        if message.signature is None:
            self._voted_epoch = max(self._voted_epoch, message.voted_epoch)  # move above it next time
            return
        if moved is None or not moved.own or moved.ballot != ballot:
            return
        moved.signatures[sender] = message.signature
        self._certify(moved)

    def _certify(self, moved: Moved) -> None:
        if len(moved.signatures) < self._config.signatures:
            return
        ballot = moved.ballot
        certificate = Certificate(
            self._config.cluster, ballot.old_epoch, ballot.new_epoch, ballot.candidate, dict(moved.signatures)
        )
        self._tell("certificate_issued", epoch=ballot.new_epoch, candidate=ballot.candidate)
        self._broadcast(Issued(certificate))
        self._take_certificate(certificate)

    def _take_certificate(self, certificate: Certificate) -> None:
        """Hand the certificate over, and give its candidate time."""
        if self._leader is not None and certificate.new_epoch <= self._leader.epoch:
            return
        if self._pending is not None and self._pending.certificate.new_epoch >= certificate.new_epoch:
            return
        self._voted_epoch = max(self._voted_epoch, certificate.new_epoch)
        self._moved = None
        backoff_ns = self._random.randrange(self._patience.backoff)
        self._pending = Pending(certificate, self._now_ns, backoff_ns)
        self._effects.append(ToEngine(certificate.candidate, Grant(certificate)))

    # --- asking

    def _tell(self, kind: str, **fields: str | int) -> None:
        self._effects.append(Tell(kind, fields))

    def _broadcast(self, message: FromPeer) -> None:
        self._effects.extend(ToPeer(peer, message) for peer in self._config.peers)
