from __future__ import annotations

import pytest
from histories import fault, probed, silent, with_events

from harness.checks.examples.history import MS, Row, stack_said
from harness.checks.failover_time import FailoverExpectation, FailoverTime
from harness.checks.phases import phases
from harness.history.run import Run
from harness.model.events import FaultInjected
from harness.model.outcome import Outcome
from harness.model.verdicts import Verdict


def outage(stream: str, due_ms: int) -> Row | None:
    """Alpha is dark from 1,000 to 3,000; the others hold orders until 1,280 and then acknowledge them all."""
    if stream == "gateway-alpha":
        return silent() if 1_000 <= due_ms < 3_000 else {}
    return {"completed_ns": 1_280 * MS} if 1_000 <= due_ms < 1_280 else {}


def judge(run: Run, **bound: float) -> Verdict:
    return FailoverTime().judge(run, FailoverExpectation(**bound))


def figure(verdict: Verdict, name: str) -> float:
    return next(item.value for item in verdict.figures if item.name == name)


def test_it_counts_to_the_acknowledgement_not_to_the_intended_time() -> None:
    verdict = judge(probed(outage).run(), max=300)
    assert verdict.outcome is Outcome.PASS
    assert figure(verdict, "failover_time") == 280.0
    assert figure(verdict, "at gateway-bravo") == 280.0
    assert figure(verdict, "at moving") == 280.0
    assert figure(verdict, "onset_spread") == 2.0
    assert figure(verdict, "longest_gap") == 285.0
    first = next(item for item in verdict.figures if item.name == "failover_time")
    assert (first.resolution, first.one_sided, first.unit) == (10.0, True, "ms")
    assert "280 ms, up to 10 ms less, at " in verdict.summary
    assert not any(item.name == "at gateway-alpha" for item in verdict.figures)


@pytest.mark.parametrize(
    "name", ["failover_time", "at gateway-bravo", "at moving", "longest_gap", "downtime"]
)
def test_one_time_that_was_taken_once_is_one_sample(name: str) -> None:
    verdict = judge(probed(outage).run(), max=300)
    assert next(item.samples for item in verdict.figures if item.name == name) == 1


def test_the_worst_of_two_faults_is_taken_from_two_samples() -> None:
    again = fault(fault_id="again", at_ns=3_000 * MS, first_effect_ns=3_000 * MS, targets=("x",))
    verdict = judge(with_events(probed(outage).run(), again), max=300)
    assert {item.name: item.samples for item in verdict.figures}["failover_time"] == 2


def test_the_probes_of_the_deciding_second_are_told_in_words() -> None:
    def one_lost(stream: str, due_ms: int) -> Row | None:
        return silent() if due_ms == 1_500 and stream == "moving" else outage(stream, due_ms)

    verdict = judge(probed(one_lost).run(), max=300)
    assert "99 of the 100 probes that were due in it were acknowledged" in verdict.evidence[1].text


def test_the_resolution_is_what_was_sent_not_what_was_due() -> None:
    """The probes around the end of the outage went out 6 ms late and 2 ms late: nobody looked for 16 ms and 14 ms."""

    def late(stream: str, due_ms: int) -> Row | None:
        answer = outage(stream, due_ms)
        if answer is None or answer.get("outcome") == "info" or due_ms != 1_290:
            return answer
        return {**answer, "sent_ns": (due_ms + 6) * MS}

    verdict = judge(probed(late).run(), max=300)
    assert "280 ms, up to 16 ms less, at " in verdict.summary
    first = next(item for item in verdict.figures if item.name == "failover_time")
    assert (first.value, first.resolution) == (280.0, 16.0)


def test_phases_add_up_to_the_failover_time() -> None:
    verdict = judge(probed(outage).run(), max=300)
    named = {name: figure(verdict, name) for name in ("detect", "decide", "seal", "promote", "first_order")}
    assert named == {"detect": 240.0, "decide": 10.0, "seal": 5.0, "promote": 7.0, "first_order": 18.0}
    assert sum(named.values()) == figure(verdict, "failover_time")


def test_too_slow_is_a_failure() -> None:
    verdict = judge(probed(outage).run(), max=200)
    assert verdict.outcome is Outcome.FAIL
    assert "not within at most 200" in verdict.summary
    assert verdict.bound == "at most 200 ms"
    assert verdict.evidence[1].at_ns == 1_280 * MS


def test_without_a_bound_nothing_is_judged() -> None:
    assert judge(probed(outage).run()).outcome is Outcome.UNKNOWN


def test_the_worst_client_decides() -> None:
    def slow_to_move(stream: str, due_ms: int) -> Row | None:
        if stream == "moving" and 1_000 <= due_ms < 1_500:
            return silent()
        return outage(stream, due_ms)

    verdict = judge(probed(slow_to_move).run(), max=400)
    assert verdict.outcome is Outcome.FAIL
    assert figure(verdict, "failover_time") == 505.0
    assert "moving" in verdict.summary


def test_late_answers_are_no_service() -> None:
    def late(stream: str, due_ms: int) -> Row | None:
        if stream == "gateway-bravo" and 1_000 <= due_ms < 1_800:
            return {"completed_ns": (due_ms + 400) * MS}
        return outage(stream, due_ms)

    assert figure(judge(probed(late).run(), max=400), "failover_time") == 790.0


def test_answers_of_the_old_epoch_do_not_count_after_another_took_over() -> None:
    def old(stream: str, due_ms: int) -> Row | None:
        answer = outage(stream, due_ms)
        return {**(answer or {}), "epoch": 1} if stream == "gateway-bravo" and due_ms < 2_000 else answer

    assert figure(judge(probed(old).run(), max=400), "failover_time") == 1_005.0


def test_a_fault_that_leaves_the_primary_alone_asks_for_no_new_epoch() -> None:
    def charlie(stream: str, due_ms: int) -> Row | None:
        answer: Row = {} if stream != "gateway-charlie" or not 1_000 <= due_ms < 3_000 else silent()
        return {**answer, "epoch": 1}

    run = probed(charlie).run()
    standby = fault(targets=("gateway-charlie", "engine-charlie", "sentinel-charlie"))
    verdict = judge(with_events(run, standby, without=(FaultInjected,)), max=20)
    assert verdict.outcome is Outcome.PASS
    assert figure(verdict, "failover_time") == 5.0
    assert "5 ms, up to 5 ms less," in verdict.summary  # it cannot have been less than nothing


def test_service_that_never_comes_back_is_a_failure() -> None:
    def never(stream: str, due_ms: int) -> Row | None:
        return silent() if due_ms >= 1_000 else {}

    verdict = judge(probed(never).run(), max=5_000)
    assert verdict.outcome is Outcome.FAIL
    assert "never served again" in verdict.summary


def test_two_failures_in_a_hundred_are_not_service() -> None:
    def flaky(stream: str, due_ms: int) -> Row | None:
        if stream == "gateway-bravo" and due_ms in (1_500, 1_600):
            return silent()
        return outage(stream, due_ms)

    assert figure(judge(probed(flaky).run(), max=400), "failover_time") == 515.0


def test_too_few_probes_prove_nothing() -> None:
    def sparse(stream: str, due_ms: int) -> Row | None:
        return outage(stream, due_ms) if due_ms % 100 == 0 else None

    verdict = judge(probed(sparse).run(), max=400)
    assert verdict.outcome is Outcome.UNKNOWN
    assert "only 10 probes" in verdict.summary


def test_the_good_second_must_be_whole() -> None:
    verdict = judge(probed(outage, until_ms=2_000).run(), max=400)
    assert verdict.outcome is Outcome.FAIL
    assert "never served again" in verdict.summary


@pytest.mark.parametrize(
    ("streams", "without", "why"),
    [
        (("gateway-bravo",), (FaultInjected,), "no fault was injected"),
        ((), (), "no probes were sent"),
        (("gateway-alpha",), (), "nobody could tell"),
    ],
)
def test_nothing_to_judge_is_unknown(streams: tuple[str, ...], without: tuple[type, ...], why: str) -> None:
    run = with_events(probed(outage, streams=streams).run(), without=without)
    verdict = judge(run, max=400)
    assert verdict.outcome is Outcome.UNKNOWN
    assert why in verdict.summary


def test_the_worst_of_several_faults_decides() -> None:
    def twice(stream: str, due_ms: int) -> Row | None:
        held = 3_000 <= due_ms < 3_600 and stream != "gateway-alpha"
        return {**silent()} if held else outage(stream, due_ms)

    run = with_events(
        probed(twice).run(),
        fault(fault_id="again", at_ns=3_000 * MS, first_effect_ns=3_000 * MS, targets=("x",)),
    )
    verdict = judge(run, max=400)
    assert "after again" in verdict.summary
    assert figure(verdict, "failover_time") == 605.0


def test_phases_of_a_stack_that_tells_little() -> None:
    run = probed(outage).run()
    told = [
        event
        for event in run.events
        if getattr(getattr(event, "event", None), "kind", "") in ("", "primary_promoted")
    ]
    quiet = with_events(run, without=(type(stack_said(0, "engine-x", "y")),))
    onset = fault()
    assert phases(quiet, onset, 1_280 * MS) == []
    from harness.history.journal import Journal

    some = Run(run.meta, Journal(tuple(told)), tables=run._given)
    assert [(item.name, item.value) for item in phases(some, onset, 1_280 * MS)] == [
        ("promote", 262.0),
        ("first_order", 18.0),
    ]
