"""How contradictions between operations on a register are told: what each asked for and was told, and when."""

from __future__ import annotations

from harness.checks.integrity.evidence import operation_row
from harness.checks.registers.history import NEVER, RegisterOp
from harness.checks.registers.zones import Misfit
from harness.checks.view import View
from harness.model.operations import RegisterKind as Kind
from harness.model.verdicts import Evidence


def of_ops(view: View, key: str, misfit: Misfit) -> Evidence:
    """Evidence that these operations on one register contradict each other."""
    told = "; ".join(told_op(view, op) for op in misfit.ops)
    at_ns = max(op.called_ns for op in misfit.ops)
    rows = tuple(operation_row(view, op.row) for op in misfit.ops)
    return Evidence(f"register {key}: {told}: {misfit.text}", int(at_ns), rows)


def told_op(view: View, op: RegisterOp) -> str:
    """`client wrote 'x' from 1.2 s to 1.3 s`, in times of the scenario."""
    client = view.run.operations["client"].iloc[op.row]
    what = {
        Kind.READ: f"read {op.value!r}",
        Kind.WRITE: f"wrote {op.value!r}",
        Kind.CAS: f"set {op.expected!r} to {op.value!r}",
    }[op.kind]
    begin = _since(op.called_ns, view)
    end = "and never heard" if op.returned_ns == NEVER else f"to {_since(op.returned_ns, view)}"
    return f"{client} {what} from {begin} {end}"


def _since(at_ns: float, view: View) -> str:
    """Tenths of a millisecond: contradictions are mostly about operations that lie close together."""
    return f"{(at_ns - view.run.zero_ns) / 1e9:.4f} s"
