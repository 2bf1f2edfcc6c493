"""Runs scenarios one after another: what can't be done here is told, what the machine spoiled is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Final

from harness.engine.finished import Finished, not_run
from harness.engine.run import run_scenario
from harness.engine.setup import Setup
from harness.faults.contract import Capability, Fault
from harness.guardian.recovery import heal_orphans
from harness.guardian.stack_lock import stack_lock
from harness.history.journal import Observer
from harness.model.outcome import ExitCode, Outcome
from harness.platforms.contract import Platform
from harness.scenario.scenario import Scenario

MOST_RETRIES: Final = 2


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at one scenario; `number` counts from 1. `final` says that no other attempt follows."""

    finished: Finished
    number: int
    final: bool


def run_suite(
    setups: Iterable[Setup],
    *,
    observers: Callable[[Setup], tuple[Observer, ...]] = lambda _: (),
    retries: int = MOST_RETRIES,
) -> Iterator[Attempt]:
    """Run each; only an UNKNOWN whose cause is the environment is tried again, at most twice; every attempt is kept.

    Before anything else, what a dead harness left broken is healed. Stops after an interruption, and where healing
    failed. A bug that broke a run off is raised after its attempt; what kept a run from beginning is raised instead of
    one: `EnvironmentUnfit` when somebody else runs the stack, `OSError` when there is no room.
    """
    heal_orphans()
    for setup in setups:
        with stack_lock(setup.stack) if setup.platform.exclusive else nullcontext():
            for attempt in _attempts(setup, observers, retries):
                yield attempt
                if attempt.finished.broke is not None:
                    raise attempt.finished.broke
                if attempt.finished.stops:
                    return


def lacking(scenario: Scenario, platform: Platform) -> dict[Capability, str]:
    """What a scenario needs and a platform can't do, each with the id of a fault that needs it."""
    can = platform.capabilities()
    return {
        capability: entry.id
        for entry in scenario.timeline
        if isinstance(entry.parameters, Fault)
        for capability in sorted(entry.parameters.needed())
        if capability not in can
    }


def why_not(scenario: Scenario, platform: Platform) -> str:
    """Why a platform can't carry a scenario out, and what would make it possible; empty when it can."""
    return "; ".join(
        f"the fault {fault_id} needs {capability}: {platform.lacking(capability)}"
        for capability, fault_id in lacking(scenario, platform).items()
    )


def exit_code(attempts: Iterable[Attempt]) -> ExitCode:
    """The code of a suite: that of its final attempts, and of the last one when none followed after all.

    Nothing at all is `NOTHING_TO_RUN`.
    """
    told = tuple(attempts)
    codes = [attempt.finished.exit_code for attempt in told if attempt.final or attempt is told[-1]]
    return ExitCode.of(codes) if codes else ExitCode.NOTHING_TO_RUN


def repeated(scenarios: Iterable[Scenario], times: int) -> Iterator[Scenario]:
    """All scenarios, `times` over: the first round with their own seeds, each later one with the next.

    Round by round, so that what changes on the machine while they run falls on all of them alike.
    """
    once = tuple(scenarios)
    for repeat in range(times):
        for scenario in once:
            yield scenario.with_seed((scenario.seed + repeat) % 2**32)


def _attempts(
    setup: Setup, observers: Callable[[Setup], tuple[Observer, ...]], retries: int
) -> Iterator[Attempt]:
    why = why_not(setup.scenario, setup.platform)
    if why:
        yield Attempt(not_run(setup, why), 1, final=True)
        return
    for number in range(1, retries + 2):
        finished = run_scenario(setup, observers=observers(setup))
        again = (
            finished.judgement.outcome is Outcome.UNKNOWN
            and finished.judgement.environment_caused
            and finished.exit_code is ExitCode.UNKNOWN
            and number <= retries
        )
        yield Attempt(finished, number, final=not again)
        if not again:
            return
        setup = replace(setup, retry_of=finished.meta.run_id)
