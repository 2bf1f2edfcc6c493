"""A primary that is alive and works badly: suspected by a majority only, and never replaced too often."""

from __future__ import annotations

import msgspec
import pytest
from sentinel_post import ALL, Post, accused, beat, watching

from trading_stack.sentinel.config import Patience
from trading_stack.sentinel.events import Save, Tick
from trading_stack.sentinel.messages import Heartbeat
from trading_stack.simulation.network import MS

SECOND = 1000 * MS
SLOW = beat(own="alpha", requests=100, latency_ns=4 * SECOND)
BADLY = {**ALL, "alpha": SLOW}


def decided(post: Post) -> bool:
    return any(isinstance(effect, Save) for effect in post.effects)


def test_bad_work_is_suspected_after_a_while_and_good_work_clears_it() -> None:
    post = watching()
    post.pass_time(4900 * MS, beats=BADLY)
    assert post.told() == []
    post.pass_time(300 * MS, beats=BADLY)
    assert post.told() == ["primary_suspected"]
    assert post.sentinel.lost is not None
    assert "4000 ms" in post.sentinel.lost
    post.pass_time(2200 * MS, beats=ALL)
    assert post.told() == ["primary_suspected", "suspicion_cleared"]


def test_one_sentinel_alone_moves_nobody_for_it() -> None:
    post = watching()
    post.pass_time(20 * SECOND, beats=BADLY)
    assert not decided(post)


def test_a_majority_that_shares_it_moves_another_engine() -> None:
    post = watching()
    post.pass_time(5200 * MS, beats=BADLY)
    accused(post)
    [ballot] = [effect.ballot for effect in post.effects if isinstance(effect, Save)]
    assert ballot.candidate == "bravo"
    assert "failover_decided" in post.told()


def test_a_peer_is_not_believed_without_a_suspicion_of_ones_own() -> None:
    post = watching()
    for _ in range(100):
        accused(post)
        post.pass_time(50 * MS, beats=ALL)
    assert not decided(post)


def test_a_primary_that_serves_is_no_candidate_to_replace_itself() -> None:
    post = watching()
    unready = {name: beat(own=name, ready=False) for name in ("bravo", "charlie")}
    post.pass_time(5200 * MS, beats={**unready, "alpha": SLOW})
    accused(post)
    assert not decided(post)


def test_an_engine_whose_store_hangs_is_the_last_to_be_chosen() -> None:
    post = watching()
    hangs = beat(own="bravo", last_index=11, write_age_ns=3 * SECOND, fsync_age_ns=3 * SECOND)
    post.pass_time(5200 * MS, beats={**BADLY, "bravo": hangs})
    accused(post)
    [ballot] = [effect.ballot for effect in post.effects if isinstance(effect, Save)]
    assert ballot.candidate == "charlie"


def led_by(said: Heartbeat, leader: str, epoch: int) -> dict[str, Heartbeat]:
    """Heartbeats of a cluster in which `leader` says what alpha would have said."""
    return {
        name: msgspec.structs.replace(said, epoch=epoch, primary=leader)
        if name == leader
        else beat(own=name, leader=leader, epoch=epoch)
        for name in ALL
    }


def test_the_next_primary_has_a_while_before_it_is_suspected_too() -> None:
    post = watching(patience=Patience(hold_down_ns=15 * SECOND))
    post.pass_time(5200 * MS, beats=BADLY)
    post.take()
    worse = led_by(SLOW, "bravo", 2)
    post.pass_time(14_900 * MS, beats=worse)
    assert post.told() == []
    post.pass_time(200 * MS, beats=worse)
    assert post.told() == ["primary_suspected"]


def test_the_next_primary_is_judged_by_its_own_work() -> None:
    post = watching(patience=Patience(hold_down_ns=0))
    post.pass_time(5200 * MS, beats=BADLY)
    post.take()
    post.pass_time(1000 * MS, beats=led_by(ALL["alpha"], "bravo", 2))
    assert post.told() == []


def test_at_most_so_many_moves_a_window_away_from_primaries_that_work_badly() -> None:
    post = watching(patience=Patience(hold_down_ns=0, most_in_window=2))
    for epoch, leader in enumerate(("bravo", "charlie"), 2):
        post.pass_time(40 * MS, beats=led_by(ALL["alpha"], leader, epoch))
    post.take()
    post.pass_time(59 * SECOND, beats=led_by(SLOW, "charlie", 3))
    assert post.told() == []
    post.pass_time(2 * SECOND, beats=led_by(SLOW, "charlie", 3))
    assert post.told() == ["primary_suspected"]


@pytest.mark.parametrize("lag_ms", [14, 700])
def test_a_strained_machine_holds_nothing_against_a_primary(lag_ms: int) -> None:
    post = watching()
    for _ in range(30):
        post.now_ns = post.due_ns + lag_ms * MS
        post.tell(Tick())
        post.pass_time(200 * MS, beats=BADLY)
    assert post.told() == []
