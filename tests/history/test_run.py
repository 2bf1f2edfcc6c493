from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

import harness
from harness.history.columns import TABLES
from harness.history.folder import RunFolder, create_run_folder
from harness.history.frames import frame_of_rows
from harness.history.journal import Journal, JournalWriter
from harness.history.meta import RunMeta, read_meta, write_meta
from harness.history.run import Run, load_run
from harness.history.tables import write_table
from harness.model.errors import UsageError
from harness.model.events import Collected, Event, LoadDrained, LoadStarted, RunEnded

META = RunMeta(
    run_id="r1", scenario="outage", seed=7, platform="process", stack="trading", waives={"O13": "no book"}
)
EVENTS: tuple[Event, ...] = (
    LoadStarted(at_ns=50, workers=1),
    LoadDrained(at_ns=90, operations=1, unresolved=0, late_ns_p99=1, late_ns_max=1),
    Collected(at_ns=95, replicas=3, quotes=9, accounts=2),
    RunEnded(at_ns=99),
)
BALANCE = {"node": "n", "read": 1, "account": "<b>", "amount": 4}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = create_run_folder(tmp_path, "outage", started=datetime(2026, 11, 21, tzinfo=UTC), token="t")
    write_meta(folder, META)
    writer = JournalWriter(folder.journal)
    for event in EVENTS:
        writer.append(event)
    writer.close()
    write_table(folder, "balances", frame_of_rows(TABLES["balances"], [BALANCE]))
    return folder


def test_a_run_is_read_back(folder: RunFolder) -> None:
    run = harness.load_run(folder.path)
    assert run.meta == META
    assert run.events == EVENTS
    assert (run.zero_ns, run.drained_ns, run.cut) == (50, 90, "")
    assert list(run.balances["amount"]) == [4]
    assert run.balances is run.balances
    assert run.problem("balances") == ""
    assert len(run.faults) == len(run.leadership) == 0
    assert "r1" in repr(run)
    for name in TABLES:
        assert list(getattr(run, name).columns) == list(TABLES[name])


def test_latest_and_the_scenario_folder_name_the_newest_run(folder: RunFolder) -> None:
    assert load_run(folder.path.parent).path == folder.path.resolve()
    assert load_run(str(folder.path.parent / "latest")).meta == META


def test_absent_and_torn_tables_are_empty_with_a_reason(folder: RunFolder) -> None:
    folder.table("entries").write_bytes(b"PAR1 torn")
    run = load_run(folder.path)
    assert len(run.entries) == 0
    assert "torn" in run.problem("entries")
    assert run.problem("quotes") == "there is no quotes.parquet"
    with pytest.raises(KeyError, match="no table 'nonsense'"):
        run.table("nonsense")


def test_a_run_can_live_in_memory() -> None:
    run = Run(META, Journal(EVENTS[:1]), tables={"balances": frame_of_rows(TABLES["balances"], [BALANCE])})
    assert len(run.balances) == 1
    assert run.problem("entries") == "there is no table entries"
    assert "in memory" in repr(run)
    assert "before the stack's final state" in run.cut
    assert Run(META, Journal((), torn="line 1")).cut == "the journal is torn: line 1"
    assert Run(META, Journal(())).zero_ns == 0
    assert Run(META, Journal(())).drained_ns is None


def test_the_notebook_view_escapes_what_it_shows(folder: RunFolder) -> None:
    meta = msgspec.structs.replace(META, scenario="<script>")
    page = Run(meta, Journal(EVENTS), path=folder.path)._repr_html_()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "1 rows" in page


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "was not written by this harness"),
        (b"[1]", "was not written by this harness"),
        (b'{"schema": 1}', "was not written by this harness"),
        (b'{"schema": 99}', "has schema 99; this harness reads up to 1"),
    ],
)
def test_foreign_and_newer_runs_are_refused(folder: RunFolder, content: bytes, message: str) -> None:
    folder.meta.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        load_run(folder.path)


def test_what_is_no_run_is_refused(tmp_path: Path, folder: RunFolder) -> None:
    with pytest.raises(UsageError, match="no run at"):
        load_run(tmp_path / "absent")
    with pytest.raises(UsageError, match="is a file"):
        load_run(folder.meta)
    with pytest.raises(UsageError, match="is not a run"):
        load_run(tmp_path)
    assert read_meta(folder).waives == {"O13": "no book"}


def test_the_package_names_what_it_has_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = harness.nonsense
