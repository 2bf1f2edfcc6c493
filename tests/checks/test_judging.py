from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any, ClassVar

import msgspec
import pytest
from histories import contended, fault, stall, with_events
from pydantic import ValidationError

from harness.checks.circumstances import reasons
from harness.checks.contract import Check
from harness.checks.examples.history import MS, meta
from harness.checks.examples.sound import sound
from harness.checks.judging import judge_all, read_expectations
from harness.checks.registry import BUILT_IN, CHECKS
from harness.checks.strain import unexplained_stalls
from harness.checks.struck import struck_by, struck_gateways, struck_services
from harness.history.journal import Journal
from harness.history.run import Run
from harness.model.errors import UsageError
from harness.model.events import (
    Collected,
    Event,
    FaultEvidence,
    FaultFailed,
    FaultHealed,
    FaultInjected,
    LoadDrained,
    LoadStarted,
    PhaseTimedOut,
    RunAborted,
    ServiceExited,
    SteadyStateJudged,
)
from harness.model.outcome import Outcome
from harness.model.quantities import Settings
from harness.model.verdicts import Verdict
from harness.registry import Registry

ASKED = {"leader_changes": {"exactly": 1}, "order_integrity": {}, "data_loss": {}}


def judge(run: Run, only: tuple[str, ...] | None = None) -> Any:
    return judge_all(run, read_expectations(ASKED), only)


def test_a_sound_run_passes_and_says_so_the_same_way_each_time() -> None:
    first, again = judge(sound().run()), judge(sound().run())
    assert first.outcome is Outcome.PASS
    assert not first.reasons
    assert msgspec.json.encode(first) == msgspec.json.encode(again)
    assert [verdict.check for verdict in first.verdicts] == ["leader_changes", "data_loss", "order_integrity"]


def test_single_checks_and_predicates_can_be_asked_for() -> None:
    predicate = judge(sound().run(), ("O2",))
    assert [finding.predicate for finding in predicate.verdicts[0].findings] == ["O2"]
    both = judge(sound().run(), ("replicas_converge", "leader_changes"))
    assert [verdict.check for verdict in both.verdicts] == ["leader_changes", "replicas_converge"]
    with pytest.raises(UsageError, match="no check or predicate 'O99'"):
        judge(sound().run(), ("O99",))


def test_unknown_checks_and_settings_are_refused() -> None:
    with pytest.raises(UsageError, match="no check 'speed'"):
        read_expectations({"speed": {}})
    with pytest.raises(ValidationError):
        read_expectations({"leader_changes": {"exact": 1}})
    with pytest.raises(UsageError, match="no check 'speed'"):
        judge_all(sound().run(), {"speed": Settings()})


def test_nothing_judged_is_never_a_pass() -> None:
    assert judge_all(sound().run(), {}).outcome is Outcome.UNKNOWN


class Crashing(Check[Settings]):
    name: ClassVar[str] = "crashing"
    summary: ClassVar[str] = "Crashes."
    Expectation: ClassVar[type[Settings]] = Settings

    def judge(self, run: Run, expectation: Settings) -> Verdict:
        raise RuntimeError("oh")


def test_a_crashed_check_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.checks.judging.CHECKS", Registry("check", Check, (Crashing,), needs=()))
    judgement = judge_all(sound().run(), {"crashing": Settings()})
    assert judgement.outcome is Outcome.UNKNOWN
    assert judgement.verdicts[0].summary == "the check crashed: RuntimeError: oh"
    assert not judgement.environment_caused


def at(event_type: type[Event], **values: Any) -> Event:
    return event_type(at_ns=900 * MS, **values)


@pytest.mark.parametrize(("late_ms", "outcome"), [(240, Outcome.PASS), (260, Outcome.UNKNOWN)])
def test_a_fault_that_struck_long_after_its_moment_is_not_the_one_that_was_asked_for(
    late_ms: int, outcome: Outcome
) -> None:
    history = sound()
    (asked,) = [event for event in history.events if isinstance(event, FaultInjected)]
    late = msgspec.structs.replace(asked, asked_ns=asked.first_effect_ns - late_ms * MS)
    history.events[history.events.index(asked)] = late
    judgement = judge_all(history.run(), {"data_loss": CHECKS.named("data_loss").Expectation()})
    assert judgement.outcome is outcome
    assert not judgement.environment_caused
    if judgement.reasons:
        assert "struck 260 ms after its moment" in judgement.reasons[0]
        busy = with_events(history.run(), contended(1_000, 0.5))
        assert judge_all(busy, {"data_loss": CHECKS.named("data_loss").Expectation()}).environment_caused


UNSOUND: list[tuple[Event | None, tuple[type[Any], ...], str]] = [
    (
        at(SteadyStateJudged, outcome=Outcome.FAIL, summary="97 % available"),
        (),
        "the steady state before the fault is FAIL",
    ),
    (at(FaultFailed, fault_id="outage", reason="no permission"), (), "could not be injected: no permission"),
    (None, (FaultEvidence,), "outage has no convincing evidence"),
    (
        at(
            FaultEvidence,
            fault_id="outage",
            subject="x",
            source="victim",
            fact="still answers",
            convincing=False,
        ),
        (),
        "outage has no convincing evidence",
    ),
    (
        at(PhaseTimedOut, phase="heal", limit_ns=10**9, last_lines={"engine-x": ("a", "no disk"), "b": ()}),
        (),
        "engine-x: no disk",
    ),
    (at(RunAborted, cause="interrupted", reason="Ctrl-C"), (), "the run was aborted (interrupted): Ctrl-C"),
    (at(ServiceExited, service="feed-alpha", expected=False, code=1), (), "feed-alpha died by itself"),
    (
        at(Collected, replicas=4, quotes=0, accounts=0, missing=("engine-alpha: refused",)),
        (Collected,),
        "could not be read",
    ),
    (
        at(LoadDrained, operations=9, unresolved=0, late_ns_p99=80 * MS, late_ns_max=99 * MS),
        (LoadDrained,),
        "fell behind",
    ),
    (None, (LoadDrained,), "never drained"),
    (None, (LoadStarted, LoadDrained), "no load was started"),
]


@pytest.mark.parametrize(("event", "without", "why"), UNSOUND, ids=[why for _, _, why in UNSOUND])
def test_an_unsound_run_is_unknown_with_its_reason(
    event: Event | None, without: tuple[type[Any], ...], why: str
) -> None:
    run = with_events(sound().run(), *([event] if event is not None else []), without=without)
    judgement = judge(run)
    assert judgement.outcome is Outcome.UNKNOWN
    assert any(why in reason for reason in judgement.reasons), judgement.reasons
    assert all(verdict.outcome is Outcome.UNKNOWN for verdict in judgement.verdicts)
    assert "it would be " in judgement.verdicts[0].summary
    assert judgement.environment_caused == (why == "fell behind")


def test_a_cut_history_is_unknown() -> None:
    run = sound().run()
    judgement = judge(Run(run.meta, Journal(run.events, torn="line 3"), tables=run._given))
    assert judgement.outcome is Outcome.UNKNOWN
    assert "torn" in judgement.reasons[0]


def test_a_broken_invariant_stays_broken_whatever_else_happened() -> None:
    history = sound()
    history.change("balances", {"account": "house"}, amount=0)
    run = with_events(history.run(), at(RunAborted, cause="guard", reason="availability"))
    judgement = judge(run)
    assert judgement.outcome is Outcome.FAIL
    assert judgement.reasons


def test_a_fault_of_the_timeline_that_never_struck_is_told() -> None:
    run = sound().run()
    document = {
        "timeline": [{"id": "outage", "fault": "provider_outage"}, {"id": "second", "fault": "service_crash"}]
    }
    judged = judge(Run(meta(document=document), run.journal, tables=run._given))
    assert judged.reasons == ("the fault second of the timeline never struck",)


def test_a_stall_softens_a_failure_of_timing_but_none_of_correctness() -> None:
    history = sound()
    history.change("balances", {"account": "house"}, amount=0)
    run = with_events(history.run(), stall(1_000, 60))
    slow = judge_all(run, read_expectations({"leader_changes": {"exactly": 0}}))
    assert slow.outcome is Outcome.UNKNOWN
    assert slow.environment_caused
    assert "stood still 1 times, up to 60 ms" in slow.verdicts[0].summary
    assert judge(run, ("O7",)).outcome is Outcome.FAIL


def test_stalls_count_only_when_they_are_long_in_time_and_not_the_stacks_own() -> None:
    run = with_events(
        sound().run(),
        stall(1_000, 60, cpu_ms=61),
        stall(2_000, 40),
        stall(20, 90),
        stall(4_800, 90),
        stall(3_000, 70, cpu_ms=30),
    )
    assert [event.stall_ns for event in unexplained_stalls(run)] == [70 * MS]
    undrained = with_events(run, without=(LoadDrained,))
    assert len(unexplained_stalls(undrained)) == 2


def test_strangers_on_the_machine_soften_a_failure_of_timing_but_none_of_correctness() -> None:
    history = sound()
    history.change("balances", {"account": "house"}, amount=0)
    expected = read_expectations({"leader_changes": {"exactly": 0}})
    run = with_events(history.run(), contended(1_000, 0.55))
    slow = judge_all(run, expected)
    assert slow.outcome is Outcome.UNKNOWN
    assert slow.environment_caused
    assert "other processes used up to 55% of the machine" in slow.verdicts[0].summary
    assert judge(run, ("O7",)).outcome is Outcome.FAIL
    for elsewhere in (contended(1_000, 0.29), contended(4_800, 0.9)):
        assert judge_all(with_events(history.run(), elsewhere), expected).outcome is Outcome.FAIL


def test_what_an_unsteady_machine_left_unjudged_may_be_tried_again() -> None:
    failed = at(SteadyStateJudged, outcome=Outcome.UNKNOWN, summary="slow")
    expected = read_expectations({"failover_time": {"max": "1s"}})
    unhurt = with_events(sound().run(), failed, without=(FaultInjected, FaultEvidence, FaultHealed))
    spoilt = judge_all(with_events(unhurt, contended(500, 0.4)), expected)
    assert spoilt.outcome is Outcome.UNKNOWN
    assert spoilt.environment_caused
    assert not judge_all(unhurt, expected).environment_caused


def test_a_steady_state_that_failed_in_a_stall_may_be_tried_again() -> None:
    failed = at(SteadyStateJudged, outcome=Outcome.FAIL, summary="slow")
    assert reasons(with_events(sound().run(), failed, stall(500, 80)))[0].environment_caused
    assert not reasons(with_events(sound().run(), failed))[0].environment_caused


class Odd(Crashing):
    name: ClassVar[str] = "odd"
    Expectation = dict  # type: ignore[assignment]


def test_a_check_must_expect_settings() -> None:
    assert list(CHECKS.all())[: len(BUILT_IN)] == [check.name for check in BUILT_IN]
    crashing, odd = (EntryPoint(name, f"{__name__}:{name}", "harness.checks") for name in ("Crashing", "Odd"))
    assert CHECKS.gathered([crashing])["crashing"] is Crashing
    with pytest.raises(UsageError, match="the check Odd has an `Expectation` that does not derive from"):
        CHECKS.gathered([odd])


PLACES = {f"{role}-{name}": name for name in ("alpha", "bravo", "charlie") for role in ("gateway", "engine")}
GATEWAYS: dict[str, str | None] = {f"gateway-{name}": name for name in ("alpha", "bravo", "charlie")}


@pytest.mark.parametrize(
    ("targets", "want"),
    [
        (("gateway-alpha", "engine-alpha"), {"gateway-alpha"}),
        (("engine-alpha",), set()),
        (("clients--gateway-bravo-8080",), {"gateway-bravo"}),
        (("engine-alpha--engine-bravo-7100", "gateway-charlie--engine-alpha-7100"), {"gateway-alpha"}),
        (
            ("engine-alpha--engine-bravo-7100", "gateway-bravo--engine-alpha-7100"),
            {"gateway-alpha", "gateway-bravo"},
        ),
        (
            (
                "engine-alpha--engine-bravo-7100",
                "engine-bravo--engine-charlie-7100",
                "engine-charlie--engine-alpha-7100",
            ),
            set(),
        ),
        ((), set()),
    ],
)
def test_whom_a_fault_strikes(targets: tuple[str, ...], want: set[str]) -> None:
    assert struck_by(targets, GATEWAYS, PLACES) == want


def test_a_slow_link_takes_no_gateway_away() -> None:
    from harness.model.events import FaultInjected

    slow = fault(fault="latency", targets=("clients--gateway-alpha-8080",))
    run = with_events(sound().run(), slow, without=(FaultInjected,))
    assert struck_gateways(run) == frozenset()
    assert struck_gateways(sound().run()) == {"gateway-alpha"}
    links = ("engine-alpha--engine-bravo-7100", "gateway-charlie--engine-alpha-7100")
    assert struck_services(run, links) == {"engine-alpha", "gateway-alpha", "sentinel-alpha"}
