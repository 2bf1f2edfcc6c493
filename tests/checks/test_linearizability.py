from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from registers import any_order_fits, asked, cas, numbered, read, run_of, write

from harness.checks.linearizability import Linearizability, LinearizabilityExpectation
from harness.checks.registers.history import NEVER, RegisterOp, are_unique, observed
from harness.checks.registers.judge import why_no_order
from harness.checks.registers.search import Budget, OverBudget, first_misfit
from harness.checks.registers.zones import misfits
from harness.model.outcome import Outcome
from harness.model.verdicts import Verdict


def plenty() -> Budget:
    return Budget(steps=10**7, held=10**6)


def judged(*rows: dict[str, object], **settings: int) -> Verdict:
    return Linearizability().judge(run_of(*rows), LinearizabilityExpectation(**settings))


moments = st.integers(0, 12)


@st.composite
def intervals(draw: st.DrawFn, *, may_hang: bool) -> tuple[float, float]:
    called = draw(moments)
    if may_hang and draw(st.integers(0, 4)) == 0:
        return called, NEVER
    return called, called + draw(st.integers(0, 6))


@st.composite
def operations(draw: st.DrawFn, values: st.SearchStrategy[str | None]) -> RegisterOp:
    """Any operation at all: most histories of them are broken."""
    kind = draw(st.sampled_from(("read", "write", "cas")))
    if kind == "read":
        return read(draw(values), *draw(intervals(may_hang=False)))
    called, returned = draw(intervals(may_hang=True))
    new = draw(values.filter(lambda value: value is not None))
    return write(new, called, returned) if kind == "write" else cas(draw(values), new, called, returned)


@st.composite
def played(draw: st.DrawFn, *, unique: bool) -> list[RegisterOp]:
    """What a correct register answered, with each operation's moment inside its interval; some answers never came."""
    value: str | None = None
    ops: list[RegisterOp] = []
    at = 0
    for number in range(draw(st.integers(1, 6))):
        at += draw(st.integers(0, 3))
        called, returned = at - draw(st.integers(0, 4)), at + draw(st.integers(0, 4))
        kind = draw(st.sampled_from(("read", "write", "cas")))
        new = f"v{number}" if unique else draw(st.sampled_from("ab"))
        heard = returned if draw(st.integers(0, 4)) else NEVER
        if kind == "read":
            ops.append(read(value, called, returned))
            continue
        ops.append(write(new, called, heard) if kind == "write" else cas(value, new, called, heard))
        if heard != NEVER or draw(st.booleans()):
            value = new
    return ops


@given(st.lists(operations(st.sampled_from([None, "a", "b"])), max_size=6))
@settings(max_examples=1000)
def test_the_search_agrees_with_trying_every_order(ops: list[RegisterOp]) -> None:
    history = numbered(ops)
    assert (first_misfit(history, plenty()) is None) == any_order_fits(history)


@given(st.lists(operations(st.sampled_from([None, "a", "b", "c", "d"])), max_size=6))
@settings(max_examples=1000)
def test_either_method_agrees_with_trying_every_order(ops: list[RegisterOp]) -> None:
    history = numbered(ops)
    assert (not why_no_order(history, plenty())) == any_order_fits(history)


@given(played(unique=True), st.data())
@settings(max_examples=1000)
def test_zones_agree_with_trying_every_order_when_one_operation_is_wrong(
    ops: list[RegisterOp], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(ops) - 1))
    values = st.sampled_from([None, *(op.value for op in ops)])
    wrong = ops[at]._replace(expected=data.draw(values))
    if wrong.kind == "read":
        wrong = wrong._replace(value=data.draw(values), expected=None)
    shift = data.draw(st.integers(-4, 4))
    wrong = wrong._replace(called_ns=wrong.called_ns + shift, returned_ns=wrong.returned_ns + shift)
    history = numbered([*ops[:at], wrong, *ops[at + 1 :]])
    kept = observed(history)
    assert are_unique(kept)
    assert (not misfits(kept)) == any_order_fits(history)


@given(st.booleans().flatmap(lambda unique: played(unique=unique)))
@settings(max_examples=1000)
def test_what_a_correct_register_answers_fits(ops: list[RegisterOp]) -> None:
    assert not why_no_order(numbered(ops), plenty())
    assert first_misfit(numbered(ops), plenty()) is None


PLANTED = {
    "stale read": (
        asked("write", "k", 0, value="a"),
        asked("write", "k", 10, value="b"),
        asked("read", "k", 20, value="a"),
    ),
    "lost update": (
        asked("write", "k", 0, value="a"),
        asked("read", "k", 10, value="a"),
        asked("write", "k", 20, value="b"),
        asked("read", "k", 30, value="a"),
    ),
    "a read that went back": (
        asked("write", "k", 0, value="a"),
        asked("write", "k", 10, value="b", took_ms=100.0),
        asked("read", "k", 20, value="b"),
        asked("read", "k", 30, value="a"),
    ),
    "a compare-and-set that succeeds twice": (
        asked("write", "k", 0, value="a"),
        asked("cas", "k", 10, value="b", expected="a"),
        asked("cas", "k", 10, value="c", expected="a"),
    ),
    "a value that nobody wrote": (asked("read", "k", 0, value="ghost"),),
    "a read of what was not yet written": (
        asked("read", "k", 0, value="a"),
        asked("write", "k", 10, value="a"),
    ),
    "an acknowledged write that vanished": (
        asked("write", "k", 0, value="a"),
        asked("read", "k", 10, value=None),
    ),
    "a write between a value and its compare-and-set": (
        asked("write", "k", 0, value="a"),
        asked("write", "k", 10, value="b"),
        asked("read", "k", 20, value="b"),
        asked("cas", "k", 30, value="c", expected="a"),
    ),
}


@pytest.mark.parametrize("rows", PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_mistake_is_caught_with_evidence(rows: tuple[dict[str, object], ...]) -> None:
    verdict = judged(*rows)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.correctness
    assert verdict.evidence
    assert all(row.startswith("operations:") for row in verdict.evidence[0].rows)


def test_evidence_names_the_operations_that_contradict_each_other() -> None:
    (evidence,) = judged(*PLANTED["stale read"]).evidence
    assert evidence.text.startswith("register k: flow-0@alpha wrote 'a' from 0.0000 s to 0.0050 s; ")
    assert evidence.rows == ("operations:1", "operations:2", "operations:3")


def test_a_sane_history_of_several_keys_passes() -> None:
    verdict = judged(
        asked("write", "k", 0, value="a"),
        asked("cas", "k", 10, value="b", expected="a"),
        asked("read", "k", 20, value="b"),
        asked("read", "other", 20),
    )
    assert verdict.outcome is Outcome.PASS
    assert verdict.summary == "4 operations on 2 registers fit one order each"


def test_an_unknown_write_may_take_effect_later_or_never() -> None:
    unknown = asked("write", "k", 0, value="a", took_ms=None)
    assert judged(unknown, asked("read", "k", 10)).outcome is Outcome.PASS
    late = judged(unknown, asked("read", "k", 10), asked("read", "k", 900, value="a"))
    assert late.outcome is Outcome.PASS
    back = judged(unknown, asked("read", "k", 10, value="a"), asked("read", "k", 900))
    assert back.outcome is Outcome.FAIL


def test_a_refused_or_never_sent_change_took_no_effect() -> None:
    refused = asked("write", "k", 0, value="a", outcome="fail", code="READONLY")
    unsent = asked("write", "k", 0, value="a", took_ms=None, sent_ns=None)
    for row in (refused, unsent):
        assert judged(row, asked("read", "k", 10)).outcome is Outcome.PASS
        assert judged(row, asked("read", "k", 10, value="a")).outcome is Outcome.FAIL


def open_together(number: int) -> list[dict[str, object]]:
    """Writes of few values that are all open at once, and a read that none of their orders explains."""
    rows = [asked("write", "k", 0, value=f"v{one % 7}", took_ms=100.0) for one in range(number)]
    return [*rows, asked("read", "k", 200, value="v0"), asked("read", "k", 300, value="v1")]


def test_over_its_budget_it_is_unknown_and_says_why() -> None:
    verdict = judged(*open_together(24), steps=1_000)
    assert verdict.outcome is Outcome.UNKNOWN
    assert "'k'" in verdict.summary
    assert "steps" in verdict.summary
    held = judged(*open_together(24), held=100)
    assert held.outcome is Outcome.UNKNOWN


def test_a_contradiction_counts_whatever_could_not_be_decided() -> None:
    verdict = judged(*open_together(24), asked("read", "z", 0, value="ghost"), steps=1_000)
    assert verdict.outcome is Outcome.FAIL


def test_the_budget_is_one_for_all_keys() -> None:
    budget = Budget(steps=8, held=100)
    history = numbered([write("a", 0, 1), write("a", 2, 3), read("a", 4, 5)])
    first_misfit(history, budget)
    with pytest.raises(OverBudget):
        first_misfit(history, budget)


def test_without_registers_nothing_is_judged() -> None:
    verdict = judged(asked("new", "k", 0))
    assert verdict.outcome is Outcome.UNKNOWN
    assert "no operation on a register" in verdict.summary
