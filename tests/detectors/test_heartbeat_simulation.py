"""Simulated heartbeats: what a world does to them, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.detectors.simulation import WAKE_NS, simulate
from harness.detectors.trace import Trace
from harness.detectors.world import BUSY, QUIET, ROUGH, WORLDS, World, world_named
from harness.model.errors import UsageError

MS = 1_000_000
HEARTBEAT = 20 * MS
PERFECT = replace(QUIET, name="perfect", jitter_ms=0.0, loss=0.0)


def lived(world: World, *, seed: int = 7, hours: float = 0.2, deaths: int = 5) -> Trace:
    return simulate(world, hours=hours, deaths=deaths, heartbeat_ns=HEARTBEAT, seed=seed)


def gaps_ms(trace: Trace) -> list[float]:
    return [float(gap) / MS for life in trace.lives for gap in np.diff(life.heard_ns)]


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_every_life_keeps_the_rules_of_a_trace(world: World) -> None:
    trace = lived(world)
    assert trace.deaths == len(trace.lives) == 5
    for life in trace.lives:
        assert (np.diff(life.heard_ns) >= 0).all()
        assert (np.diff(life.sequence) > 0).all()
        begin_ns = life.until_ns - life.lag_ns
        assert (begin_ns[1:] > life.until_ns[:-1]).all()
        following = np.minimum(
            np.searchsorted(life.until_ns, life.heard_ns, side="right"), max(0, len(begin_ns) - 1)
        )
        if len(begin_ns):  # nothing is heard while the watcher does not run
            assert ((life.heard_ns < begin_ns[following]) | (life.heard_ns >= life.until_ns[following])).all()
        assert life.died_ns is not None
        assert (life.sequence * HEARTBEAT < life.died_ns).all()
        assert life.heard_ns[0] < life.died_ns < life.ended_ns


def test_the_same_seed_gives_the_same_trace_and_another_one_another() -> None:
    def heard(seed: int) -> list[list[int]]:
        return [life.heard_ns.tolist() for life in lived(BUSY, seed=seed).lives]

    assert heard(7) == heard(7)
    assert heard(7) != heard(8)


def test_a_perfect_world_is_regular() -> None:
    trace = lived(PERFECT)
    assert set(gaps_ms(trace)) == {20.0}
    assert all(life.heard_ns[0] == 2.5 * MS for life in trace.lives)
    assert trace.watched_ns == pytest.approx(0.2 * 3600e9, rel=0.5)


def test_loss_leaves_out_heartbeats() -> None:
    trace = lived(replace(PERFECT, loss=0.1), hours=1)
    sent = sum(int(life.sequence[-1]) + 1 for life in trace.lives)
    assert trace.heartbeats / sent == pytest.approx(0.9, abs=0.01)


def test_a_stall_holds_heartbeats_back_and_lets_them_come_in_order() -> None:
    gaps = gaps_ms(lived(replace(PERFECT, stalls_per_h=600)))
    assert 200 < max(gaps) + 1 <= 221 + 1
    assert 0.0 in gaps


def test_a_paused_sender_sends_once_when_it_wakes() -> None:
    trace = lived(replace(PERFECT, peer_pauses_per_h=600))
    for life in trace.lives:
        late = np.flatnonzero(np.diff(life.sequence) > 1)
        assert len(late)
        assert (np.diff(life.heard_ns)[late - 1] > HEARTBEAT).all()  # the one before was sent when it woke
    assert 0.0 not in gaps_ms(trace)


def test_a_paused_watcher_hears_all_at_once_when_it_runs_again() -> None:
    trace = lived(replace(PERFECT, own_pauses_per_h=600))
    for life in trace.lives:
        assert (np.diff(life.sequence) == 1).all()
        held = np.flatnonzero(np.diff(life.heard_ns) == 0)
        assert set((life.heard_ns[held] - WAKE_NS).tolist()) <= set(life.until_ns.tolist())


def test_in_busy_spells_both_ends_pause() -> None:
    spells = replace(PERFECT, spells_per_h=60)
    assert sum(len(life.until_ns) for life in lived(spells).lives) > 50
    assert max(gaps_ms(lived(spells))) > 100
    assert not sum(len(life.until_ns) for life in lived(ROUGH).lives)


def test_an_unknown_world_is_told_with_the_closest() -> None:
    assert world_named("busy") is BUSY
    with pytest.raises(UsageError, match="did you mean 'rough'"):
        world_named("rouhg")
