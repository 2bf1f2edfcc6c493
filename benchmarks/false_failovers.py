"""Failovers that nobody needs, under disturbances that are no reason for one: an hour of them, and none is allowed.

    python benchmarks/false_failovers.py [--minutes 10] [--hours 1] [--schedules 2000] [--defect naive-timeout]

DESIGN names the disturbances: 100 ms more on every WAN link of the primary for 5 s; stalls of 200 ms on all of them; jitter
of ten round trips of the slowest pair; their connections reset. Each is repeated for as long as a run lasts, at moments that
its seed draws; and all of them follow each other in a run. Two at once (`--only stalls+resets`) are more than what is
promised: a reset connection that must be dialled again through a stall comes back too late for its sentinels.
`--minutes` of it run on local processes, the
rest of `--hours` in virtual time, by the same scenarios; and `--schedules` of the protocol alone, many times faster, whose
links have other delays (the generator `harmless`): they are told by themselves. Their time counts from the first strike to
the end of the last; how much of it something was in force stands beside it. Freezes of up to 200 ms, about which nothing is
promised, are no part of it.

Only time under disturbance counts, for which there is evidence (a reset beneath a stall can take it away: such a run is
UNKNOWN, and counts as far as there is some). Trains of stalls and resets count whole, from the first to the last: one
follows less than a second after the other. Told are changes of the primary, elections begun, how often one sentinel and a
majority suspected the primary, and what the rate of false failovers is at most, with 95 % confidence (3/T for none).

Exit codes: 2 when somebody interrupted it; else 1 when there was a false failover, or a run was not played to its end (a
planted defect, `--defect`, must end so); else 7 when less time under disturbance was measured than was asked for.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

import yaml
from harmless_schedules import Disturbed, union_ns
from harmless_schedules import tell as tell_kinds

from harness.engine.platforms import platform_named
from harness.engine.setup import Setup, planted, seeded
from harness.engine.suite import run_suite
from harness.engine.vocabulary import vocabulary
from harness.history.run import Run, load_run
from harness.model.events import PhaseTimedOut, RunAborted, SteadyStateJudged
from harness.model.outcome import ExitCode, Outcome
from harness.scenario.loading import load_scenarios
from harness.stack.reading import read_stack
from trading_stack.defects import Defect
from trading_stack.simulation.harmless import DISTURBANCES, disturbance, harmless
from trading_stack.simulation.playing import run as play

COMPOSE: Final = Path(__file__).resolve().parents[1] / "docker-compose.yml"
FIRST_S: Final = 2.2
DISTURBED_S: Final = 54.0
AFTER_S: Final = 2.0
TEN_ROUND_TRIPS_MS: Final = 50
MOST_UNKNOWN: Final = 10
Entry = dict[str, object]


def latency(at_s: float, lasts_s: float, name: str, **settings: object) -> Entry:
    """Links of the primary's provider get slower."""
    return {
        "id": name,
        "at": f"{at_s * 1000:.0f}ms",
        "fault": "latency",
        "target": {"provider": "primary"},
        "lasts": f"{lasts_s * 1000:.0f}ms",
        **settings,
    }


def slow(random: Random) -> Iterator[Entry]:
    """100 ms more for 5 s, again and again."""
    at_s = FIRST_S
    while at_s + 5 <= FIRST_S + DISTURBED_S:
        yield latency(at_s, 5, f"slow-{at_s:.0f}", latency="100ms")
        at_s += 5 + random.uniform(0.2, 1.0)


def stalls(random: Random) -> Iterator[Entry]:
    """What is sent within 200 ms arrives at their end at the earliest."""
    at_s = FIRST_S
    while at_s < FIRST_S + DISTURBED_S:
        every_s = random.uniform(0.5, 0.9)
        train = {"latency": "200ms", "shape": "spikes", "spike": "200ms", "count": 5}
        lasts_s = 4 * every_s + 0.25
        yield latency(at_s, lasts_s, f"stalls-{at_s:.0f}", **train, every=f"{every_s * 1000:.0f}ms")
        at_s += lasts_s + random.uniform(0.2, 0.6)


def jitter(random: Random) -> Iterator[Entry]:
    """Each direction varies by ten round trips."""
    at_s, half = FIRST_S, f"{TEN_ROUND_TRIPS_MS / 2:g}ms"
    while at_s + 4 < FIRST_S + DISTURBED_S:
        yield latency(at_s, 4, f"jitter-{at_s:.0f}", latency=half, jitter=half)
        at_s += 4 + random.uniform(0.2, 1.0)


def resets(random: Random) -> Iterator[Entry]:
    """All connections of the primary's provider are cut once, less than a second after the last time."""
    at_s, number = FIRST_S, 0
    while at_s < FIRST_S + DISTURBED_S:
        fault = {"fault": "connection_reset", "target": {"provider": "primary"}}
        yield {"id": f"reset-{number}", "at": f"{at_s * 1000:.0f}ms", **fault}
        at_s, number = at_s + random.uniform(0.4, 0.95), number + 1


ALONE: Final[dict[str, Callable[[Random], Iterator[Entry]]]] = {
    "slow": slow,
    "stalls": stalls,
    "jitter": jitter,
    "resets": resets,
}
IN_TURN: Final = "in-turn"
KINDS: Final = (*ALONE, IN_TURN)
AT_ONCE: Final = ("slow+resets", "stalls+resets", "jitter+resets")


def in_turn(random: Random) -> Iterator[Entry]:
    """A quarter of the time each."""
    share_ms = DISTURBED_S * 1000 / len(ALONE)
    for number, make in enumerate(ALONE.values()):
        from_ms = FIRST_S * 1000 + number * share_ms
        for entry in make(random):
            at_ms, lasts_ms = (
                float(str(entry.get(key, "0ms")).removesuffix("ms")) for key in ("at", "lasts")
            )
            if from_ms <= at_ms and at_ms + lasts_ms < from_ms + share_ms:
                yield entry


def timeline(kind: str, seed: int) -> list[Entry]:
    """What strikes in one run."""
    if kind == IN_TURN:
        return list(in_turn(Random(seed)))
    return [entry for part in kind.split("+") for entry in ALONE[part](Random(f"{seed}/{part}"))]


def scenario_text(kind: str, seed: int) -> str:
    """One run of a disturbance, or of two at once."""
    return yaml.safe_dump(
        {
            "scenario": "disturbances",
            "summary": f"{kind}, for as long as it lasts: no reason to replace the primary.",
            "load": {"orders_per_s": 50, "probe_every": "50ms"},
            "steady_state": {"for": "2s", "availability": {"min": "99%"}},
            "timeline": timeline(kind, seed),
            "ends": f"{FIRST_S + DISTURBED_S + 6 + AFTER_S:g}s",
            "seed": seed,
            "expect": {"leader_changes": {"exactly": 0}, "split_brain": None, "data_loss": None},
        },
        sort_keys=False,
    )


@dataclass
class Count:
    """What came of one kind of disturbance on one platform."""

    runs: int = 0
    disturbed_s: float = 0.0
    strikes: int = 0
    told: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    untold: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, run: Run, outcome: Outcome) -> None:
        """Take a run in; one that was not played to its end adds no time, whatever it saw go wrong."""
        self.runs += 1
        self.outcomes[str(outcome)] += 1
        if played(run):
            self.strikes += int(run.faults["convincing"].sum())
            self.disturbed_s += disturbed_s(run)
        else:
            self.untold += 1
        told = run.leadership
        told = told[told["at_ns"] >= run.zero_ns]
        self.told.update(told["kind"])
        self.changes += told.loc[told["kind"] == "primary_promoted", "epoch"].nunique()


def played(run: Run) -> bool:
    """Whether the run was steady before, and came to its end."""
    steady = any(isinstance(each, SteadyStateJudged) and each.outcome is Outcome.PASS for each in run.events)
    return steady and not any(isinstance(each, RunAborted | PhaseTimedOut) for each in run.events)


def disturbed_s(run: Run) -> float:
    """How long disturbances were measured to be in force: the union of latencies and of trains of resets."""
    faults = run.faults[run.faults["convincing"]]
    lasting = faults[faults["fault"] == "latency"]
    ended = lasting["lifted_ns"].fillna(lasting["last_effect_ns"])
    spans = list(zip(lasting["first_effect_ns"], ended, strict=True))
    at_ns = sorted(faults.loc[faults["fault"] == "connection_reset", "first_effect_ns"])
    spans += [(one, next_one) for one, next_one in pairwise(at_ns) if next_one - one < 1e9]
    return float(union_ns(spans)) / 1e9


@dataclass
class Campaign:
    """All runs of one platform. `stopped` is why no other may follow; None when there were as many as there were to be."""

    wanted_s: float
    counts: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    stopped: ExitCode | None = None

    @property
    def disturbed_s(self) -> float:
        return sum(count.disturbed_s for count in self.counts.values())

    def code(self, *, wrong: int) -> ExitCode:
        """The exit code, with so much that went wrong; says when less was seen than was asked for."""
        if self.disturbed_s < self.wanted_s:
            print(f"only {self.disturbed_s / 60:.1f} of {self.wanted_s / 60:g} minutes under disturbance")
        if self.stopped is not None:
            return self.stopped
        if wrong:
            return ExitCode.FAILED
        return ExitCode.UNKNOWN if self.disturbed_s < self.wanted_s else ExitCode.PASSED


def disturb(
    platform: str, kind: str, seed: int, *, defect: str | None, folder: Path, count: Count
) -> ExitCode | None:
    """One run; the exit code of one that was stopped or could not be, which is then no run."""
    path = folder / "disturbances.yaml"
    path.write_text(scenario_text(kind, seed), encoding="utf-8")
    scenario = load_scenarios(path, vocabulary=vocabulary())[0]
    stack = seeded(read_stack(COMPOSE, variables={}), scenario, variables={})
    runs = folder / "runs"
    setup = Setup(scenario, stack, platform_named(platform), runs, planted(stack, defect), defect=defect)
    (attempt,) = run_suite([setup], retries=0)
    finished = attempt.finished
    judgement = finished.judgement
    if finished.stops or finished.folder is None:
        return ExitCode.INTERRUPTED if finished.interrupted else finished.exit_code
    count.add(load_run(finished.folder.path), judgement.outcome)
    if judgement.outcome is not Outcome.PASS:
        said = [v.summary for v in judgement.verdicts if v.outcome is not Outcome.PASS]
        print(
            f"{platform} {kind} seed {seed}: {judgement.outcome}: {[*judgement.reasons, *said][:2]}",
            flush=True,
        )
    return None


def campaign(platform: str, wanted_s: float, choices: argparse.Namespace) -> Campaign:
    """All kinds in turn, until there was enough of them together."""
    all_runs = Campaign(wanted_s)
    kinds = choices.only or KINDS
    turn, unknown = 0, 0
    while all_runs.disturbed_s < wanted_s and unknown < MOST_UNKNOWN and all_runs.stopped is None:
        kind = kinds[turn % len(kinds)]
        count = all_runs.counts[kind]
        with tempfile.TemporaryDirectory() as text:
            folder, seed = Path(text), choices.seed + turn
            all_runs.stopped = disturb(
                platform, kind, seed, defect=choices.defect, folder=folder, count=count
            )
        unknown += not count.disturbed_s
        turn += 1
    return all_runs


def tell(platform: str, counts: dict[str, Count]) -> int:
    """One line a kind, and all; answers how many changes of the primary there were, and runs that were no PASS."""
    print(f"\n{platform:<16}{'runs':>5}{'minutes':>9}{'strikes':>9}{'changes':>9}{'elections':>11}", end="")
    print(f"{'suspected by one':>18}{'by a majority':>15}   outcomes")
    total = Count()
    for kind, count in counts.items():
        _row(kind, count)
        total.runs += count.runs
        total.disturbed_s += count.disturbed_s
        total.strikes += count.strikes
        total.changes += count.changes
        total.untold += count.untold
        total.told.update(count.told)
        total.outcomes.update(count.outcomes)
    _row("all", total)
    bound(total.changes, total.disturbed_s)
    return total.changes + total.untold + total.outcomes[str(Outcome.FAIL)]


def _row(name: str, count: Count) -> None:
    told = count.told
    outcomes = ", ".join(f"{number} {outcome}" for outcome, number in sorted(count.outcomes.items()))
    print(
        f"{name:<16}{count.runs:>5}{count.disturbed_s / 60:>9.1f}{count.strikes:>9}{count.changes:>9}"
        f"{told['election_started']:>11}{told['primary_suspected']:>18}{told['majority_suspected']:>15}   {outcomes}"
    )


def bound(changes: int, disturbed_s: float) -> None:
    """What the rate is at most; 3/T is -ln(0.05)/T, for none at all."""
    if disturbed_s and not changes:
        print(
            f"no false failover: at most {3 * 3600 / disturbed_s:.2f} an hour of disturbance, with 95 % confidence"
        )
    elif disturbed_s:
        print(f"{changes} false failovers, {changes * 3600 / disturbed_s:.1f} an hour of disturbance")


def protocol(schedules: int, first: int, defect: str | None) -> ExitCode:
    """The protocol alone: whether a schedule broke a rule."""
    defects = frozenset({Defect(defect)}) if defect else frozenset()
    kinds = {name: Disturbed() for name in DISTURBANCES}
    with suppress(KeyboardInterrupt):
        for seed in range(first, first + schedules):
            schedule = harmless(seed)
            kinds[disturbance(seed)].note(schedule, play(schedule, defects).finding)
    played = sum(kind.schedules for kind in kinds.values())
    print(f"\nprotocol alone: {played} of {schedules} schedules")
    promised = tell_kinds(kinds)
    bound(promised.failovers, promised.exposed_s)
    if played < schedules:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED if any(kind.wrong for kind in kinds.values()) else ExitCode.PASSED


def main(arguments: list[str] | None = None) -> int:
    """Run, and tell."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=10, help="on processes (default: %(default)g)")
    asked.add_argument(
        "--hours", type=float, default=1, help="in all, the rest in virtual time (default: %(default)g)"
    )
    asked.add_argument(
        "--schedules", type=int, default=2000, help="of the protocol alone (default: %(default)s)"
    )
    asked.add_argument(
        "--only", action="append", choices=KINDS + AT_ONCE, help="only this disturbance (can be repeated)"
    )
    asked.add_argument("--defect", help="plant a defect, which must be caught")
    asked.add_argument("--seed", type=int, default=1, help="of the first run (default: %(default)s)")
    choices = asked.parse_args(arguments)
    virtual_s = max(0.0, choices.hours * 3600 - choices.minutes * 60)
    codes = []
    for platform, wanted_s in (("process", choices.minutes * 60), ("sim", virtual_s)):
        if wanted_s:
            runs = campaign(platform, wanted_s, choices)
            codes.append(runs.code(wrong=tell(platform, runs.counts)))
            if runs.stopped is not None:
                return ExitCode.of(codes)
    if choices.schedules:
        codes.append(protocol(choices.schedules, choices.seed, choices.defect))
    return ExitCode.of(codes)


if __name__ == "__main__":
    raise SystemExit(main())
