"""Campaigns of schedules in virtual time: does the protocol keep its rules, and how soon are planted defects found?

    python benchmarks/schedules.py --schedules 100000 --workers 2
    python benchmarks/schedules.py --schedules 2000 --defect older-epoch-committed
    python benchmarks/schedules.py --schedules 500 --defect all
    python benchmarks/schedules.py --replay runs/schedules/uniform-17.json --shrink

Schedules are spread evenly over the generators; number n of a generator is the same on every machine. Time is the
workers' own CPU time; `compiled.py` says how much less it is for compiled code. Without a defect, every schedule that breaks
a rule is kept in `--out`, and the last line says how to play one again, which tells its last events, and with how few
actions it breaks as well.

Exit codes: 2 when the campaign was interrupted (Ctrl-C), which reports what it has done, of how many; else 1 when a rule was
broken, or, with defects, when one was not found by its schedule made by hand, or by no generator.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from replayed_schedule import replay

from trading_stack.defects import Defect
from trading_stack.simulation import schedule as files
from trading_stack.simulation.directed import DIRECTED
from trading_stack.simulation.generators import GENERATORS
from trading_stack.simulation.playing import Outcome, run
from trading_stack.simulation.schedule import Schedule, When

CHUNK = 50
WORLDS = 100_000
"""Objects of some schedules: each world is a web of cycles that falls as a whole, and looking more often wins nothing."""
KEEPING = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "1000000000"}
"""Workers keep (glibc) what one schedule's large commands took for the next one's, instead of giving it back."""
SECOND_NS = 1e9
BROKEN = 1
INTERRUPTED = 2


class Job(NamedTuple):
    """Schedules `first` to `last` (not included) of one generator."""

    generator: str
    first: int
    last: int
    defect: str


class Found(NamedTuple):
    """A schedule that broke a rule, after so much CPU time in its chunk."""

    seed: int
    rule: str
    summary: str
    after_s: float


@dataclass
class Tally:
    """What came of the schedules of one generator."""

    schedules: int = 0
    events: int = 0
    virtual_s: float = 0.0
    cpu_s: float = 0.0
    acknowledged: int = 0
    promotions: int = 0
    slowest_recovery_s: float = 0.0
    with_failover: int = 0
    with_acknowledged: int = 0
    actions: int = 0
    struck: int = 0
    waiting: int = 0
    struck_after_events: int = 0
    by_majority: int = 0
    slowest_majority_s: float = 0.0
    found: list[Found] = field(default_factory=list)
    first_s: float | None = None

    def note(self, schedule: Schedule, outcome: Outcome) -> None:
        """Count what came of one schedule, but for what it found."""
        self.schedules += 1
        self.events += outcome.events
        self.virtual_s += outcome.virtual_ns / SECOND_NS
        self.acknowledged += outcome.acknowledged
        self.promotions += outcome.promotions
        self.with_failover += outcome.failovers > 0
        self.with_acknowledged += outcome.acknowledged > 0
        self.actions += len(schedule.actions)
        self.struck += outcome.struck
        self.waiting += sum(isinstance(action.moment, When) for action in schedule.actions)
        self.struck_after_events += outcome.struck_after_events
        if outcome.majority_ns is not None:
            self.by_majority += 1
            self.slowest_majority_s = max(self.slowest_majority_s, outcome.majority_ns / SECOND_NS)

    def add(self, other: Tally) -> None:
        if self.first_s is None and other.found:
            self.first_s = self.cpu_s + other.found[0].after_s
        self.schedules += other.schedules
        self.events += other.events
        self.virtual_s += other.virtual_s
        self.cpu_s += other.cpu_s
        self.acknowledged += other.acknowledged
        self.promotions += other.promotions
        self.slowest_recovery_s = max(self.slowest_recovery_s, other.slowest_recovery_s)
        self.with_failover += other.with_failover
        self.with_acknowledged += other.with_acknowledged
        self.actions += other.actions
        self.struck += other.struck
        self.waiting += other.waiting
        self.struck_after_events += other.struck_after_events
        self.by_majority += other.by_majority
        self.slowest_majority_s = max(self.slowest_majority_s, other.slowest_majority_s)
        self.found += other.found


def play(job: Job) -> tuple[Job, Tally]:
    """Run a chunk of schedules."""
    tally, make = Tally(), GENERATORS[job.generator]
    defects = frozenset({Defect(job.defect)}) if job.defect else frozenset()
    gc.collect()
    gc.freeze()
    gc.set_threshold(WORLDS)
    began_s = time.process_time()
    for seed in range(job.first, job.last):
        schedule = make(seed)
        try:
            outcome = run(schedule, defects)
        except Exception as trouble:
            raise RuntimeError(f"{job.generator} {seed}: the simulation itself failed") from trouble
        tally.note(schedule, outcome)
        finding = outcome.finding
        if finding is None:
            tally.slowest_recovery_s = max(tally.slowest_recovery_s, outcome.recovered_ns / SECOND_NS)
        else:
            spent_s = time.process_time() - began_s
            tally.found.append(Found(seed, finding.rule, finding.summary, spent_s))
    tally.cpu_s = time.process_time() - began_s
    return job, tally


def each_of(options: argparse.Namespace) -> int:
    """How many schedules each generator plays: enough for as many as were asked for."""
    return max(1, -(-options.schedules // len(options.generators)))


def campaign(options: argparse.Namespace, defect: str) -> dict[str, Tally]:
    """All schedules of all generators, in chunks of which the workers take the next in turn."""
    each = each_of(options)
    ends = range(options.first, options.first + each, CHUNK)
    jobs = [
        Job(generator, first, min(first + CHUNK, options.first + each), defect)
        for first in ends
        for generator in options.generators
    ]
    tallies = {generator: Tally() for generator in options.generators}
    if options.workers == 1:
        _gather(map(play, jobs), tallies)
    else:
        os.environ.update(KEEPING)
        with get_context("spawn").Pool(options.workers) as pool:
            _gather(pool.imap(play, jobs), tallies)
    return tallies


def _gather(results: Iterable[tuple[Job, Tally]], tallies: dict[str, Tally]) -> None:
    """Add up what comes; an interruption ends the campaign with what there is."""
    with contextlib.suppress(KeyboardInterrupt):
        for job, tally in results:
            tallies[job.generator].add(tally)
            for found in tally.found:
                if not job.defect:
                    print(f"{job.generator} {found.seed}: {found.rule}: {found.summary}", flush=True)


def report(tallies: dict[str, Tally]) -> None:
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    head = (
        f"{'generator':10} {'schedules':>9} {'broken':>6} {'virtual s':>10} {'CPU s':>8} {'virtual/CPU':>11} "
    )
    print(head + f"{'events':>10} {'acks':>8} {'promotions':>10} {'slowest recovery':>16}")
    for name, tally in {**tallies, "all": total}.items():
        speed = tally.virtual_s / max(tally.cpu_s, 1e-9)
        print(
            f"{name:10} {tally.schedules:9} {len(tally.found):6} {tally.virtual_s:10.0f} {tally.cpu_s:8.1f} {speed:11.0f} "
            f"{tally.events:10} {tally.acknowledged:8} {tally.promotions:10} {tally.slowest_recovery_s:14.2f} s"
        )
    report_shares({**tallies, "all": total})


def report_shares(tallies: dict[str, Tally]) -> None:
    """How much the figures above can tell: what happened before healing, and by whom progress was asked for after it."""
    print(
        f"\n{'generator':10} {'with a failover':>20} {'with acknowledgements':>22} {'actions that struck':>22} "
        f"{'of those after events':>22} {'majority alone':>20} {'slowest':>8}"
    )
    for name, tally in tallies.items():
        print(
            f"{name:10} {share(tally.with_failover, tally.schedules):>20} "
            f"{share(tally.with_acknowledged, tally.schedules):>22} {share(tally.struck, tally.actions):>22} "
            f"{share(tally.struck_after_events, tally.waiting):>22} "
            f"{share(tally.by_majority, tally.schedules):>20} {tally.slowest_majority_s:6.2f} s"
        )


def share(some: int, every: int) -> str:
    """So many of so many, and in percent."""
    return f"{some} of {every} {100 * some // every:3}%" if every else "none"


def interrupted(tallies: dict[str, Tally], options: argparse.Namespace) -> bool:
    """Whether a campaign played fewer schedules than it was asked for; says how many."""
    played = sum(tally.schedules for tally in tallies.values())
    asked = each_of(options) * len(tallies)
    if played < asked:
        print(f"interrupted: {played} of {asked} schedules were played", flush=True)
    return played < asked


def report_defect(defect: str, tallies: dict[str, Tally]) -> bool:
    """Tell who found a defect; answers whether its schedule made by hand did, and at least one generator."""
    print(f"{defect}")
    for name, tally in tallies.items():
        rules = Counter(found.rule for found in tally.found)
        first = "never" if tally.first_s is None else f"{tally.first_s:.2f} CPU s"
        rule_text = ", ".join(f"{rule} {count}" for rule, count in rules.most_common())
        print(
            f"  {name:10} found in {len(tally.found):5} of {tally.schedules:5}, first after {first:>14}  {rule_text}"
        )
    directed_s = time.process_time()
    finding = run(DIRECTED[Defect(defect)].schedule, frozenset({Defect(defect)})).finding
    directed_s = time.process_time() - directed_s
    print(
        f"  {'directed':10} {finding.rule if finding else 'not found'}, after {directed_s:.2f} CPU s",
        flush=True,
    )
    return finding is not None and any(tally.found for tally in tallies.values())


def table(found: dict[str, dict[str, Tally]]) -> str:
    """For documents: of how many schedules of each generator so many showed the defect, the first after so long."""
    generators = list(next(iter(found.values())))
    rows = [["defect", *generators], ["---"] * (1 + len(generators))]
    rows += [
        [defect, *(_cell(tallies[generator]) for generator in generators)]
        for defect, tallies in found.items()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(tally: Tally) -> str:
    if tally.first_s is None:
        return f"0 of {tally.schedules}, {tally.cpu_s:.0f} s"
    return f"{len(tally.found)} of {tally.schedules}, {tally.first_s:.2f} s"


def keep(tallies: dict[str, Tally], folder: Path) -> list[Path]:
    """Store the schedules that broke a rule; answers their files."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for generator, tally in tallies.items():
        for found in tally.found:
            kept.append(folder / f"{generator}-{found.seed}.json")
            files.write(GENERATORS[generator](found.seed), kept[-1])
    return kept


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--schedules", type=int, default=2000, help="how many in all, at least (default: 2000)"
    )
    parser.add_argument(
        "--first", type=int, default=0, help="the number of the first of each generator (default: 0)"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--defect", default="", choices=["", "all", *(str(d) for d in DIRECTED)])
    parser.add_argument("--generators", nargs="+", default=list(GENERATORS), choices=list(GENERATORS))
    parser.add_argument(
        "--out", type=Path, default=Path("runs/schedules"), help="where broken schedules are kept"
    )
    parser.add_argument("--replay", type=Path, metavar="FILE", help="play a kept schedule or case instead")
    parser.add_argument("--shrink", action="store_true", help="with --replay: make it as small as it can be")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it otherwise
    if options.replay is not None:
        if options.defect == "all":
            parser.error("--replay plays with one defect: name it")
        return replay(options.replay, defect=options.defect, shrink=options.shrink)
    return of_defects(options) if options.defect else of_the_code(options)


def of_the_code(options: argparse.Namespace) -> int:
    """Play, report and keep what broke a rule; answers the exit code."""
    tallies = campaign(options, "")
    report(tallies)
    cut_short = interrupted(tallies, options)
    broken = sum(len(tally.found) for tally in tallies.values())
    if broken:
        kept = keep(tallies, options.out)
        print(f"{broken} schedules broke a rule; they are in {options.out}; to play one again:")
        print(f"python benchmarks/schedules.py --replay {kept[0]} --shrink")
    if cut_short:
        return INTERRUPTED
    return BROKEN if broken else 0


def of_defects(options: argparse.Namespace) -> int:
    """Play with each planted defect by itself, until one campaign is interrupted; answers the exit code."""
    found: dict[str, dict[str, Tally]] = {}
    code = 0
    for defect in map(str, DIRECTED) if options.defect == "all" else [options.defect]:
        found[defect] = campaign(options, defect)
        caught = report_defect(defect, found[defect])
        if interrupted(found[defect], options):
            code = INTERRUPTED
            break
        if not caught:
            print(f"{defect} was not found both by its schedule made by hand and by a generator")
            code = BROKEN
    print(table(found))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
