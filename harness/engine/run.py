"""Runs one scenario: up, load, faults, heal, freeze, judge, down: one straight walk that heals and tells, come what may."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress

import msgspec

from harness.checks.judging import judge_all
from harness.engine.bench import Bench
from harness.engine.benches import bench_for
from harness.engine.finished import Finished, code_of
from harness.engine.garbage import old_objects_left_alone
from harness.engine.interrupts import Interrupted, Interrupts
from harness.engine.play import Acts, Play, Stop, Task
from harness.engine.setup import Setup
from harness.engine.timeline import Due
from harness.engine.verdict_file import write_verdicts
from harness.faults.contract import Fault, Move
from harness.history.folder import RunFolder
from harness.history.journal import Observer
from harness.history.run import load_run
from harness.model import events as e
from harness.model.errors import HarnessError, HealFailed, OutOfTime
from harness.model.judgement import Judgement
from harness.model.outcome import ExitCode, Outcome
from harness.scenario.scenario import Scenario, TimelineEntry

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def run_scenario(setup: Setup, *, observers: tuple[Observer, ...] = ()) -> Finished:
    """Run one scenario to its end, or to whatever stops it; the stack is gone when this returns.

    A run that can't be written down whole (a full disk) is UNKNOWN at best, and says so. Raises what kept it from beginning
    (no room for its folder, no adapter); then there is nothing to heal.
    """
    bench = bench_for(setup, observers=observers)
    codes: set[ExitCode] = set()
    broke: Exception | None = None
    with (
        old_objects_left_alone(),
        Interrupts(wake=bench.wake, say_left=lambda: _say_left(bench)) as interrupts,
    ):
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
        unwritten = [why for why in (bench.record.refused, _store(bench.record.folder, judgement)) if why]
    if left:
        codes.add(ExitCode.HEAL_FAILED)
    if interrupts.requested:
        codes.add(ExitCode.INTERRUPTED)  # also when it came while the load was drained
    judgement = _doubted(judgement, *unwritten)
    codes.add(code_of(judgement.outcome))
    return Finished(
        bench.record.meta,
        judgement,
        bench.record.folder,
        ExitCode.of(codes),
        left=left,
        interrupted=interrupts.requested,
        broke=broke or failure,
    )


def _walk(bench: Bench, interrupts: Interrupts, codes: set[ExitCode]) -> None:
    stop = Stop.ENDED
    try:
        with interrupts.breakable():
            bench.bring_up()
        zero_ns = bench.begin_load()
        stop = _play(bench, interrupts, zero_ns)
    except Interrupted:
        stop = Stop.INTERRUPTED
    except HarnessError as error:
        _tell_aborted(bench, _cause(error), str(error))
        codes.add(error.exit_code)
    except OSError as error:
        _tell_aborted(bench, "error", _said(error, bench.record.folder))
        codes.add(ExitCode.UNKNOWN if error.errno in _FULL else ExitCode.INTERNAL)
    _tell_stop(bench, stop, codes)
    _wind_down(bench, codes)


def _play(bench: Bench, interrupts: Interrupts, zero_ns: int) -> Stop:
    scenario = bench.setup.scenario
    zero_at = zero_ns - bench.record.origin_ns

    def inject(entry: TimelineEntry, fault: Fault, asked_ns: int, due: Due[Task]) -> tuple[Move, ...]:
        if due.trigger is not None and due.trigger_ns is not None:
            bench.record.emit(
                e.FaultTriggered(
                    at_ns=bench.record.now(),
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
            prepare=lambda entry, fault: bench.prepare(entry.id, fault),
            clock_ns=bench.clock_ns,
        ),
    )
    stop = play.run()
    for moment in play.still_waiting():
        bench.record.emit(
            e.FaultFailed(
                at_ns=bench.record.now(),
                fault_id=_who_waits(scenario, moment),
                reason=f"{moment} never happened",
            )
        )
    return stop


def _tick(bench: Bench, interrupts: Interrupts, scenario: Scenario) -> Stop | None:
    bench.look_around()
    if interrupts.requested:
        return Stop.INTERRUPTED
    if bench.timed_out or bench.problem():
        return Stop.GUARD
    guard = scenario.abort_when.availability if scenario.abort_when is not None else None
    if guard is None or guard.for_s is None or guard.max is None or bench.zero_ns is None:
        return None
    if bench.record.now() + bench.record.origin_ns - bench.zero_ns < guard.for_s * 1e9:
        return None
    share = bench.availability(guard.for_s)
    return Stop.GUARD if share is not None and share <= guard.max else None


def _who_waits(scenario: Scenario, moment: str) -> str:
    return next(
        (entry.id for entry in scenario.timeline if entry.when is not None and entry.when.key == moment),
        moment,
    )


def _tell_stop(bench: Bench, stop: Stop, codes: set[ExitCode]) -> None:
    if stop is Stop.INTERRUPTED:
        codes.add(ExitCode.INTERRUPTED)
        _tell_aborted(bench, "interrupted", "somebody asked to stop")
    elif stop is Stop.GUARD and not bench.timed_out:
        problem = bench.problem()
        codes.add(ExitCode.UNKNOWN if problem else ExitCode.GUARD_ABORTED)
        reason = problem or "availability stayed at or below the bound of `abort_when`"
        _tell_aborted(bench, "error" if problem else "guard", reason)


def _wind_down(bench: Bench, codes: set[ExitCode]) -> None:
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
            said = _said(error, bench.record.folder) if isinstance(error, OSError) else str(error)
            _tell_aborted(bench, _cause(error), said)


def _take_down(bench: Bench) -> tuple[tuple[str, ...], Exception | None]:
    """End everything; answers what is left, and what went wrong: then nobody knows what is left."""
    try:
        return bench.tear_down(), None
    except Exception as error:
        return (f"the stack could not be taken down whole: {error}",), error


def _tell_aborted(bench: Bench, cause: str, reason: str) -> None:
    bench.record.emit(e.RunAborted(at_ns=bench.record.now(), cause=cause, reason=reason))


def _cause(error: Exception) -> str:
    return "timeout" if isinstance(error, OutOfTime) else "error"


def _said(error: OSError, folder: RunFolder) -> str:
    """What the system refused, and where, without its number; what finds no room and names no file is the run's folder."""
    where = error.filename or (folder.path if error.errno in _FULL else "")
    return f"{error.strerror or error} ({where})" if where else f"{error.strerror or error}"


def _store(folder: RunFolder, judgement: Judgement) -> str:
    """Write the verdicts; answers why they can't be written, or nothing."""
    try:
        write_verdicts(folder, judgement)
    except OSError as error:
        return f"the verdicts can't be written: {_said(error, folder)}"
    return ""


def _doubted(judgement: Judgement, *unwritten: str) -> Judgement:
    """A judgement on a run that could not be written down whole is UNKNOWN at best."""
    if not unwritten:
        return judgement
    return msgspec.structs.replace(
        judgement,
        outcome=Outcome.worst((judgement.outcome, Outcome.UNKNOWN)),
        reasons=(*unwritten, *judgement.reasons),
        environment_caused=False,
    )


def _save_evidence(bench: Bench) -> None:
    """Keep what the services hold when the run failed; what can't be kept spoils no verdict."""
    if bench.has_site and bench.leaves_evidence and _judge(bench).outcome is Outcome.FAIL:
        with suppress(HarnessError, OSError):
            bench.save_evidence(bench.record.folder.path / "evidence")


def _judge(bench: Bench) -> Judgement:
    return judge_all(load_run(bench.record.folder.path), bench.setup.scenario.expect)


def _say_left(bench: Bench) -> None:
    active = ", ".join(bench.nemesis.active) if bench.has_site and bench.nemesis.active else "none"
    sys.stderr.write(
        f"\nnow: {bench.phase}; faults in force: {active}. If process {os.getpid()} is killed (kill -9), the guardian "
        "heals and ends what is left within a second.\n"
    )
