"""What holds a sentinel back: a primary that commits, moves of late, and a cluster that begins."""

from __future__ import annotations

from sentinel_post import ALL, COMMITTING, Post, beat, watching

from trading_stack.sentinel.config import Patience
from trading_stack.sentinel.events import EngineUp, SaveMoves
from trading_stack.sentinel.moves import Moves
from trading_stack.simulation.network import MS, NODES


def test_a_primary_that_still_commits_is_left_alone_for_longer() -> None:
    post = watching()
    post.pass_time(900 * MS, beats=COMMITTING)
    assert post.told() == []
    post.pass_time(300 * MS, beats=COMMITTING)
    assert post.told() == ["primary_suspected"]


def test_hold_down_after_a_move_protects_only_a_primary_that_commits() -> None:
    def moved() -> Post:
        post = watching()
        post.pass_time(100 * MS, beats={**ALL, "bravo": beat(own="bravo", leader="bravo", epoch=2)})
        assert post.sentinel.leader is not None
        assert post.sentinel.leader.engine == "bravo"
        post.take()
        return post

    others = {"alpha": beat(own="alpha", leader="bravo", epoch=2, primary_age_ns=10 * MS)}
    post = moved()
    post.pass_time(4000 * MS, beats=others)
    assert post.told() == []
    post = moved()
    post.pass_time(300 * MS, beats={"alpha": beat(own="alpha", leader="bravo", epoch=2)})
    assert post.told() == ["primary_suspected"]


def test_at_most_so_many_moves_a_window_away_from_primaries_that_commit() -> None:
    post = watching(patience=Patience(hold_down_ns=0))
    leaders = ["bravo", "charlie", "alpha"]
    for epoch, leader in enumerate(leaders, 2):
        post.pass_time(40 * MS, beats={leader: beat(own=leader, leader=leader, epoch=epoch)})
    post.take()
    others = {n: beat(own=n, leader="alpha", epoch=4, primary_age_ns=10 * MS) for n in ("bravo", "charlie")}
    post.pass_time(3000 * MS, beats=others)
    assert post.told() == []
    post.pass_time(60_000 * MS, beats=others)
    assert post.told() == ["primary_suspected"]


def saved(post: Post) -> tuple[int, ...]:
    return [effect.moves_ns for effect in post.effects if isinstance(effect, SaveMoves)][-1]


def restarted(moves_ns: tuple[int, ...], *, leader: str, epoch: int) -> Post:
    """A sentinel in its next life, which soon sees who leads, and then hears no more of it."""
    post = Post(moves_ns=moves_ns)
    for engine in NODES:
        post.tell(EngineUp(engine))
    led = {name: beat(own=name, leader=leader, epoch=epoch, primary_age_ns=10 * MS) for name in NODES}
    post.pass_time(100 * MS, beats=led)
    post.take()
    post.pass_time(3000 * MS, beats={name: led[name] for name in NODES if name != leader})
    return post


def test_hold_down_outlasts_a_restart() -> None:
    post = watching()
    post.pass_time(100 * MS, beats={**ALL, "bravo": beat(own="bravo", leader="bravo", epoch=2)})
    [move_ns] = saved(post)
    again = Moves("one", (move_ns,)).since("another", 0)
    assert again == (0,), "the whole of it, from the restart"
    assert restarted(again, leader="bravo", epoch=2).told() == []
    assert restarted((), leader="bravo", epoch=2).told() == ["primary_suspected"], "one that forgot"


def test_the_moves_of_a_window_outlast_a_restart() -> None:
    post = watching()
    for epoch, leader in enumerate(["bravo", "charlie", "alpha"], 2):
        post.pass_time(6000 * MS, beats={leader: beat(own=leader, leader=leader, epoch=epoch)})
    again = Moves("one", saved(post)).since("another", -6000 * MS)
    assert len(again) == 3
    assert restarted(again, leader="alpha", epoch=4).told() == []
    assert restarted(again[-2:], leader="alpha", epoch=4).told() == ["primary_suspected"]


def test_what_fell_out_of_the_window_is_not_written_down() -> None:
    post = watching()
    post.pass_time(100 * MS, beats={"bravo": beat(own="bravo", leader="bravo", epoch=2)})
    post.pass_time(61_000 * MS, beats={"bravo": beat(own="bravo", leader="bravo", epoch=2)})
    post.pass_time(100 * MS, beats={"charlie": beat(own="charlie", leader="charlie", epoch=3)})
    assert len(saved(post)) == 1


def test_a_cluster_that_begins_waits_for_all_engines_or_a_while() -> None:
    post = Post()
    fresh = {name: beat(own=name, leader=None, epoch=0) for name in NODES}
    for engine in ("bravo", "charlie"):
        post.tell(EngineUp(engine))
    some = {name: fresh[name] for name in ("bravo", "charlie")}
    post.pass_time(450 * MS, beats=some)
    assert post.told() == []
    post.pass_time(100 * MS, beats=some)
    assert post.told() == ["primary_missing"]
    post = Post()
    for engine in NODES:
        post.tell(EngineUp(engine))
    post.pass_time(20 * MS, beats=fresh)
    assert post.told() == ["primary_missing"]


def test_a_sentinel_that_begins_late_takes_the_engines_word_for_their_primary() -> None:
    post = Post()
    for engine in ("bravo", "charlie"):
        post.tell(EngineUp(engine))
    post.pass_time(2000 * MS, beats=COMMITTING)
    assert post.told() == []


def test_too_few_engines_are_not_a_cluster() -> None:
    post = Post()
    post.tell(EngineUp("bravo"))
    post.pass_time(2000 * MS, beats={"bravo": beat(own="bravo", leader=None, epoch=0)})
    assert post.told() == []
