"""What a sentinel signed survives its crash."""

from __future__ import annotations

import queue
from pathlib import Path

from trading_stack.sentinel.ballots import FILE, BallotBox
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
