"""What one sentinel sees of the engines, from where it stands."""

from __future__ import annotations

from dataclasses import dataclass

from trading_stack.sentinel.config import Patience
from trading_stack.sentinel.messages import NEVER, Heartbeat


@dataclass(slots=True)
class Watch:
    """One engine. `heard_ns` is its last sign of life; `down_ns` when its connection fell, unless it is up again."""

    up: bool = False
    heard_ns: int | None = None
    down_ns: int | None = None
    refusals: int = 0
    beat: Heartbeat | None = None

    def rise(self, now_ns: int) -> None:
        self.up, self.heard_ns, self.down_ns, self.refusals = True, now_ns, None, 0

    def fall(self, now_ns: int) -> None:
        self.up, self.down_ns, self.refusals = False, now_ns, 0

    def refuse(self) -> None:
        self.refusals += 1

    def excuse(self, lag_ns: int, now_ns: int) -> None:
        """Not to have looked for so long is no evidence against anybody."""
        if self.heard_ns is not None:
            self.heard_ns = min(now_ns, self.heard_ns + lag_ns)
        if self.down_ns is not None:
            self.down_ns = min(now_ns, self.down_ns + lag_ns)

    def age_ns(self, now_ns: int) -> int | None:
        return None if self.heard_ns is None else now_ns - self.heard_ns

    def fresh(self, now_ns: int, within_ns: int) -> bool:
        """Whether it was heard so lately that what it said can be relied on."""
        return (
            self.up
            and self.beat is not None
            and self.heard_ns is not None
            and now_ns - self.heard_ns <= within_ns
        )

    def suspicion(self, now_ns: int, patience: Patience, *, margin_ns: int = 0) -> float:
        """The evidence of a death so far, as a share of what it takes: it accrues with silence, and while a lost
        connection does not come back; a sign of life takes it away."""
        if self.heard_ns is None:
            return 0.0
        silence = (now_ns - self.heard_ns) / (patience.silence_ns + margin_ns)
        return max(silence, 0.0 if self.down_ns is None else (now_ns - self.down_ns) / patience.confirm_ns)

    def dead(self, now_ns: int, patience: Patience, *, margin_ns: int = 0) -> str | None:
        """Why it must be taken for dead, or None. A dropped connection is confirmed by dialling again."""
        if self.heard_ns is None:
            return None
        if now_ns - self.heard_ns > patience.silence_ns + margin_ns:
            return f"silent for {(now_ns - self.heard_ns) // 1_000_000} ms"
        if self.down_ns is None:
            return None
        gone_ns = now_ns - self.down_ns
        refused = self.refusals >= patience.refusals and gone_ns >= patience.confirm_least_ns
        if refused or gone_ns >= patience.confirm_ns:
            return f"connection dropped, no hello for {gone_ns // 1_000_000} ms"
        return None


@dataclass(frozen=True, slots=True)
class Leader:
    """The primary of the highest epoch that was seen to serve."""

    epoch: int
    engine: str


def committing(watches: dict[str, Watch], leader: str, now_ns: int, patience: Patience) -> bool:
    """Whether enough other engines still hear this primary for it to commit, whatever this sentinel hears."""
    hearing = sum(
        watch.fresh(now_ns, patience.fresh_ns)
        and watch.beat is not None
        and watch.beat.primary == leader
        and NEVER < watch.beat.primary_age_ns <= patience.fresh_ns
        for engine, watch in watches.items()
        if engine != leader
    )
    return hearing + 1 >= len(watches) // 2 + 1


def best_candidate(
    watches: dict[str, Watch], now_ns: int, patience: Patience, *, avoid: set[str], last: str | None
) -> str | None:
    """The live engine with the greatest log, ties by provider order; `avoid` and the `last` primary only when
    there is no other."""
    able = [
        (engine, watch.beat)
        for engine, watch in watches.items()
        if watch.fresh(now_ns, patience.fresh_ns) and watch.beat is not None and watch.beat.ready
    ]
    if not able:
        return None
    order = list(watches)

    def worth(pair: tuple[str, Heartbeat]) -> tuple[bool, bool, int, int, int]:
        engine, beat = pair
        return (engine not in avoid, engine != last, beat.last_epoch, beat.last_index, -order.index(engine))

    return max(able, key=worth)[0]


def unprepared(beat: Heartbeat, primary: Heartbeat, leader: Leader, patience: Patience) -> str | None:
    """Why an engine that says this can't take over from that primary smoothly, or None."""
    if not beat.ready:
        return "the target may not vote"
    if (beat.role, beat.epoch, beat.primary) != ("standby", leader.epoch, leader.engine):
        return f"the target does not follow {leader.engine}"
    if not NEVER < beat.primary_age_ns <= patience.fresh_ns:
        return f"the target has not heard {leader.engine} lately"
    lag = primary.commit_index - beat.commit_index
    return f"the target lacks {lag} entries" if lag > patience.handover_lag else None
