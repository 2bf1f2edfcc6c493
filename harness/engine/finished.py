"""What came of one run, and what is known of one that never was."""

from __future__ import annotations

from dataclasses import dataclass

from harness.engine.machine import machine_facts, versions
from harness.engine.setup import Setup
from harness.history.folder import RunFolder
from harness.history.meta import RunMeta
from harness.model.judgement import Judgement
from harness.model.outcome import ExitCode, Outcome

_CODES = {
    Outcome.PASS: ExitCode.PASSED,
    Outcome.FAIL: ExitCode.FAILED,
    Outcome.UNKNOWN: ExitCode.UNKNOWN,
    Outcome.NOT_RUN: ExitCode.NOT_RUN,
}


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of one run. `folder` is None for one that was not run; `left` is what of the stack is still there.

    `broke` is an error that nobody foresaw (a bug of the harness, a stack that can't be taken down): the run is told, healed
    and judged all the same, and whoever runs it raises the error.
    """

    meta: RunMeta
    judgement: Judgement
    folder: RunFolder | None
    exit_code: ExitCode
    why_not_run: str = ""
    left: tuple[str, ...] = ()
    interrupted: bool = False
    broke: Exception | None = None

    @property
    def stops(self) -> str:
        """Why nothing else may start after it; empty when the next run may."""
        if self.exit_code is ExitCode.HEAL_FAILED:
            return "healing failed, and nothing may start on what is broken"
        if self.interrupted or self.exit_code is ExitCode.INTERRUPTED:
            return "somebody asked to stop"
        return ""


def code_of(outcome: Outcome) -> ExitCode:
    """The exit code that an outcome by itself leads to."""
    return _CODES[outcome]


def not_run(setup: Setup, why: str) -> Finished:
    """The result of a scenario that this platform can't carry out."""
    return Finished(
        planned_run(setup), Judgement(Outcome.NOT_RUN, ()), None, ExitCode.NOT_RUN, why_not_run=why
    )


def planned_run(setup: Setup) -> RunMeta:
    """What is known of a run before it begins."""
    scenario = setup.scenario
    return RunMeta(
        run_id="",
        scenario=scenario.name,
        seed=scenario.seed,
        platform=setup.platform.name,
        stack=setup.stack.name,
        file=str(scenario.path),
        variables=dict(scenario.variant),
        document=scenario.resolved_document(),
        versions=versions(),
        machine=machine_facts(),
        defect=setup.defect,
        overrides=setup.overrides,
        stack_file=setup.stack_file,
    )
