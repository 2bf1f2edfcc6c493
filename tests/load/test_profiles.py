from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.load.profiles import PROFILES, SECOND_NS, Profile, Segment, arrivals, profile_named
from harness.model.errors import UsageError


def first(profile: Profile, count: int, *, per_s: float, seed: int = 1) -> list[int]:
    return list(itertools.islice(arrivals(profile, per_s=per_s, random=Random(seed)), count))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_mean_rate_is_the_one_asked_for(profile: Profile) -> None:
    times = first(profile, 20_000, per_s=200)
    assert times[-1] / SECOND_NS == pytest.approx(100, rel=0.04)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_segments_have_a_mean_intensity_of_one(profile: Profile) -> None:
    whole = sum(segment.lasts_ns for segment in profile.segments)
    spent = sum(segment.lasts_ns * segment.intensity for segment in profile.segments)
    assert spent / whole == pytest.approx(1)


def test_a_burst_is_denser_than_the_rest() -> None:
    times = first(profile_named("burst"), 20_000, per_s=200)
    inside = sum(time_ns % (2 * SECOND_NS) < SECOND_NS // 5 for time_ns in times)
    assert inside / len(times) == pytest.approx(0.5, abs=0.03)  # 10 % of the time, five times the rate


def test_quiet_flow_is_evenly_spaced() -> None:
    times = first(profile_named("quiet"), 100, per_s=50)
    gaps = {b - a for a, b in itertools.pairwise(times)}
    assert gaps <= {20_000_000, 20_000_001, 19_999_999}


@settings(max_examples=50)
@given(
    lasts=st.lists(st.tuples(st.integers(1, 10**9), st.floats(0.0, 9.0)), min_size=1, max_size=4).filter(
        lambda pairs: any(intensity > 0.01 and ns > 1000 for ns, intensity in pairs)
    ),
    seed=st.integers(0, 1000),
)
def test_times_never_go_back_and_respect_silence(lasts: list[tuple[int, float]], seed: int) -> None:
    profile = Profile("any", tuple(Segment(ns, intensity) for ns, intensity in lasts))
    times = first(profile, 50, per_s=1000, seed=seed)
    assert times == sorted(times)


def test_an_unknown_profile_and_a_rate_of_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="steady"):
        profile_named("stedy")
    with pytest.raises(UsageError, match="sends nothing"):
        next(arrivals(profile_named("steady"), per_s=0, random=Random(1)))
