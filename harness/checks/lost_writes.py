"""lost_writes: how many acknowledged writes are gone (RPO) from a store that holds registers."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from pydantic import Field

from harness.checks.bounds import judge_bound, told_bound
from harness.checks.contract import Check
from harness.checks.integrity.evidence import operation_row
from harness.checks.predicate import MOST_EVIDENCE
from harness.checks.registers.evidence import told_op
from harness.checks.registers.history import History, RegisterOp, Value, final_reads, histories, mutators
from harness.checks.view import View, view
from harness.history.run import Run
from harness.model.outcome import Outcome
from harness.model.quantities import Bound, Settings
from harness.model.units import counted
from harness.model.verdicts import Evidence, Figure, Verdict


class LostWritesExpectation(Bound[int]):
    """How many acknowledged writes may be gone: none, unless said."""

    max: int | None = Field(
        default=0, ge=0, description="The greatest number of acknowledged writes that may be gone."
    )


class Lost(NamedTuple):
    """The last acknowledged change of a register, and a final read that shows something older, or nothing."""

    key: str
    change: RegisterOp
    read: RegisterOp


class LostWrites(Check[LostWritesExpectation]):
    """An acknowledged write is gone when nothing overwrote it, and a read of the end state doesn't show it."""

    name: ClassVar[str] = "lost_writes"
    summary: ClassVar[str] = "How many acknowledged writes to registers are gone (RPO)."
    Expectation: ClassVar[type[Settings]] = LostWritesExpectation
    correctness: ClassVar[bool] = True

    def judge(self, run: Run, expectation: LostWritesExpectation) -> Verdict:
        bound = told_bound(expectation)
        problem = run.cut or run.problem("operations")
        seen = view(run)
        last = {} if problem else _last_changes(histories(seen))
        reads = {} if problem else final_reads(seen)
        unread = [key for key in last if key not in reads]
        if problem or not last or len(unread) == len(last):
            nothing = "nothing was read at the end" if last else "no write was acknowledged"
            return Verdict(self.name, Outcome.UNKNOWN, problem or nothing, correctness=True, bound=bound)
        lost = [
            Lost(key, acknowledged[-1], wrong[0])
            for key, (acknowledged, possible) in last.items()
            if (wrong := [read for read in reads.get(key, ()) if read.value not in possible])
        ]
        lost.sort(key=lambda one: one.change.row)
        judged = len(last) - len(unread)
        outcome, why = judge_bound(expectation, len(lost))
        text = f"{len(lost)} of {judged:,} acknowledged writes that nothing overwrote are gone{why}"
        if unread:
            outcome = outcome if outcome is Outcome.FAIL else Outcome.UNKNOWN
            text += f"; {counted(len(unread), 'register')} could not be read at the end ({unread[0]} for one)"
        return Verdict(
            self.name,
            outcome,
            text,
            correctness=True,
            bound=bound,
            figures=(Figure("lost_writes", float(len(lost)), "writes", 1.0, judged),),
            evidence=tuple(_told(seen, one) for one in lost[:MOST_EVIDENCE]),
        )


def _last_changes(by_key: dict[str, History]) -> dict[str, tuple[list[RegisterOp], set[Value]]]:
    """By key, the acknowledged changes that no acknowledged one surely followed, and all values that may be the last."""
    found = {}
    for key, history in by_key.items():
        changes = mutators(history)
        latest_call = max((op.called_ns for op in changes if op.known), default=None)
        if latest_call is None:
            continue
        last = [op for op in changes if op.returned_ns >= latest_call]
        found[key] = ([op for op in last if op.known], {op.value for op in last})
    return found


def _told(seen: View, lost: Lost) -> Evidence:
    at_ns = int(lost.change.returned_ns)
    text = f"register {lost.key}: {told_op(seen, lost.change)}; at the end {told_op(seen, lost.read)}"
    return Evidence(text, at_ns, tuple(operation_row(seen, op.row) for op in (lost.change, lost.read)))
