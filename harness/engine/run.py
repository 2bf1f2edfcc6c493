"""Runs one scenario: up, load, faults, heal, freeze, judge, down: one straight walk that heals and tells, come what may."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass

from harness.checks.judging import judge_all
from harness.engine.ground import Ground
from harness.engine.grounds import ground_for
from harness.engine.interrupts import Interrupted, Interrupts
from harness.engine.play import Acts, Play, Stop, Task
from harness.engine.setup import Setup
from harness.engine.timeline import Due
from harness.engine.verdict_file import write_verdicts
from harness.faults.contract import Fault, Move
from harness.history.folder import RunFolder
from harness.history.journal import Observer
from harness.history.meta import RunMeta
from harness.history.run import load_run
from harness.model import events as e
from harness.model.errors import HarnessError, HealFailed
from harness.model.judgement import Judgement
from harness.model.outcome import ExitCode, Outcome
from harness.scenario.scenario import Scenario, TimelineEntry

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


def run_scenario(setup: Setup, *, observers: tuple[Observer, ...] = ()) -> Finished:
    """Run one scenario to its end, or to whatever stops it; the stack is gone when this returns.

    Raises what kept the run from beginning (no room for its folder, no adapter); then there is nothing to heal.
    """
    bench = ground_for(setup, observers=observers)
    codes: set[ExitCode] = set()
    broke: Exception | None = None
    with Interrupts(wake=bench.wake, say_left=lambda: _say_left(bench)) as interrupts:
        try:
            _walk(bench, interrupts, codes)
            _save_evidence(bench)
        except Exception as bug:
            broke = bug
            codes.add(ExitCode.INTERNAL)
            _tell_aborted(bench, "error", f"internal error: {type(bug).__name__}: {bug}")
        finally:
            left, failure = _take_down(bench)
        # The journal is closed: what is judged now is what anybody judges later, byte for byte.
        judgement = _judge(bench)
        write_verdicts(bench.folder, judgement)
    if left:
        codes.add(ExitCode.HEAL_FAILED)
    if interrupts.requested:
        codes.add(ExitCode.INTERRUPTED)  # also when it came while the load was drained
    codes.add(code_of(judgement.outcome))
    return Finished(
        bench.meta,
        judgement,
        bench.folder,
        ExitCode.of(codes),
        left=left,
        interrupted=interrupts.requested,
        broke=broke or failure,
    )


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
        defect=setup.defect,
        overrides=setup.overrides,
        stack_file=setup.stack_file,
    )


def _walk(bench: Ground, interrupts: Interrupts, codes: set[ExitCode]) -> None:
    stop = Stop.ENDED
    try:
        with interrupts.breakable():
            bench.bring_up()
        zero_ns = bench.begin_load()
        stop = _play(bench, interrupts, zero_ns)
    except Interrupted:
        stop = Stop.INTERRUPTED
    except (HarnessError, OSError) as error:
        _tell_aborted(bench, "error", str(error))
        codes.add(error.exit_code if isinstance(error, HarnessError) else ExitCode.INTERNAL)
    _tell_stop(bench, stop, codes)
    _wind_down(bench, codes)


def _play(bench: Ground, interrupts: Interrupts, zero_ns: int) -> Stop:
    scenario = bench.setup.scenario
    zero_at = zero_ns - bench.origin_ns

    def inject(entry: TimelineEntry, fault: Fault, asked_ns: int, due: Due[Task]) -> tuple[Move, ...]:
        if due.trigger is not None and due.trigger_ns is not None:
            bench.emit(
                e.FaultTriggered(
                    at_ns=bench.now(),
                    fault_id=entry.id,
                    trigger=due.trigger,
                    trigger_ns=due.trigger_ns + zero_at,
                )
            )
        return bench.inject(entry.id, fault, asked_ns=asked_ns + zero_at)

    play = Play(
        scenario,
        zero_ns=zero_ns,
        inbox=bench.inbox,
        acts=Acts(
            inject=inject,
            heal=lambda fault_id, asked_ns: bench.heal(fault_id, asked_ns=asked_ns + zero_at),
            move=lambda fault_id, move: bench.nemesis.move(fault_id, move),
            steady=bench.judge_steady_state,
            tick=lambda: _tick(bench, interrupts, scenario),
            clock_ns=bench.clock_ns,
        ),
    )
    stop = play.run()
    for moment in play.still_waiting():
        bench.emit(
            e.FaultFailed(
                at_ns=bench.now(), fault_id=_who_waits(scenario, moment), reason=f"{moment} never happened"
            )
        )
    return stop


def _tick(bench: Ground, interrupts: Interrupts, scenario: Scenario) -> Stop | None:
    bench.look_around()
    if interrupts.requested:
        return Stop.INTERRUPTED
    if bench.timed_out or bench.problem():
        return Stop.GUARD
    guard = scenario.abort_when.availability if scenario.abort_when is not None else None
    if guard is None or guard.for_s is None or guard.max is None or bench.zero_ns is None:
        return None
    if bench.now() + bench.origin_ns - bench.zero_ns < guard.for_s * 1e9:
        return None
    share = bench.availability(guard.for_s)
    return Stop.GUARD if share is not None and share <= guard.max else None


def _who_waits(scenario: Scenario, moment: str) -> str:
    return next(
        (entry.id for entry in scenario.timeline if entry.when is not None and entry.when.key == moment),
        moment,
    )


def _tell_stop(bench: Ground, stop: Stop, codes: set[ExitCode]) -> None:
    if stop is Stop.INTERRUPTED:
        codes.add(ExitCode.INTERRUPTED)
        _tell_aborted(bench, "interrupted", "somebody asked to stop")
    elif stop is Stop.GUARD and not bench.timed_out:
        problem = bench.problem()
        codes.add(ExitCode.UNKNOWN if problem else ExitCode.GUARD_ABORTED)
        reason = problem or "availability stayed at or below the bound of `abort_when`"
        _tell_aborted(bench, "error" if problem else "guard", reason)


def _wind_down(bench: Ground, codes: set[ExitCode]) -> None:
    """Heal, then freeze, as far as there is something to heal and to freeze; a failed heal leaves a history all the same."""
    for needed, act in ((bench.has_site, bench.settle), (bench.zero_ns is not None, bench.freeze)):
        if not needed:
            continue
        try:
            act()
        except (HarnessError, OSError) as error:
            # With the proxy dead there is no cut left to lift: nothing is broken that a heal could mend.
            if isinstance(error, HealFailed) and not bench.beyond_healing():
                codes.add(ExitCode.HEAL_FAILED)
            _tell_aborted(bench, "error", str(error))


def _take_down(bench: Ground) -> tuple[tuple[str, ...], Exception | None]:
    """End everything; answers what is left, and what went wrong: then nobody knows what is left."""
    try:
        return bench.tear_down(), None
    except Exception as error:
        return (f"the stack could not be taken down whole: {error}",), error


def _tell_aborted(bench: Ground, cause: str, reason: str) -> None:
    """Tell why a run was stopped; on a full disk there is nowhere to write it, and the run is over all the same."""
    with suppress(OSError):
        bench.emit(e.RunAborted(at_ns=bench.now(), cause=cause, reason=reason))


def _save_evidence(bench: Ground) -> None:
    """Keep what the services hold when the run failed; what can't be kept spoils no verdict."""
    if bench.has_site and _judge(bench).outcome is Outcome.FAIL:
        with suppress(HarnessError, OSError):
            bench.save_evidence(bench.folder.path / "evidence")


def _judge(bench: Ground) -> Judgement:
    return judge_all(load_run(bench.folder.path), bench.setup.scenario.expect)


def _say_left(bench: Ground) -> None:
    active = ", ".join(bench.nemesis.active) if bench.has_site and bench.nemesis.active else "none"
    sys.stderr.write(
        f"\nnow: {bench.phase}; faults in force: {active}. If process {os.getpid()} is killed (kill -9), the guardian "
        "heals and ends what is left within a second.\n"
    )
