"""Runs of one suite that repeat each other, and what they come to together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from harness.history.meta import RunMeta
from harness.model.outcome import Outcome
from harness.model.shares import share_at_most
from harness.report.failovers import Failovers, failovers_of
from harness.report.judged import Judged, Retried
from harness.report.names import row_name

_OF_A_MACHINE: Final = ("cpus", "memory_gib", "system")


@dataclass(frozen=True, slots=True)
class Repeats:
    """Runs of one scenario with the same parameters, which differ in their seeds alone."""

    name: str
    runs: tuple[Judged, ...]

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many runs came to each outcome, zeros included."""
        return {outcome: sum(run.judgement.outcome is outcome for run in self.runs) for outcome in Outcome}

    @property
    def outcome(self) -> Outcome:
        """The worst of all runs."""
        return Outcome.worst(run.judgement.outcome for run in self.runs)

    @property
    def judged(self) -> int:
        """How many runs came to PASS or FAIL: the others prove nothing either way."""
        return self.counts[Outcome.PASS] + self.counts[Outcome.FAIL]

    @property
    def failed(self) -> int:
        return self.counts[Outcome.FAIL]

    @property
    def failure_at_most(self) -> float:
        """The share of all runs that fail: the exact one-sided 95 % bound (Clopper-Pearson).

        What was not judged, and each attempt that was made again, counts as a failure: a failure of timing on a disturbed
        machine is not judged, and a success is, so that to leave them out would flatter.
        """
        return share_at_most(self.failed + self.unjudged, self.judged + self.unjudged)

    @property
    def unjudged(self) -> int:
        """How many runs, and attempts that were made again, came to no verdict."""
        return self.counts[Outcome.UNKNOWN] + len(self.retried)

    @property
    def failovers(self) -> Failovers | None:
        """Their failover times; None where none was asked for."""
        began = (run.judgement for run in self.runs if run.judgement.outcome is not Outcome.NOT_RUN)
        return failovers_of(began, retried=len(self.retried))

    @property
    def retried(self) -> tuple[Retried, ...]:
        """All attempts that were made again."""
        return tuple(attempt for run in self.runs for attempt in run.retried)


def repeats_of(runs: Iterable[Judged]) -> tuple[Repeats, ...]:
    """The repeated runs among those of a suite, by name; runs that nothing repeats are in none."""
    return tuple(group for group in groups_of(runs) if len(group.runs) > 1)


def groups_of(runs: Iterable[Judged]) -> tuple[Repeats, ...]:
    """All runs, by name, with those that repeat them: a run that nothing repeats is a group of its own.

    Only what was asked for in the same words is put together, the scenario as it was resolved, stack, defect and platform,
    and was run by the same versions on like machines. In virtual time one seed is one run, however often it was made.
    """
    groups: dict[bytes, list[Judged]] = defaultdict(list)
    for run in runs:
        groups[_asked(run.meta)].append(run)
    found = [_samples(group) for group in groups.values()]
    names = [row_name(group[0].meta, seed=False) for group in found]
    told = [
        Repeats(name if names.count(name) == 1 else f"{name} ({_where(group[0].meta)})", group)
        for name, group in zip(names, found, strict=True)
    ]
    return tuple(sorted(told, key=lambda one: one.name))


def _asked(meta: RunMeta) -> bytes:
    """All that a run was asked for, but its seed."""
    document = {key: value for key, value in meta.document.items() if key != "seed"}
    asked = (meta.scenario, meta.variables, document, meta.stack, meta.stack_file, meta.defect, meta.platform)
    machine = {key: value for key, value in meta.machine.items() if key in _OF_A_MACHINE}
    ran = (meta.versions, meta.image_digests, machine)
    return msgspec.json.encode((*asked, meta.overrides, *ran), order="sorted")


def _samples(group: Iterable[Judged]) -> tuple[Judged, ...]:
    """Those that tell something of their own."""
    once: dict[tuple[int, str], Judged] = {}
    for run in group:
        once.setdefault((run.meta.seed, "" if run.meta.platform == "sim" else run.meta.run_id), run)
    return tuple(once.values())


def _where(meta: RunMeta) -> str:
    version = meta.versions.get("failover-harness", "")
    return ", ".join(filter(None, (f"platform {meta.platform}", *meta.overrides, version)))
