"""availability, latency and recovery: what clients got."""

from __future__ import annotations

import numpy as np
import pytest
from histories import fault, probed, silent, stall, with_events
from hypothesis import given
from hypothesis import strategies as st

from harness.checks.availability import Availability, AvailabilityExpectation
from harness.checks.examples.history import MS, Row
from harness.checks.latency import During, Latency, LatencyExpectation, quantile
from harness.checks.recovery import Recovery, RecoveryExpectation
from harness.model.events import FaultHealed, FaultInjected
from harness.model.outcome import Outcome
from harness.model.verdicts import Verdict


def outage(stream: str, due_ms: int) -> Row | None:
    if stream == "gateway-alpha" and 1_000 <= due_ms < 3_200:
        return silent()
    if stream == "moving" and 1_000 <= due_ms < 1_200:
        return {"first_attempt": "info"}
    return silent() if 1_000 <= due_ms < 1_100 else {}


def figure(verdict: Verdict, name: str) -> float:
    return next(item.value for item in verdict.figures if item.name == name)


def test_availability_counts_clients_that_could_be_served_from_the_onset_on() -> None:
    verdict = Availability().judge(probed(outage).run(), AvailabilityExpectation(min=0.98))
    assert verdict.outcome is Outcome.PASS
    assert figure(verdict, "availability") == pytest.approx(100 * 1120 / 1140, abs=1e-6)
    assert figure(verdict, "first_attempt") == pytest.approx(100 * 1100 / 1140, abs=1e-6)
    assert figure(verdict, "provider alpha") == pytest.approx(100 * 160 / 380, abs=1e-6)
    assert figure(verdict, "provider bravo") == pytest.approx(100 * 370 / 380, abs=1e-6)
    assert figure(verdict, "reconnecting") == 100.0
    assert figure(verdict, "probe_spacing") == 10.0
    assert "98.246% of 1,140 probes" in verdict.summary


def test_too_little_availability_fails() -> None:
    verdict = Availability().judge(probed(outage).run(), AvailabilityExpectation(min=0.999))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.bound == "at least 0.999"


def test_the_deadline_can_be_set() -> None:
    slow = probed(lambda stream, due_ms: {"completed_ns": (due_ms + 300) * MS}).run()
    strict = Availability().judge(slow, AvailabilityExpectation(min=0.9))
    patient = Availability().judge(slow, AvailabilityExpectation(min=0.9, deadline_ms=400))
    assert (strict.outcome, patient.outcome) == (Outcome.FAIL, Outcome.PASS)


def test_availability_of_nothing_is_unknown() -> None:
    empty = probed(lambda stream, due_ms: {} if due_ms > 4_700 else None)
    assert Availability().judge(empty.run(), AvailabilityExpectation(min=0.9)).outcome is Outcome.UNKNOWN
    empty.absent.add("operations")
    verdict = Availability().judge(empty.run(), AvailabilityExpectation(min=0.9))
    assert "no table operations" in verdict.summary


def test_without_a_fault_availability_counts_from_the_start() -> None:
    run = with_events(probed(lambda stream, due_ms: {}).run(), without=(FaultInjected,))
    verdict = Availability().judge(run, AvailabilityExpectation(exactly=1.0))
    assert verdict.outcome is Outcome.PASS


def test_latency_has_exact_quantiles_and_counts_what_was_never_answered() -> None:
    def slow_fault(stream: str, due_ms: int) -> Row | None:
        return {"completed_ns": (due_ms + 50) * MS} if 1_000 <= due_ms <= 3_000 else {}

    run = probed(slow_fault).run()
    quiet = Latency().judge(run, LatencyExpectation(max=6))
    assert quiet.outcome is Outcome.PASS
    assert figure(quiet, "p99_quiet") == 10.0 or figure(quiet, "p99_quiet") == 5.0
    during = Latency().judge(run, LatencyExpectation(max=6, during=During.FAULT))
    assert during.outcome is Outcome.FAIL
    assert figure(during, "p50_fault") == 50.0
    everything = Latency().judge(run, LatencyExpectation(max=6, during=During.ALL, quantile=0.5))
    assert everything.outcome is Outcome.PASS


def test_never_answered_is_slower_than_any_answer() -> None:
    run = probed(lambda stream, due_ms: silent() if due_ms % 20 else {}).run()
    verdict = Latency().judge(run, LatencyExpectation(max=100, during=During.ALL))
    assert verdict.outcome is Outcome.FAIL
    assert "never answered" in verdict.summary
    assert Latency().judge(run, LatencyExpectation(during=During.ALL)).outcome is Outcome.UNKNOWN


def test_a_quantile_needs_enough_orders() -> None:
    run = probed(lambda stream, due_ms: None).run()
    verdict = Latency().judge(run, LatencyExpectation(max=100))
    assert verdict.outcome is Outcome.UNKNOWN
    assert "needs at least 100" in verdict.summary
    assert (
        Latency().judge(run, LatencyExpectation(max=100, quantile=1.0, during=During.ALL)).outcome
        is Outcome.FAIL
    )


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200), st.floats(0.001, 1.0))
def test_a_quantile_is_the_smallest_value_that_enough_do_not_exceed(values: list[int], share: float) -> None:
    ordered = np.sort(np.array(values, dtype=np.int64))
    value = quantile(ordered, share)
    assert value in values
    assert (ordered <= value).sum() >= share * len(values) - 1e-6
    assert (ordered < value).sum() < share * len(values)


def test_recovery_counts_to_the_steady_stretch_at_the_slowest_gateway() -> None:
    verdict = Recovery().judge(probed(outage).run(), RecoveryExpectation(max=500))
    assert verdict.outcome is Outcome.PASS
    assert figure(verdict, "recovery") == 205.0
    assert all((item.one_sided, item.samples) == (True, 1) for item in verdict.figures)
    resolutions = {item.name: item.resolution for item in verdict.figures}
    assert (resolutions["recovery"], resolutions["at gateway-bravo"]) == (10.0, 5.0)
    assert figure(verdict, "at gateway-bravo") == 5.0
    assert "last at gateway-alpha" in verdict.summary
    assert "was back 205 ms, up to 10 ms less, after the last fault, last at gateway-alpha" in verdict.summary
    assert Recovery().judge(probed(outage).run(), RecoveryExpectation(max=100)).outcome is Outcome.FAIL


def test_a_bound_on_the_recovery_that_nobody_looked_close_enough_for_is_unknown() -> None:
    verdict = Recovery().judge(probed(outage).run(), RecoveryExpectation(max=200))
    assert verdict.outcome is Outcome.UNKNOWN
    assert "was back between 195 ms and 205 ms after the last fault" in verdict.summary
    assert not verdict.environment_caused
    stalled = with_events(probed(outage).run(), stall(3_200, 60))
    assert Recovery().judge(stalled, RecoveryExpectation(max=200)).environment_caused


def test_recovery_counts_to_the_acknowledgement_not_to_when_its_probe_was_due() -> None:
    """Everybody is held for 240 ms after the lift, and answered in time: nobody was served 0 ms after it."""

    def held(stream: str, due_ms: int) -> Row | None:
        return {"completed_ns": 3_240 * MS} if 3_000 <= due_ms < 3_240 else {}

    verdict = Recovery().judge(probed(held).run(), RecoveryExpectation(max=200))
    assert verdict.outcome is Outcome.FAIL
    assert {item.value for item in verdict.figures} == {240.0}
    assert {item.resolution for item in verdict.figures} == {10.0}
    assert Recovery().judge(probed(held).run(), RecoveryExpectation(max=240)).outcome is Outcome.PASS


def test_recovery_is_no_later_than_an_answer_that_overtook_the_first() -> None:
    def overtaken(stream: str, due_ms: int) -> Row | None:
        return {"completed_ns": 3_103 * MS} if due_ms == 3_000 else {}

    verdict = Recovery().judge(probed(overtaken).run(), RecoveryExpectation(max=50))
    assert (verdict.outcome, figure(verdict, "recovery")) == (Outcome.PASS, 15.0)


def test_the_slack_of_a_recovery_is_by_the_probes_around_its_acknowledgement() -> None:
    """The one that is due at 3,200 goes out 30 ms late, so that nobody asked for 30 ms before it was answered."""

    def late(stream: str, due_ms: int) -> Row | None:
        waits = stream == "gateway-alpha" and 3_200 <= due_ms <= 3_230
        return {"sent_ns": 3_230 * MS, "completed_ns": 3_235 * MS} if waits else outage(stream, due_ms)

    verdict = Recovery().judge(probed(late).run(), RecoveryExpectation(max=500))
    recovered = next(item for item in verdict.figures if item.name == "recovery")
    assert (recovered.value, recovered.resolution) == (235.0, 40.0)


def test_a_steady_state_that_never_comes_back_fails() -> None:
    def broken(stream: str, due_ms: int) -> Row | None:
        return silent() if stream == "gateway-alpha" and due_ms >= 1_000 else {}

    verdict = Recovery().judge(probed(broken).run(), RecoveryExpectation(max=500))
    assert verdict.outcome is Outcome.FAIL
    assert "gateway-alpha" in verdict.summary


def test_recovery_needs_time_a_lift_and_probes() -> None:
    short = probed(outage, until_ms=3_500).run()
    assert "too soon" in Recovery().judge(short, RecoveryExpectation(max=500)).summary
    unhurt = with_events(probed(outage).run(), without=(FaultInjected, FaultHealed))
    assert Recovery().judge(unhurt, RecoveryExpectation(max=500)).outcome is Outcome.UNKNOWN
    unprobed = probed(outage, streams=()).run()
    assert Recovery().judge(unprobed, RecoveryExpectation(max=500)).outcome is Outcome.UNKNOWN


def test_a_fault_without_an_end_is_over_with_its_last_effect() -> None:
    run = with_events(
        probed(outage).run(), fault(fault="service_crash"), without=(FaultInjected, FaultHealed)
    )
    verdict = Recovery().judge(run, RecoveryExpectation(max=5_000))
    assert figure(verdict, "recovery") == 3_205.0 - 1_002.0


def test_how_long_it_must_hold_can_be_said() -> None:
    wanted = RecoveryExpectation.model_validate({"max": "500ms", "for": "1200ms"})
    assert Recovery().judge(probed(outage).run(), wanted).outcome is Outcome.PASS
    assert (
        "too soon"
        in Recovery()
        .judge(probed(outage).run(), RecoveryExpectation.model_validate({"max": "500ms", "for": "4s"}))
        .summary
    )
