"""A source: live ticks, and the past for those who ask."""

from __future__ import annotations

from typing import Any, cast

from market_world import FIRST, MARKETS

from trading_stack.market.line import KEEP
from trading_stack.market.messages import Channel, Missed, PriceTick, Resend, Subscribe, SurfaceTick
from trading_stack.market.source_service import HISTORY, Source
from trading_stack.wire import Connection


class Ear:
    """Takes what a connection would carry."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def send(self, message: object) -> None:
        self.heard.append(message)

    def past(self) -> list[int]:
        return [tick.sequence for message in self.heard for tick in message.prices]


def subscribed(source: Source, **after: int) -> Ear:
    ear = Ear()
    source.answer(cast("Connection", ear), Subscribe(**{"prices_after": -1, "surface_after": -1} | after))
    return ear


def test_a_new_subscriber_gets_the_state_and_then_what_happens() -> None:
    source = Source(MARKETS["one"])
    source.publish(FIRST)
    ear = subscribed(source)
    assert ear.past() == list(range(FIRST - HISTORY + 1, FIRST + 1))
    assert ear.heard[0].surfaces[-1] == MARKETS["one"].surface(FIRST // 4)
    ear.heard.clear()
    for sequence in range(FIRST + 1, FIRST + 5):
        source.publish(sequence)
    assert [type(message) for message in ear.heard] == [
        PriceTick,
        PriceTick,
        PriceTick,
        SurfaceTick,
        PriceTick,
    ]
    assert ear.heard[-1] == MARKETS["one"].prices(FIRST + 4)


def test_a_returning_subscriber_gets_what_it_missed() -> None:
    source = Source(MARKETS["one"])
    source.publish(FIRST)
    ear = subscribed(source, prices_after=FIRST - 3, surface_after=FIRST // 4)
    assert ear.past() == [FIRST - 2, FIRST - 1, FIRST]
    assert ear.heard[0] == Missed()


def test_a_gap_is_sent_again() -> None:
    source, ear = Source(MARKETS["one"]), Ear()
    source.publish(FIRST)
    source.answer(cast("Connection", ear), Resend(Channel.PRICES, FIRST - 10, FIRST - 8))
    assert ear.past() == [FIRST - 10, FIRST - 9, FIRST - 8]
    ear.heard.clear()
    source.answer(cast("Connection", ear), Resend(Channel.SURFACE, FIRST // 4 - 1, FIRST // 4 + 99))
    assert [tick.sequence for tick in ear.heard[0].surfaces] == [FIRST // 4 - 1, FIRST // 4]


def test_a_hostile_request_is_bounded() -> None:
    source, ear = Source(MARKETS["one"]), Ear()
    source.publish(FIRST)
    source.answer(cast("Connection", ear), Resend(Channel.PRICES, 0, 2**60))
    assert len(ear.past()) == KEEP


def test_a_lost_subscriber_is_forgotten() -> None:
    source = Source(MARKETS["one"])
    source.publish(FIRST)
    ear = subscribed(source)
    assert source.subscribers == 1
    source.forget(cast("Connection", ear), "reset")
    assert source.subscribers == 0
