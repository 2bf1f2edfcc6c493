"""A client in virtual time keeps its policy: it waits, sends again, moves, and gives up when it says so."""

from __future__ import annotations

import msgspec
import pytest
from sim_toy import MS, Echo, ToyWorld, two_doors

from harness.load.policy import MOVING, PINNED, ReconnectPolicy
from harness.load.virtual_client import Door, Ended, VirtualClient
from harness.model.operations import Info, NewOrder, Ok, Side
from harness.stack.description import CLIENTS

DOORS = (Door("left", "alpha", "left:7000"), Door("right", "bravo", "right:7000"))
ORDER = NewOrder("maker", "order-1", "BTC-PERP", Side.BUY, 1, price=100)


class Shop:
    """Two echoes and a client whose home is the left one."""

    def __init__(self, policy: ReconnectPolicy = MOVING) -> None:
        self.toy = ToyWorld(stack=two_doors())
        self.machine = self.toy.world.machines[CLIENTS]
        self.client = VirtualClient("client", DOORS, self.machine, self.toy.simulation, policy)
        self.sent: list[str] = []
        self.ended: list[Ended] = []
        self.client.start()
        self.toy.run(100)

    def order(self, *, within_ms: int = 2_000) -> None:
        self.client.perform(
            ORDER,
            give_up_ns=self.machine.now_ns() + within_ms * MS,
            on_sent=lambda door: self.sent.append(door.name),
            on_end=self.ended.append,
        )

    def echo(self, name: str) -> Echo:
        echo = self.toy.simulation.made[name][-1]
        assert isinstance(echo, Echo)
        return echo


def test_an_order_is_answered_through_the_home() -> None:
    shop = Shop()
    assert shop.client.connected
    shop.order()
    shop.toy.run(10)
    assert (shop.sent, shop.ended) == (["left"], [Ended(Ok(), DOORS[0], 1, "ok")])


def test_a_killed_home_makes_it_move_and_send_the_open_order_again() -> None:
    shop = Shop()
    shop.echo("left").deaf = True
    shop.order()
    shop.toy.run(20)
    shop.toy.world.stop("left")
    shop.toy.run(100)
    assert shop.ended == [Ended(Ok(), DOORS[1], 2, "info")]
    assert shop.sent == ["left"]
    assert shop.client.reconnects == 1


def test_a_frozen_home_is_left_after_the_silence_of_the_policy() -> None:
    shop = Shop()
    shop.toy.world.hold("left")
    shop.order()
    shop.toy.run(130)  # the last sign of life was up to 70 ms before: a ping, and its way
    assert shop.client.reconnects == 0
    shop.toy.run(150)
    assert shop.client.reconnects == 1
    assert [ended.door.name for ended in shop.ended] == ["right"]


def test_a_home_that_answers_pings_alone_is_left_when_an_order_is_stuck() -> None:
    shop = Shop()
    shop.echo("left").deaf = True
    shop.order()
    shop.toy.run(580)
    assert shop.client.reconnects == 0
    shop.toy.run(100)
    assert [ended.door.name for ended in shop.ended] == ["right"]


def test_one_that_is_pinned_stays_and_gives_an_order_up_when_there_is_no_connection() -> None:
    shop = Shop(PINNED)
    shop.toy.world.stop("left")
    shop.toy.run(10)
    shop.order()
    shop.toy.run(240)
    assert shop.ended == []
    shop.toy.run(20)
    (ended,) = shop.ended
    assert ended == Ended(Info("there was no connection"), DOORS[0], 0, "info")
    assert shop.sent == []


def test_no_answer_by_the_deadline_is_unknown_and_a_late_answer_changes_nothing() -> None:
    shop = Shop(msgspec.structs.replace(MOVING, stuck_after_ns=None))
    shop.echo("left").deaf = True
    shop.order(within_ms=300)
    shop.toy.run(299)
    assert shop.ended == []
    shop.toy.run(2)
    assert [type(ended.reply) for ended in shop.ended] == [Info]
    shop.toy.run(1_000)
    assert len(shop.ended) == 1


@pytest.mark.parametrize("policy", [MOVING, PINNED])
def test_it_comes_back_when_everything_does(policy: ReconnectPolicy) -> None:
    shop = Shop(policy)
    for name in ("left", "right"):
        shop.toy.world.stop(name)
    shop.toy.run(3_000)
    assert not shop.client.connected
    for name in ("left", "right"):
        shop.toy.world.restart(name)
    shop.toy.run(1_500)
    assert shop.client.connected
    shop.order()
    shop.toy.run(20)
    assert isinstance(shop.ended[-1].reply, Ok)
