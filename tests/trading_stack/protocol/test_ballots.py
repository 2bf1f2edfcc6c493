"""What a sentinel signed survives its crash."""

from __future__ import annotations

import errno
import json
import os
import queue
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from trading_stack.sentinel import ballots, service
from trading_stack.sentinel.ballots import COUNTER, FILE, BallotBox
from trading_stack.sentinel.events import Ballot

LIMIT_S = 10


def save(directory: Path, *ballots: Ballot) -> None:
    box = BallotBox(directory)
    saved: queue.Queue[Ballot] = queue.Queue()
    box.start(saved.put)
    for ballot in ballots:
        box.save(ballot)
        assert saved.get(timeout=LIMIT_S) == ballot


def test_the_last_ballot_is_known_again(tmp_path: Path) -> None:
    assert BallotBox(tmp_path).last is None
    save(tmp_path, Ballot(0, 1, "alpha"), Ballot(1, 2, "bravo"))
    assert BallotBox(tmp_path).last == Ballot(1, 2, "bravo")


def test_a_line_that_a_crash_cut_short_is_left_out(tmp_path: Path) -> None:
    save(tmp_path, Ballot(0, 1, "alpha"))
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"old_epoch":1,"new_ep')
    assert BallotBox(tmp_path).last == Ballot(0, 1, "alpha")
    save(tmp_path, Ballot(1, 3, "charlie"))
    assert BallotBox(tmp_path).last == Ballot(1, 3, "charlie")


class FullDisk:
    """Stands in for `os.fsync`; says that there is no space as long as it is full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = True
        self.synced: list[str] = []
        self._sync: Callable[[int], None] = os.fsync
        monkeypatch.setattr(os, "fsync", self)

    def __call__(self, descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        self.synced.append("folder" if folder else "file")
        if self.full and not folder:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._sync(descriptor)


def test_a_full_disk_is_told_and_the_next_ballot_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, box = FullDisk(monkeypatch), BallotBox(tmp_path)
    disk.full = False
    saved: queue.Queue[Ballot] = queue.Queue()
    box.start(saved.put)
    box.save(Ballot(0, 0, "alpha"))
    assert saved.get(timeout=LIMIT_S) == Ballot(0, 0, "alpha")
    disk.full = True
    box.save(Ballot(0, 1, "alpha"))
    until_s = time.monotonic() + LIMIT_S
    while box.failure is None and time.monotonic() < until_s:
        time.sleep(0.001)
    assert box.failure == "its ballots can't be written: No space left on device"
    assert saved.empty(), "what is not durable is not said to be"
    disk.full = False
    box.save(Ballot(0, 2, "bravo"))
    assert saved.get(timeout=LIMIT_S) == Ballot(0, 2, "bravo")
    assert box.failure is None
    assert BallotBox(tmp_path).last == Ballot(0, 2, "bravo")


def test_that_the_file_is_there_is_durable_before_its_first_ballot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch)
    disk.full = False
    save(tmp_path, Ballot(0, 1, "alpha"))
    assert disk.synced == ["file", "folder", "file", "file"], (
        "the file, its name, its write counter, the ballot"
    )


def test_what_a_killed_process_wrote_is_durable_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FILE).write_bytes(b'{"old_epoch":0,"new_epoch":1,"candidate":"alpha"}\n')
    disk = FullDisk(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        BallotBox(tmp_path)
    disk.full = False
    assert BallotBox(tmp_path).last == Ballot(0, 1, "alpha")
    assert disk.synced == ["file", "file"]


def test_a_sentinel_that_cannot_sign_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    tower = object.__new__(service.Watchtower)
    box = object.__new__(BallotBox)
    monkeypatch.setattr(box, "_failure", "its ballots can't be written: full", raising=False)
    monkeypatch.setattr(tower, "_box", box, raising=False)
    assert tower.unready() == "its ballots can't be written: full"


# --- damage


def damaged(directory: Path, data: bytes) -> BallotBox:
    (directory / FILE).write_bytes(data)
    return BallotBox(directory)


def test_no_cut_and_no_flipped_bit_is_accepted(tmp_path: Path) -> None:
    save(tmp_path, Ballot(0, 1, "alpha"), Ballot(1, 2, "bravo"))
    whole = (tmp_path / FILE).read_bytes()
    changed = [whole[:at] for at in range(len(whole))]
    for at, byte in enumerate(whole):
        changed += [whole[:at] + bytes([byte ^ 1 << bit]) + whole[at + 1 :] for bit in range(8)]
    assert len(changed) == 9 * len(whole)
    for data in changed:
        box = damaged(tmp_path, data)
        assert box.damage, data
        assert FILE in str(box.failure)
        assert (tmp_path / FILE).read_bytes() == data, "it is left for people to look at"
    assert damaged(tmp_path, whole).last == Ballot(1, 2, "bravo")


def test_no_damage_to_the_write_counter_is_of_consequence(tmp_path: Path) -> None:
    save(tmp_path, Ballot(0, 1, "alpha"), Ballot(1, 2, "bravo"))
    whole = (tmp_path / COUNTER).read_bytes()
    for at, byte in enumerate(whole):
        for data in (
            whole[:at],
            *(whole[:at] + bytes([byte ^ 1 << bit]) + whole[at + 1 :] for bit in range(8)),
        ):
            (tmp_path / COUNTER).write_bytes(data)
            box = BallotBox(tmp_path)
            assert (box.damage, box.last) == ("", Ballot(1, 2, "bravo"))


def test_a_file_that_is_gone_is_told_unless_the_sentinel_is_new(tmp_path: Path) -> None:
    assert BallotBox(tmp_path).damage == ""
    save(tmp_path, Ballot(0, 1, "alpha"))
    (tmp_path / FILE).unlink()
    assert BallotBox(tmp_path).damage == "missing"


def test_a_damaged_box_saves_nothing(tmp_path: Path) -> None:
    save(tmp_path, Ballot(0, 1, "alpha"))
    box = damaged(tmp_path, b"no ballot\n")
    saved: queue.Queue[Ballot] = queue.Queue()
    box.start(saved.put)
    box.save(Ballot(1, 2, "bravo"))
    assert box._queue.empty()
    assert (tmp_path / FILE).read_bytes() == b"no ballot\n"


def test_without_its_checksum_a_changed_ballot_would_be_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, Ballot(0, 1, "alpha"))
    whole = (tmp_path / FILE).read_bytes()
    monkeypatch.setattr(ballots, "_sum", lambda _: json.loads(whole)["sum"])
    assert damaged(tmp_path, whole.replace(b"alpha", b"alphb")).damage == ""


def test_lines_of_earlier_versions_are_read(tmp_path: Path) -> None:
    box = damaged(tmp_path, b'{"old_epoch":0,"new_epoch":1,"candidate":"alpha"}\n')
    assert (box.damage, box.last) == ("", Ballot(0, 1, "alpha"))
