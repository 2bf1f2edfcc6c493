"""Judging a run: every check that was asked for, and whether the run can be trusted at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from harness.checks.circumstances import Reason, reasons
from harness.checks.registry import CHECKS
from harness.checks.strain import contended_shares, unexplained_stalls
from harness.documents.words import unknown
from harness.history.run import Run
from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.model.quantities import Settings
from harness.model.units import format_ns
from harness.model.verdicts import Verdict


def judge_all(
    run: Run, expectations: Mapping[str, Settings], only: Collection[str] | None = None
) -> Judgement:
    """Judge a run by the named expectations; the same history always gives the same judgement, byte for byte.

    `only` names checks (`failover_time`) or predicates (`O2`); one that the expectations lack is judged by its defaults.
    A check that crashes is UNKNOWN. What makes the run as a whole untrustworthy (see `circumstances`) turns PASS, and FAIL
    of anything but correctness, into UNKNOWN: broken is broken, however it came about.

    Raises `UsageError` when a name means nothing.
    """
    chosen = _choose(expectations, only)
    why = (
        reasons(run)
        if chosen
        else (Reason("the scenario expects nothing, so nothing was judged: add `expect:` to it"),)
    )
    verdicts = tuple(_soften(run, _judge(run, name, wanted), why) for name, wanted in chosen.items())
    outcomes = [verdict.outcome for verdict in verdicts]
    unknown = [verdict for verdict in verdicts if verdict.outcome is Outcome.UNKNOWN]
    return Judgement(
        outcome=Outcome.worst([*outcomes, Outcome.UNKNOWN] if why else outcomes),
        verdicts=verdicts,
        reasons=tuple(reason.text for reason in why),
        environment_caused=bool(why or unknown)
        and all(reason.environment_caused for reason in why)
        and all(verdict.environment_caused for verdict in unknown),
    )


def read_expectations(written: Mapping[str, Any]) -> dict[str, Settings]:
    """The expectations of a resolved scenario document (its `expect:`), for judging an old run again.

    Raises `UsageError` for a check that is not installed, `pydantic.ValidationError` for settings that it doesn't have.
    """
    return {
        name: CHECKS.named(name).Expectation.model_validate(value or {}) for name, value in written.items()
    }


def _choose(expectations: Mapping[str, Settings], only: Collection[str] | None) -> dict[str, Settings]:
    for name in expectations:
        CHECKS.named(name)
    if only is None:
        return {name: expectations[name] for name in CHECKS.all() if name in expectations}
    chosen: dict[str, Settings] = {}
    asked = {name.lower() for name in only}
    for name, check in CHECKS.all().items():
        wanted = expectations.get(name) or check.Expectation()
        predicates = tuple(predicate for predicate in check.predicates if predicate.lower() in asked)
        if name.lower() in asked:
            chosen[name] = wanted
        elif predicates:
            chosen[name] = wanted.model_copy(update={"predicates": predicates})
    known = [*CHECKS.all(), *(predicate for check in CHECKS.all().values() for predicate in check.predicates)]
    if strange := sorted(name for name in only if name.lower() not in {one.lower() for one in known}):
        raise unknown("check or predicate", strange[0], known)
    return chosen


def _judge(run: Run, name: str, wanted: Settings) -> Verdict:
    check = CHECKS.named(name)
    try:
        return check().judge(run, wanted)
    except Exception as error:
        return Verdict(
            check=name,
            outcome=Outcome.UNKNOWN,
            summary=f"the check crashed: {type(error).__name__}: {error}",
            correctness=check.correctness,
        )


def _soften(run: Run, verdict: Verdict, why: tuple[Reason, ...]) -> Verdict:
    fails = verdict.outcome is Outcome.FAIL
    spoilt = bool(why) and all(reason.environment_caused for reason in why)
    if verdict.outcome is Outcome.UNKNOWN:  # of a run that the machine spoilt, nothing more could be known
        return msgspec.structs.replace(verdict, environment_caused=verdict.environment_caused or spoilt)
    if why and not (fails and verdict.correctness):
        return _unknown(verdict, why[0].text, environment_caused=spoilt)
    if fails and not verdict.correctness and (text := _slowed(run)):
        return _unknown(verdict, text, environment_caused=True)
    return verdict


def _slowed(run: Run) -> str:
    """What slowed the machine down while the load ran, so that a failure of timing proves nothing; else empty."""
    stalls, shares = unexplained_stalls(run), contended_shares(run)
    if stalls:
        worst = max(stall.stall_ns for stall in stalls)
        return f"the host stood still {len(stalls)} times, up to {format_ns(worst)}, and not because of the stack"
    return f"other processes used up to {max(shares):.0%} of the machine" if shares else ""


def _unknown(verdict: Verdict, why: str, *, environment_caused: bool) -> Verdict:
    return msgspec.structs.replace(
        verdict,
        outcome=Outcome.UNKNOWN,
        summary=f"it would be {verdict.outcome} ({verdict.summary}), but {why}",
        environment_caused=environment_caused,
    )
