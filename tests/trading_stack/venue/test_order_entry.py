"""What a gateway refuses, forwards and gives up by itself."""

from __future__ import annotations

import msgspec
import pytest

from trading_stack.defects import Defect
from trading_stack.engine.messages import Leading, Read, Submit
from trading_stack.gateway.band import Band
from trading_stack.gateway.order_entry import OrderEntry
from trading_stack.gateway.requests import Request, decode, number_of
from trading_stack.gateway.router import Router, Send
from trading_stack.gateway.stall import StallWatch
from trading_stack.instruments import SCALE
from trading_stack.venue import commands, queries
from trading_stack.venue.commands import Cancel, New, Resolve

BTC, CALL = "BTC-PERPETUAL", "BTC-30JAN26-50000-C"
P = 50_000 * SCALE
S = 10**9
MARKS = {BTC: P, CALL: SCALE // 20}


def order(**changes: object) -> Request:
    fields = {
        "op": "new",
        "account": "ann",
        "client_order_id": "1",
        "instrument": BTC,
        "side": "buy",
        "quantity": 1,
        "price": P,
    }
    return decode(msgspec.json.encode({**fields, **changes}))


class Desk:
    """Order entry whose router knows a primary; `now_s` is the clock."""

    def __init__(self, *defects: Defect) -> None:
        self.router = Router(("alpha",))
        self.router.engine_up("alpha", 0)
        self.router.heard("alpha", Leading(1, "alpha"), 0)
        self.band = Band()
        self.watch = StallWatch(0)
        self.entry = OrderEntry(self.router, self.band, self.watch, boot="boot", defects=frozenset(defects))
        self.replies: list[dict[str, object]] = []

    def marks(self, at_s: float = 0) -> None:
        self.band.update(MARKS, index_age_ns=0, surface_age_ns=0, now_ns=int(at_s * S))

    def take(self, request: Request, at_s: float = 0) -> list[commands.Command | queries.Query]:
        """What is forwarded; what is replied at once is in `replies`."""
        effects = self.entry.take(
            request, lambda reply: self.replies.append(msgspec.json.decode(reply)), int(at_s * S)
        )
        forwarded: list[commands.Command | queries.Query] = []
        for effect in effects:
            match effect:
                case Send(_, Submit(_, command)):
                    forwarded.append(commands.decode(command))
                case Send(_, Read(_, query)):
                    forwarded.append(queries.decode(query))
        return forwarded

    def awake(self, at_s: float) -> None:
        """Let the loop turn until `at_s`."""
        for before_s in (0.15, 0):
            self.watch.turn(int((at_s - before_s) * S))

    def code(self, request: Request, at_s: float = 0) -> str:
        """The verdict of the price band that goes along with an order."""
        (message,) = self.take(request, at_s)
        assert isinstance(message, New)
        return message.refusal


def test_a_ping_is_answered_at_once_and_goes_nowhere() -> None:
    desk = Desk()
    assert desk.take(decode(b'{"op":"ping"}')) == []
    assert desk.replies == [{"outcome": "ok"}]


def test_each_request_becomes_its_command_or_query() -> None:
    desk = Desk()
    assert desk.take(order()) == [New("ann", "1", BTC, "buy", 1, "limit", P, "gtc")]
    names = b'"account":"ann","client_order_id":"1"'
    assert desk.take(decode(b'{"op":"cancel",%b}' % names)) == [Cancel("ann", "1", "boot-1")]
    assert desk.take(decode(b'{"op":"cancel",%b}' % names)) == [Cancel("ann", "1", "boot-2")]
    assert desk.take(decode(b'{"op":"resolve",%b}' % names)) == [Resolve("ann", "1")]
    assert desk.take(decode(b'{"op":"query",%b}' % names)) == [queries.OrderQuery("ann", "1")]
    assert desk.take(decode(b'{"op":"account","account":"ann"}')) == [queries.AccountQuery("ann")]
    assert desk.take(decode(b'{"op":"accounts"}')) == [queries.AccountsQuery()]
    assert desk.take(decode(b'{"op":"book","instrument":"x"}')) == [queries.BookQuery("x")]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b'{"op":"dance"}',
        b'{"op":"new"}',
        b'{"op":"ping","deadline_ms":0}',
        b'{"op":"book","instrument":1}',
    ],
)
def test_what_is_no_request_is_refused_with_a_reason(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(text)


def test_a_malformed_request_keeps_its_number() -> None:
    assert number_of(b'{"id":7,"op":"dance"}') == 7
    assert number_of(b"junk") == 0


def test_a_price_far_from_the_mark_is_refused_here() -> None:
    desk = Desk()
    desk.marks()
    assert desk.code(order(price=P * 12 // 10)) == ""
    assert desk.code(order(price=P * 12 // 10 + 1)) == "price_band"
    assert desk.code(order(price=P * 8 // 10 - 1)) == "price_band"
    assert desk.code(order(instrument=CALL, price=SCALE // 4)) == ""
    assert desk.code(order(instrument=CALL, price=SCALE // 4 + 1)) == "price_band"


def test_the_band_holds_on_old_marks_and_is_open_without_any() -> None:
    desk = Desk()
    assert desk.code(order(price=P * 2)) == ""
    desk.marks()
    desk.awake(3_600)
    assert desk.code(order(price=P * 2), at_s=3_600) == "price_band"
    assert desk.code(order(), at_s=3_600) == ""


def test_market_orders_alone_need_a_fresh_mark() -> None:
    desk = Desk()
    market = order(order_type="market", price=None)
    option = order(order_type="market", price=None, instrument=CALL)
    assert desk.code(market) == "no_fresh_price"
    desk.marks()
    desk.watch.turn(0)
    assert desk.code(market, at_s=0.1) == ""
    assert desk.code(option, at_s=0.1) == ""
    desk.band.update({}, index_age_ns=0, surface_age_ns=11 * S, now_ns=S // 10)
    assert desk.code(option, at_s=0.1) == "no_fresh_price"
    assert desk.code(market, at_s=0.1) == ""
    desk.band.update({}, index_age_ns=S, surface_age_ns=0, now_ns=S // 10)
    assert desk.code(market, at_s=0.15) == "no_fresh_price"


def test_what_the_venue_decides_is_left_to_the_venue() -> None:
    desk = Desk()
    desk.marks()
    assert desk.code(order(instrument="DOGE", price=1)) == ""
    assert desk.code(order(price=None)) == ""


def test_a_request_read_after_a_freeze_may_be_as_old_as_the_freeze() -> None:
    desk = Desk()
    for turn in range(5):
        desk.watch.turn(turn * S // 50)
    assert desk.take(order(), at_s=8) == []
    assert desk.replies[-1]["outcome"] == "info"
    desk.watch.turn(8 * S)
    assert desk.take(order(), at_s=8.05) == []
    assert desk.take(order(deadline_ms=20_000), at_s=8.05) != []
    desk.watch.turn(int(8.1 * S))
    assert desk.take(order(), at_s=8.11) != []
    assert desk.watch.stalls == 1
    assert desk.entry.counts.expired == 2


def test_planted_thawed_gateway_forwards_old_orders_under_ids_that_cannot_be_refused() -> None:
    desk = Desk(Defect.THAWED_GATEWAY_FORWARDS)
    forwarded = desk.take(order(), at_s=8)
    assert forwarded == [New("ann", "1-again", BTC, "buy", 1, "limit", P, "gtc")]


def test_a_full_gateway_takes_no_more_and_calls_it_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trading_stack.gateway.router.MOST_IN_FLIGHT", 1)
    desk = Desk()
    assert desk.take(order()) != []
    assert desk.take(order()) == []
    assert desk.replies[-1]["outcome"] == "info"
