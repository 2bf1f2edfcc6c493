"""`python -m trading_stack.sentinel.replay FILE…` makes the decisions of a log again, and compares them byte for byte.

The same pure `Sentinel` is told the same, at the same times. Exit codes: 0 equal, 1 different, 4 no such log.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from trading_stack.sentinel.decisions.records import (
    DECODER,
    ENCODER,
    VERSION,
    Input,
    Opening,
    Record,
    Signed,
    decided,
)
from trading_stack.sentinel.sentinel import Sentinel

DIFFERENT: Final = 1
USAGE_ERROR: Final = 4


class NoLog(ValueError):
    """A file that holds no decision log, or one of another version; says where."""


class Difference(NamedTuple):
    """The first input, by its line, after which the log and the replay say different things. None: nothing."""

    line: int
    recorded: bytes | None
    replayed: bytes | None


class Replayed(NamedTuple):
    """How much was told and decided, and the first difference. `cut`: the log ends in the middle, as after a crash."""

    inputs: int = 0
    decisions: int = 0
    cut: bool = False
    difference: Difference | None = None


class Unsigned(Exception):
    """The replay asks for a signature that the log does not hold."""


@dataclass(slots=True)
class Step:
    """An input with what followed it."""

    line: int
    input: Input
    signed: list[Signed] = field(default_factory=list)
    decided: bytes | None = None


def replay(log: bytes) -> Replayed:
    """Decide again. Raises `NoLog`."""
    whole = log.endswith(b"\n")
    lines = log.split(b"\n")
    lines.pop()
    inputs = decisions = 0
    sentinel: Sentinel | None = None
    hand = Hand()
    steps = _steps(lines)
    step = next(steps, None)
    if step is None:
        raise NoLog("line 1: the log is empty")
    while step is not None:
        following = next(steps, None)
        if isinstance(step, Opening):
            sentinel = Sentinel.recalling(step.config(hand.sign), step.memory)
        elif sentinel is None:
            raise NoLog("line 1: a log begins with an opening")
        else:
            inputs += 1
            decisions += step.decided is not None
            said = _again(sentinel, step, hand)
            if said != step.decided:
                missing = following is None and step.decided is None
                difference = None if missing else Difference(step.line, step.decided, said)
                return Replayed(inputs, decisions, cut=missing, difference=difference)
        step = following
    return Replayed(inputs, decisions, cut=not whole)


class Hand:
    """Signs as the log says."""

    def __init__(self) -> None:
        self.signed: list[Signed] = []

    def sign(self, message: bytes) -> bytes:
        if not self.signed or self.signed[0].message != message:
            raise Unsigned
        return self.signed.pop(0).signature


def _again(sentinel: Sentinel, step: Step, hand: Hand) -> bytes | None:
    """What the sentinel decides on this input now, in the form of the log."""
    hand.signed = step.signed
    try:
        said = decided(sentinel.handle(step.input.event, step.input.now_ns))
    except Unsigned:
        return b'"a signature that the log does not hold"'
    if hand.signed:
        return b'"fewer signatures than the log holds"'
    return None if said is None else ENCODER.encode(said)


def _steps(lines: Sequence[bytes]) -> Iterator[Opening | Step]:
    step: Step | None = None
    for number, line in enumerate(lines, 1):
        record = _record(line, number)
        if isinstance(record, Opening | Input):
            if step is not None:
                yield step
            step = Step(number, record) if isinstance(record, Input) else None
            if isinstance(record, Opening):
                yield record
        elif step is None:
            raise NoLog(f"line {number}: nothing was told that this could follow")
        elif isinstance(record, Signed):
            step.signed.append(record)
        else:
            step.decided = line if step.decided is None else step.decided + b"\n" + line
    if step is not None:
        yield step


def _record(line: bytes, number: int) -> Record:
    try:
        record: Record = DECODER.decode(line)
    except msgspec.DecodeError as mistake:
        raise NoLog(f"line {number}: no record of a decision log: {mistake}") from None
    if isinstance(record, Opening) and record.version != VERSION:
        raise NoLog(f"line {number}: version {record.version}; this program knows {VERSION}")
    return record


def main(arguments: Sequence[str]) -> int:
    """Replay each file; the worst exit code."""
    if not arguments:
        sys.stderr.write("usage: python -m trading_stack.sentinel.replay FILE…\n")
        return USAGE_ERROR
    return max(_replay_file(Path(name)) for name in arguments)


def _replay_file(path: Path) -> int:
    try:
        told = replay(path.read_bytes())
    except (OSError, NoLog) as mistake:
        sys.stderr.write(f"{path}: {mistake}\n")
        return USAGE_ERROR
    if told.difference is not None:
        line, recorded, replayed = told.difference
        sys.stdout.write(
            f"{path}:{line}: different\n  log:    {_text(recorded)}\n  replay: {_text(replayed)}\n"
        )
        return DIFFERENT
    end = ", and the log ends in the middle" if told.cut else ""
    sys.stdout.write(f"{path}: equal: {told.decisions} decisions on {told.inputs} inputs{end}\n")
    return 0


def _text(said: bytes | None) -> str:
    return "nothing" if said is None else said.decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
