"""One sentinel at a time: what it takes for death, what it signs, and what holds it back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simulated import MS, NODES, certificate, sign

from trading_stack.defects import Defect
from trading_stack.sentinel.config import NAIVE, Config, Patience, patience_for
from trading_stack.sentinel.events import (
    Ballot,
    Beat,
    DialFailed,
    Effect,
    EngineDown,
    EngineUp,
    Event,
    Heard,
    PeerUp,
    Save,
    Saved,
    SetTimer,
    Tell,
    Tick,
    ToEngine,
    ToPeer,
)
from trading_stack.sentinel.messages import NEVER, Accusation, Grant, Heartbeat, Issued, Motion, Second
from trading_stack.sentinel.sentinel import Sentinel
from trading_stack.sentinel.watch import Watch


def beat(*, leader: str | None = "alpha", epoch: int = 1, own: str = "bravo", **more: object) -> Heartbeat:
    serving = leader == own
    fields: dict[str, object] = {
        "role": "primary" if serving else "standby",
        "serving": serving,
        "ready": True,
        "epoch": epoch,
        "primary": leader,
        "promised_epoch": epoch,
        "commit_index": 10,
        "last_epoch": epoch,
        "last_index": 10,
        "fsync_age_ns": 0,
        "primary_age_ns": NEVER,
        **more,
    }
    return Heartbeat(**fields)  # type: ignore[arg-type]


class Post:
    """A sentinel at bravo on a clock of its own; ticks come when it asks for them."""

    def __init__(self, *, name: str = "bravo", voted: Ballot | None = None, **config: object) -> None:
        peers = tuple(node for node in NODES if node != name)
        made = Config(name=name, peers=peers, engines=NODES, sign=lambda message: sign(name, message))
        self.sentinel = Sentinel(replace(made, **config), voted=voted, seed=1)  # type: ignore[arg-type]
        self.now_ns = 0
        self.effects: list[Effect] = []
        self.due_ns = 0

    def tell(self, event: Event) -> None:
        effects = self.sentinel.handle(event, self.now_ns)
        for effect in effects:
            if isinstance(effect, SetTimer):
                self.due_ns = effect.at_ns
        self.effects += effects

    def pass_time(self, for_ns: int, *, beats: dict[str, Heartbeat] | None = None) -> None:
        """Tick as asked; heartbeats come every 20 ms."""
        end_ns, next_beat_ns = self.now_ns + for_ns, self.now_ns
        while self.now_ns < end_ns:
            if beats and self.now_ns >= next_beat_ns:
                next_beat_ns += 20 * MS
                for engine, heartbeat in beats.items():
                    self.tell(Beat(engine, heartbeat))
            self.now_ns = max(self.now_ns, min(self.due_ns, end_ns))
            if self.now_ns < end_ns or self.due_ns == end_ns:
                self.tell(Tick())

    def take(self) -> list[Effect]:
        effects, self.effects = self.effects, []
        return effects

    def told(self) -> list[str]:
        return [effect.kind for effect in self.effects if isinstance(effect, Tell)]

    def sent(self, kind: type) -> list[object]:
        return [e.message for e in self.effects if isinstance(e, ToPeer) and isinstance(e.message, kind)]


STANDBYS = {"bravo": beat(own="bravo"), "charlie": beat(own="charlie")}
ALL = {"alpha": beat(own="alpha"), **STANDBYS}


def watching(**config: object) -> Post:
    post = Post(**config)  # type: ignore[arg-type]
    for engine in NODES:
        post.tell(EngineUp(engine))
    post.pass_time(100 * MS, beats=ALL)
    assert post.sentinel.leader is not None
    post.take()
    return post


def accused(post: Post) -> None:
    """A peer agrees."""
    post.tell(Heard("charlie", Accusation(1, lost=True, promised_epoch=1)))


def test_silence_is_suspected_after_the_threshold_and_not_before() -> None:
    post = watching()
    post.pass_time(220 * MS, beats=STANDBYS)
    assert post.told() == []
    post.pass_time(60 * MS, beats=STANDBYS)
    assert post.told() == ["primary_suspected"]
    assert post.sent(Accusation)[0] == Accusation(1, lost=True, promised_epoch=1)


def test_a_heartbeat_clears_the_suspicion() -> None:
    post = watching()
    post.pass_time(300 * MS, beats=STANDBYS)
    post.pass_time(40 * MS, beats=ALL)
    assert post.told() == ["primary_suspected", "suspicion_cleared"]
    assert post.sent(Accusation)[-1] == Accusation(1, lost=False, promised_epoch=1)


def test_data_that_waited_in_the_sockets_takes_a_doubt_away() -> None:
    post = watching()
    post.pass_time(210 * MS, beats=STANDBYS)
    post.now_ns = post.due_ns
    post.tell(Tick())
    while post.due_ns - post.now_ns > 1 * MS:  # until it doubts
        post.now_ns = post.due_ns
        post.tell(Tick())
    post.tell(Beat("alpha", ALL["alpha"]))
    post.now_ns = post.due_ns
    post.tell(Tick())
    assert post.told() == []


def test_a_dropped_connection_is_confirmed_by_dialling_again() -> None:
    post = watching()
    post.tell(EngineDown("alpha", "reset"))
    post.pass_time(10 * MS, beats=STANDBYS)
    post.tell(EngineUp("alpha"))
    post.pass_time(100 * MS, beats=STANDBYS)
    assert post.told() == []
    post.tell(EngineDown("alpha", "reset"))
    post.pass_time(55 * MS, beats=STANDBYS)
    assert post.told() == []
    post.pass_time(15 * MS, beats=STANDBYS)
    assert post.told() == ["primary_suspected"]


def test_dials_that_are_refused_confirm_sooner() -> None:
    post = watching()
    post.tell(EngineDown("alpha", "reset"))
    for _ in range(3):
        post.tell(DialFailed("alpha"))
    post.pass_time(25 * MS, beats=STANDBYS)
    assert post.told() == []
    post.pass_time(15 * MS, beats=STANDBYS)
    assert post.told() == ["primary_suspected"]


def test_a_primary_that_steps_down_is_replaced_at_once() -> None:
    post = watching()
    gone = {**ALL, "alpha": beat(own="alpha", leader=None, role="standby", serving=False)}
    post.pass_time(15 * MS, beats=gone)
    assert post.told() == ["primary_suspected"]


def test_one_sentinel_alone_decides_nothing() -> None:
    post = watching()
    post.pass_time(2000 * MS, beats=STANDBYS)
    assert post.told() == ["primary_suspected"]
    assert post.sent(Motion) == []


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


def certified() -> Post:
    """Bravo's sentinel suspects alpha, and holds a certificate for bravo that could not be handed over yet."""
    post = watching()
    post.pass_time(300 * MS, beats=STANDBYS)
    accused(post)
    post.tell(Saved(Ballot(1, 2, "bravo")))
    post.tell(Heard("charlie", Second(1, 2, "bravo", sign("charlie", b"?"), 2)))
    assert "certificate_issued" in post.told()
    post.tell(EngineDown("bravo", "reset"))
    return post


def handed_over(post: Post) -> bool:
    """Whether anybody gets the certificate now: its candidate or a peer that dials back, or a peer that offers it."""
    post.take()
    post.tell(Heard("charlie", Issued(certificate(1, 2, "bravo", "bravo", "charlie"))))
    post.tell(EngineUp("bravo"))
    post.tell(PeerUp("charlie"))
    granted = any(isinstance(effect, ToEngine) for effect in post.effects)
    return granted or post.sent(Issued) != []


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


# --- moving away from a primary that commits

COMMITTING = {name: beat(own=name, primary_age_ns=10 * MS) for name in ("bravo", "charlie")}


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
    post = watching(patience=Patience(hold_down=0))
    leaders = ["bravo", "charlie", "alpha"]
    for epoch, leader in enumerate(leaders, 2):
        post.pass_time(40 * MS, beats={leader: beat(own=leader, leader=leader, epoch=epoch)})
    post.take()
    others = {n: beat(own=n, leader="alpha", epoch=4, primary_age_ns=10 * MS) for n in ("bravo", "charlie")}
    post.pass_time(3000 * MS, beats=others)
    assert post.told() == []
    post.pass_time(60_000 * MS, beats=others)
    assert post.told() == ["primary_suspected"]


# --- beginnings


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


# --- planted mistakes


@pytest.mark.parametrize("defect", [Defect.NAIVE_TIMEOUT, Defect.SPLIT_BRAIN_LOCAL_VOTE])
def test_a_credulous_sentinel_moves_alone(defect: Defect) -> None:
    post = watching(
        defects=frozenset({defect}), patience=patience_for(frozenset({defect}), silence_ns=240 * MS)
    )
    post.pass_time(300 * MS, beats=STANDBYS)
    assert "failover_decided" in post.told()


def test_only_the_naive_are_rash() -> None:
    assert patience_for(frozenset({Defect.NAIVE_TIMEOUT}), silence_ns=1) is NAIVE
    assert patience_for(frozenset(), silence_ns=7).silence == 7


def test_a_strained_machine_does_not_hide_the_rash() -> None:
    post = watching(patience=NAIVE)
    post.now_ns = post.due_ns + 14 * MS  # a late tick, too short to excuse
    post.tell(Tick())
    post.pass_time(20 * MS, beats=ALL)
    post.pass_time(120 * MS, beats=STANDBYS)
    assert post.told() == []
    post.pass_time(50 * MS, beats=STANDBYS)
    assert post.told() == ["primary_suspected"]


def test_the_same_inputs_give_the_same_decisions() -> None:
    def story() -> list[Effect]:
        post = watching()
        post.pass_time(300 * MS, beats=STANDBYS)
        for _ in range(20):
            accused(post)
            post.pass_time(50 * MS, beats=STANDBYS)
        return post.take()

    assert story() == story()


def test_a_sentinel_whose_machine_is_strained_waits_longer_for_a_while() -> None:
    post = watching()
    post.now_ns = post.due_ns + 14 * MS  # a late tick, too short to excuse
    post.tell(Tick())
    post.pass_time(20 * MS, beats=ALL)
    post.pass_time(230 * MS, beats=STANDBYS)
    assert post.told() == []
    post.pass_time(40 * MS, beats=STANDBYS)
    assert post.told() == ["primary_suspected"]


def test_an_absence_is_held_against_no_connection_either() -> None:
    watch = Watch()
    assert watch.dead(5 * MS, Patience()) is None, "nobody who was never heard"
    watch.excuse(MS, MS)
    watch.rise(0)
    watch.fall(10 * MS)
    watch.excuse(1000 * MS, 1010 * MS)
    assert watch.dead(1030 * MS, Patience()) is None
    assert watch.dead(1080 * MS, Patience()) is not None
