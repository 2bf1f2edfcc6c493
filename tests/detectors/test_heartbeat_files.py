"""Recordings of heartbeats: what is read, and what is refused with its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from harness.detectors.recorded import recorded
from harness.detectors.trace_file import (
    AnyRow,
    Died,
    Ended,
    Heard,
    Lagged,
    Watch,
    encode_rows,
    read_trace,
)
from harness.history.folder import RunFolder
from harness.history.journal import JournalWriter
from harness.history.meta import RunMeta, write_meta
from harness.model.errors import DocumentError, UsageError
from harness.model.events import FaultInjected, RunStarted, ServiceStarted

HEAD = Watch(0, 1, "w", 20)


def written(folder: Path, *rows: AnyRow, name: str = "heartbeats.ndjson") -> Path:
    path = folder / name
    text = encode_rows(rows)
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


@pytest.mark.parametrize("name", ["w.ndjson", "w.ndjson.gz"])
def test_a_recording_is_read_into_lives(tmp_path: Path, name: str) -> None:
    path = written(
        tmp_path,
        HEAD,
        Heard(10, "a", 1),
        Heard(11, "b", 7),
        Lagged(25, 10),
        Heard(30, "a", 2),
        Died(35, "a"),
        Heard(36, "a", 3),
        Lagged(60, 5),
        Heard(90, "a", 1, life=1),
        Heard(95, "a", 4, life=0),
        Heard(96, "a", 1, life=1),
        Ended(120),
        name=name,
    )
    trace = read_trace(path)
    assert (trace.name, trace.told, trace.heartbeat_ns) == (name, "recorded by w", 20)
    assert (trace.heartbeats, trace.deaths) == (5, 1)
    first, second, other = sorted(
        trace.lives, key=lambda life: (life.died_ns is None, len(life.heard_ns), life.heard_ns[0])
    )[:3]
    assert first.heard_ns.tolist() == [10, 30, 36]
    assert (first.died_ns, first.ended_ns, first.watched_ns) == (35, 90, 25)
    assert (first.until_ns.tolist(), first.lag_ns.tolist()) == ([25, 60], [10, 5])
    assert (second.heard_ns.tolist(), second.sequence.tolist(), second.ended_ns) == ([11], [7], 120)
    assert (other.heard_ns.tolist(), other.died_ns, other.ended_ns) == ([90], None, 120)


def test_a_life_that_nobody_saw_end_was_watched_up_to_its_last_heartbeat(tmp_path: Path) -> None:
    path = written(
        tmp_path, HEAD, Heard(10, "a", 1), Heard(30, "a", 2), Heard(90, "a", 1, life=1), Ended(100)
    )
    ended = sorted((life.died_ns, life.ended_ns) for life in read_trace(path).lives)
    assert ended == [(None, 30), (None, 100)]


def test_a_recording_without_an_end_was_watched_up_to_its_last_row(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD, Heard(10, "a", 1), Lagged(70, 5))
    assert [life.ended_ns for life in read_trace(path).lives] == [70]


def test_lags_that_overlap_are_one(tmp_path: Path) -> None:
    path = written(
        tmp_path, HEAD, Heard(10, "a", 1), Lagged(50, 20), Lagged(60, 25), Lagged(80, 5), Ended(90)
    )
    (life,) = read_trace(path).lives
    assert (life.until_ns.tolist(), life.lag_ns.tolist()) == ([60, 80], [30, 5])


MISTAKES: list[tuple[bytes, int, str]] = [
    (b"", 1, "the file is empty"),
    (b"nonsense\n", 1, "no row of a heartbeat trace"),
    (encode_rows([Heard(1, "a", 1)]), 1, "the first line must be a `watch` row"),
    (encode_rows([Watch(0, 2, "w", 20)]), 1, "version 2 is not known"),
    (encode_rows([Watch(0, 1, "w", 0)]), 1, "heartbeat_ns 0 is no interval"),
    (encode_rows([HEAD]), 1, "no heartbeat was heard"),
    (encode_rows([HEAD, HEAD]), 2, "a second `watch`"),
    (encode_rows([HEAD, Heard(9, "a", 1), Heard(8, "a", 2)]), 3, "lies before the line above (9)"),
    (encode_rows([HEAD, Heard(9, "a", 1), Lagged(9, 0)]), 3, "lag_ns 0 is no lag"),
    (encode_rows([HEAD, Heard(9, "a", 1), Ended(10), Heard(11, "a", 2)]), 4, "a row after `ended`"),
    (encode_rows([HEAD]) + b'{"kind":"herd","at_ns":1,"sender":"a","sequence":1}\n', 2, "'herd'"),
    (encode_rows([HEAD]) + b'{"kind":"heard","at_ns":1,"sender":"a","seq":1}\n', 2, "`seq`"),
    (encode_rows([HEAD]) + b'{"kind":"heard","at_ns":1.5,"sender":"a","sequence":1}\n', 2, "at_ns"),
    (encode_rows([HEAD]) + b'{"kind":"heard","at_ns":1,"sen\n', 2, "no row of a heartbeat trace"),
    (encode_rows([HEAD])[:-9], 1, "no row of a heartbeat trace"),
    (encode_rows([HEAD, Heard(2**63, "a", 1), Heard(2**63 + 1, "a", 2)]), 2, "`$.at_ns`"),
    (encode_rows([HEAD, Heard(9, "a", -(2**63) - 1)]), 2, "`$.sequence`"),
    (encode_rows([HEAD, Heard(9, "a", 1), Lagged(10, 2**64)]), 3, "`$.lag_ns`"),
    (encode_rows([Watch(0, 1, "w", 2**63)]), 1, "`$.heartbeat_ns`"),
    (encode_rows([HEAD]) + b"\xff\xfe\n", 2, "no row of a heartbeat trace"),
]


@pytest.mark.parametrize(("content", "line", "told"), MISTAKES)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, content: bytes, line: int, told: str) -> None:
    path = tmp_path / "w.ndjson"
    path.write_bytes(content)
    with pytest.raises(DocumentError) as caught:
        read_trace(path)
    assert f"{path}:{line}:1: " in str(caught.value)
    assert told in str(caught.value)
    assert "next: docs/detectors.md" in str(caught.value)


@pytest.mark.parametrize(
    "half", [b"{", b'{"kind":"heard","at_ns":40,"sen', b'{"kind":"heard","at_ns":40,"sender":"\xc3']
)
def test_a_recorder_that_was_killed_leaves_half_a_line_which_is_left_out(tmp_path: Path, half: bytes) -> None:
    path = written(tmp_path, HEAD, Heard(10, "a", 1), Heard(30, "a", 2))
    path.write_bytes(path.read_bytes() + half)
    trace = recorded(path)
    assert [life.heard_ns.tolist() for life in trace.lives] == [[10, 30]]
    assert trace.told == "recorded by w; 1 file broke off in half a line, which is left out"
    written(tmp_path, HEAD, Heard(10, "a", 1), Ended(50), name="two.ndjson")
    together = recorded(tmp_path)
    assert together.told == "recorded by 2 watchers; 1 file broke off in half a line, which is left out"


def test_a_last_line_that_is_whole_counts_without_its_newline(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD, Heard(10, "a", 1), Heard(30, "a", 2))
    path.write_bytes(path.read_bytes()[:-1])
    trace = recorded(path)
    assert (trace.heartbeats, trace.torn) == (2, 0)


def test_who_was_heard_once_was_not_measured(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD, Heard(10, "a", 1))
    for place in (path, tmp_path):
        with pytest.raises(UsageError, match="nothing to measure"):
            recorded(place)


def test_a_torn_archive_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD, *(Heard(at, "a", at) for at in range(1, 500)), name="w.ndjson.gz")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UsageError, match="torn or not gzipped"):
        read_trace(path)
    path.write_bytes(b"plain text")
    with pytest.raises(UsageError, match="torn or not gzipped"):
        read_trace(path)


# --- files, folders, runs


def test_the_files_of_a_folder_are_one_trace(tmp_path: Path) -> None:
    for name in ("one", "two"):
        written(tmp_path, HEAD, Heard(10, "a", 1), Ended(50), name=f"{name}.ndjson")
    trace = recorded(tmp_path)
    assert (trace.name, trace.told, len(trace.lives)) == (tmp_path.name, "recorded by 2 watchers", 2)


def test_recordings_of_different_heartbeats_are_not_mixed(tmp_path: Path) -> None:
    written(tmp_path, HEAD, Heard(10, "a", 1), name="one.ndjson")
    written(tmp_path, Watch(0, 1, "w", 50), Heard(10, "a", 1), name="two.ndjson")
    with pytest.raises(
        DocumentError, match=r"two.ndjson:1:1: its heartbeats come every 50 ns, but one.ndjson has 20 ns"
    ):
        recorded(tmp_path)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is nothing at"):
        recorded(tmp_path / "missing")
    with pytest.raises(UsageError, match="no heartbeats are recorded in"):
        recorded(tmp_path)


def test_deaths_in_a_run_come_from_its_journal(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    write_meta(folder, RunMeta(run_id="r", scenario="s", seed=1, platform="process", stack="t"))
    journal = JournalWriter(folder.journal)
    journal.append(
        RunStarted(
            at_ns=0,
            run_id="r",
            scenario="s",
            seed=1,
            platform="process",
            stack="t",
            origin_mono_ns=1000,
            document={},
        )
    )
    for service in ("engine-a", "engine-b"):
        journal.append(ServiceStarted(at_ns=1, service=service, provider=service[-1], role="engine", pid=1))
    for at_ns, fault, target in ((30, "service_crash", "engine-a"), (40, "service_freeze", "engine-b")):
        journal.append(
            FaultInjected(
                at_ns=at_ns + 5, fault_id=fault, fault=fault, targets=(target,), primary="a", epoch=1, asked_ns=at_ns,
                first_effect_ns=at_ns, last_effect_ns=at_ns, parameters={},
            )
        )  # fmt: skip
    journal.close()
    written(
        tmp_path,
        HEAD,
        Heard(1010, "engine-a", 1),
        Heard(1020, "engine-b", 1),
        Heard(1050, "engine-b", 2),
        Ended(1100),
    )
    assert sorted((len(life.heard_ns), life.died_ns) for life in recorded(tmp_path).lives) == [
        (1, 1030),
        (2, None),
    ]
