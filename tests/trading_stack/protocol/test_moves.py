"""When the primary moved is known again after a restart, on the same boot of the host and on another."""

from __future__ import annotations

from pathlib import Path

import pytest

from trading_stack.sentinel.moves import FILE, MoveKeeper, Moves, read_moves

MOVES = (1_000, 4_000)


def written(directory: Path, *moves: tuple[int, ...]) -> MoveKeeper:
    keeper = MoveKeeper(directory, boot="one")
    keeper.start()
    for each in moves:
        keeper.save(each)
    keeper.close()
    return keeper


@pytest.mark.parametrize(
    ("boot", "now_ns", "expected"),
    [
        ("one", 4_000, MOVES),
        ("one", 900_000, MOVES),
        ("another", 900_000, (897_000, 900_000)),
        ("another", 500, (-2_500, 500)),
        ("one", 3_999, (999, 3_999)),
    ],
    ids=["at once", "later", "another boot", "a clock that began anew", "a clock that went back"],
)
def test_the_last_move_is_never_taken_for_older_than_is_known(
    tmp_path: Path, boot: str, now_ns: int, expected: tuple[int, ...]
) -> None:
    written(tmp_path, (1_000,), MOVES)
    assert read_moves(tmp_path, boot=boot, now_ns=now_ns) == expected


def test_hosts_that_tell_no_boot_are_never_the_same() -> None:
    assert Moves("", MOVES).since("", 900_000) == (897_000, 900_000)


def test_nothing_written_is_no_move(tmp_path: Path) -> None:
    assert read_moves(tmp_path, boot="one", now_ns=7) == ()
    written(tmp_path, ())
    assert read_moves(tmp_path, boot="one", now_ns=7) == ()


@pytest.mark.parametrize("data", [b"", b"{", b'{"boot":"one"}', b"\xff"])
def test_a_damaged_file_counts_as_a_move_of_now(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    assert read_moves(tmp_path, boot="one", now_ns=7) == (7,)


def test_a_disk_that_takes_nothing_is_told_and_stops_nobody(tmp_path: Path) -> None:
    keeper = written(tmp_path / "missing", MOVES)
    assert keeper.failure == "moves can't be written down: No such file or directory"
    assert written(tmp_path, MOVES).failure == ""
