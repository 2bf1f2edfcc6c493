from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.history.journal import JournalWriter, parse_journal, read_journal
from harness.model.errors import UsageError
from harness.model.events import Event, HostStalled, LoadStarted, RunEnded, ServiceReady, StackSaid
from harness.model.stack_event import StackEvent

EVENTS: tuple[Event, ...] = (
    LoadStarted(at_ns=5, workers=2),
    StackSaid(
        at_ns=6, seen_ns=7, event=StackEvent(service="engine-alpha", kind="promise_made", mono_ns=9, epoch=2)
    ),
    ServiceReady(at_ns=8, service="gateway-älpha"),
    RunEnded(at_ns=9),
)


def write(path: Path, events: tuple[Event, ...] = EVENTS) -> bytes:
    writer = JournalWriter(path)
    for event in events:
        writer.append(event)
    writer.close()
    return path.read_bytes()


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write(tmp_path / "journal.ndjson")
    journal = read_journal(tmp_path / "journal.ndjson")
    assert journal.events == EVENTS
    assert journal.ended
    assert not journal.torn


def test_an_event_is_on_its_way_to_the_disk_when_append_returns(tmp_path: Path) -> None:
    path = tmp_path / "journal.ndjson"
    writer = JournalWriter(path)
    assert writer.append(EVENTS[0]) == 1
    assert read_journal(path).events == EVENTS[:1]
    assert writer.append(EVENTS[1]) == 2
    assert read_journal(path).events == EVENTS[:2]
    assert not read_journal(path).ended
    writer.sync()
    writer.close()
    writer.close()
    writer.sync()
    with pytest.raises(ValueError, match="closed"):
        writer.append(EVENTS[2])


@given(cut=st.integers(min_value=0, max_value=600))
@settings(max_examples=200, deadline=None)
def test_a_journal_cut_at_any_byte_is_read_up_to_the_cut_and_known_to_be_cut(cut: int) -> None:
    import msgspec

    whole = b"".join(msgspec.json.encode(event) + b"\n" for event in EVENTS)
    kept = whole[: min(cut, len(whole))]
    journal = parse_journal(kept)
    assert journal.events == EVENTS[: kept.count(b"\n")]
    assert bool(journal.torn) == (bool(kept) and not kept.endswith(b"\n"))
    assert journal.ended == (kept == whole)


def test_a_damaged_line_ends_the_reading() -> None:
    import msgspec

    lines = [msgspec.json.encode(event) for event in EVENTS]
    journal = parse_journal(b"\n".join([lines[0], b'{"type":"Nonsense"}', lines[3], b""]))
    assert journal.events == EVENTS[:1]
    assert "line 2" in journal.torn
    assert not journal.ended


def test_two_runs_never_share_a_journal(tmp_path: Path) -> None:
    write(tmp_path / "journal.ndjson")
    with pytest.raises(UsageError, match="already holds a journal"):
        JournalWriter(tmp_path / "journal.ndjson")


def test_an_absent_journal_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the journal"):
        read_journal(tmp_path / "nowhere.ndjson")


def test_observers_hear_each_event_in_order(tmp_path: Path) -> None:
    heard: list[tuple[int, Event]] = []
    writer = JournalWriter(tmp_path / "journal.ndjson")
    subscription = writer.subscribe(lambda number, event: heard.append((number, event)))
    for event in EVENTS:
        writer.append(event)
    writer.close()
    assert heard == list(enumerate(EVENTS, start=1))
    assert subscription.error is None


def test_an_observer_that_raises_hurts_neither_the_run_nor_other_observers(tmp_path: Path) -> None:
    def fail(number: int, event: Event) -> None:
        raise RuntimeError("full of sorrow")

    heard: list[int] = []
    writer = JournalWriter(tmp_path / "journal.ndjson")
    bad = writer.subscribe(fail)
    writer.subscribe(lambda number, event: heard.append(number))
    for event in EVENTS:
        writer.append(event)
    writer.close()
    assert isinstance(bad.error, RuntimeError)
    assert heard == [1, 2, 3, 4]
    assert read_journal(tmp_path / "journal.ndjson").ended


def test_an_observer_that_hangs_delays_only_itself(tmp_path: Path) -> None:
    release = threading.Event()
    writer = JournalWriter(tmp_path / "journal.ndjson")

    def hang(number: int, event: Event) -> None:
        release.wait(10)

    writer.subscribe(hang)
    for event in EVENTS:
        writer.append(event)
    writer.close(patience_s=0.0)
    assert read_journal(tmp_path / "journal.ndjson").ended
    release.set()


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    path = tmp_path / "journal.ndjson"
    writer = JournalWriter(path)
    writer.append(EVENTS[0])
    real, calls = os.write, []

    def fill_up(descriptor: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) > 1:
            raise OSError(28, "full")
        return real(descriptor, data[:10])

    monkeypatch.setattr(os, "write", fill_up)
    with pytest.raises(OSError, match="full"):
        writer.append(EVENTS[1])
    monkeypatch.undo()
    writer.append(EVENTS[3])
    writer.close()
    assert read_journal(path).events == (EVENTS[0], EVENTS[3])


def test_threads_may_write_at_once(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "journal.ndjson")

    def work() -> None:
        for number in range(50):
            writer.append(HostStalled(at_ns=number, stall_ns=1, stack_cpu_ns=0))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert len(read_journal(tmp_path / "journal.ndjson").events) == 200
