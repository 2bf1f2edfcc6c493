from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks.reference_matcher import Fill, ReferenceMatcher

MIA, NOA, TOM = 1, 2, 3


class Book:
    """A matcher on one instrument, with short commands; order keys count from 1."""

    def __init__(self) -> None:
        self.matcher = ReferenceMatcher()
        self.index = 0
        self.ended = False

    def new(
        self, account: int, side: str, quantity: int, price: int | None, tif: str = "gtc", **more: Any
    ) -> int:
        self.index += 1
        key = more.get("key", self.index)
        self.ended = self.matcher.new(
            self.index,
            key,
            account=account,
            instrument=more.get("instrument", 0),
            buys=side == "buy",
            quantity=quantity,
            price=price,
            time_in_force=tif,
        )
        return int(key)

    def trades(self) -> list[tuple[int, int, int, int]]:
        return [(fill.maker, fill.taker, fill.quantity, fill.price) for fill in self.matcher.fills]

    def final(self, key: int) -> tuple[int, int]:
        return self.matcher.final()[key]


def test_best_price_first_then_first_come() -> None:
    book = Book()
    late_best, first, second = (
        book.new(MIA, "sell", 5, 101),
        book.new(NOA, "sell", 5, 100),
        book.new(MIA, "sell", 5, 100),
    )
    taker = book.new(TOM, "buy", 12, 101)
    assert book.trades() == [(first, taker, 5, 100), (second, taker, 5, 100), (late_best, taker, 2, 101)]
    assert book.final(taker) == (12, 0)
    assert book.final(late_best) == (2, 3)


def test_bids_trade_from_the_highest() -> None:
    book = Book()
    low, high = book.new(MIA, "buy", 1, 98), book.new(NOA, "buy", 1, 99)
    taker = book.new(TOM, "sell", 3, 98)
    assert book.trades() == [(high, taker, 1, 99), (low, taker, 1, 98)]
    assert book.final(taker) == (2, 1)
    other = book.new(MIA, "buy", 1, 98)
    assert book.trades()[-1] == (taker, other, 1, 98)


@pytest.mark.parametrize("tif", ["ioc", "fok", "gtc"])
def test_nothing_of_a_market_order_or_an_immediate_one_rests(tif: str) -> None:
    book = Book()
    book.new(MIA, "sell", 2, 100)
    taker = book.new(TOM, "buy", 5, None if tif == "gtc" else 100, tif)
    assert book.final(taker) == ((0, 0) if tif == "fok" else (2, 0))


def test_fill_or_kill_fills_when_it_can() -> None:
    book = Book()
    book.new(MIA, "sell", 2, 100)
    book.new(NOA, "sell", 3, 101)
    assert book.final(book.new(TOM, "buy", 5, 100, "fok")) == (0, 0)
    assert book.final(book.new(TOM, "buy", 5, 101, "fok")) == (5, 0)


def test_fill_or_kill_counts_only_up_to_an_own_order() -> None:
    book = Book()
    book.new(MIA, "sell", 2, 100)
    book.new(TOM, "sell", 3, 100)
    assert book.final(book.new(TOM, "buy", 4, 100, "fok")) == (0, 0)


def test_nobody_trades_with_themselves() -> None:
    book = Book()
    mine = book.new(TOM, "sell", 5, 100)
    taker = book.new(TOM, "buy", 5, 100)
    assert book.trades() == []
    assert book.final(taker) == (0, 0)
    assert book.final(mine) == (0, 5)


def test_what_traded_before_an_own_order_stands() -> None:
    book = Book()
    first = book.new(MIA, "sell", 2, 99)
    book.new(TOM, "sell", 5, 100)
    taker = book.new(TOM, "buy", 5, 100)
    assert book.trades() == [(first, taker, 2, 99)]
    assert book.final(taker) == (2, 0)


def test_post_only_never_takes() -> None:
    book = Book()
    book.new(MIA, "sell", 2, 100)
    assert book.final(book.new(TOM, "buy", 1, 100, "post_only")) == (0, 0)
    assert book.final(book.new(TOM, "buy", 1, 99, "post_only")) == (0, 1)
    assert book.trades() == []


def test_orders_that_a_rule_ends_before_they_trade_are_told() -> None:
    book = Book()
    book.new(MIA, "sell", 2, 100)
    for account, price, tif, ended in (
        (TOM, 99, "gtc", False),
        (TOM, 99, "ioc", False),
        (TOM, 100, "post_only", True),
        (TOM, 100, "fok", True),
        (MIA, 100, "gtc", True),
        (MIA, None, "gtc", True),
    ):
        book.new(account, "buy", 3, price, tif)
        assert book.ended is ended, (account, price, tif)
    book.new(MIA, "sell", 1, 98, key=1)
    assert not book.ended
    book.new(TOM, "buy", 3, 100)
    assert not book.ended


def test_what_traded_before_it_met_its_own_is_not_told() -> None:
    book = Book()
    book.new(NOA, "sell", 2, 100)
    book.new(MIA, "sell", 2, 100)
    book.new(MIA, "buy", 3, 100)
    assert (book.ended, len(book.trades())) == (False, 1)


def test_fill_or_kill_counts_no_dead_orders() -> None:
    book = Book()
    for _ in range(3):
        book.matcher.cancel(book.new(MIA, "sell", 2, 101))
    book.new(MIA, "sell", 1, 100)
    book.new(MIA, "sell", 1, 101)
    assert book.final(book.new(TOM, "buy", 3, None, "fok")) == (0, 0)
    assert book.final(book.new(TOM, "buy", 2, None, "fok")) == (2, 0)
    book.new(MIA, "buy", 1, 90)
    assert book.final(book.new(TOM, "sell", 1, 91, "fok")) == (0, 0)
    assert book.final(book.new(TOM, "sell", 1, 90, "fok")) == (1, 0)


def test_cancelled_orders_do_not_trade() -> None:
    book = Book()
    gone, kept = book.new(MIA, "sell", 2, 100), book.new(NOA, "sell", 2, 100)
    book.matcher.cancel(gone)
    book.matcher.cancel(77)
    taker = book.new(TOM, "buy", 2, 100)
    assert book.trades() == [(kept, taker, 2, 100)]


def test_an_id_means_its_first_order() -> None:
    book = Book()
    book.new(MIA, "sell", 2, 100, key=9)
    book.new(MIA, "sell", 7, 90, key=9)
    assert book.final(9) == (0, 2)


def test_a_resolved_id_stays_closed_and_a_refused_one_taken() -> None:
    book = Book()
    book.matcher.resolve(9)
    book.new(MIA, "sell", 2, 100, key=9)
    assert 9 not in book.matcher.final()
    book.matcher.refuse(8)
    book.new(MIA, "sell", 2, 100, key=8)
    assert book.final(8) == (0, 0)
    book.matcher.resolve(8)
    book.matcher.refuse(8)
    assert book.final(8) == (0, 0)


def test_instruments_do_not_meet() -> None:
    book = Book()
    book.new(MIA, "sell", 2, 100, instrument=1)
    book.new(TOM, "buy", 2, 100, instrument=2)
    assert book.trades() == []


ORDER = st.tuples(
    st.integers(1, 3),
    st.sampled_from(["buy", "sell"]),
    st.integers(1, 9),
    st.none() | st.integers(95, 105),
    st.sampled_from(["gtc", "ioc", "fok", "post_only"]),
)


@given(st.lists(ORDER, max_size=40))
def test_quantities_are_conserved_limits_kept_and_the_book_never_crossed(
    orders: list[tuple[int, str, int, int | None, str]],
) -> None:
    book = Book()
    sent = {}
    for account, side, quantity, price, tif in orders:
        sent[book.new(account, side, quantity, price, tif)] = (account, side, quantity, price)
    fills: list[Fill] = book.matcher.fills
    for key, (_, side, quantity, price) in sent.items():
        mine = [fill for fill in fills if key in (fill.maker, fill.taker)]
        cum, leaves = book.final(key)
        assert cum == sum(fill.quantity for fill in mine)
        assert cum + leaves <= quantity
        assert all(
            price is None or (fill.price <= price if side == "buy" else fill.price >= price) for fill in mine
        )
        assert all(sent[fill.maker][0] != sent[fill.taker][0] for fill in mine)
    resting = [
        (side, price) for key, (_, side, _, price) in sent.items() if book.final(key)[1] and price is not None
    ]
    bids, asks = ([price for one, price in resting if one == side] for side in ("buy", "sell"))
    assert not bids or not asks or max(bids) < min(asks)
