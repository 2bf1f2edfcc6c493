"""Whether the operations on one register fit one order, by whichever method decides it soonest."""

from __future__ import annotations

from harness.checks.registers.history import History, are_unique, observed
from harness.checks.registers.search import Budget, first_misfit
from harness.checks.registers.zones import Misfit, misfits


def why_no_order(history: History, budget: Budget) -> list[Misfit]:
    """Every reason found why no order fits; none means that one does. Raises `OverBudget`.

    A history that writes each value once is decided exactly, at no cost to the budget.
    """
    kept = observed(history)
    if are_unique(kept):
        return misfits(kept)
    op = first_misfit(kept, budget)
    return [] if op is None else [Misfit("returned what no order of the operations explains", (op,))]
