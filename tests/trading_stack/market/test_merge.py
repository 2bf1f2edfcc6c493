"""The merged stream is a function of the ticks that are known, not of how they came."""

from __future__ import annotations

import random

import pytest
from market_world import FIRST, MARKETS, SOURCES

from trading_stack.market.line import KEEP
from trading_stack.market.merge import LAG_LIMIT, Merge, agreed
from trading_stack.market.messages import Frame

FEW = range(FIRST, FIRST + 40)


def told(merge: Merge, arrivals: list[tuple[str, int]]) -> dict[int, Frame]:
    frames: dict[int, Frame] = {}
    for at, (source, sequence) in enumerate(arrivals):
        made = merge.prices(source, [MARKETS[source].prices(sequence)], at)
        frames.update((frame.sequence, frame) for frame in made)
    return frames


def interleaved(seed: int) -> list[tuple[str, int]]:
    """Each source's ticks in order, the sources mixed at random."""
    rest = {source: list(FEW) for source in SOURCES}
    draw = random.Random(seed)
    arrivals = []
    while rest:
        source = draw.choice(sorted(rest))
        arrivals.append((source, rest[source].pop(0)))
        if not rest[source]:
            del rest[source]
    return arrivals


@pytest.mark.parametrize("seed", range(8))
def test_interleavings_make_the_same_frames(seed: int) -> None:
    reference = told(Merge(SOURCES), [(source, sequence) for sequence in FEW for source in SOURCES])
    assert told(Merge(SOURCES), interleaved(seed)) == reference
    assert list(reference) == list(FEW)
    assert all(len(frame.constituents) == 10 for frame in reference.values())


def test_a_frame_waits_for_every_live_source() -> None:
    merge = Merge(SOURCES)
    told(merge, [(source, FIRST) for source in SOURCES])
    assert told(merge, [("one", FIRST + 1), ("two", FIRST + 1)]) == {}
    assert list(told(merge, [("three", FIRST + 1)])) == [FIRST + 1]


def test_a_source_that_lags_is_missed_not_frozen() -> None:
    merge = Merge(SOURCES)
    told(merge, [(source, FIRST) for source in SOURCES])
    rest = [(source, FIRST + n) for n in range(1, LAG_LIMIT + 2) for source in ("one", "two")]
    assert told(merge, rest[:-2]) == {}
    frames = told(merge, rest[-2:])
    assert list(frames) == list(range(FIRST + 1, FIRST + LAG_LIMIT + 2))
    assert all(
        "BTC.5" not in frame.constituents and len(frame.constituents) == 8 for frame in frames.values()
    )


def test_late_ticks_complete_the_frames_that_lacked_them() -> None:
    merge = Merge(SOURCES)
    reference = told(Merge(SOURCES), [(source, sequence) for sequence in FEW for source in SOURCES])
    told(merge, [(source, sequence) for sequence in FEW for source in ("one", "two")])
    late = merge.prices("three", [MARKETS["three"].prices(sequence) for sequence in FEW], 99)
    assert {frame.sequence: frame for frame in late} == reference
    assert merge.everything() == list(reference.values())


def test_known_ticks_change_nothing() -> None:
    merge = Merge(SOURCES)
    told(merge, [(source, FIRST) for source in SOURCES])
    assert told(merge, [("one", FIRST)]) == {}
    assert merge.arrived_ns(FIRST) == 0


def test_two_constituents_make_no_frame() -> None:
    assert told(Merge(SOURCES), [("one", sequence) for sequence in FEW]) == {}


def test_old_moments_are_forgotten() -> None:
    merge = Merge(SOURCES)
    for source in SOURCES:
        merge.prices(
            source, [MARKETS[source].prices(sequence) for sequence in range(FIRST, FIRST + 2 * KEEP)], 0
        )
    assert merge.everything()[0].sequence == FIRST + KEEP


def test_one_wrong_source_is_outvoted() -> None:
    merge = Merge(SOURCES)
    surfaces = {source: MARKETS["one"].surface(FIRST // 4) for source in ("one", "three")}
    surfaces["two"] = MARKETS["one"].surface(FIRST // 4 + 77)
    for at, source in enumerate(("two", "one", "three")):
        wrong = surfaces["two"]
        tick = type(wrong)(FIRST // 4, surfaces["one"].event_ns, surfaces[source].surface)
        merge.surface(source, tick, at)
    held = merge.surface_for(FIRST)
    assert held is not None
    assert held.tick == surfaces["one"]
    assert held.arrived_ns == 0
    assert agreed([3, 5, 5]) == 5
    assert agreed([3, 5]) == 3


def test_a_surface_holds_from_its_own_moment_on() -> None:
    merge = Merge(SOURCES)
    assert merge.surface_for(FIRST) is None
    for number in range(FIRST // 4, FIRST // 4 + 30):
        merge.surface("one", MARKETS["one"].surface(number), number)
    held = merge.surface_for(FIRST + 4 * 29 - 1)
    assert held is not None
    assert held.tick.sequence == FIRST // 4 + 28
    assert merge.surface_for(FIRST) is None  # long since forgotten
