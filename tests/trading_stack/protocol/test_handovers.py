"""The parts of a handover one at a time: what a primary, its successor and a sentinel do, and what they refuse."""

from __future__ import annotations

import pytest
from outages import freeze
from sentinel_post import ALL, STANDBYS, Post, beat, watching

from trading_stack.journal import events as j
from trading_stack.journal.config import Role
from trading_stack.journal.messages import Append, Seal
from trading_stack.journal.primary import WINDOW_ENTRIES
from trading_stack.sentinel.events import Ballot, Beat, Heard, Order, Save, Saved, Tell, ToEngine
from trading_stack.sentinel.messages import HandOver, Heartbeat, Issued, Motion, Second
from trading_stack.simulation.network import MS
from trading_stack.simulation.signing import certificate
from trading_stack.simulation.world import World

# --- engines


def led() -> World:
    """Alpha leads epoch 1, and no sentinel watches."""
    world = World(1)
    world.run(30 * MS)
    world.certify("alpha", 1)
    assert world.run(500 * MS, until=lambda: world.primary() == "alpha")
    world.run(100 * MS)
    world.told.clear()
    return world


def note(world: World, engine: str, kind: type[j.Effect]) -> list[j.Effect]:
    """What an engine asks for from now on, of one kind."""
    noted: list[j.Effect] = []
    effects = world.engines[engine]._effects
    carry_out = effects[kind]

    def both(effect: j.Effect) -> None:
        noted.append(effect)
        carry_out(effect)

    effects[kind] = both
    return noted


def planned(candidate: str = "bravo", *, old_epoch: int = 1, new_epoch: int = 2) -> j.HandOver:
    return j.HandOver(certificate(old_epoch, new_epoch, candidate, "alpha", "bravo"))


def test_a_primary_makes_way_and_its_successor_asks_nobody_first() -> None:
    world = led()
    world.engines["alpha"].tell(planned())
    assert world.run(500 * MS, until=lambda: world.primary() == "bravo")
    kinds = world.kinds()
    order = [
        "handover_started",
        "primary_stepped_down",
        "handover_yielded",
        "election_started",
        "primary_promoted",
    ]
    assert [kind for kind in kinds if kind in order] == order
    world.propose("bravo", 1)
    world.run(100 * MS)
    assert 1 in world.judge.acked
    world.judge.check_end()


def test_what_is_held_goes_on_with_a_primary_whose_target_is_silent() -> None:
    world = led()
    freeze(world, "bravo")
    world.propose("alpha", 1)  # what bravo lacks now
    world.engines["alpha"].tell(planned())
    world.propose("alpha", 2)
    world.run(60 * MS)
    assert 1 in world.judge.acked
    assert 2 not in world.judge.acked, "held"
    world.run(100 * MS)
    assert 2 in world.judge.acked
    assert world.kinds().count("handover_abandoned") == 1
    assert world.primary() == "alpha"
    world.engines["alpha"].tell(planned())
    assert world.kinds().count("handover_started") == 1, "a certificate is tried once"


@pytest.mark.parametrize(
    "useless",
    [
        planned("alpha"),
        planned("mallory"),
        planned(old_epoch=0),
        planned(new_epoch=1),
        j.HandOver(certificate(1, 2, "bravo", "alpha")),
    ],
    ids=["itself", "a stranger", "another primary", "a stale epoch", "too few signatures"],
)
def test_a_primary_makes_way_for_nothing_less_than_a_certificate(useless: j.HandOver) -> None:
    world = led()
    world.engines["alpha"].tell(useless)
    world.run(300 * MS)
    assert world.primary() == "alpha"
    assert not {"handover_started", "primary_stepped_down"} & set(world.kinds())


def test_a_standby_makes_way_for_nobody() -> None:
    world = led()
    world.engines["charlie"].tell(planned())
    world.run(300 * MS)
    assert world.primary() == "alpha"


def test_a_target_that_was_not_heard_lately_is_not_waited_for() -> None:
    world = led()
    freeze(world, "bravo")
    world.run(150 * MS)
    world.engines["alpha"].tell(planned())
    [(kind, fields)] = [(each.kind, each.fields) for each in world.told if each.kind.startswith("handover")]
    assert (kind, fields["reason"]) == ("handover_abandoned", "bravo was not heard lately")
    world.propose("alpha", 1)
    world.run(100 * MS)
    assert 1 in world.judge.acked


def referred(effects: list[j.Effect]) -> list[j.Request]:
    return [request for effect in effects if isinstance(effect, j.Refer) for request in effect.requests]


def test_a_primary_that_is_deposed_while_it_holds_refers_what_it_held() -> None:
    world = led()
    alpha = world.engines["alpha"].replica
    freeze(world, "bravo")
    world.propose("alpha", 1)
    world.engines["alpha"].tell(planned())
    held = alpha.handle(j.Propose([("a client", b"command")]), world.now_ns)
    assert referred(held) == []
    effects = alpha.handle(j.PersistFailed("no space"), world.now_ns)
    assert "a client" in referred(effects)
    assert alpha.view().role is Role.STANDBY


def test_a_store_that_fails_under_the_promise_leaves_nobody_waiting() -> None:
    world = led()
    alpha = world.engines["alpha"].replica
    world.run(50 * MS)
    alpha.handle(planned(), world.now_ns)
    assert alpha.view().role is Role.STANDBY, "all was held by bravo already: it yields at once"
    assert referred(alpha.handle(j.Propose([("a client", b"command")]), world.now_ns)) == ["a client"]
    assert referred(alpha.handle(j.PersistFailed("no space"), world.now_ns)) == []


def test_what_was_held_is_referred_before_the_promise_is_written() -> None:
    world = led()
    alpha = world.engines["alpha"]
    world.propose("alpha", 1)  # on its way to bravo
    alpha.tell(planned())
    noted = note(world, "alpha", j.Refer)
    alpha.tell(j.Propose([("a client", b"command")]))
    assert referred(noted) == []
    assert world.run(200 * MS, until=lambda: "primary_stepped_down" in world.kinds())
    assert referred(noted) == ["a client"]
    assert "handover_yielded" not in world.kinds()


def test_a_primary_whose_disk_is_slow_keeps_its_successor_waiting_no_more() -> None:
    """The target asks the others for the seal that is late."""
    world = led()
    world.disks["alpha"].slow_ns = 300 * MS
    world.engines["alpha"].tell(planned())
    assert world.run(50 * MS, until=lambda: world.primary() == "bravo")
    assert "handover_yielded" not in world.kinds()


def test_an_engine_whose_handover_was_overtaken_answers_when_it_leads_again() -> None:
    world = led()
    alpha, life = world.engines["alpha"], world.engines["charlie"].replica._core.life()
    alpha.tell(planned())
    alpha.tell(j.Received("charlie", Seal(certificate(1, 3, "charlie", *ALL), life)))
    world.run(1000 * MS)
    assert "handover_yielded" not in world.kinds()
    world.certify("alpha", 4)
    assert world.run(1000 * MS, until=lambda: world.primary() == "alpha")
    world.propose("alpha", 1)
    world.run(100 * MS)
    assert 1 in world.judge.acked


def test_a_long_log_is_no_reason_to_wait_for_a_heartbeat() -> None:
    """The first entry of an epoch goes out at once, however many came before it."""
    world = led()
    for number in range(WINDOW_ENTRIES + 2):
        world.propose("alpha", number)
        if number % 200 == 0:
            world.run(20 * MS)
    world.run(200 * MS)
    bravo = world.engines["bravo"].replica
    noted = note(world, "bravo", j.Send)
    world.engines["alpha"].tell(planned())
    assert world.run(500 * MS, until=lambda: bravo.view().role is Role.PRIMARY)
    sent = [each.message for each in noted if isinstance(each, j.Send)]
    assert [len(each.entries) for each in sent if isinstance(each, Append)] == [1, 1]


def test_a_successor_keeps_what_comes_before_it_leads() -> None:
    world = led()
    world.engines["alpha"].tell(planned())
    assert world.run(100 * MS, until=lambda: world.kinds()[-1] == "election_started")
    assert world.engines["bravo"].replica.view().role is Role.CANDIDATE
    world.propose("bravo", 7)
    world.engines["bravo"].ask_read(8)
    assert world.run(200 * MS, until=lambda: world.primary() == "bravo")
    world.run(100 * MS)
    assert 7 in world.judge.acked
    assert world.engines["bravo"].reads_answered == [8]


# --- one sentinel


FOLLOWING = {
    "alpha": ALL["alpha"],
    "bravo": beat(own="bravo", primary_age_ns=10 * MS),
    "charlie": beat(own="charlie", primary_age_ns=10 * MS),
}
ORDER = Order(1, "charlie")
BALLOT = Ballot(1, 2, "charlie")


def post(name: str = "alpha", **changes: Heartbeat) -> Post:
    """A sentinel that sees alpha lead epoch 1, and the others follow."""
    made = watching(name=name)
    made.pass_time(60 * MS, beats={**FOLLOWING, **changes})
    made.take()
    return made


def objection(made: Post, order: Order = ORDER) -> str:
    return made.sentinel.objection(order, made.now_ns) or ""


def saved(made: Post) -> list[Ballot]:
    return [effect.ballot for effect in made.effects if isinstance(effect, Save)]


def to_engines(made: Post) -> list[ToEngine]:
    return [effect for effect in made.effects if isinstance(effect, ToEngine)]


def test_an_order_is_moved_certified_and_given_to_the_primary() -> None:
    made = post()
    assert objection(made) == ""
    made.tell(ORDER)
    made.pass_time(10 * MS, beats=FOLLOWING)
    assert saved(made) == [BALLOT]
    made.tell(Saved(BALLOT))
    [motion] = {message for message in made.sent(Motion) if isinstance(message, Motion)}
    assert motion.planned
    made.tell(Heard("bravo", Second(1, 2, "charlie", b"signed", 2)))
    [grant] = to_engines(made)
    assert (grant.engine, type(grant.message)) == ("alpha", HandOver)
    assert all(isinstance(message, Issued) and message.planned for message in made.sent(Issued))
    assert made.told() == ["handover_decided", "certificate_issued"]
    assert "under way" in objection(made)


@pytest.mark.parametrize(
    ("order", "changes", "why"),
    [
        (Order(1, "alpha"), {}, "alpha is the primary"),
        (Order(1, "mallory"), {}, "no engine 'mallory'"),
        (Order(0, "charlie"), {}, "no primary of epoch 0"),
        (Order(2, "charlie"), {}, "no primary of epoch 2"),
        (ORDER, {"charlie": beat(own="charlie", ready=False, primary_age_ns=0)}, "may not vote"),
        (ORDER, {"charlie": beat(own="charlie", primary_age_ns=0, epoch=0)}, "does not follow alpha"),
        (ORDER, {"charlie": beat(own="charlie", primary_age_ns=0, role="candidate")}, "does not follow"),
        (ORDER, {"charlie": beat(own="charlie", primary_age_ns=-1)}, "has not heard alpha"),
        (ORDER, {"charlie": beat(own="charlie", primary_age_ns=200 * MS)}, "has not heard alpha"),
        (ORDER, {"alpha": beat(own="alpha", commit_index=5000)}, "lacks 4990 entries"),
    ],
)
def test_no_order_is_taken_that_can_not_be_followed_well(
    order: Order, changes: dict[str, Heartbeat], why: str
) -> None:
    made = post(**{k: v for k, v in changes.items() if k != "charlie"})
    if "charlie" in changes:
        made.tell(Beat("charlie", changes["charlie"]))
    assert why in objection(made, order)
    made.tell(order)
    made.pass_time(10 * MS, beats={**FOLLOWING, **changes})
    assert saved(made) == []


def test_a_planned_motion_is_seconded_on_ones_own_order_alone() -> None:
    made = post("bravo")
    made.tell(Heard("alpha", Motion(1, 2, "charlie", b"signed", planned=True)))
    assert made.sent(Second) == [Second(1, 2, "charlie", None, 0)]
    made.tell(ORDER)
    made.take()
    made.tell(Heard("alpha", Motion(1, 2, "alpha", b"signed", planned=True)))
    assert made.sent(Second) == [Second(1, 2, "alpha", None, 0)], "another target than was ordered"
    made.tell(Heard("alpha", Motion(1, 2, "charlie", b"signed")))
    assert saved(made) == [], "no failover follows from an order"
    made.tell(Heard("alpha", Motion(1, 2, "charlie", b"signed", planned=True)))
    assert saved(made) == [BALLOT]


def test_an_order_that_nobody_shares_is_given_up() -> None:
    made = post()
    made.tell(ORDER)
    made.pass_time(1500 * MS, beats=FOLLOWING)
    assert made.told()[-1] == "handover_abandoned"
    made.take()
    made.pass_time(500 * MS, beats=FOLLOWING)
    assert saved(made) == []
    assert "no majority" in made.sentinel.handover


def certified() -> Post:
    """Bravo's sentinel holds a planned certificate for charlie."""
    made = post("bravo")
    made.tell(Heard("alpha", Issued(certificate(1, 2, "charlie", "alpha", "bravo"), planned=True)))
    assert len(to_engines(made)) == 1
    made.take()
    return made


YIELDED = beat(own="alpha", leader=None, role="standby", serving=False)
STANDING = beat(own="charlie", leader=None, role="candidate", promised_epoch=2)


def test_a_primary_that_yields_is_not_lost_while_its_successor_comes_up() -> None:
    made = certified()
    made.pass_time(60 * MS, beats={**FOLLOWING, "alpha": YIELDED})
    made.pass_time(200 * MS, beats={**FOLLOWING, "alpha": YIELDED, "charlie": STANDING})
    assert made.told() == []
    made.pass_time(30 * MS, beats={"charlie": beat(own="charlie", leader="charlie", epoch=2)})
    assert made.told() == ["handover_completed"]
    assert made.sentinel.handover == "charlie took over"


def test_a_primary_that_yields_to_nobody_is_lost_soon() -> None:
    made = certified()
    made.pass_time(80 * MS, beats={**FOLLOWING, "alpha": YIELDED})
    assert made.told() == []
    made.pass_time(60 * MS, beats={**FOLLOWING, "alpha": YIELDED})
    assert made.told() == ["primary_suspected", "handover_abandoned"]


def test_a_successor_that_dies_ends_the_plan() -> None:
    made = certified()
    rest = {name: said for name, said in FOLLOWING.items() if name != "charlie"}
    made.pass_time(400 * MS, beats=rest)
    [told] = [effect for effect in made.effects if isinstance(effect, Tell)]
    assert (told.kind, "charlie: silent" in str(told.fields["reason"])) == ("handover_abandoned", True)


def test_a_primary_that_falls_silent_is_lost_whatever_was_planned() -> None:
    made = certified()
    made.pass_time(300 * MS, beats=STANDBYS)
    assert made.told() == ["primary_suspected", "handover_abandoned"]


def test_a_certificate_is_followed_once() -> None:
    made = certified()
    made.pass_time(700 * MS, beats=FOLLOWING)
    assert made.told() == ["handover_abandoned"]
    made.take()
    made.tell(Heard("alpha", Issued(certificate(1, 2, "charlie", "alpha", "bravo"), planned=True)))
    assert to_engines(made) == []


def test_a_plan_that_took_long_and_came_true_is_told_as_planned() -> None:
    made = certified()
    made.pass_time(700 * MS, beats=FOLLOWING)
    made.pass_time(30 * MS, beats={"charlie": beat(own="charlie", leader="charlie", epoch=2)})
    assert made.told() == ["handover_abandoned", "handover_completed"]


def test_an_order_is_refused_while_the_primary_is_lost() -> None:
    made = post()
    made.pass_time(400 * MS, beats=STANDBYS)
    assert "the primary is lost" in objection(made)
