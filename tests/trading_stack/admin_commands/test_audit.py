"""The audit file: every line durable before anybody acts on it, and chained to the one before."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import pytest

from trading_stack.admin_commands import audit
from trading_stack.admin_commands.audit import FILE, AuditFile, ChainBroken, Record, lines


def record(reason: str) -> Record:
    return Record("sentinel-alpha", 1, "alice", "hand-over", {"target": "bravo"}, reason, "c0", "")


def written(directory: Path, count: int = 3) -> Path:
    log = AuditFile(directory)
    for number in range(count):
        log.append(record(f"reason {number}"))
    return directory / FILE


def test_lines_follow_each_other_across_lives(tmp_path: Path) -> None:
    path = written(tmp_path)
    AuditFile(tmp_path).append(record("a second life"))
    found = list(lines(path))
    assert [line.number for line in found] == [1, 2, 3, 4]
    assert b"a second life" in bytes(found[3].record)
    assert all(after.before == before.hash for before, after in pairwise(found))
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "tamper",
    [
        lambda rows: [rows[0], rows[1].replace(b"reason 1", b"reason 9"), rows[2]],
        lambda rows: [rows[0], rows[2]],
        lambda rows: [rows[1], rows[0], rows[2]],
        lambda rows: [rows[0], rows[0], rows[1], rows[2]],
        lambda rows: [rows[0], b"{}\n", rows[2]],
    ],
    ids=["changed", "removed", "swapped", "repeated", "no line"],
)
def test_whatever_is_changed_breaks_the_chain(tmp_path: Path, tamper: object) -> None:
    path = written(tmp_path)
    path.write_bytes(b"".join(tamper(path.read_bytes().splitlines(keepends=True))))  # type: ignore[operator]
    with pytest.raises(ChainBroken, match=f"{FILE}:[123]: "):
        list(lines(path))
    with pytest.raises(ChainBroken):
        AuditFile(tmp_path)


def test_a_line_that_a_crash_cut_short_is_written_over(tmp_path: Path) -> None:
    path = written(tmp_path, 2)
    path.write_bytes(path.read_bytes() + b'{"number":3,"bef')
    log = AuditFile(tmp_path)
    log.append(record("after the crash"))
    assert [line.number for line in lines(path)] == [1, 2, 3]


def test_a_failure_leaves_the_chain_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AuditFile(tmp_path)
    log.append(record("before"))

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            log.append(record("lost"))
    log.append(record("after"))
    assert [b"lost" in bytes(line.record) for line in lines(tmp_path / FILE)] == [False, False]


def test_a_full_file_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = AuditFile(tmp_path)
    log.append(record("one"))
    monkeypatch.setattr(audit, "MOST_BYTES", 400)
    with pytest.raises(OSError, match="is full"):
        log.append(record("two"))
