from __future__ import annotations

import msgspec
import pytest
from venue_steps import BTC, TICK, P, Steps, new

from trading_stack.venue import answers
from trading_stack.venue.queries import AccountQuery, AccountsQuery, BookQuery


def test_a_book_shows_its_best_levels_first() -> None:
    steps = Steps()
    for away in (3, 1, 2):
        steps.do(new("ann", f"s{away}", "sell", away, P + away * TICK))
        steps.do(new("ann", f"b{away}", "buy", away, P - away * TICK))
    assert steps.ask(BookQuery(BTC, 2)) == {
        "instrument": BTC,
        "asks": [[P + TICK, 1, 1], [P + 2 * TICK, 2, 1]],
        "bids": [[P - TICK, 1, 1], [P - 2 * TICK, 2, 1]],
        "sequence": 6,
    }


def test_an_unknown_book_is_refused() -> None:
    assert Steps().ask(BookQuery("DOGE"))["code"] == "unknown_instrument"


def test_junk_is_refused() -> None:
    assert msgspec.json.decode(Steps().venue.read(b"\xc1"))["code"] == "malformed"


def test_fills_come_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "FILLS_A_PAGE", 2)
    steps = Steps()
    for number in range(3):
        steps.do(new("ann", str(number), "sell", 1))
        steps.do(new("bob", str(number), "buy", 1))
    first = steps.ask(AccountQuery("bob"))
    rest = steps.ask(AccountQuery("bob", 2))
    assert [fill["exec_id"] for fill in first["fills"] + rest["fills"]] == ["2-2", "4-2", "6-2"]
    assert (first["more"], rest["more"]) == (True, False)
    assert rest["positions"] == {BTC: 3}
    assert steps.ask(AccountsQuery()) == ["ann", "bob"]
