"""replicas_converge: after healing, all journals and books are equal."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from harness.checks.contract import Check
from harness.checks.grouping import ordered
from harness.checks.integrity.o10_log_prefix import judge as logs_agree
from harness.checks.integrity.readings import Reading, readings
from harness.checks.integrity.replay import last_command
from harness.checks.predicate import Found, Predicate, Violations, judge_predicate
from harness.checks.view import Ints, View
from harness.history.run import Run
from harness.model.outcome import Outcome
from harness.model.quantities import Settings
from harness.model.verdicts import Figure, Verdict

_BOOKS: Final = {
    "orders": (
        "account",
        "client_order_id",
        "order_id",
        "instrument",
        "state",
        "cum_quantity",
        "leaves_quantity",
    ),
    "balances": ("account", "instrument", "amount"),
    "executions": (
        "exec_id",
        "type",
        "account",
        "client_order_id",
        "order_id",
        "last_quantity",
        "last_price",
        "fee",
        "cash",
    ),
}


class ReplicasConvergeExpectation(Settings):
    """There is nothing to set."""


def _judge(view: View) -> Found:
    every = readings(view)
    last = [reading for reading in every if reading.last]
    if len(last) < 2:
        return Found(0, unknown="fewer than two replicas were read: there is nothing to compare")
    violations = Violations()
    found = logs_agree(view)
    violations.extend(found.violations, found.evidence)
    _caught_up(every, last, violations)
    _digests(view, violations)
    _books(view, last, violations)
    return violations.found(found.judged, unknown=found.unknown, note=_not_compared(view, last))


def _not_compared(view: View, last: list[Reading]) -> str:
    """What was not there to be compared: a venue that never rests is seldom read twice at one index."""
    told = [view.run.problem("balances")]
    if view.run.replicas.groupby("applied_index")["node"].nunique().max() < 2:
        told.append("no two replicas were read at one index, so no digests were compared")
    if sum(reading.applied_index >= last_command(view) for reading in last) < 2:
        told.append("fewer than two replicas had applied every order, so no books were compared")
    return "; ".join(text for text in told if text)


def _caught_up(every: tuple[Reading, ...], last: list[Reading], violations: Violations) -> None:
    """Each replica, read last, has reached what any had committed when it was read first."""
    target = max(reading.commit_index for reading in every if reading.read == 1)
    for reading in last:
        if reading.applied_index < target:
            violations.add(
                f"{reading.node} has applied {reading.applied_index} entries; {target} were committed at the first reading",
                at_ns=reading.read_ns,
            )


def _digests(view: View, violations: Violations) -> None:
    """At one applied index, one state."""
    replicas = view.run.replicas
    for index, same in replicas.groupby("applied_index"):
        digests = sorted({f"{row['node']}: {row['digest']}" for row in same.to_dict("records")})
        if same["digest"].nunique() > 1:
            violations.add(f"after entry {index} the states differ: {', '.join(digests)}")


def _books(view: View, last: list[Reading], violations: Violations) -> None:
    """Replicas that have applied every command on orders hold the same books."""
    command = last_command(view)
    whole = [reading for reading in last if reading.applied_index >= command]
    for table in _BOOKS:
        contents = {reading.node: _content(view, table, reading.code) for reading in whole}
        first = next(iter(contents), None)
        for node, content in contents.items():
            if first is not None and not np.array_equal(content, contents[first]):
                violations.add(
                    f"{node} and {first} hold different {table}: {len(content):,} and {len(contents[first]):,} rows"
                )


def _content(view: View, table: str, reading: int) -> Ints:
    """A replica's rows of a table, in an order of their own."""
    where = view.reading(table) == reading
    frame = view.run.table(table)
    columns = [
        (view.ints(table, name) if str(frame[name].dtype).lower() == "int64" else view.codes(table, name))[
            where
        ]
        for name in _BOOKS[table]
    ]
    return np.column_stack([column[ordered(*columns)] for column in columns])


_PREDICATE: Final = Predicate(
    "replicas_converge",
    "replicas",
    "After healing, all journals and books are equal.",
    ("entries", "replicas", "orders", "executions"),
    _judge,
)


class ReplicasConverge(Check[ReplicasConvergeExpectation]):
    """Logs by hash and content, states by digest, books row by row."""

    name: ClassVar[str] = "replicas_converge"
    summary: ClassVar[str] = "After healing, all journals and books are equal."
    Expectation: ClassVar[type[Settings]] = ReplicasConvergeExpectation
    correctness: ClassVar[bool] = True

    def judge(self, run: Run, expectation: ReplicasConvergeExpectation) -> Verdict:
        finding = judge_predicate(run, _PREDICATE)
        outcome = Outcome.UNKNOWN if finding.waived is not None else finding.outcome
        nodes = run.replicas["node"].nunique()
        return Verdict(
            check=self.name,
            outcome=outcome,
            summary=finding.summary,
            correctness=True,
            figures=(Figure("replicas", float(nodes), "", samples=len(run.replicas)),),
            evidence=finding.evidence,
        )
