"""Decision logs on simulated disks: what a disk that fills up leaves of them, and that nobody else notices."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
from decision_story import Desk, log_of_story, story
from sentinel_post import ALL

from harness.stack.simulation import Machine
from trading_stack.sentinel.replay import replay
from trading_stack.simulation.network import MS
from trading_stack.virtual.book import SEGMENT, VirtualBook

[WHOLE] = log_of_story()
NO_ROOM = "No space left on device"


class SlowDisk:
    """Answers for what was written when it is asked to."""

    def __init__(self) -> None:
        self.kept: list[object] = []
        self.under_way: list[tuple[object, Callable[[str], None]]] = []

    def append(self, record: object, done: Callable[[str], None]) -> None:
        self.under_way.append((record, done))

    def records(self) -> list[object]:
        return self.kept

    def answer(self, reason: str = "") -> None:
        """Finish all that is under way now."""
        finished, self.under_way = self.under_way, []
        for record, done in finished:
            if not reason:
                self.kept.append(record)
            done(reason)

    def answer_all(self) -> None:
        while self.under_way:
            self.answer()


class Host:
    """A machine that has one disk."""

    def __init__(self) -> None:
        self.slow = SlowDisk()

    def disk(self, name: str) -> SlowDisk:
        return self.slow


@pytest.fixture
def host() -> Host:
    return Host()


def book(host: Host) -> VirtualBook:
    return VirtualBook(cast("Machine", host))


def test_the_log_replays_to_the_same_decisions(host: Host) -> None:
    kept = book(host)
    story(Desk(kept))
    assert len(host.slow.under_way) == 1, "the next page waits for the answer to this one"
    host.slow.answer_all()
    log = kept.files()[SEGMENT]
    assert WHOLE.startswith(log)
    assert replay(log).decisions == replay(WHOLE).decisions


def test_wherever_the_log_ends_it_ends_behind_whole_decisions(host: Host) -> None:
    kept = book(host)
    story(Desk(kept))
    while host.slow.under_way:
        host.slow.answer()
        told = replay(kept.files()[SEGMENT])
        assert (told.difference, told.missing, told.cut) == (None, None, False)


@pytest.mark.parametrize("pages", [0, 1, 5])
@pytest.mark.parametrize("life", ["same", "next"])
def test_after_a_full_disk_the_log_begins_anew_and_has_no_hole(host: Host, pages: int, life: str) -> None:
    kept = book(host)
    desk = Desk(kept)
    story(desk)
    for _ in range(pages):
        host.slow.answer()
    before = kept.files()[SEGMENT]
    host.slow.answer(NO_ROOM)
    assert not host.slow.under_way, "what waited is dropped, too"
    assert kept.files()[SEGMENT] == before
    assert WHOLE.startswith(before)
    after = desk if life == "same" else Desk(book(host))
    after.pass_time(2000 * MS, beats=ALL)
    host.slow.answer_all()
    log = kept.files()[SEGMENT]
    assert log[: len(before)] == before
    assert log[len(before) :].startswith(b'["opening"')
    assert replay(log).difference is None
    assert replay(log).inputs > replay(before).inputs if pages > 1 else replay(log).inputs
