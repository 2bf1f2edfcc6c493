from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.faults.contract import Direction
from harness.platforms.readings import Reading
from harness.platforms.resetting import judge_reset
from harness.platforms.silence import judge, rate_per_s, silences, watch_for_s

BOTH = (Direction.TO, Direction.FROM)


def reading(at_s: float, to: int, from_: int | None = None, *, socket: str = "s") -> Reading:
    """Segments that the two ends of link `a--b` have received."""
    return Reading(
        round(at_s * 1e9),
        {
            ("a--b", Direction.TO): {socket: to},
            ("a--b", Direction.FROM): {socket: to if from_ is None else from_},
        },
    )


def fact(
    before: list[Reading], start: Reading, end: Reading, directions: tuple[Direction, ...] = BOTH
) -> bool | None:
    found = judge("a--b", silences(before, start, end, "a--b", directions), watched_ms=300, by="test")
    return None if found is None else found.convincing


BUSY = [reading(0, 0), reading(1, 100)]


def test_a_busy_link_that_falls_silent_convinces() -> None:
    assert fact(BUSY, reading(2, 200), reading(2.3, 200)) is True


def test_a_cut_that_does_nothing_does_not_convince() -> None:
    assert fact(BUSY, reading(2, 200), reading(2.3, 230)) is False


def test_one_direction_that_goes_on_is_no_silence() -> None:
    assert fact(BUSY, reading(2, 200), reading(2.3, 230, 200)) is False
    assert fact(BUSY, reading(2, 200), reading(2.3, 230, 200), (Direction.FROM,)) is True


def test_an_idle_link_proves_nothing() -> None:
    assert fact([reading(0, 0), reading(1, 1)], reading(2, 1), reading(2.3, 1)) is None
    assert fact([], reading(2, 100), reading(2.3, 100)) is None


def test_bytes_on_a_new_socket_break_the_silence() -> None:
    assert fact(BUSY, reading(2, 200), reading(2.3, 5, socket="another")) is False


def test_sockets_that_vanish_are_silent() -> None:
    gone = Reading(2_300_000_000, {})
    assert fact(BUSY, reading(2, 200), gone) is True


def test_only_the_newest_two_readings_before_a_cut_count() -> None:
    before = [reading(0, 0), reading(1, 1000), reading(2, 1000)]
    assert rate_per_s(before, "a--b", Direction.TO) == 0


@pytest.mark.parametrize(
    ("rates", "watched_s"), [([], 0.33), ([100.0], 0.33), ([10.0], 0.55), ([0.1], 0.33), ([4.0], 1.375)]
)
def test_watches_as_long_as_the_slower_of_the_busy_links_needs(rates: list[float], watched_s: float) -> None:
    assert watch_for_s(rates, least_s=0.3, most_s=1.5) == pytest.approx(watched_s)


@given(st.lists(st.floats(0, 1e4)))
def test_never_watches_longer_than_allowed(rates: list[float]) -> None:
    assert 0 < watch_for_s(rates, least_s=0.3, most_s=1.5) <= 1.5


def opened(*sockets: str) -> Reading:
    return Reading(0, {}, {"a--b": frozenset(sockets)})


def test_a_reset_is_proved_by_connections_that_are_gone() -> None:
    (found,) = judge_reset(["a--b"], opened("1", "2"), opened("3"))
    assert found.convincing
    assert "all 2 connections are gone, 1 new ones came" in found.fact


def test_a_reset_that_left_a_connection_does_not_convince() -> None:
    (found,) = judge_reset(["a--b"], opened("1", "2"), opened("2", "3"))
    assert not found.convincing


def test_a_link_without_connections_tells_nothing_of_a_reset() -> None:
    assert not list(judge_reset(["a--b"], opened(), opened("1")))
