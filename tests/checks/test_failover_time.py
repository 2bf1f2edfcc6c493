from __future__ import annotations

import pytest
from histories import contended, fault, probed, silent, stall, with_events

from harness.checks.examples.history import MS, Row, stack_said
from harness.checks.failover_time import FailoverExpectation, FailoverTime
from harness.checks.phases import phases
from harness.history.run import Run
from harness.model.events import Event, FaultInjected
from harness.model.outcome import Outcome
from harness.model.verdicts import Figure, Verdict


def outage(stream: str, due_ms: int) -> Row | None:
    """Alpha is dark from 1,000 to 3,000; the others hold orders until 1,280 and then acknowledge them all."""
    if stream == "gateway-alpha":
        return silent() if 1_000 <= due_ms < 3_000 else {}
    return {"completed_ns": 1_280 * MS} if 1_000 <= due_ms < 1_280 else {}


def judge(run: Run, **bound: float) -> Verdict:
    return FailoverTime().judge(run, FailoverExpectation(**bound))


def figure_of(verdict: Verdict, name: str) -> Figure:
    return next(item for item in verdict.figures if item.name == name)


def figure(verdict: Verdict, name: str) -> float:
    return figure_of(verdict, name).value


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
    "name", ["failover_time", "at gateway-bravo", "at moving", "longest_gap", "downtime", "onset_spread"]
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
    assert "not within at most 200 ms" in verdict.summary
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


def test_the_slack_is_told_no_larger_than_the_time() -> None:
    """3.4 ms, with its slack rounded up, would be 0.6 ms less than nothing."""

    def charlie(stream: str, due_ms: int) -> Row | None:
        dark = stream == "gateway-charlie" and 1_000 <= due_ms < 3_000
        return {**(silent() if dark else {"completed_ns": due_ms * MS + 3_400_000}), "epoch": 1}

    standby = fault(targets=("gateway-charlie", "engine-charlie", "sentinel-charlie"))
    run = with_events(probed(charlie).run(), standby, without=(FaultInjected,))
    assert "3.4 ms, up to 3.4 ms less, at " in judge(run, max=20).summary


def unconnected(stream: str, due_ms: int) -> Row | None:
    """Nobody can connect from 1,010 on, and all that waits is sent and answered 1,280 ms after the start."""
    if stream == "gateway-alpha" or not 1_010 <= due_ms < 1_280:
        return outage(stream, due_ms)
    if due_ms < 1_270:
        return {**silent(), "sent_ns": None, "attempts": 0}
    return {"sent_ns": 1_278 * MS, "completed_ns": 1_280 * MS}


def test_who_could_not_connect_looked_all_the_same() -> None:
    """Of the 270 ms without a single send, only those since the last attempt are unseen."""
    verdict = judge(probed(unconnected).run(), max=300)
    first = next(item for item in verdict.figures if item.name == "failover_time")
    assert (first.value, first.resolution) == (280.0, 18.0)


def blind(stream: str, due_ms: int) -> Row | None:
    """Nobody asks between 1,010 and 1,279."""
    answer = outage(stream, due_ms)
    waits = stream != "gateway-alpha" and 1_010 < due_ms < 1_280
    return {**(answer or {}), "sent_ns": 1_279 * MS} if waits else answer


def mute(run: Run) -> Run:
    """The same run of a stack that tells nothing of its epochs."""
    return with_events(run, without=(type(stack_said(0, "engine-x", "y")),))


def test_nobody_serves_before_a_primary_does() -> None:
    """Bravo is promoted 262 ms after the onset: it cannot have been back sooner, however rarely anybody asked."""
    told, untold = probed(blind).run(), mute(probed(blind).run())
    slacks = [figure_of(judge(run, max=300), "failover_time").resolution for run in (told, untold)]
    assert slacks == [18.0, 269.0]
    assert figure_of(judge(told, max=300), "first_order").resolution == 18.0


@pytest.mark.parametrize(
    ("bound", "outcome"),
    [
        ({"max": 280}, Outcome.PASS),
        ({"max": 279}, Outcome.UNKNOWN),
        ({"max": 11}, Outcome.UNKNOWN),
        ({"max": 10}, Outcome.FAIL),
        ({"min": 11}, Outcome.PASS),
        ({"min": 12}, Outcome.UNKNOWN),
        ({"min": 281}, Outcome.FAIL),
        ({"exactly": 280}, Outcome.UNKNOWN),
        ({"exactly": 281}, Outcome.FAIL),
    ],
)
def test_a_bound_within_what_nobody_saw_is_neither_kept_nor_broken(
    bound: dict[str, float], outcome: Outcome
) -> None:
    """It took between 11 and 280 ms."""
    verdict = judge(mute(probed(blind).run()), **bound)
    assert verdict.outcome is outcome, verdict.summary
    assert ("lies in between: probe more often" in verdict.summary) == (outcome is Outcome.UNKNOWN)


def test_what_lies_in_between_is_told() -> None:
    verdict = judge(mute(probed(blind).run()), max=100)
    assert verdict.summary == (
        "the failover took between 11 ms and 280 ms at moving after outage, and the bound (at most 100 ms) lies in "
        "between: probe more often"
    )


@pytest.mark.parametrize(
    ("strain", "caused"),
    [
        (stall(1_270, 200), True),
        (contended(2_900, 0.5), True),
        (stall(4_000, 200), False),
        (contended(4_500, 0.5), False),
    ],
)
def test_a_bound_in_between_is_the_machines_doing_only_where_it_was_strained_meanwhile(
    strain: Event, caused: bool
) -> None:
    run = mute(probed(blind).run())
    assert not judge(run, max=100).environment_caused
    assert judge(with_events(run, strain), max=100).environment_caused is caused
    assert not judge(with_events(run, strain), max=300).environment_caused
    assert not judge(with_events(run, strain)).environment_caused


def test_one_client_that_looked_closely_proves_a_failure() -> None:
    """The others stood blind, yet at charlie's gateway somebody asked every 10 ms, and was told nothing for 280 ms."""

    def charlie_saw(stream: str, due_ms: int) -> Row | None:
        return (outage if stream == "gateway-charlie" else blind)(stream, due_ms)

    verdict = judge(mute(probed(charlie_saw).run()), max=100)
    assert verdict.outcome is Outcome.FAIL
    assert "280 ms, up to 10 ms less, at " in verdict.summary
    assert figure_of(verdict, "at gateway-bravo").resolution == 269.0


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
    assert phases(quiet, onset, 1_280 * MS, slack_ns=0) == []
    from harness.history.journal import Journal

    some = Run(run.meta, Journal(tuple(told)), tables=run._given)
    told_of = phases(some, onset, 1_280 * MS, slack_ns=20 * MS)
    assert [(item.name, item.value, item.resolution) for item in told_of] == [
        ("promote", 262.0, None),
        ("first_order", 18.0, 18.0),
    ]
