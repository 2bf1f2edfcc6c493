"""Suites: what the machine spoiled is tried again, what the stack did wrong never is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parent))
from scripted import entry, scenario
from three_providers import three_providers

from harness.engine import suite
from harness.engine.finished import Finished, code_of, not_run, planned_run
from harness.engine.setup import Setup
from harness.engine.suite import Attempt, exit_code, repeated, run_suite, why_not
from harness.engine.suite import lacking as missing
from harness.faults.contract import Capability
from harness.history.folder import RunFolder
from harness.model.errors import EnvironmentUnfit
from harness.model.judgement import Judgement
from harness.model.outcome import ExitCode, Outcome

MACHINE = Judgement(Outcome.UNKNOWN, (), reasons=("the host stood still",), environment_caused=True)
STACK = Judgement(Outcome.UNKNOWN, (), reasons=("the fault did not strike",))
PASS, FAIL = Judgement(Outcome.PASS, ()), Judgement(Outcome.FAIL, (), environment_caused=True)


class CannedPlatform:
    name = "canned"
    exclusive = True

    def __init__(self, *can: Capability) -> None:
        self._can = frozenset(can or Capability)

    def capabilities(self) -> frozenset[Capability]:
        return self._can

    def lacking(self, capability: Capability) -> str:
        return f"no {capability} here; use a Linux machine"


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[object]]:
    """Runs come to what the test has put into this list: judgements, or whole results."""
    monkeypatch.setenv("HARNESS_STATE_DIR", str(tmp_path / "state"))
    results: list[object] = []

    def run(setup: Setup, *, observers: object = ()) -> Finished:
        result = results.pop(0)
        if isinstance(result, Judgement):
            meta = replace(planned_run(setup), run_id=f"left {len(results)}", retry_of=setup.retry_of)
            return Finished(meta, result, RunFolder(tmp_path), code_of(result.outcome))
        assert isinstance(result, Finished)
        return result

    monkeypatch.setattr(suite, "run_scenario", run)
    yield results
    assert not results, "not every canned run was started"


def setup(platform: CannedPlatform | None = None) -> Setup:
    return Setup(
        scenario(entry("slow", at_s=2)), three_providers(), platform or CannedPlatform(), Path("runs")
    )  # type: ignore[arg-type]


def summary(attempts: list[Attempt]) -> list[tuple[str, int, bool]]:
    return [(str(one.finished.judgement.outcome), one.number, one.final) for one in attempts]


def test_a_pass_is_one_attempt(canned: list[object]) -> None:
    canned += [PASS]
    attempts = list(run_suite([setup()]))
    assert summary(attempts) == [("PASS", 1, True)]
    assert exit_code(attempts) is ExitCode.PASSED


def test_what_the_machine_spoiled_is_tried_again_and_every_attempt_is_kept(canned: list[object]) -> None:
    canned += [MACHINE, PASS]
    attempts = list(run_suite([setup()]))
    assert summary(attempts) == [("UNKNOWN", 1, False), ("PASS", 2, True)]
    assert exit_code(attempts) is ExitCode.PASSED


def test_at_most_twice_again(canned: list[object]) -> None:
    canned += [MACHINE, MACHINE, MACHINE]
    attempts = list(run_suite([setup()]))
    assert summary(attempts) == [("UNKNOWN", 1, False), ("UNKNOWN", 2, False), ("UNKNOWN", 3, True)]
    chain = [attempt.finished.meta.retry_of for attempt in attempts]
    assert chain == ["", *(attempt.finished.meta.run_id for attempt in attempts[:-1])]
    assert exit_code(attempts) is ExitCode.UNKNOWN


@pytest.mark.parametrize("judgement", [FAIL, STACK])
def test_a_fail_or_what_the_stack_caused_is_never_tried_again(
    canned: list[object], judgement: Judgement
) -> None:
    canned += [judgement]
    assert len(list(run_suite([setup()]))) == 1


def test_an_aborted_run_is_not_tried_again(canned: list[object]) -> None:
    canned += [Finished(SimpleNamespace(), MACHINE, None, ExitCode.GUARD_ABORTED)]  # type: ignore[arg-type]
    assert exit_code(run_suite([setup()])) is ExitCode.GUARD_ABORTED


@pytest.mark.parametrize("code", [ExitCode.INTERRUPTED, ExitCode.HEAL_FAILED])
def test_nothing_else_starts_after_an_interruption_or_what_could_not_be_healed(
    canned: list[object], code: ExitCode
) -> None:
    canned += [Finished(SimpleNamespace(), PASS, None, code)]  # type: ignore[arg-type]
    attempts = list(run_suite([setup(), setup()]))
    assert len(attempts) == 1
    assert exit_code(attempts) is code


def test_a_bug_is_raised_after_the_run_that_it_broke_off(canned: list[object]) -> None:
    bug = ZeroDivisionError()
    canned += [Finished(SimpleNamespace(), STACK, None, ExitCode.INTERNAL, broke=bug)]  # type: ignore[arg-type]
    attempts = run_suite([setup(), setup()])
    assert next(attempts).finished.broke is bug
    with pytest.raises(ZeroDivisionError):
        next(attempts)


def test_nothing_else_starts_after_an_interruption_that_something_worse_outranks(
    canned: list[object],
) -> None:
    canned += [Finished(SimpleNamespace(), STACK, None, ExitCode.INTERNAL, interrupted=True)]  # type: ignore[arg-type]
    assert len(list(run_suite([setup(), setup()]))) == 1


def test_an_attempt_that_was_to_be_followed_counts_when_none_followed(canned: list[object]) -> None:
    canned += [MACHINE]
    first = next(run_suite([setup()]))
    assert not first.final
    assert exit_code([first]) is ExitCode.UNKNOWN


def test_what_the_platform_cannot_do_is_not_run_and_says_what_would_make_it_possible(
    canned: list[object],
) -> None:
    outage = entry("cut", at_s=2)
    needs = next(iter(outage.parameters.needed()))  # type: ignore[attr-defined]
    others = [capability for capability in Capability if capability is not needs]
    lacking = CannedPlatform(*others)
    attempts = list(run_suite([setup(lacking)]))
    assert summary(attempts) == [("NOT_RUN", 1, True)]
    assert exit_code(attempts) is ExitCode.NOT_RUN
    why = attempts[0].finished.why_not_run
    assert str(needs) in why
    assert "use a Linux machine" in why
    assert needs in missing(scenario(outage), lacking)  # type: ignore[arg-type]
    assert why_not(scenario(outage), CannedPlatform()) == ""  # type: ignore[arg-type]


def test_the_stack_is_locked_while_it_runs(canned: list[object]) -> None:
    canned += [PASS]
    running = run_suite([setup()])
    next(running)
    with pytest.raises(EnvironmentUnfit, match="is in use by process"):
        next(run_suite([setup()]))
    assert list(running) == []


def test_nothing_at_all_is_nothing_to_run() -> None:
    assert exit_code([]) is ExitCode.NOTHING_TO_RUN


def test_the_worst_of_several_outcomes_is_the_code(canned: list[object]) -> None:
    canned += [PASS, FAIL, STACK]
    attempts = list(run_suite([setup(), setup(), setup()]))
    assert exit_code(attempts) is ExitCode.FAILED


def test_repeats_count_seeds_up_and_wrap_round() -> None:
    top = scenario(seed=2**32 - 1)
    assert [each.seed for each in repeated([top, scenario(seed=3)], 2)] == [2**32 - 1, 3, 0, 4]


def test_a_run_that_was_not_run_says_which() -> None:
    finished = not_run(setup(), "no room")
    assert (finished.meta.scenario, finished.judgement.outcome, finished.exit_code) == (
        "scripted",
        Outcome.NOT_RUN,
        ExitCode.NOT_RUN,
    )
