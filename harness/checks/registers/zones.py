"""Whether operations on a register whose values are all different fit one order: exact, in time n log n.

The method is that of Gibbons and Korach (Testing Shared Memories, SIAM Journal on Computing 26(4), 1997, section 4), with
compare-and-sets added. All that speaks of one value must stand together, between the write of it and the next change; a
compare-and-set ties the value that it expected to the one that it wrote. What is tied is a *block*: its inner order is
given, and nothing may come between. A block that ended somewhere (`ended`: the first return) before it began elsewhere
(`began`: the last call) lasts at least from the one to the other. Blocks fit one order exactly when no two of those
stretches overlap, and no block that could be done at a single moment has to lie inside such a stretch.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from harness.checks.registers.history import History, RegisterOp, Value, mutators
from harness.model.operations import RegisterKind as Kind

Writers: TypeAlias = dict[Value, RegisterOp]
"""By value, what wrote it."""

Readers: TypeAlias = dict[Value, list[RegisterOp]]
"""By value, the reads of it."""

NOT_YET = RegisterOp(-1, Kind.WRITE, None, None, float("-inf"), float("-inf"))
"""What put None into each register, before all else."""


class Misfit(NamedTuple):
    """Why no order fits: a sentence, and the operations that prove it."""

    text: str
    ops: History


class Block(NamedTuple):
    """Operations that must stand together; `ended` returned first of them, `began` was called last."""

    ended: RegisterOp
    began: RegisterOp

    @property
    def lasts(self) -> bool:
        """Whether there is a stretch of time that it fills."""
        return self.ended.returned_ns < self.began.called_ns


def misfits(history: History) -> list[Misfit]:
    """Every reason found why no order fits; none means that one does.

    Needs a history whose written values are all different, and of whose unknown outcomes something is observed.
    """
    writers = {op.value: op for op in mutators(history)} | {None: NOT_YET}
    if found := [*_inventions(history, writers), *_rivals(history)]:
        return found
    readers: Readers = {value: [] for value in writers}
    for op in history:
        if op.kind is Kind.READ:
            readers[op.value].append(op)
    followed = {op.expected: op for op in history if op.kind is Kind.CAS}
    chains = list(_chains(writers, followed))
    inside = [misfit for chain in chains if (misfit := _inner(chain, writers, readers))]
    tied = {value for chain in chains for value in chain}
    if circle := [writers[value] for value in writers if value not in tied]:
        inside.append(Misfit("each needs another to come first", tuple(circle)))
    return inside or list(_overlaps([_block(chain, writers, readers) for chain in chains]))


def _inventions(history: History, writers: Writers) -> Iterator[Misfit]:
    for op in history:
        if op.kind is not Kind.WRITE and op.found not in writers:
            yield Misfit(f"found {op.found!r}, which nobody wrote", (op,))


def _rivals(history: History) -> Iterator[Misfit]:
    """Compare-and-sets that both replaced one value, which was there once."""
    first: dict[Value, RegisterOp] = {}
    for op in history:
        if op.kind is Kind.CAS and (before := first.setdefault(op.expected, op)) is not op:
            yield Misfit(f"both replaced the same {op.expected!r}", (before, op))


def _chains(writers: Writers, followed: Writers) -> Iterator[tuple[Value, ...]]:
    """The values of each block, in their order."""
    for value, writer in writers.items():
        if writer.kind is Kind.WRITE:
            chain = [value]
            while (after := followed.get(chain[-1])) is not None:
                chain.append(after.value)
            yield tuple(chain)


def _inner(chain: Sequence[Value], writers: Writers, readers: Readers) -> Misfit | None:
    """Why a block's own order can't be: one returned before another, which has to come first, was called."""
    last = NOT_YET
    for value in chain:
        for group in ((writers[value],), readers[value]):
            for op in group:
                if op.returned_ns < last.called_ns:
                    return Misfit("was over before the other, which has to come first, was sent", (op, last))
            last = max((last, *group), key=lambda op: op.called_ns)
    return None


def _block(chain: Sequence[Value], writers: Writers, readers: Readers) -> Block:
    ops = [op for value in chain for op in (writers[value], *readers[value])]
    return Block(min(ops, key=lambda op: op.returned_ns), max(ops, key=lambda op: op.called_ns))


def _overlaps(blocks: Iterable[Block]) -> Iterator[Misfit]:
    stretches: list[Block] = []
    moments: list[Block] = []
    for block in blocks:
        (stretches if block.lasts else moments).append(block)
    stretches.sort(key=lambda block: block.ended.returned_ns)
    for one, next_ in pairwise(stretches):
        if one.began.called_ns > next_.ended.returned_ns:
            text = "held before and after what the others need to hold between"
            yield Misfit(text, _told(one, next_))
    starts = [block.ended.returned_ns for block in stretches]
    for moment in moments:
        at = bisect_left(starts, moment.began.called_ns) - 1
        if at >= 0 and moment.ended.returned_ns < stretches[at].began.called_ns:
            yield Misfit("was there before and after another value was", _told(stretches[at], moment))


def _told(one: Block, other: Block) -> History:
    ops = {op.row: op for op in (one.ended, other.ended, other.began, one.began) if op is not NOT_YET}
    return tuple(ops.values())
