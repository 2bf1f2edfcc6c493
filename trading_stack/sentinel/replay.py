"""`python -m trading_stack.sentinel.replay FILE…` makes the decisions of a log again, and compares them byte for byte.

The same pure `Sentinel` is told the same, at the same times. Exit codes: 0 equal, 1 different, 3 the log ends whole, yet
before the decision on its last input, 4 no such log, or nothing in it to compare; of several files, the highest.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

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
ENDS_BEFORE: Final = 3
USAGE_ERROR: Final = 4


class NoLog(ValueError):
    """A file that holds no decision log, or one of another version; says where."""


class Difference(NamedTuple):
    """The first input, by its line, after which the log and the replay say different things. None: nothing."""

    line: int
    recorded: bytes | None
    replayed: bytes | None


class Replayed(NamedTuple):
    """How much was told and decided, and the first difference.

    `cut`: the log ends within a line, as after a crash. `missing`: it ends whole, and lacks what the replay decides
    on the last input; an input is handed to the writer together with its decision, so that no crash alone explains it.
    """

    inputs: int = 0
    decisions: int = 0
    cut: bool = False
    difference: Difference | None = None
    missing: Difference | None = None


class Unsigned(Exception):
    """The replay asks for a signature that the log does not hold."""


class Start(NamedTuple):
    """An opening, and its line."""

    line: int
    opening: Opening


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
        if isinstance(step, Start):
            sentinel = _recalled(step, hand)
        elif sentinel is None:
            raise NoLog("line 1: a log begins with an opening")
        else:
            inputs += 1
            decisions += step.decided is not None
            said = _again(sentinel, step, hand)
            if said != step.decided:
                difference = Difference(step.line, step.decided, said)
                if following is not None or step.decided is not None:
                    return Replayed(inputs, decisions, difference=difference)
                return Replayed(inputs, decisions, cut=not whole, missing=difference if whole else None)
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


def _recalled(start: Start, hand: Hand) -> Sentinel:
    """The sentinel as it was when the log began; raises `NoLog`."""
    try:
        return Sentinel.recalling(start.opening.config(hand.sign), start.opening.memory)
    except Exception as mistake:
        raise NoLog(f"line {start.line}: no sentinel begins so: {_named(mistake)}") from mistake


def _named(mistake: Exception) -> str:
    return f"{type(mistake).__name__}: {mistake}"


def _again(sentinel: Sentinel, step: Step, hand: Hand) -> bytes | None:
    """What the sentinel decides on this input now, in the form of the log; raises `NoLog` when it can't be told this."""
    hand.signed = step.signed
    try:
        said = decided(sentinel.handle(step.input.event, step.input.now_ns))
    except Unsigned:
        return b'"a signature that the log does not hold"'
    except Exception as mistake:  # whatever stands in a file that a sentinel did not write
        raise NoLog(
            f"line {step.line}: no sentinel with this opening is told that: {_named(mistake)}"
        ) from mistake
    if hand.signed:
        return b'"fewer signatures than the log holds"'
    return None if said is None else ENCODER.encode(said)


def _steps(lines: Sequence[bytes]) -> Iterator[Start | Step]:
    step: Step | None = None
    for number, line in enumerate(lines, 1):
        record = _record(line, number)
        if isinstance(record, Opening | Input):
            if step is not None:
                yield step
            step = Step(number, record) if isinstance(record, Input) else None
            if isinstance(record, Opening):
                yield Start(number, record)
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


class Arguments(argparse.ArgumentParser):
    """Mistakes end with this program's own code for them."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE_ERROR, f"{self.format_usage()}{message}\n")


def main(arguments: Sequence[str]) -> int:
    """Replay each file; the highest exit code."""
    parser = Arguments(
        prog="python -m trading_stack.sentinel.replay",
        description="Make the decisions of sentinels' logs again, and compare them byte for byte.",
        epilog="Exit codes: 0 equal, 1 different, 3 a log ends before its last decision, 4 no log, or nothing to compare.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path, help="a log: decisions-NUMBER.ndjson")
    try:
        files: list[Path] = parser.parse_args(arguments).files
    except SystemExit as stop:
        return int(stop.code or 0)
    return max(_replay_file(path) for path in files)


def _replay_file(path: Path) -> int:
    if path.is_dir():
        return _refuse(path, f"it is a folder: name the logs in it, {path}/decisions-*.ndjson")
    try:
        told = replay(path.read_bytes())
    except OSError as mistake:
        return _refuse(path, mistake.strerror or str(mistake))
    except NoLog as mistake:
        return _refuse(path, str(mistake))
    if told.difference is not None:
        return _differ(path, "different", told.difference, DIFFERENT)
    if told.missing is not None:
        return _differ(path, "the log ends before its decision", told.missing, ENDS_BEFORE)
    if not told.inputs:
        return _refuse(path, "nothing to compare: the sentinel was told nothing after the opening")
    end = ", and the log ends in the middle" if told.cut else ""
    sys.stdout.write(f"{path}: equal: {told.decisions} decisions on {told.inputs} inputs{end}\n")
    return 0


def _refuse(path: Path, why: str) -> int:
    sys.stderr.write(f"{path}: {why}\n")
    return USAGE_ERROR


def _differ(path: Path, how: str, difference: Difference, code: int) -> int:
    line, recorded, replayed = difference
    sys.stdout.write(f"{path}:{line}: {how}\n  log:    {_text(recorded)}\n  replay: {_text(replayed)}\n")
    return code


def _text(said: bytes | None) -> str:
    return "nothing" if said is None else said.decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
