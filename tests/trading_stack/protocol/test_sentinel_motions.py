"""Whom sentinels move to make primary, and what they second and sign."""

from __future__ import annotations

from sentinel_post import STANDBYS, accused, beat, watching

from trading_stack.sentinel.events import (
    Ballot,
    Heard,
    Save,
    Saved,
    ToEngine,
)
from trading_stack.sentinel.messages import Accusation, Issued, Motion, Second
from trading_stack.simulation.network import MS
from trading_stack.simulation.signing import sign


def test_two_decide_sign_durably_and_certify() -> None:
    post = watching()
    post.pass_time(300 * MS, beats=STANDBYS)
    accused(post)
    ballot = Ballot(1, 2, "bravo")
    assert Save(ballot) in post.effects
    assert post.sent(Motion) == [], "nothing is sent before it is durable"
    post.tell(Saved(ballot))
    motion = post.sent(Motion)[0]
    assert isinstance(motion, Motion)
    post.tell(Heard("charlie", Second(1, 2, "bravo", sign("charlie", b"?"), 2)))
    assert post.told()[1:] == ["majority_suspected", "failover_decided", "certificate_issued"]
    [grant] = [e.message for e in post.effects if isinstance(e, ToEngine)]
    assert set(grant.certificate.signatures) == {"bravo", "charlie"}
    assert len(post.sent(Issued)) == 2


def test_a_motion_is_asked_again_while_it_has_time() -> None:
    post = watching()
    post.pass_time(300 * MS, beats=STANDBYS)
    accused(post)
    post.tell(Saved(Ballot(1, 2, "bravo")))
    assert len(post.sent(Motion)) == 2
    post.pass_time(60 * MS, beats=STANDBYS)
    assert len(post.sent(Motion)) == 4


def test_a_motion_is_seconded_only_from_ones_own_suspicion() -> None:
    post = watching(name="charlie")
    motion = Motion(1, 2, "bravo", b"")
    post.tell(Heard("bravo", motion))
    assert post.sent(Second) == [Second(1, 2, "bravo", None, 0)]
    post.pass_time(300 * MS, beats=STANDBYS)
    post.take()
    post.tell(Heard("bravo", motion))
    assert Save(Ballot(1, 2, "bravo")) in post.effects
    assert post.sent(Second) == []
    post.tell(Saved(Ballot(1, 2, "bravo")))
    [second] = post.sent(Second)
    assert isinstance(second, Second)
    assert second.signature is not None
    post.tell(Heard("bravo", motion))
    assert len(post.sent(Second)) == 2, "asked again, answered again"


def test_one_candidate_an_epoch_even_after_a_crash() -> None:
    post = watching(name="charlie", voted=Ballot(1, 2, "bravo"))
    post.pass_time(300 * MS, beats=STANDBYS)
    post.take()
    post.tell(Heard("alpha", Motion(1, 2, "charlie", b"")))
    assert post.sent(Second) == [Second(1, 2, "charlie", None, 2)]
    assert not any(isinstance(effect, Save) for effect in post.effects)


def test_a_refusal_tells_which_epoch_to_go_beyond() -> None:
    post = watching()
    post.pass_time(300 * MS, beats=STANDBYS)
    accused(post)
    post.tell(Saved(Ballot(1, 2, "bravo")))
    post.tell(Heard("charlie", Second(1, 2, "bravo", None, 7)))
    post.take()
    for _ in range(4):
        accused(post)
        post.pass_time(50 * MS, beats=STANDBYS)
    ballots = [effect.ballot for effect in post.effects if isinstance(effect, Save)]
    assert ballots[0].new_epoch == 8


def test_a_seconded_or_foreign_answer_counts_for_nothing() -> None:
    post = watching()
    post.tell(Heard("charlie", Second(1, 2, "bravo", b"x", 2)))
    assert post.take() == []


def test_another_candidate_after_the_first_failed() -> None:
    post = watching()
    post.pass_time(300 * MS, beats=STANDBYS)
    accused(post)
    post.tell(Saved(Ballot(1, 2, "bravo")))
    post.tell(Heard("charlie", Second(1, 2, "bravo", b"x", 2)))
    post.take()
    for _ in range(10):
        accused(post)
        post.pass_time(50 * MS, beats=STANDBYS)
    ballots = [effect.ballot for effect in post.effects if isinstance(effect, Save)]
    assert ballots[0].candidate == "charlie"
    assert ballots[0].new_epoch == 3


def test_the_first_in_provider_order_moves_and_the_others_wait_their_turn() -> None:
    late = watching(name="charlie")
    late.pass_time(300 * MS, beats=STANDBYS)
    late.tell(Heard("bravo", Accusation(1, lost=True, promised_epoch=1)))
    late.pass_time(20 * MS, beats=STANDBYS)
    assert not any(isinstance(effect, Save) for effect in late.effects)
    late.tell(Heard("bravo", Accusation(1, lost=True, promised_epoch=1)))
    late.pass_time(20 * MS, beats=STANDBYS)
    assert any(isinstance(effect, Save) for effect in late.effects)


def test_the_greatest_log_stands_and_ties_go_to_the_first_provider() -> None:
    post = watching()
    longer = {**STANDBYS, "charlie": beat(own="charlie", last_index=11)}
    post.pass_time(300 * MS, beats=longer)
    accused(post)
    [ballot] = [effect.ballot for effect in post.effects if isinstance(effect, Save)]
    assert ballot.candidate == "charlie"


def test_an_engine_that_may_not_vote_does_not_stand() -> None:
    post = watching()
    unready = {name: beat(own=name, ready=False) for name in ("bravo", "charlie")}
    post.pass_time(300 * MS, beats=unready)
    accused(post)
    assert not any(isinstance(effect, Save) for effect in post.effects)
