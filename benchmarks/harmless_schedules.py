"""How long schedules of the generator `harmless` disturbed the protocol, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from trading_stack.simulation.harmless import PROMISED, spans
from trading_stack.simulation.rules import Finding, Rule
from trading_stack.simulation.schedule import Schedule

SECOND_NS = 1e9


def union_ns(intervals: Iterable[tuple[int, int]]) -> int:
    """How long at least one of them lasts."""
    total_ns, until_ns = 0, 0
    for since_ns, end_ns in sorted(intervals):
        total_ns += max(0, end_ns - max(since_ns, until_ns))
        until_ns = max(until_ns, end_ns)
    return total_ns


@dataclass
class Disturbed:
    """Schedules of one kind of disturbance, or of several.

    `exposed_s` is from the first action to the end of the last, or to what went wrong before; `in_force_s` only while one
    lasted, which for resets is no time. A failover that nobody needed is a false one, and what breaks another rule is not.
    """

    schedules: int = 0
    strikes: int = 0
    exposed_s: float = 0.0
    in_force_s: float = 0.0
    failovers: int = 0
    others: Counter[str] = field(default_factory=Counter)

    def note(self, schedule: Schedule, finding: Finding | None) -> None:
        """Take in what came of a schedule."""
        when = spans(schedule.actions)
        began_ns, ended_ns = min(at_ns for at_ns, _ in when), max(end_ns for _, end_ns in when)
        until_ns = ended_ns if finding is None else min(ended_ns, finding.at_ns)
        struck = [(at_ns, min(end_ns, until_ns)) for at_ns, end_ns in when if at_ns <= until_ns]
        self.schedules += 1
        self.strikes += len(struck)
        self.exposed_s += max(0, until_ns - began_ns) / SECOND_NS
        self.in_force_s += union_ns(struck) / SECOND_NS
        if finding is None:
            return
        if finding.rule is Rule.NO_NEEDLESS_FAILOVER:
            self.failovers += 1
        else:
            self.others[finding.rule] += 1

    def add(self, other: Disturbed) -> None:
        self.schedules += other.schedules
        self.strikes += other.strikes
        self.exposed_s += other.exposed_s
        self.in_force_s += other.in_force_s
        self.failovers += other.failovers
        self.others += other.others

    @property
    def wrong(self) -> int:
        """How many schedules broke a rule."""
        return self.failovers + self.others.total()


def tell(kinds: dict[str, Disturbed]) -> Disturbed:
    """One line a kind; answers the sum of those under which no failover is promised."""
    promised = Disturbed()
    for name in PROMISED:
        promised.add(kinds[name])
    print(
        f"{'disturbance':<16}{'schedules':>10}{'minutes':>9}{'in force':>10}{'strikes':>9}{'false failovers':>17}"
        "   other rules"
    )
    for name, kind in {**kinds, "promised": promised}.items():
        others = ", ".join(f"{rule} {count}" for rule, count in kind.others.items()) or "none"
        print(
            f"{name:<16}{kind.schedules:>10}{kind.exposed_s / 60:>9.1f}{kind.in_force_s / 60:>10.1f}{kind.strikes:>9}"
            f"{kind.failovers:>17}   {others}"
        )
    return promised
