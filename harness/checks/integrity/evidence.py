"""How violations of order integrity are told: which rows, and when. A row is its number in its table, from 0."""

from __future__ import annotations

from harness.checks.view import MISSING, View
from harness.model.verdicts import Evidence


def execution_row(view: View, row: int) -> str:
    """`executions:<node>#<reading>:<execution id>`."""
    frame = view.run.executions
    return f"executions:{frame['node'].iloc[row]}#{frame['read'].iloc[row]}:{frame['exec_id'].iloc[row]}"


def entry_row(view: View, row: int) -> str:
    """`entries:<node>#<reading>:<index>`."""
    frame = view.run.entries
    return f"entries:{frame['node'].iloc[row]}#{frame['read'].iloc[row]}:{frame['index'].iloc[row]}"


def operation_row(view: View, row: int) -> str:
    """`operations:<op>`."""
    return f"operations:{view.run.operations['op'].iloc[row]}"


def of_execution(view: View, row: int, text: str, *more: int) -> Evidence:
    """Evidence that one execution (and others) break a predicate; `text` follows the order's name."""
    order = view.order_name(int(view.order_key("executions")[row]))
    return Evidence(f"order {order} {text}", None, tuple(execution_row(view, one) for one in (row, *more)))


def of_operation(view: View, row: int, text: str, *rows: str) -> Evidence:
    """Evidence that what a client saw breaks a predicate; `text` follows the order's name."""
    order = view.order_name(int(view.order_key("operations")[row]))
    at_ns = int(view.ints("operations", "completed_ns")[row])
    if at_ns == MISSING:
        at_ns = int(view.ints("operations", "intended_ns")[row])
    return Evidence(f"order {order} {text}", at_ns, (operation_row(view, row), *rows))
