"""How long a certificate and a motion hold, and to whom a certificate is handed."""

from __future__ import annotations

from sentinel_post import ALL, STANDBYS, accused, beat, certified, handed_over, watching

from trading_stack.sentinel.events import (
    Ballot,
    EngineDown,
    EngineUp,
    Heard,
    PeerUp,
    Save,
    Saved,
    ToEngine,
    ToPeer,
)
from trading_stack.sentinel.messages import Grant, Issued, Second
from trading_stack.simulation.network import MS
from trading_stack.simulation.signing import certificate, sign


def test_a_candidate_at_work_gets_more_time() -> None:
    post = watching()
    post.pass_time(300 * MS, beats=STANDBYS)
    post.tell(Heard("charlie", Issued(certificate(1, 2, "charlie", "alpha", "charlie"))))
    working = {**STANDBYS, "charlie": beat(own="charlie", role="candidate")}
    for _ in range(10):
        accused(post)
        post.pass_time(50 * MS, beats=working)
    assert not any(isinstance(effect, Save) for effect in post.effects)


def test_a_candidate_that_another_certified_is_left_to_work() -> None:
    post = watching()
    working = {**STANDBYS, "charlie": beat(own="charlie", role="candidate")}
    post.pass_time(300 * MS, beats=working)
    accused(post)
    assert not any(isinstance(effect, Save) for effect in post.effects)


def test_an_old_or_foreign_certificate_is_not_handed_over() -> None:
    post = watching()
    for useless in (certificate(0, 1, "bravo", "alpha"), certificate(1, 5, "mallory", "alpha")):
        post.tell(Heard("charlie", Issued(useless)))
    assert post.take() == []


def test_a_certificate_is_handed_over_again_when_its_candidate_dials_back() -> None:
    post = watching()
    issued = certificate(1, 2, "charlie", "alpha", "charlie")
    post.tell(Heard("charlie", Issued(issued)))
    post.tell(EngineUp("charlie"))
    assert post.effects.count(ToEngine("charlie", Grant(issued))) == 2
    post.tell(PeerUp("alpha"))
    assert ToPeer("alpha", Issued(issued)) in post.effects


def test_a_certificate_falls_with_the_suspicion_it_rests_on() -> None:
    post = certified()
    assert handed_over(post), "while the suspicion lasts"
    post = certified()
    post.pass_time(40 * MS, beats=ALL)
    assert post.told()[-1] == "suspicion_cleared"
    assert not handed_over(post)
    post.pass_time(60_000 * MS, beats=ALL)
    assert not handed_over(post)


def test_a_motion_falls_with_the_suspicion_it_rests_on() -> None:
    post = watching()
    post.pass_time(300 * MS, beats=STANDBYS)
    accused(post)
    post.tell(Saved(Ballot(1, 2, "bravo")))
    post.pass_time(40 * MS, beats=ALL)
    post.tell(Heard("charlie", Second(1, 2, "bravo", sign("charlie", b"?"), 2)))
    assert "certificate_issued" not in post.told()


def test_a_certificate_expires_where_nobody_was_suspected() -> None:
    post = watching()
    post.tell(Heard("charlie", Issued(certificate(1, 2, "bravo", "alpha", "charlie"))))
    post.tell(EngineDown("bravo", "reset"))
    assert handed_over(post)
    post.pass_time(2000 * MS, beats=ALL)
    assert not handed_over(post)
