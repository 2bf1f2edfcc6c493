from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.load.liveness import Liveness, Sign
from harness.load.policy import MILLISECOND_NS, MOVING, PINNED

LOOK_NS = 20 * MILLISECOND_NS


def looks(liveness: Liveness, *, from_ms: int, to_ms: int) -> list[tuple[int, Sign]]:
    return [
        (ms, liveness.look(ms * MILLISECOND_NS)) for ms in range(from_ms, to_ms, LOOK_NS // MILLISECOND_NS)
    ]


def test_silence_is_pinged_and_then_given_up() -> None:
    liveness = Liveness(MOVING, now_ns=0, round_trip_ns=0)
    signs = looks(liveness, from_ms=20, to_ms=240)
    assert [ms for ms, sign in signs if sign is Sign.PING] == [40, 80, 120, 160]
    assert [ms for ms, sign in signs if sign is Sign.GIVE_UP] == [200, 220]


def test_a_slow_order_is_no_silence_while_pings_are_answered() -> None:
    liveness = Liveness(MOVING, now_ns=0, round_trip_ns=0)
    for ms in range(20, 5000, 20):
        sign = liveness.look(ms * MILLISECOND_NS)
        assert sign is not Sign.GIVE_UP
        if sign is Sign.PING:
            liveness.heard((ms + 2) * MILLISECOND_NS)


def test_answers_make_pings_needless() -> None:
    liveness = Liveness(MOVING, now_ns=0, round_trip_ns=0)
    for ms in range(20, 1000, 20):
        liveness.heard((ms - 5) * MILLISECOND_NS)
        assert liveness.look(ms * MILLISECOND_NS) is Sign.WAIT


def test_a_slow_link_gets_more_patience() -> None:
    liveness = Liveness(MOVING, now_ns=0, round_trip_ns=100 * MILLISECOND_NS)
    signs = looks(liveness, from_ms=20, to_ms=460)
    assert next(ms for ms, sign in signs if sign is Sign.GIVE_UP) == 400


def test_own_lag_is_not_the_far_ends_silence() -> None:
    liveness = Liveness(MOVING, now_ns=0, round_trip_ns=0)
    looks(liveness, from_ms=20, to_ms=100)
    assert liveness.look(2000 * MILLISECOND_NS) is not Sign.GIVE_UP  # this process slept, and read nothing
    signs = looks(liveness, from_ms=2020, to_ms=2300)
    assert next(ms for ms, sign in signs if sign is Sign.GIVE_UP) >= 2160


def test_a_client_that_measures_one_gateway_is_patient() -> None:
    liveness = Liveness(PINNED, now_ns=0, round_trip_ns=0)
    assert all(sign is not Sign.GIVE_UP for _, sign in looks(liveness, from_ms=20, to_ms=1000))


@given(gaps_ms=st.lists(st.integers(1, 60), min_size=1, max_size=60))
def test_whoever_is_heard_often_enough_never_dies(gaps_ms: list[int]) -> None:
    liveness = Liveness(MOVING, now_ns=0, round_trip_ns=0)
    now_ms = 0
    for gap_ms in gaps_ms:
        now_ms += gap_ms
        assert liveness.look(now_ms * MILLISECOND_NS) is not Sign.GIVE_UP
        liveness.heard(now_ms * MILLISECOND_NS)


def test_policies_say_what_they_do() -> None:
    assert "to the next gateway" in str(MOVING)
    assert "200 ms" in str(MOVING)
    assert "to the same gateway again" in str(PINNED)
