"""What a predicate can't see makes it UNKNOWN, never PASS."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from histories import contended, stall, with_events

from harness.checks.examples.history import INSTRUMENT, MS, LiteralHistory
from harness.checks.examples.quotes import CALL, PUT, priced
from harness.checks.explain import sound_history
from harness.checks.order_integrity import PREDICATES as OF_ORDERS
from harness.checks.predicate import judge_predicate
from harness.checks.pricing_consistency import PREDICATES as OF_PRICES
from harness.model.outcome import Outcome

ALL = {**OF_ORDERS, **OF_PRICES}


def nothing_acknowledged(history: LiteralHistory) -> None:
    history.change("operations", {"kind": "new"}, outcome="fail")


def charlie_lags(history: LiteralHistory) -> None:
    charlie = history.replicas["charlie"]
    charlie.state.update(commit_index=12, applied_index=12, digest="d12")
    charlie.tables["entries"] = [row for row in charlie.tables["entries"] if row["index"] <= 12]
    charlie.tables["orders"] = [
        row for row in charlie.tables["orders"] if row["client_order_id"] not in ("m3", "t4")
    ]


def compacted(history: LiteralHistory) -> None:
    for replica in history.replicas.values():
        replica.state["first_index"] = 4
        replica.tables["entries"] = [row for row in replica.tables["entries"] if row["index"] >= 4]


def nothing_after_the_snapshot(history: LiteralHistory) -> None:
    history.replicas["charlie"].state["first_index"] = 15
    history.replicas["charlie"].tables["entries"].clear()


def no_fills(history: LiteralHistory) -> None:
    history.drop("executions", type="filled")


def alone(history: LiteralHistory) -> None:
    del history.replicas["alpha"], history.replicas["charlie"]


def no_balances(history: LiteralHistory) -> None:
    for rows in history.every("balances"):
        rows.clear()


def silent_about_commits(history: LiteralHistory) -> None:
    history.events = [
        event
        for event in history.events
        if getattr(getattr(event, "event", None), "kind", "") != "entries_committed"
    ]


def never_asked(history: LiteralHistory) -> None:
    history.drop("operations", kind="resolve")


def no_reports_here(history: LiteralHistory) -> None:
    for replica in history.replicas.values():
        replica.state["first_index"] = 2


def charlie_forked(history: LiteralHistory) -> None:
    for row in history.replicas["charlie"].tables["entries"]:
        if row["index"] >= 6:
            row["hash"] = f"other{row['index']}"


def few_quotes(history: LiteralHistory) -> None:
    history.quotes = [
        row for row in history.quotes if row["source_sequence"] <= 20 or 40 <= row["source_sequence"] <= 60
    ]


def charlie_prices_nothing(history: LiteralHistory) -> None:
    history.drop("quotes", provider="charlie")


def no_calls(history: LiteralHistory) -> None:
    history.drop("quotes", instrument=CALL)


def one_put_missing(history: LiteralHistory) -> None:
    history.drop("quotes", instrument=PUT, source_sequence=3)


def gap_unseen(history: LiteralHistory) -> None:
    history.quotes = [row for row in history.quotes if not 40 <= row["source_sequence"] <= 70]


def slow_ticks(history: LiteralHistory) -> None:
    history.quotes = [row for row in history.quotes if row["source_sequence"] % 5 == 0]


def slow_surface(history: LiteralHistory) -> None:
    """A new surface every 300 ms, whose age is taken a moment earlier or later each time."""
    for row in history.quotes:
        row["surface_age_ns"] = ((row["source_sequence"] - 70) % 15 * 20 + row["source_sequence"] % 3) * MS


def one_moment(history: LiteralHistory) -> None:
    history.quotes = [{**row, "published_ns": 1_410 * MS} for row in history.quotes]


def nobody_told_who_leads(history: LiteralHistory) -> None:
    history.events = [
        event
        for event in history.events
        if getattr(getattr(event, "event", None), "kind", "") != "primary_promoted"
    ]


def marks_name_no_sequence(history: LiteralHistory) -> None:
    for instrument in (INSTRUMENT, CALL):
        history.change("marks", {"instrument": instrument}, source_sequence=None)


def marks_tell_no_age(history: LiteralHistory) -> None:
    history.change("marks", {"index": 4}, input_age_ns=None)


def bravos_first_quotes_unseen(history: LiteralHistory) -> None:
    history.drop("quotes", provider="bravo", source_sequence=70)


def begins_in_epoch_2(history: LiteralHistory) -> None:
    """The first mark of epoch 2 that is left is not its first."""
    for replica in history.replicas.values():
        replica.state["first_index"] = 8
        replica.tables["entries"] = [row for row in replica.tables["entries"] if row["index"] >= 8]
        replica.tables["marks"] = [
            {**row, "index": 9} for row in replica.tables["marks"] if row["index"] == 7
        ]


def first_epoch_made_no_marks(history: LiteralHistory) -> None:
    history.drop("marks", epoch=1)


CASES: list[tuple[str, Callable[[LiteralHistory], None], str]] = [
    ("O2", nothing_acknowledged, "no order was acknowledged"),
    ("O2", charlie_lags, "engine-charlie had applied 12 entries"),
    ("O4", no_balances, "the table balances is empty"),
    ("O5", compacted, "cannot be replayed"),
    ("O6", no_fills, "nothing was filled"),
    ("O7", no_fills, "nothing was traded"),
    ("O10", alone, "only one replica was read"),
    ("O10", compacted, "a snapshot stands for the log of engine-alpha up to entry 3"),
    ("O10", nothing_after_the_snapshot, "of engine-charlie up to entry 14"),
    ("O12", silent_about_commits, "does not tell what its leaders commit"),
    ("O13", compacted, "cannot be replayed"),
    ("O5", charlie_forked, "the log of engine-charlie differs from that of engine-alpha"),
    ("O6", charlie_forked, "cannot be compared"),
    ("O13", charlie_forked, "cannot be compared"),
    ("O14", no_fills, "nothing was filled"),
    ("O15", never_asked, "1 orders of unknown outcome were never asked about"),
    ("O16", no_reports_here, "no report could be compared"),
    ("P1", few_quotes, "only 82 pairs of quotes of the class future"),
    ("P1", charlie_prices_nothing, "no quote of charlie"),
    ("P2", no_calls, "no call was quoted together with its put"),
    ("P2", one_put_missing, "without the other side"),
    ("P10", gap_unseen, "no inputs were recorded"),
    ("P10", begins_in_epoch_2, "a snapshot stands for the log of epoch 1, 2 or its beginning"),
    ("P11", begins_in_epoch_2, "a snapshot stands for the log of epoch 1, 2 or its beginning"),
    ("P10", nobody_told_who_leads, "nobody told who leads epoch 2"),
    ("P10", marks_name_no_sequence, "no inputs were recorded"),
    ("P10", first_epoch_made_no_marks, "no earlier epoch left marks to compare those of epoch 2 with"),
    ("P11", slow_ticks, "the index ticks 10.0 times a second, too slowly"),
    ("P11", slow_surface, "the surface ticks 4.1 times a second, too slowly"),
    ("P11", one_moment, "all quotes were published at one moment"),
    ("P11", nobody_told_who_leads, "nobody told who leads epoch 2 since when"),
    ("P11", marks_name_no_sequence, "the first marks of epoch 2 name no source sequence"),
    ("P11", marks_tell_no_age, "2 marks in the journal don't tell the age of their inputs"),
    (
        "P11",
        bravos_first_quotes_unseen,
        "rest on source sequence 70, of which no quote of bravo was recorded",
    ),
]


@pytest.mark.parametrize(
    ("predicate", "blind", "why"), CASES, ids=[f"{name}-{blind.__name__}" for name, blind, _ in CASES]
)
def test_what_cannot_be_seen_is_unknown(
    predicate: str, blind: Callable[[LiteralHistory], None], why: str
) -> None:
    history = sound_history(predicate)
    blind(history)
    finding = judge_predicate(history.run(), ALL[predicate])
    assert finding.outcome is Outcome.UNKNOWN, finding.summary
    assert why in finding.summary


def test_a_lagging_reading_binds_nobody_to_what_it_could_not_know() -> None:
    history = sound_history("O2")
    charlie_lags(history)
    assert judge_predicate(history.run(), ALL["O2"]).evidence == ()


def test_a_compacted_log_still_proves_what_it_has() -> None:
    history = sound_history("O2")
    compacted(history)
    assert judge_predicate(history.run(), ALL["O2"]).outcome is Outcome.PASS
    assert judge_predicate(history.run(), ALL["O12"]).outcome is Outcome.PASS


def test_what_is_left_of_shortened_logs_is_compared() -> None:
    history = sound_history("O10")
    compacted(history)
    history.replicas["charlie"].tables["entries"][-1]["hash"] = "another"
    assert judge_predicate(history.run(), ALL["O10"]).outcome is Outcome.FAIL


def charlie_took_a_snapshot(history: LiteralHistory) -> None:
    charlie = history.replicas["charlie"]
    charlie.state["first_index"] = 9
    charlie.tables["entries"] = [row for row in charlie.tables["entries"] if row["index"] >= 9]


@pytest.mark.parametrize("predicate", ["O10", "O13"])
def test_one_log_that_begins_with_a_snapshot_is_judged_by_one_that_does_not(predicate: str) -> None:
    history = sound_history(predicate)
    charlie_took_a_snapshot(history)
    assert judge_predicate(history.run(), ALL[predicate]).outcome is Outcome.PASS


def test_trades_before_a_snapshot_are_held_against_the_whole_log() -> None:
    history = sound_history("O13")
    charlie_took_a_snapshot(history)
    early = next(
        row
        for row in history.replicas["charlie"].tables["executions"]
        if row["type"] == "filled" and row["index"] < 9
    )
    early["last_quantity"] += 1
    finding = judge_predicate(history.run(), ALL["O13"])
    assert finding.outcome is Outcome.FAIL
    assert "engine-charlie" in finding.evidence[0].text


def test_an_order_of_unknown_outcome_that_every_replica_holds_is_resolved() -> None:
    history = sound_history("O15")
    history.drop("operations", kind="query")
    assert judge_predicate(history.run(), ALL["O15"]).outcome is Outcome.PASS


def test_an_answer_may_still_come_when_the_load_ends_soon_after_the_client_gave_up() -> None:
    history = sound_history("O15")
    history.change("operations", {"kind": "resolve"}, outcome="info")
    finding = judge_predicate(history.run(), ALL["O15"])
    assert finding.outcome is Outcome.UNKNOWN, finding.summary
    assert "1 orders of unknown outcome had no answer yet" in finding.summary


def test_an_order_that_was_never_sent_needs_no_answer() -> None:
    history = sound_history("O15")
    never_asked(history)
    history.change("operations", {"client_order_id": "t3"}, sent_ns=None)
    assert judge_predicate(history.run(), ALL["O15"]).outcome is Outcome.PASS


def test_a_report_from_before_a_fill_need_not_have_it() -> None:
    history = sound_history("O16")
    history.drop("account_fills", exec_id="11-3")
    history.change("account_positions", {"account": "noa"}, sequence=10, amount=-2)
    assert judge_predicate(history.run(), ALL["O16"]).outcome is Outcome.PASS


def test_a_report_later_than_the_drop_copy_is_compared_as_far_as_both_go() -> None:
    history = sound_history("O16")
    history.change("account_positions", {"account": "noa"}, sequence=99, amount=7)
    assert judge_predicate(history.run(), ALL["O16"]).outcome is Outcome.PASS


def test_a_commit_told_just_before_the_reading_may_not_be_there_yet() -> None:
    from harness.checks.examples.history import stack_said

    history = sound_history("O12")
    late = stack_said(5_150, "engine-bravo", "entries_committed", epoch=2, first_index=15, last_index=15)
    history.events.insert(-2, late)
    assert judge_predicate(history.run(), ALL["O12"]).outcome is Outcome.PASS


def test_without_a_failover_there_is_no_jump_to_judge() -> None:
    history = priced()
    for table in ("marks", "entries"):
        history.change(table, {"epoch": 2}, epoch=1)
    nobody_told_who_leads(history)
    finding = judge_predicate(history.run(), ALL["P10"])
    assert (finding.outcome, finding.judged) == (Outcome.PASS, 0)


def test_old_inputs_prove_nothing_while_the_host_stood_still() -> None:
    history = priced()
    history.change("quotes", {"provider": "charlie", "source_sequence": 3}, index_age_ns=1_059 * MS)
    run = with_events(history.run(), stall(100, 60))
    finding = judge_predicate(run, ALL["P11"])
    assert finding.outcome is Outcome.UNKNOWN
    assert "stood still" in finding.summary


def test_a_short_stall_does_not_excuse_inputs_that_are_far_too_old() -> None:
    history = priced()
    history.change("quotes", {"provider": "charlie", "source_sequence": 3}, index_age_ns=30_000 * MS)
    history.change("quotes", {"provider": "alpha", "source_sequence": 3}, index_age_ns=1_040 * MS)
    finding = judge_predicate(with_events(history.run(), stall(100, 51)), ALL["P11"])
    assert finding.outcome is Outcome.FAIL
    assert all("charlie" in evidence.text for evidence in finding.evidence)


def test_order_ids_mean_what_their_own_replica_says() -> None:
    """After a fork, two replicas give one order id to different orders: that alone is no self-trade."""
    history = sound_history("O14")
    for row in history.replicas["charlie"].tables["executions"]:
        row["account"] = {"mia": "tom", "tom": "mia"}.get(row["account"], row["account"])
    assert judge_predicate(history.run(), ALL["O14"]).outcome is Outcome.PASS


def test_old_inputs_prove_nothing_while_strangers_held_the_machine() -> None:
    history = priced()
    history.change("quotes", {"provider": "charlie", "source_sequence": 3}, index_age_ns=1_500 * MS)
    finding = judge_predicate(with_events(history.run(), contended(1_000, 0.6)), ALL["P11"])
    assert finding.outcome is Outcome.UNKNOWN
    assert "60%" in finding.summary


@pytest.mark.parametrize(
    ("age_ms", "strangers_until_ms", "outcome"),
    [
        (2_900, (1_000,), Outcome.UNKNOWN),
        (3_000, (1_000,), Outcome.UNKNOWN),
        (3_001, (1_000,), Outcome.FAIL),
        (3_600_000, (1_000,), Outcome.FAIL),
        (4_900, (1_000, -1_000), Outcome.UNKNOWN),
        (5_100, (1_000, -1_000), Outcome.FAIL),
        (1_500, (3_990,), Outcome.FAIL),
        (1_500, (-1_600,), Outcome.FAIL),
        (3_600_000, (3_990,), Outcome.FAIL),
        (3_600_000, (-1_600, 1_000, 3_990), Outcome.FAIL),
    ],
)
def test_strangers_explain_no_more_than_the_time_they_took_near_an_input(
    age_ms: int, strangers_until_ms: tuple[int, ...], outcome: Outcome
) -> None:
    """Charlie quotes at 61 ms; strangers held the machine for the two seconds before each of these times."""
    history = priced()
    history.change("quotes", {"provider": "charlie", "source_sequence": 3}, index_age_ns=age_ms * MS)
    run = with_events(history.run(), *(contended(at_ms, 0.6) for at_ms in strangers_until_ms))
    assert judge_predicate(run, ALL["P11"]).outcome is outcome


@pytest.mark.parametrize(("age_ms", "outcome"), [(3_000, Outcome.UNKNOWN), (3_001, Outcome.FAIL)])
def test_strangers_add_no_more_to_a_journalled_age_than_they_took(age_ms: int, outcome: Outcome) -> None:
    """Nobody knows when such a mark was made, so that it may have been while they held the machine."""
    history = priced()
    history.change("marks", {"index": 7}, input_age_ns=age_ms * MS)
    run = with_events(history.run(), contended(3_990, 0.6))
    assert judge_predicate(run, ALL["P11"]).outcome is outcome


def test_stalls_and_strangers_add_up() -> None:
    history = priced()
    history.change("quotes", {"provider": "charlie", "source_sequence": 3}, index_age_ns=3_055 * MS)
    strangers = with_events(history.run(), contended(1_000, 0.6))
    assert judge_predicate(strangers, ALL["P11"]).outcome is Outcome.FAIL
    both = judge_predicate(with_events(strangers, stall(100, 60)), ALL["P11"])
    assert both.outcome is Outcome.UNKNOWN
    assert "stood still for up to 60 ms and other processes used up to 60%" in both.summary


def test_too_little_contention_excuses_nothing() -> None:
    history = priced()
    history.change("quotes", {"provider": "charlie", "source_sequence": 3}, index_age_ns=1_500 * MS)
    calm = judge_predicate(with_events(history.run(), contended(1_000, 0.2)), ALL["P11"])
    assert calm.outcome is Outcome.FAIL


def test_an_input_from_before_the_takeover_is_wrong_however_busy_the_machine_was() -> None:
    history = priced()
    history.change("quotes", {"provider": "bravo", "source_sequence": 70}, published_ns=1_100 * MS)
    finding = judge_predicate(with_events(history.run(), contended(1_000, 0.9)), ALL["P11"])
    assert finding.outcome is Outcome.FAIL
