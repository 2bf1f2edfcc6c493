"""One run from its first step to its last: whatever happens, everything is taken down, healed and told."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fake_bench import FakeBench, Runner, raising, told

from harness.engine import run as run_module
from harness.engine.judging import judge_again
from harness.engine.verdict_file import read_verdicts, verdict_bytes
from harness.history.run import load_run
from harness.model.errors import AdapterError, EnvironmentUnfit, HarnessError, HealFailed
from harness.model.judgement import Judgement
from harness.model.outcome import ExitCode, Outcome


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


PASS, FAIL = Judgement(Outcome.PASS, ()), Judgement(Outcome.FAIL, ())


def test_a_run_is_one_straight_walk(runner: Runner) -> None:
    finished = runner(PASS)
    walked = ["bring_up", "begin_load", "prepare", "inject", "heal", "settle", "freeze", "tear_down"]
    assert FakeBench.made.log == walked
    assert (finished.exit_code, finished.left) == (ExitCode.PASSED, ())


def test_a_fail_saves_evidence_while_the_stack_is_up(runner: Runner) -> None:
    assert runner(FAIL).exit_code is ExitCode.FAILED
    assert FakeBench.made.log[-2:] == ["evidence", "tear_down"]


def test_evidence_that_cannot_be_saved_spoils_no_verdict(runner: Runner) -> None:
    assert runner(FAIL, evidence=raising(OSError("full"))).exit_code is ExitCode.FAILED


def test_judging_again_gives_the_same_bytes(runner: Runner) -> None:
    for error in (None, AdapterError("no answer"), OSError("disk full")):
        finished = runner(**({} if error is None else {"freeze": raising(error)}))
        assert finished.folder is not None
        again = judge_again(load_run(finished.folder.path))
        assert verdict_bytes(again) == finished.folder.verdicts.read_bytes()
        assert read_verdicts(finished.folder) == finished.judgement == again


@pytest.mark.parametrize(
    "step", ["bring_up", "begin_load", "inject", "heal", "settle", "freeze", "tear_down"]
)
def test_ctrl_c_at_any_step_winds_down_and_is_the_exit_code(runner: Runner, step: str) -> None:
    finished = runner(PASS, **{step: ctrl_c})
    assert finished.exit_code is ExitCode.INTERRUPTED
    assert FakeBench.made.log[-1] == "tear_down"
    assert "settle" in FakeBench.made.log
    assert ("freeze" in FakeBench.made.log) is (step != "bring_up")
    if step in ("bring_up", "begin_load", "inject"):
        assert told(finished) == ["interrupted: somebody asked to stop"]


def test_a_second_ctrl_c_says_what_is_left(runner: Runner, capsys: pytest.CaptureFixture[str]) -> None:
    def twice() -> None:
        ctrl_c()
        ctrl_c()

    runner(PASS, settle=twice)
    assert "now: testing; faults in force: none" in capsys.readouterr().err


def test_what_could_not_be_healed_is_worse_than_any_verdict(runner: Runner) -> None:
    finished = runner(FAIL, settle=raising(HealFailed("link stays cut")))
    assert finished.exit_code is ExitCode.HEAL_FAILED
    assert told(finished) == ["error: link stays cut"]


def test_what_is_left_behind_is_a_failure_to_heal(runner: Runner) -> None:
    finished = runner(PASS, left=lambda: None)
    assert (finished.exit_code, finished.left) == (ExitCode.HEAL_FAILED, ("engine-alpha",))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AdapterError("hung"), ExitCode.UNKNOWN),
        (EnvironmentUnfit("port 80 is taken"), ExitCode.UNKNOWN),
        (HarnessError("broken"), ExitCode.INTERNAL),
        (OSError("no space"), ExitCode.INTERNAL),
    ],
)
def test_an_error_at_the_start_is_told_and_unknown(runner: Runner, error: Exception, code: ExitCode) -> None:
    finished = runner(bring_up=raising(error))
    assert finished.judgement.outcome is Outcome.UNKNOWN
    assert finished.exit_code is code
    assert told(finished) == [f"error: {error}"]


@pytest.mark.parametrize("step", ["bring_up", "inject", "settle", "freeze"])
def test_a_bug_takes_the_stack_down_and_is_told_like_anything_else(runner: Runner, step: str) -> None:
    bug = ZeroDivisionError("of the harness")
    finished = runner(**{step: raising(bug)})
    assert FakeBench.made.log[-1] == "tear_down"
    assert finished.broke is bug
    assert (finished.exit_code, finished.judgement.outcome) == (ExitCode.INTERNAL, Outcome.UNKNOWN)
    assert told(finished) == ["error: internal error: ZeroDivisionError: of the harness"]
    assert finished.folder is not None
    assert judge_again(load_run(finished.folder.path)) == finished.judgement == read_verdicts(finished.folder)


def test_what_keeps_a_run_from_beginning_is_raised(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "bench_for", lambda *_, **__: raising(OSError("no room"))())
    with pytest.raises(OSError, match="no room"):
        runner()


@pytest.mark.parametrize("error", [OSError("no answer"), HarnessError("no answer"), KeyError("no answer")])
def test_a_stack_that_cannot_be_taken_down_is_a_failure_to_heal(runner: Runner, error: Exception) -> None:
    finished = runner(PASS, tear_down=raising(error))
    assert finished.broke is error
    assert finished.exit_code is ExitCode.HEAL_FAILED
    assert finished.left == (f"the stack could not be taken down whole: {error}",)
    assert "healing failed" in finished.stops


def test_nothing_starts_after_a_ctrl_c_that_a_worse_error_outranks(runner: Runner) -> None:
    def both() -> None:
        ctrl_c()
        raise HarnessError("broken")

    finished = runner(begin_load=both)
    assert finished.exit_code is ExitCode.INTERNAL
    assert finished.stops == "somebody asked to stop"
    assert runner(PASS).stops == ""


def test_a_load_that_breaks_stops_the_run_as_unknown(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeBench, "trouble", "a worker died")
    finished = runner()
    assert finished.exit_code is ExitCode.UNKNOWN
    assert "error: a worker died" in told(finished)


def test_an_unsteady_stack_is_not_broken(runner: Runner) -> None:
    runner(unsteady=lambda: None)
    assert "inject" not in FakeBench.made.log


def test_a_failed_heal_still_leaves_a_history(runner: Runner) -> None:
    def broken() -> None:
        raise HealFailed("the cut was not lifted")

    finished = runner(PASS, settle=broken)
    assert finished.exit_code is ExitCode.HEAL_FAILED
    assert "freeze" in FakeBench.made.log


def test_a_dead_proxy_is_no_failure_to_heal(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        FakeBench.made.site.problem = lambda: "the fault proxy has died"
        raise HealFailed("the cut was not lifted")

    assert runner(PASS, settle=broken).exit_code is not ExitCode.HEAL_FAILED
