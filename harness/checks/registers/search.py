"""Whether operations on a register fit one order, whatever they wrote: a search with a budget.

Just-in-time linearization (Wing and Gong, Testing and Verifying Concurrent Objects, 1993; Lowe, Testing for
Linearizability, 2017): the history is walked event by event, with every state that the register may be in, and which of
the open operations would then have taken effect; operations take effect only when one of them returns. States that
were seen before are not explored again, and each key is searched by itself (Horn and Kroening, Faster Linearizability
Checking via P-Compositionality, 2015). Sane histories cost time in proportion to their length; many changes that are
open at once cost time exponential in their number, which is what the budget is for.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from harness.checks.registers.history import History, RegisterOp, Value
from harness.model.operations import RegisterKind as Kind


class OverBudget(Exception):
    """No order was found, nor that there is none, within the budget."""


@dataclass(slots=True)
class Budget:
    """What a search may cost: `steps` for its time, and the states `held` at a time for its memory.

    Both are counted, not measured, so that the same history always comes to the same verdict.
    """

    steps: int
    held: int

    def spend(self, held: int) -> None:
        """One step, with so many states held."""
        self.steps -= 1
        if self.steps < 0:
            raise OverBudget("it took more steps")
        if held > self.held:
            raise OverBudget("it held more states at a time")


class _State(NamedTuple):
    """What the register holds, and the open operations that took effect, as bits of their slots."""

    value: Value
    done: int


def first_misfit(history: History, budget: Budget) -> RegisterOp | None:
    """The operation whose return no order explains; None when an order fits. Raises `OverBudget`."""
    states = {_State(None, 0)}
    pending: dict[int, RegisterOp] = {}
    slots: dict[int, int] = {}
    free: list[int] = []
    for _, returns, row, op in sorted(_events(history)):
        if not returns:
            slots[row] = heapq.heappop(free) if free else len(pending)
            pending[slots[row]] = op
            continue
        slot = slots.pop(row)
        states = _after_return(states, pending, slot, budget)
        if not states:
            return op
        del pending[slot]
        heapq.heappush(free, slot)
    return None


def _events(history: History) -> Iterable[tuple[float, bool, int, RegisterOp]]:
    """Calls and returns; a call at the moment of a return comes first, since the two may have overlapped."""
    for op in history:
        yield op.called_ns, False, op.row, op
        if op.known:
            yield op.returned_ns, True, op.row, op


def _after_return(
    states: set[_State], pending: dict[int, RegisterOp], slot: int, budget: Budget
) -> set[_State]:
    """The states in which the operation of that slot has taken effect, however many others did before it."""
    bit = 1 << slot
    after: set[_State] = set()
    seen = set(states)
    stack = list(states)
    while stack:
        budget.spend(len(seen))
        state = _with_reads(stack.pop(), pending)
        if state.done & bit:
            after.add(_State(state.value, state.done & ~bit))
            continue
        for other, op in pending.items():
            if state.done >> other & 1 or not _may_follow(op, state.value):
                continue
            made = _State(op.value, state.done | 1 << other)
            if made not in seen:
                seen.add(made)
                stack.append(made)
    return after


def _with_reads(state: _State, pending: dict[int, RegisterOp]) -> _State:
    """A read that fits now may as well be done now: it changes nothing, and binds nothing later."""
    done = state.done
    for slot, op in pending.items():
        if op.kind is Kind.READ and op.value == state.value:
            done |= 1 << slot
    return _State(state.value, done)


def _may_follow(op: RegisterOp, value: Value) -> bool:
    if op.kind is Kind.CAS:
        return op.expected == value
    return op.kind is Kind.WRITE
