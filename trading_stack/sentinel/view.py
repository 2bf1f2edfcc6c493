"""What one sentinel sees and hears: engines through its own connections, peers by what they say."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from trading_stack.sentinel.config import Config
from trading_stack.sentinel.events import Beat
from trading_stack.sentinel.memory import Judgement, Seen
from trading_stack.sentinel.messages import NEVER, Accusation
from trading_stack.sentinel.monitors.gauge import Level
from trading_stack.sentinel.monitors.panel import Panel, stuck
from trading_stack.sentinel.watch import Leader, Watch, best_candidate, committing, unprepared

STEPPED_DOWN: Final = "stepped down"
STRAIN_FADES: Final = 400  # by a part in so many each tick: to half in some 1.4 s
MOST_LEAD: Final = (
    1 << 20
)  # epochs: more than a cluster moves on while a sentinel is away, and too few to run out of numbers


class View:
    """All that a sentinel's conclusions rest on."""

    def __init__(self, config: Config, moves_ns: Sequence[int] = ()) -> None:
        self.watches = {engine: Watch() for engine in config.engines}
        self.leader: Leader | None = None
        self._config = config
        self._patience = config.patience
        self._judgements: dict[str, Judgement] = {}
        self._moves_ns: deque[int] = deque(moves_ns)
        self._gathered_ns: int | None = None
        self._panel = Panel(config.limits)
        self._strain_ns = 0

    @property
    def levels(self) -> dict[str, Level]:
        """How the primary's work is judged, by monitor."""
        return self._panel.levels

    def memory(self) -> Seen | None:
        """All of this, as data; None while the primary's work is in doubt."""
        if not self._panel.at_rest:
            return None
        return Seen(
            {engine: replace(watch) for engine, watch in self.watches.items()},
            self.leader,
            dict(self._judgements),
            list(self._moves_ns),
            self._gathered_ns,
            self._strain_ns,
        )

    def recall(self, seen: Seen) -> None:
        """Begin with what was seen before."""
        self.watches.update({engine: replace(watch) for engine, watch in seen.watches.items()})
        self.leader = seen.leader
        self._judgements = dict(seen.judgements)
        self._moves_ns = deque(seen.moves_ns)
        self._gathered_ns, self._strain_ns = seen.gathered_ns, seen.strain_ns

    @property
    def epoch(self) -> int:
        """The highest epoch whose primary was seen to serve."""
        return self.leader.epoch if self.leader else 0

    def moves_ns(self, now_ns: int) -> tuple[int, ...]:
        """When the primary moved, as far back as that counts."""
        while self._moves_ns and now_ns - self._moves_ns[0] > self._patience.window_ns:
            self._moves_ns.popleft()
        return tuple(self._moves_ns)

    def on_beat(self, event: Beat, now_ns: int) -> bool:
        """Take a heartbeat; whether it tells of a new primary."""
        watch, beat = self.watches[event.engine], event.heartbeat
        watch.heard_ns, watch.beat = now_ns, beat
        if not beat.serving or beat.epoch < self.epoch:
            return False
        if beat.epoch == self.epoch:
            self._watch_work(event, now_ns)
            return False
        if self.leader is not None:
            self._moves_ns.append(now_ns)
        self.leader = Leader(beat.epoch, event.engine)
        self._panel = Panel(self._config.limits)
        return True

    def _watch_work(self, event: Beat, now_ns: int) -> None:
        """Take the figures of the primary's work, unless this machine is so strained that others may be, too."""
        if self.leader is not None and self.leader.engine == event.engine and not self.margin_ns:
            self._panel.hear(event.heartbeat, now_ns)

    def on_accusation(self, sender: str, accusation: Accusation, now_ns: int) -> None:
        self._judgements[sender] = Judgement(accusation, now_ns)

    def strain(self, lag_ns: int) -> None:
        """Note own lag at a tick. Where this process waits for its turn, others do: silence proves less for a while."""
        lag_ns = min(lag_ns, self._patience.strain_most_ns)
        self._strain_ns = max(lag_ns, self._strain_ns - self._strain_ns // STRAIN_FADES)

    @property
    def margin_ns(self) -> int:
        """How much longer a silence must last because of own lag in the last seconds; 0 on a machine that keeps up."""
        patience = self._patience
        return 2 * max(0, self._strain_ns - patience.strain_ns)

    def excuse(self, lag_ns: int, now_ns: int) -> None:
        """This sentinel did not look for so long."""
        for watch in self.watches.values():
            watch.excuse(lag_ns, now_ns)

    # --- is a primary at work?

    def why_lost(self, now_ns: int) -> str | None:
        """Why no primary works, from here, or None."""
        if self.leader is None:
            return self._why_none_yet(now_ns)
        watch = self.watches[self.leader.engine]
        reason = watch.dead(now_ns, self._patience, margin_ns=self.margin_ns)
        if reason is not None:
            return reason if self._may_move_away(self.leader, watch, now_ns) else None
        if watch.up and watch.beat is not None and not watch.beat.serving:
            return STEPPED_DOWN
        complaint = self._panel.complaint()
        return complaint if complaint is not None and self._may_move_again(now_ns) else None

    @property
    def calm_until_ns(self) -> int:
        """Before this time nothing is lost, as long as the primary says that it serves well; 0 when that is in doubt."""
        if self.leader is None or self.margin_ns or not self._panel.at_rest:
            return 0
        watch = self.watches[self.leader.engine]
        if watch.heard_ns is None or not watch.up or watch.beat is None or not watch.beat.serving:
            return 0
        return watch.heard_ns + self._patience.silence_ns

    def _may_move_away(self, leader: Leader, watch: Watch, now_ns: int) -> bool:
        """Hysteresis, hold-down and the most moves a window limit only moves away from a primary that commits."""
        patience = self._patience
        if self._config.credulous or not committing(self.watches, leader.engine, now_ns, patience):
            return True
        patient = (watch.age_ns(now_ns) or 0) > patience.silence_of_committing_ns
        return patient and self._may_move_again(now_ns)

    def _may_move_again(self, now_ns: int) -> bool:
        """Whether the last move was long enough ago, and those of the window are few enough."""
        moves_ns, patience = self.moves_ns(now_ns), self._patience
        held = bool(moves_ns) and now_ns - moves_ns[-1] < patience.hold_down_ns
        return not held and len(moves_ns) < patience.most_in_window

    def _why_none_yet(self, now_ns: int) -> str | None:
        """A cluster that begins: wait for all engines, or a while for a majority of them."""
        patience = self._patience
        fresh = [w.beat for w in self.watches.values() if w.fresh(now_ns, patience.silence_ns)]
        beats = [beat for beat in fresh if beat is not None]
        if any(
            beat.primary is not None and NEVER < beat.primary_age_ns <= patience.silence_ns for beat in beats
        ):
            return None
        ready = sum(beat.ready for beat in beats)
        if ready < len(self.watches) // 2 + 1:
            self._gathered_ns = None
            return None
        if self._gathered_ns is None:
            self._gathered_ns = now_ns
        if ready == len(self.watches) or now_ns - self._gathered_ns > patience.gathering_ns:
            return "no primary yet"
        return None

    # --- may it be handed over?

    def rested_ns(self, now_ns: int) -> int | None:
        """How long ago the primary changed, or None."""
        return now_ns - self._moves_ns[-1] if self._moves_ns else None

    def objection_to(self, target: str, old_epoch: int, now_ns: int) -> str | None:
        """Why the primary of `old_epoch` should not hand over to `target` now, or None."""
        leader, patience = self.leader, self._patience
        if target not in self.watches:
            return f"no engine {target!r}; there are {', '.join(self.watches)}"
        if leader is None or leader.epoch != old_epoch:
            return f"no primary of epoch {old_epoch} is at work"
        if leader.engine == target:
            return f"{target} is the primary"
        primary, other = self.watches[leader.engine], self.watches[target]
        if not primary.fresh(now_ns, patience.fresh_ns) or primary.beat is None or not primary.beat.serving:
            return f"the primary, {leader.engine}, was not heard lately"
        if not other.fresh(now_ns, patience.fresh_ns) or other.beat is None:
            return f"{target} was not heard lately"
        return unprepared(other.beat, primary.beat, leader, patience)

    def suspicion(self, engine: str, now_ns: int) -> float:
        """The evidence that an engine is dead, as a share of what it takes."""
        return self.watches[engine].suspicion(now_ns, self._patience, margin_ns=self.margin_ns)

    def dead(self, engine: str, now_ns: int) -> str | None:
        """Why an engine must be taken for dead, or None."""
        reason = self.watches[engine].dead(now_ns, self._patience, margin_ns=self.margin_ns)
        return None if reason is None else f"{engine}: {reason}"

    def stands(self, engine: str) -> bool:
        """Whether the engine was seen to stand for election, or to have led already."""
        beat = self.watches[engine].beat
        return beat is not None and beat.role != "standby"

    # --- who else says so, and who is next?

    def accusers(self, now_ns: int, *, own: bool) -> list[str]:
        """Who says that no primary works, in provider order; this sentinel among them if it says so itself."""
        names = {
            peer
            for peer, judgement in self._judgements.items()
            if judgement.accusation.lost and now_ns - judgement.heard_ns <= self._patience.accusation_ns
        }
        if own:
            names.add(self._config.name)
        return sorted(names, key=self._config.rank)

    def highest_epoch(self, voted_epoch: int) -> int:
        """The highest epoch that anybody promised or signed, as far as peers may be believed; this sentinel up to here."""
        promised = [watch.beat.promised_epoch for watch in self.watches.values() if watch.beat is not None]
        said = [judgement.accusation.promised_epoch for judgement in self._judgements.values()]
        known = max([voted_epoch, self.epoch, *promised])
        return max(known, believed(max(said, default=0), known=known))

    def candidate(self, now_ns: int, *, avoid: set[str]) -> str | None:
        """The engine to elect now, or None; never the primary that is to be replaced while it serves."""
        last = self.leader.engine if self.leader else None
        avoid = avoid | self._stuck()
        candidate = best_candidate(self.watches, now_ns, self._patience, avoid=avoid, last=last)
        return None if candidate is not None and candidate == last and self._serves(last) else candidate

    def _stuck(self) -> set[str]:
        """Engines whose stores don't finish what they were given."""
        limits = self._config.limits
        return {name for name, w in self.watches.items() if w.beat is not None and stuck(w.beat, limits)}

    def _serves(self, engine: str) -> bool:
        beat = self.watches[engine].beat
        return beat is not None and beat.serving

    def standing(self, now_ns: int, *, but: set[str]) -> bool:
        """Whether an engine stands for election already, by a certificate that may not have reached this sentinel."""
        return any(
            watch.fresh(now_ns, self._patience.fresh_ns)
            and watch.beat is not None
            and watch.beat.role != "standby"
            and not watch.beat.serving
            for engine, watch in self.watches.items()
            if engine not in but
        )


def believed(epoch: int, *, known: int) -> int:
    """As much of an epoch that one peer claims as is taken on its word: a single rogue must not use up all epochs."""
    return min(epoch, known + MOST_LEAD)
