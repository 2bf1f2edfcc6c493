"""The fast evaluation against a slow walk, and planted mistakes that the comparison must catch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from heartbeats import HEARTBEAT, MS, lives, trace, walk

from harness.detectors import quality as quality_module
from harness.detectors.contract import Kind
from harness.detectors.quality import (
    RealDeaths,
    SupposedDeaths,
    Suspicions,
    judge,
    suppose_deaths,
    suspicions,
)
from harness.detectors.registry import KINDS
from harness.detectors.simulation import simulate
from harness.detectors.timeline import Timeline, make_timeline
from harness.detectors.trace import Ints, Life, Trace, ints
from harness.detectors.world import World

Judged = tuple[list[int], list[int]]
CROWDED = World(
    "crowded", "much of everything", loss=0.05, jitter_ms=2, bursts_per_h=3000, stalls_per_h=3000, spikes_per_h=600,
    own_pauses_per_h=2000, peer_pauses_per_h=2000, host_pauses_per_h=1000, spells_per_h=100,
)  # fmt: skip


def fast(watched: Trace, kind: Kind, setting: float) -> Judged:
    timeline = make_timeline(watched)
    found = judge(timeline, kind.over(timeline)(setting), RealDeaths(timeline))
    return found.mistakes_ns.tolist(), found.detection_ns.tolist()


def slow(watched: Trace, kind: Kind, setting: float) -> Judged:
    mistakes: list[int] = []
    detection: list[int] = []
    for one in watched.lives:
        seen = walk(one, kind.detector(setting, heartbeat_ns=watched.heartbeat_ns))
        mistakes += seen.mistakes_ns(one)
        if one.died_ns is not None:
            detection.append(seen.detection_ns(one))
    return sorted(mistakes), sorted(detection)


@given(st.lists(lives(), min_size=1, max_size=4), st.sampled_from(KINDS), st.integers(0, 20))
def test_any_lives_are_judged_as_the_slow_walk_judges_them(
    drawn: list[Life], kind: Kind, number: int
) -> None:
    setting = kind.settings(HEARTBEAT)[number]
    assert fast(trace(*drawn), kind, setting) == slow(trace(*drawn), kind, setting)


@pytest.fixture(scope="module")
def crowded() -> Trace:
    return simulate(CROWDED, hours=0.02, deaths=4, heartbeat_ns=HEARTBEAT, seed=3)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_simulated_heartbeats_are_judged_as_the_slow_walk_judges_them(kind: Kind, crowded: Trace) -> None:
    for setting in kind.settings(HEARTBEAT)[::4]:
        judged = fast(crowded, kind, setting)
        assert judged == slow(crowded, kind, setting)
    assert judged[1]


def test_supposed_deaths_are_those_of_a_trace_cut_there(crowded: Trace) -> None:
    """A life that ends right there, with all lags as they were, is detected when the supposed one is."""
    living = trace(*[_endless(one) for one in crowded.lives])
    timeline = make_timeline(living)
    supposed = suppose_deaths(timeline, every_ns=5_000 * MS, seed=5)
    assert supposed.count > 8
    for kind in KINDS:
        setting = kind.settings(HEARTBEAT)[12]
        deadlines = kind.over(timeline)(setting)
        told = supposed.detected(timeline, deadlines, suspicions(timeline, deadlines))
        cut = [_cut(living, timeline, at_ns) for at_ns in _moments(supposed)]
        expected = [slow(trace(one), kind, setting)[1][0] for one in cut]
        assert told.tolist() == expected


def _endless(one: Life) -> Life:
    assert one.died_ns is not None
    return Life(one.heard_ns, one.sequence, one.until_ns, one.lag_ns, None, int(one.heard_ns[-1]))


def _moments(supposed: SupposedDeaths) -> list[int]:
    return [int(at_ns) for at_ns in supposed._at_ns]


def _cut(living: Trace, timeline: Timeline, at_ns: int) -> Life:
    number = int(timeline.life[np.searchsorted(timeline.heard_ns, at_ns, side="right") - 1])
    one = living.lives[number]
    died_ns = at_ns - int(timeline.begin_ns[number]) + int(one.heard_ns[0])
    kept = one.heard_ns <= died_ns
    return Life(
        one.heard_ns[kept], one.sequence[kept], one.until_ns, one.lag_ns, died_ns, died_ns + 60_000 * MS
    )


# --- planted mistakes: the comparison above must see each of them


def _forgets_the_open_one(timeline: Timeline, deadline_ns: Ints) -> Suspicions:
    found = suspicions(timeline, deadline_ns)
    closed = ~found.open
    return Suspicions(found.life[closed], found.begin_ns[closed], found.end_ns[closed], found.open[closed])


def _counts_each_heartbeat(timeline: Timeline, deadline_ns: Ints) -> Suspicions:
    """Suspicion that goes on over late heartbeats is cut into pieces."""
    begin = np.maximum(deadline_ns, timeline.heard_ns)
    held = np.flatnonzero(begin < timeline.next_ns)
    last = held == timeline.lasts[timeline.life[held]]
    return Suspicions(timeline.life[held], timeline.awake(begin[held]), timeline.next_ns[held], last)


def _concludes_while_it_sleeps(timeline: Timeline, deadline_ns: Ints) -> Suspicions:
    bare = {name: getattr(timeline, name) for name in Timeline.__slots__}
    return suspicions(Timeline(**{**bare, "from_ns": ints([]), "until_ns": ints([])}), deadline_ns)


def _takes_stale_heartbeats_for_news(timeline: Timeline, deadline_ns: Ints) -> Suspicions:
    return suspicions(timeline, np.where(deadline_ns <= timeline.heard_ns, timeline.next_ns, deadline_ns))


PLANTED = [
    _forgets_the_open_one,
    _counts_each_heartbeat,
    _concludes_while_it_sleeps,
    _takes_stale_heartbeats_for_news,
]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.__name__.strip("_"))
def test_a_planted_mistake_in_the_evaluation_is_seen(
    planted: Callable[[Timeline, Ints], Suspicions], crowded: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality_module, "suspicions", planted)
    differ = [
        kind.name
        for kind in KINDS
        for setting in kind.settings(HEARTBEAT)[::4]
        if fast(crowded, kind, setting) != slow(crowded, kind, setting)
    ]
    assert differ
