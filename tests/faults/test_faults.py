"""Faults decide what to do; recording hands show it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from three_providers import RecordingHands, scene

from harness.faults.connection_reset import ConnectionReset
from harness.faults.contract import Capability, Direction, Fault, NewConnections
from harness.faults.latency import Latency
from harness.faults.packet_loss import PacketLoss
from harness.faults.partition import Partition
from harness.faults.provider_outage import ProviderOutage
from harness.faults.registry import BUILT_IN, all_faults
from harness.faults.scene import NobodyLeads
from harness.faults.service_crash import ServiceCrash
from harness.faults.service_freeze import ServiceFreeze
from harness.model.errors import UsageError
from harness.scenario.target import LinkSelector, Target

ALPHA = ("engine-alpha", "gateway-alpha")


def struck(fault: Fault, **where: Any) -> RecordingHands:
    hands = RecordingHands()
    fault.strike(scene(**where), hands)
    return hands


def outage(**settings: Any) -> ProviderOutage:
    return ProviderOutage.model_validate(settings)


@pytest.mark.parametrize(
    ("mode", "changes"),
    [("dark", ["cut", "kill"]), ("abrupt", ["kill"]), ("frozen", ["pause"]), ("unreachable", ["cut"])],
)
def test_each_mode_of_an_outage(mode: str, changes: list[str]) -> None:
    hands = struck(outage(mode=mode))
    assert [change.what for change in hands.made] == changes
    for change in hands.made:
        if change.what == "cut":
            assert {cut.new for cut in change.cuts} == {NewConnections.DROP}
            assert all("alpha" in name for name in change.subjects)
            assert "clients--gateway-alpha-8080" in change.subjects
            assert "gateway-bravo--engine-alpha-7100" in change.subjects
            assert "gateway-alpha--engine-alpha-7100" not in change.subjects
        else:
            assert change.subjects == ALPHA


def test_an_outage_names_a_provider_and_nothing_less() -> None:
    with pytest.raises(ValidationError, match="whole provider"):
        outage(target={"service": "engine-alpha"})
    with pytest.raises(ValidationError, match="whole provider"):
        outage(target={"provider": "alpha", "role": "engine"})


def test_an_outage_needs_what_its_mode_does() -> None:
    assert outage(mode="frozen").needed() == {Capability.PAUSE}
    assert outage().needed() == {Capability.CUT, Capability.DROP_HANDSHAKES, Capability.KILL}


def test_who_is_hit() -> None:
    assert outage().hits_primary(scene())
    assert not outage(target={"provider": "bravo"}).hits_primary(scene())
    assert ServiceCrash(target=Target(service="primary")).hits_primary(scene())
    assert Partition().hits_primary(scene())
    assert not Partition.model_validate({"shape": "clients"}).hits_primary(scene())
    assert not ConnectionReset(target=Target(provider="alpha")).hits_primary(scene())


def test_crash_and_freeze_strike_services() -> None:
    assert struck(ServiceCrash(target=Target(service="candidate")), candidate="engine-bravo").made[
        0
    ].subjects == ("engine-bravo",)
    frozen = struck(ServiceFreeze(target=Target(role="gateway", provider="standbys"))).made[0]
    assert (frozen.what, frozen.subjects) == ("pause", ("gateway-bravo", "gateway-charlie"))
    with pytest.raises(ValidationError, match="strikes services"):
        ServiceCrash(target=Target(link=LinkSelector(between=("alpha", "bravo"))))


def latency(**settings: Any) -> Latency:
    return Latency.model_validate({"target": {"provider": "primary"}, "latency": "100ms", **settings})


def test_a_fixed_delay_has_no_moves() -> None:
    hands = RecordingHands()
    strike = latency(jitter="10ms", direction="to").strike(scene(), hands)
    assert (strike.moves, hands.log, hands.made[0].direction) == ((), ["delay 100 10"], Direction.TO)


def test_a_ramp_rises_to_its_height() -> None:
    hands = RecordingHands()
    strike = latency(shape="ramp", over="2s").strike(scene(), hands)
    assert hands.log == ["delay 5 0"]
    assert [move.after_s for move in strike.moves] == sorted(move.after_s for move in strike.moves)
    strike.moves[-1].act()
    assert (strike.moves[-1].after_s, hands.log[-1]) == (2.0, "adjust 100 0")


def test_spikes_come_and_go() -> None:
    hands = RecordingHands()
    strike = latency(shape="spikes", spike="200ms", every="1s", count=2).strike(scene(), hands)
    for move in strike.moves:
        move.act()
    assert [move.after_s for move in strike.moves] == [0.2, 1.0, 1.2]
    assert hands.log == ["delay 100 0", "adjust 0 0", "adjust 100 0", "adjust 0 0"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"jitter": "200ms"}, "can't be negative"),
        ({"shape": "ramp"}, "a ramp needs it"),
        ({"over": "1s"}, "goes with `shape: ramp`"),
        ({"shape": "spikes"}, "needs both"),
        ({"shape": "spikes", "spike": "2s", "every": "1s"}, "before the next"),
    ],
)
def test_settings_of_a_delay_that_make_no_sense(settings: dict[str, str], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        latency(**settings)


def test_lost_packets_have_a_share_and_a_direction() -> None:
    loss = PacketLoss.model_validate({"target": {"provider": "primary"}, "share": "2%", "direction": "from"})
    hands = struck(loss)
    assert (hands.log, hands.made[0].direction) == (["lose 0.02"], Direction.FROM)
    assert all("alpha" in name for name in hands.made[0].subjects)
    assert loss.needed() == {Capability.LOSE_PACKETS}
    for share in ("0%", "95%"):
        with pytest.raises(ValidationError, match="a `partition` loses all"):
            PacketLoss.model_validate({"target": {"provider": "primary"}, "share": share})


def partition(**settings: Any) -> Partition:
    return Partition.model_validate(settings)


def test_a_full_partition_leaves_clients_alone() -> None:
    names = struck(partition()).made[0].subjects
    assert "engine-alpha--engine-bravo-7100" in names
    assert "engine-charlie--engine-alpha-7100" in names
    assert not [name for name in names if name.startswith("clients") or "source" in name]
    assert not [name for name in names if "alpha" not in name]


def test_a_partial_partition_cuts_one_pair() -> None:
    names = struck(partition(shape="partial", **{"from": "bravo"})).made[0].subjects
    assert names
    assert all("alpha" in name and "bravo" in name for name in names)


def test_one_way_is_one_way_on_links_in_both_directions() -> None:
    cuts = struck(partition(shape="one_way", direction="from")).made[0].cuts
    # What alpha says travels to the target where alpha dials, and from the target where it was dialled.
    assert {cut.direction for cut in cuts if cut.link.source_provider == "alpha"} == {Direction.TO}
    assert {cut.direction for cut in cuts if cut.link.target_provider == "alpha"} == {Direction.FROM}


def test_clients_alone_can_be_cut_off() -> None:
    assert struck(partition(shape="clients")).made[0].subjects == ("clients--gateway-alpha-8080",)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"target": {"service": "engine-alpha"}}, "whole provider"),
        ({"shape": "partial"}, "which needs it"),
        ({"from": "bravo"}, "goes with `shape: partial`"),
        ({"shape": "one_way"}, "which needs it"),
        ({"direction": "to"}, "goes with `shape: one_way`"),
        ({"established": "keep", "new": "allow"}, "cuts nothing"),
        ({"shape": "one_way", "direction": "to", "established": "reset"}, "both ways"),
    ],
)
def test_settings_of_a_partition_that_make_no_sense(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        partition(**settings)


def test_a_partition_needs_a_packet_filter_only_to_drop() -> None:
    assert Capability.DROP_HANDSHAKES in partition().needed()
    assert Capability.DROP_HANDSHAKES not in partition(new="stall").needed()


def test_a_fault_of_no_link_is_an_error() -> None:
    with pytest.raises(UsageError, match="no WAN link"):
        struck(ConnectionReset(target=Target(link=LinkSelector(from_="gateway-alpha", to="gateway-bravo"))))


def test_words_are_resolved_at_the_onset_and_drawn_from_the_seed() -> None:
    here = scene(primary="engine-bravo")
    assert here.providers("primary") == ("bravo",)
    assert here.providers("standbys") == ("alpha", "charlie")
    assert {scene(seed=seed).providers("standby")[0] for seed in range(20)} == {"bravo", "charlie"}
    assert {scene(seed=seed).providers("any")[0] for seed in range(30)} == {"alpha", "bravo", "charlie"}
    assert [scene(seed=4).providers("any") for _ in range(3)] == [scene(seed=4).providers("any")] * 3
    assert scene(seed=5).services(Target(service="standby"))[0] in {"engine-bravo", "engine-charlie"}
    assert scene(seed=5).services(Target(service="any"))[0] in here.stack.service_names
    assert scene(candidate="engine-bravo").providers("candidate") == ("bravo",)
    assert scene().services(Target(role="gateway")) == ("gateway-alpha", "gateway-bravo", "gateway-charlie")


def test_links_by_their_ends() -> None:
    here = scene()
    named = here.links(LinkSelector(name="engine-alpha--engine-bravo-7100"))
    assert [link.name for link in named] == ["engine-alpha--engine-bravo-7100"]
    one_way = here.links(LinkSelector(from_="alpha", to="bravo"))
    assert {link.source_provider for link in one_way} == {"alpha"}
    assert all(link.target == "source" for link in here.links(LinkSelector(to="outside")))
    assert here.links(LinkSelector(name="gateway-alpha--engine-alpha-7100")) == ()
    assert here.services(Target(link=LinkSelector(from_="alpha"))) == ()


def test_a_word_that_means_nothing_now_says_what_to_do() -> None:
    with pytest.raises(NobodyLeads, match="no service of toy has said that it leads"):
        struck(outage(), primary=None)
    with pytest.raises(NobodyLeads, match="election_started"):
        scene().services(Target(service="candidate"))


def test_every_fault_keeps_the_contract_of_the_registry() -> None:
    assert set(all_faults()) == {fault.name for fault in BUILT_IN}
    for fault in BUILT_IN:
        assert fault.summary.endswith(".")
        assert fault.__doc__
        for name, field in fault.model_fields.items():
            assert field.description, f"{fault.name}.{name} has no description"
