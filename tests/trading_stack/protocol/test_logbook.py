"""Decision logs on disk: when lines get there, when a new segment begins, and what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from decision_story import Desk, log_of_story, story
from sentinel_post import ALL, accused

from trading_stack.sentinel.decisions import logbook
from trading_stack.sentinel.decisions.logbook import KEPT, KEPT_WITH_DECISIONS, Logbook
from trading_stack.sentinel.decisions.records import DECODER, Input, Opening
from trading_stack.sentinel.events import Tick
from trading_stack.sentinel.replay import replay

MS = 1_000_000
PAGES = log_of_story(turn_every=100)
[WHOLE] = log_of_story()


def test_a_new_segment_begins_only_while_nothing_is_under_way() -> None:
    assert len(PAGES) > 5
    for page in PAGES[:-1]:
        assert replay(page).inputs >= 100
    assert any(replay(page).inputs > 150 for page in PAGES), "a suspicion is no time to begin anew"


@pytest.mark.parametrize("first", range(len(PAGES)))
def test_each_segment_is_replayed_by_itself(first: int) -> None:
    told = replay(PAGES[first])
    assert told.difference is None
    assert told.inputs > 0


def test_segments_one_after_the_other_are_the_whole_story() -> None:
    whole = replay(WHOLE)
    parts = [replay(page) for page in PAGES]
    assert sum(part.inputs for part in parts) == whole.inputs
    assert sum(part.decisions for part in parts) == whole.decisions


def test_a_memory_that_lacks_something_is_found() -> None:
    page = next(page for page in PAGES[1:] if b"handover_decided" in page)
    opening, rest = page.split(b"\n", 1)
    for one, other in ((b'"epoch":2', b'"epoch":1'), (b'"up":true', b'"up":false')):
        assert one in opening
        assert replay(opening.replace(one, other) + b"\n" + rest).difference is not None


# --- files


class Queue:
    """What a writer would have written."""

    def __init__(self) -> None:
        self.items: list[tuple[bytes, bool]] = []

    def put(self, item: tuple[bytes, bool]) -> None:
        self.items.append(item)


def segments(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def test_what_led_to_a_decision_is_written_with_it_and_the_rest_a_little_later(tmp_path: Path) -> None:
    book = Logbook(tmp_path)
    queue = Queue()
    book._queue = queue  # type: ignore[assignment]
    written = queue.items
    desk = Desk(book)
    desk.pass_time(200 * MS, beats={})
    assert len(written) == 1, "the opening"
    desk.pass_time(100 * MS, beats={})
    assert len(written) == 2
    story(desk)
    at_decisions = [data for data, _ in written if data.endswith(b"]]]\n") and b'["decided"' in data]
    assert all(data.splitlines()[-1].startswith(b'["decided"') for data in at_decisions)
    assert b"".join(data for data, _ in written).count(b'["decided"') == len(at_decisions)


def test_a_log_on_disk_is_replayed(tmp_path: Path) -> None:
    book = Logbook(tmp_path)
    book.start()
    story(Desk(book))
    book.close()
    [segment] = segments(tmp_path)
    assert replay(segment.read_bytes()) == replay(WHOLE)


def test_a_restart_begins_another_segment(tmp_path: Path) -> None:
    for _ in range(2):
        book = Logbook(tmp_path)
        book.start()
        Desk(book).pass_time(20 * MS, beats=ALL)
        book.close()
    assert [path.name for path in segments(tmp_path)] == [
        "decisions-000001.ndjson",
        "decisions-000002.ndjson",
    ]


def test_a_full_segment_makes_room_for_the_next(tmp_path: Path) -> None:
    book = Logbook(tmp_path, segment_bytes=20_000)
    book.start()
    story(Desk(book))
    book.close()
    assert len(segments(tmp_path)) > 3
    assert all(replay(path.read_bytes()).difference is None for path in segments(tmp_path))


def test_the_newest_are_kept_and_older_ones_with_decisions(tmp_path: Path) -> None:
    for number in range(1, 101):
        decided = b'\n["decided",[]]\n' if number % 2 else b"\n"
        (tmp_path / f"decisions-{number:06}.ndjson").write_bytes(b'["opening"]' + decided)
    (tmp_path / "ballots.ndjson").write_bytes(b"")
    book = Logbook(tmp_path)
    book.start()
    Desk(book)
    book.close()
    kept = [int(path.stem.split("-")[1]) for path in segments(tmp_path) if path.stem.startswith("decisions")]
    newest = list(range(102 - KEPT, 102))
    assert kept[-KEPT:] == newest
    assert kept[:-KEPT] == [n for n in range(1, newest[0]) if n % 2][-KEPT_WITH_DECISIONS:]
    assert (tmp_path / "ballots.ndjson").exists()


def test_a_crisis_without_end_fills_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "MOST_SEGMENT_BYTES", 100_000)
    book = Logbook(tmp_path, segment_bytes=1 << 30)
    book.start()
    desk = Desk(book)
    for _ in range(5000):
        desk.now_ns += 5 * MS
        desk.tell(Tick())
        accused(desk)
    book.close()
    [segment] = segments(tmp_path)
    assert 100_000 < segment.stat().st_size < 200_000
    assert replay(segment.read_bytes()).difference is None, "it ends, and has no hole"


def test_a_disk_that_takes_no_more_spoils_no_decision(tmp_path: Path) -> None:
    directory = tmp_path / "gone"
    book = Logbook(directory)
    book.start()
    desk = story(Desk(book))
    book.close()
    assert "No such file" in book.failure
    assert desk.effects


def test_records_are_lines_that_begin_with_what_they_are() -> None:
    opening, first, *_ = PAGES[0].splitlines()
    assert isinstance(DECODER.decode(opening), Opening)
    assert isinstance(DECODER.decode(first), Input)
