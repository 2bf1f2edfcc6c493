"""Recorded heartbeats in a file: one JSON object a line, optionally gzipped. `docs/detectors.md` describes the format."""

from __future__ import annotations

import gzip
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec

from harness.detectors.lives import LivesOfOneWatcher
from harness.detectors.trace import Trace
from harness.model.errors import DocumentError, Problem, UsageError
from harness.model.units import counted

VERSION: Final = 1
SUFFIXES: Final = (".ndjson", ".ndjson.gz")


MOST: Final = 2**62
"""What an array of 64-bit integers holds, with room for sums of two."""
Int: TypeAlias = Annotated[int, msgspec.Meta(ge=-MOST, le=MOST)]


class Row(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="kind"):
    """What happened at `at_ns`, nanoseconds of the watcher's monotonic clock; a line never comes before its predecessor."""

    at_ns: Int


class Watch(Row, frozen=True, gc=False, tag="watch"):
    """The first line: who watches, and how often each sender means to be heard."""

    version: int
    watcher: str
    heartbeat_ns: Int


class Heard(Row, frozen=True, gc=False, tag="heard"):
    """A heartbeat. `sequence` counts those that the sender meant to send in this `life`; lives are numbered upwards."""

    sender: str
    sequence: Int
    life: Int = 0


class Lagged(Row, frozen=True, gc=False, tag="lagged"):
    """The watcher ran again, after it had not run for `lag_ns`."""

    lag_ns: Int


class Died(Row, frozen=True, gc=False, tag="died"):
    """The sender's last life ended here, as somebody knows who ended it."""

    sender: str


class Ended(Row, frozen=True, gc=False, tag="ended"):
    """The watcher stopped looking."""


AnyRow: TypeAlias = Watch | Heard | Lagged | Died | Ended

_DECODER: Final = msgspec.json.Decoder(AnyRow)
_ENCODER: Final = msgspec.json.Encoder()


def encode_rows(rows: Iterable[AnyRow]) -> bytes:
    """Rows as the text of a file."""
    return b"".join(_ENCODER.encode(row) + b"\n" for row in rows)


def read_trace(path: Path, *, deaths: Sequence[Died] = ()) -> Trace:
    """The trace that a file holds, with `deaths` that others know of, in order of time, on the same clock.

    Raises `DocumentError` with file:line, or `UsageError` when it can't be read.
    """
    reader = _Reader(str(path), deaths)
    for number, line in enumerate(_lines(path), start=1):
        reader.take(number, line)
    return reader.trace()


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(f"{path} is torn or not gzipped: {error}", next_step="record it again") from error


class _Reader:
    """Rows in, lives out."""

    def __init__(self, file: str, deaths: Sequence[Died]) -> None:
        self._file = file
        self._deaths = deque(deaths)
        self._watch: Watch | None = None
        self._lives = LivesOfOneWatcher()
        self._last_ns = 0
        self._number = 0
        self._ended = False
        self._torn = False

    def take(self, number: int, line: bytes) -> None:
        self._number = number
        try:
            row = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if self._watch is not None and _is_half(line, error):
                self._torn = True  # whoever wrote it was killed: nothing can follow
                return
            raise self._mistake(f"no row of a heartbeat trace: {error}", line) from error
        problem = self._problem(row)
        if problem:
            raise self._mistake(problem, line)
        while self._deaths and self._deaths[0].at_ns <= row.at_ns:
            self._note(self._deaths.popleft())
        self._last_ns = row.at_ns
        self._note(row)

    def _problem(self, row: AnyRow) -> str:
        """What is wrong with a row where it stands; empty when nothing is."""
        if self._watch is None:
            return _problem_of_first(row)
        if isinstance(row, Watch):
            return "a second `watch`: one file is one watcher's"
        if self._ended:
            return "a row after `ended`"
        if row.at_ns < self._last_ns:
            return (
                f"at_ns {row.at_ns} lies before the line above ({self._last_ns}): rows are in order of time"
            )
        if isinstance(row, Lagged) and row.lag_ns <= 0:
            return f"lag_ns {row.lag_ns} is no lag: say for how long the watcher had not run"
        return ""

    def _note(self, row: AnyRow) -> None:
        match row:
            case Heard(at_ns=at_ns, sender=sender, sequence=sequence, life=life):
                self._lives.heard(sender, life, sequence, at_ns)
            case Lagged(at_ns=at_ns, lag_ns=lag_ns):
                self._lives.lagged(lag_ns, at_ns)
            case Died(at_ns=at_ns, sender=sender):
                self._lives.died(sender, at_ns)
            case Watch():
                self._watch = row
            case Ended():
                self._ended = True

    def trace(self) -> Trace:
        """What was read; a file without `ended` was watched up to its last row."""
        if self._watch is None:
            raise self._mistake("the file is empty: its first line is a `watch` row", b"")
        lives = self._lives.close(self._last_ns)
        if not lives:
            raise self._mistake("no heartbeat was heard", b"")
        torn = int(self._torn)
        told = told_by(self._watch.watcher, torn=torn)
        return Trace(Path(self._file).name, told, self._watch.heartbeat_ns, lives, torn)

    def _mistake(self, message: str, line: bytes) -> DocumentError:
        shown = line.decode(errors="replace").rstrip("\n")[:200]
        problem = Problem(self._file, max(1, self._number), 1, message, source_line=shown)
        return DocumentError((problem,), next_step="docs/detectors.md describes the format")


def told_by(who: str, *, torn: int) -> str:
    """Where a trace comes from, and what is missing of it."""
    if not torn:
        return f"recorded by {who}"
    return f"recorded by {who}; {counted(torn, 'file')} broke off in half a line, which is left out"


def _is_half(line: bytes, error: Exception) -> bool:
    """Whether a line was cut off before its end, rather than written wrong."""
    return not line.endswith(b"\n") and not isinstance(error, msgspec.ValidationError)


def _problem_of_first(row: AnyRow) -> str:
    if not isinstance(row, Watch):
        return "the first line must be a `watch` row, with version, watcher and heartbeat_ns"
    if row.version != VERSION:
        return f"version {row.version} is not known here: this harness reads version {VERSION}"
    if row.heartbeat_ns <= 0:
        return f"heartbeat_ns {row.heartbeat_ns} is no interval"
    return ""
