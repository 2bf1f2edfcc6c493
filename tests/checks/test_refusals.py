"""Which orders must be refused and which must not, decided from the log, the terms and the marks."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks.examples.history import INSTRUMENT, LiteralHistory
from harness.checks.examples.quotes import CALL, priced
from harness.checks.examples.sound import sound
from harness.checks.integrity.rules import RULES
from harness.checks.order_integrity import PREDICATES
from harness.checks.predicate import judge_predicate
from harness.model.outcome import Outcome
from harness.model.verdicts import Finding

M3, T4 = {"index": 13}, {"index": 14}


def found(history: LiteralHistory, name: str = "O5") -> Finding:
    return judge_predicate(history.run(), PREDICATES[name])


def texts(finding: Finding) -> str:
    return " / ".join(evidence.text for evidence in finding.evidence)


def old(history: LiteralHistory) -> LiteralHistory:
    """As a run of an earlier harness has it."""
    history.absent.add("instruments")
    for rows in history.every("entries"):
        for row in rows:
            row["refusal"] = None
    return history


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"instrument": "DOGE"}, "unknown_instrument"),
    ({"instrument": None}, "unknown_instrument"),
    ({"quantity": 0}, "bad_quantity"),
    ({"quantity": None}, "bad_quantity"),
    ({"refusal": "no_fresh_price"}, "refused_by_gateway"),
    ({"order_type": "market"}, "market_with_price"),
    ({"order_type": "market", "price": None, "time_in_force": "post_only"}, "market_post_only"),
    ({"price": 0}, "bad_price"),
    ({"price": -5}, "bad_price"),
    ({"price": None}, "bad_price"),
]


@pytest.mark.parametrize(("values", "rule"), BROKEN, ids=[f"{rule}-{values}" for values, rule in BROKEN])
def test_an_order_that_breaks_a_rule_must_not_be_accepted(values: dict[str, Any], rule: str) -> None:
    history = sound()
    history.change("entries", M3, **values)
    assert f"m3 is accepted, although {RULES[rule]}" in texts(found(history))


@pytest.mark.parametrize(("values", "rule"), BROKEN, ids=[f"{rule}-{values}" for values, rule in BROKEN])
def test_the_same_order_may_be_refused(values: dict[str, Any], rule: str) -> None:
    history = sound()
    history.change("entries", T4, refusal="")
    history.change("entries", T4, **values)
    assert found(history).outcome is Outcome.PASS, texts(found(history))


def test_a_price_between_two_ticks_must_be_refused() -> None:
    history = sound()
    history.change("instruments", {}, tick=3)
    assert "m1 is accepted, although its price is not a multiple of the tick" in texts(found(history))
    history.change("entries", T4, refusal="")
    assert "t4 is refused" not in texts(found(history))


def test_an_order_that_nothing_speaks_against_must_not_be_refused() -> None:
    history = sound()
    history.change("entries", T4, refusal="")
    finding = found(history)
    assert finding.outcome is Outcome.FAIL
    assert "t4 is refused (price_band), although no rule forbids it" in texts(finding)
    assert "12 violations" in finding.summary, (
        "one on each of six readings, and as many orders that should rest"
    )


def test_a_market_order_that_finds_nobody_must_not_be_refused_either() -> None:
    history = sound()
    history.change("entries", T4, refusal="", order_type="market", price=None)
    assert "t4 is refused" in texts(found(history))


@pytest.mark.parametrize("time_in_force", ["post_only", "fok", "gtc"])
def test_an_order_that_ends_before_it_trades_may_be_refused_or_cancelled(time_in_force: str) -> None:
    """T4 would sell five at 99, where n2 and m3 bid two each; or it is noa's, and meets her own n2 first."""
    history = sound()
    history.change("entries", T4, refusal="", side="sell", price=99, quantity=5, time_in_force=time_in_force)
    if time_in_force == "gtc":
        history.change("entries", T4, account="noa")
        for table in ("executions", "orders"):
            history.change(table, {"client_order_id": "t4"}, account="noa")
    assert "t4 is refused" not in texts(found(history))


def test_an_order_that_would_have_traded_first_must_not_be_refused_for_what_comes_then() -> None:
    """Mia's order takes n2's two before it meets her own m3."""
    history = sound()
    history.change("entries", T4, refusal="", side="sell", price=99, quantity=5, account="mia")
    for table in ("executions", "orders"):
        history.change(table, {"client_order_id": "t4"}, account="mia")
    assert "t4 is refused" in texts(found(history))


def test_a_repeat_of_an_id_decides_nothing() -> None:
    history = sound()
    history.change("entries", M3, client_order_id="m2", quantity=0)
    history.drop("orders", client_order_id="m3")
    history.drop("executions", index=13)
    assert found(history).outcome is Outcome.PASS, texts(found(history))


def test_an_order_for_a_closed_id_decides_nothing() -> None:
    history = sound()
    history.change("entries", M3, account="tom", client_order_id="t3", price=0)
    history.drop("orders", client_order_id="m3")
    history.drop("executions", index=13)
    assert found(history).outcome is Outcome.PASS, texts(found(history))


def test_a_rule_of_the_venues_own_is_believed_and_said() -> None:
    history = sound()
    history.change("entries", T4, refusal="")
    history.change("executions", T4, reason="reserved_account")
    finding = found(history)
    assert finding.outcome is Outcome.PASS
    assert "believed: 1 refusal for rules of the venue's own (reserved_account)" in finding.summary


@pytest.mark.parametrize("values", [{"quantity": 10**9 + 1}, {"price": 10**16 + 1}])
def test_limits_that_the_history_does_not_tell_are_believed_and_said(values: dict[str, Any]) -> None:
    history = sound()
    history.change("entries", T4, refusal="", **values)
    finding = found(history)
    assert finding.outcome is Outcome.PASS, texts(finding)
    assert (
        "believed: 1 refusal, because the history does not tell the limits that they met" in finding.summary
    )


def test_an_older_run_is_judged_as_it_was_and_says_so() -> None:
    finding = found(old(sound()))
    assert finding.outcome is Outcome.PASS
    assert (
        "believed: 1 refusal, because the log does not tell what gateways said of its orders"
        in finding.summary
    )
    assert "there is no table instruments" in finding.summary


def test_an_older_run_still_must_not_accept_what_any_venue_refuses() -> None:
    history = old(sound())
    history.change("entries", M3, price=0)
    assert "m3 is accepted" in texts(found(history))


def test_each_replica_is_judged() -> None:
    history = sound()
    for row in history.replicas["charlie"].tables["executions"]:
        if row["index"] == 13:
            row["type"] = "rejected"
    finding = found(history)
    assert "m3 is refused (no reason)" in texts(finding)
    assert any(row.startswith("executions:engine-charlie") for row in finding.evidence[-1].rows)


def banded(price: int, *, instrument: str = INSTRUMENT, band: int = 20_000_000) -> LiteralHistory:
    """The history with prices about 50,000 USD, whose gateways refuse what is a fifth away; T4 was refused at this price."""
    history = priced()
    kind = "option_call" if instrument == CALL else "perpetual"
    history.instruments = [
        {**history.instruments[0], "price_band": None},
        {"instrument": instrument, "kind": kind, "tick": 1, "contract_value": 1, "price_band": band},
    ][instrument == INSTRUMENT :]
    history.change("entries", T4, price=price, instrument=instrument)
    return history


USD = 10**8


@pytest.mark.parametrize("price", [40_004 * USD, 50_000 * USD, 60_000 * USD])
def test_within_reach_of_every_mark_no_band_refuses(price: int) -> None:
    finding = found(banded(price))
    assert f"t4 at {price} was refused for the price band" in texts(finding)


@pytest.mark.parametrize("price", [39_999 * USD, 60_006 * USD])
def test_beyond_reach_of_every_mark_the_band_is_right(price: int) -> None:
    finding = found(banded(price))
    assert (finding.outcome, "believed" in finding.summary) == (Outcome.PASS, False)


@pytest.mark.parametrize("price", [40_001 * USD, 60_004 * USD])
def test_at_the_edge_the_gateways_own_mark_decides_and_that_is_said(price: int) -> None:
    finding = found(banded(price))
    assert finding.outcome is Outcome.PASS
    assert "believed: 1 refusal for the price band, which the published marks don't decide" in finding.summary


def test_an_options_band_is_in_coin() -> None:
    assert "was refused for the price band" in texts(found(banded(20_000_000, instrument=CALL)))
    assert found(banded(30_000_000, instrument=CALL)).outcome is Outcome.PASS


def test_verdicts_of_gateways_that_nothing_tells_are_believed_and_said() -> None:
    assert "believed: 1 refusal for the price band" in found(sound()).summary
    history = sound()
    history.change("entries", T4, refusal="no_fresh_price", order_type="market", price=None)
    assert "believed: 1 refusal for want of a fresh mark" in found(history).summary


def test_an_order_in_the_venues_own_name_makes_its_account_no_clients() -> None:
    history = sound()
    for table in ("entries", "executions", "orders", "operations"):
        history.change(table, {"client_order_id": "t4"}, account="house")
    assert found(history, "O4").outcome is Outcome.PASS
    history.change("balances", {"account": "mia", "instrument": None}, amount=1)
    assert found(history, "O4").outcome is Outcome.FAIL
