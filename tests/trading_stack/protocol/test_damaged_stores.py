"""The campaign over damaged stores, on a few of its cases; and the mistakes that it must catch."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import msgspec
import pytest

from trading_stack.journal import files, opening
from trading_stack.journal.meta import Meta, StoreBroken

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

import damaged_recovery
import damaged_sample
import damaged_stores
from damaged_records import records

pytestmark = pytest.mark.filterwarnings("error")

EVERY = 401


@pytest.fixture(scope="module", params=damaged_sample.SNAPSHOTS_EVERY.values())
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> damaged_sample.Sample:
    return damaged_sample.sample_of(tmp_path_factory.mktemp("sample"), snapshot_every=request.param)


def damaged(sample: damaged_sample.Sample, *names: str, every: int = EVERY) -> damaged_stores.Tally:
    cases = [case for name in names for case in damaged_stores.damages(sample, name)]
    return damaged_stores.campaign(sample, cases[::every], workers=1)


def test_the_sample_is_whole_and_worth_damaging(sample: damaged_sample.Sample) -> None:
    whole = damaged_stores.opened(sample.files)
    assert whole == sample.durable
    assert {entry.epoch for entry in whole.entries} >= {2, 3}
    assert whole.promise.epoch == 4
    assert (whole.snapshot is None) == (sample.snapshot_every == damaged_sample.NEVER)
    life = damaged_sample.Life(snapshot_every=sample.snapshot_every)
    committed = life.judge.committed[-1].index
    assert whole.entries[-1].index == committed + damaged_sample.UNCOMMITTED
    assert life.disks["charlie"].written.last.end < committed
    assert all(sample.files[name] for name in damaged_sample.FILES)


def test_no_damage_is_accepted(sample: damaged_sample.Sample) -> None:
    found = damaged(sample, files.FILE, files.WAL, damaged_stores.COUNTER)
    assert found.bad == []
    assert set(found.kinds) == {"recognised", "unharmed"}
    assert min(found.kinds.values()) > 10
    assert "a cell" not in found.unread


def test_no_changed_row_is_accepted(sample: damaged_sample.Sample) -> None:
    found = damaged_stores.campaign(sample, list(records(sample.files))[::101], workers=1)
    assert found.bad == []
    assert found.kinds["recognised"] > 50


def test_files_of_different_moments_are_told(sample: damaged_sample.Sample) -> None:
    cases = list(damaged_stores.mixtures(sample))
    found = damaged_stores.campaign(sample, cases, workers=1)
    assert found.bad == []
    assert found.kinds["recognised"] > 100
    assert found.kinds["rolled back"] <= 2, "where the last checkpoint makes them a whole earlier store"


def test_a_wal_index_is_never_believed(sample: damaged_sample.Sample) -> None:
    cases = list(damaged_stores.damages(sample, damaged_stores.SHM))[::2001]
    found = damaged_stores.campaign(sample, cases, 1, damaged_stores.same_reading)
    assert set(found.kinds) == {"unharmed"}


def test_every_damaged_store_recovers_from_the_others(sample: damaged_sample.Sample) -> None:
    found = damaged(sample, files.FILE, files.WAL)
    assert len(found.kept) > 5
    for stored in found.kept.values():
        assert damaged_recovery.recover(stored, snapshot_every=sample.snapshot_every) == ""


@pytest.mark.parametrize(("wrong", "share"), [("", 1), ("nobody leads", 0)])
def test_recoveries_are_counted_for_which_nothing_was_wrong(
    wrong: str,
    share: int,
    sample: damaged_sample.Sample,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(damaged_stores, "recover", lambda *_, **__: wrong)
    found = damaged_stores.measured("planted", sample, argparse.Namespace(workers=1, every=20 * EVERY))
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["contents"] == len(found.kept) > 1
    assert told["recovered"] == share * told["contents"]
    assert len(found.bad) == told["contents"] - told["recovered"]


# --- mistakes that are to be caught


def test_a_store_without_a_write_counter_loses_silently(
    sample: damaged_sample.Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_compare_with_counter", lambda *_: None)
    assert damaged(sample, files.WAL).kinds["lost"] > 10


def test_a_store_that_believes_its_meta_is_caught(
    sample: damaged_sample.Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believed(row: bytes, *, file: str) -> Meta:
        try:
            return msgspec.msgpack.decode(row[16:], type=Meta)
        except ValueError as error:
            raise StoreBroken(file) from error

    monkeypatch.setattr(files, "unseal", believed)
    cases = [case for case in records(sample.files) if case.what.startswith("meta 1 value: bit")]
    assert damaged_stores.campaign(sample, cases[::11], workers=1).bad


def test_a_damaged_store_that_keeps_its_vote_is_caught(
    sample: damaged_sample.Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    replacement = opening._replacement
    monkeypatch.setattr(
        opening,
        "_replacement",
        lambda *found: msgspec.structs.replace(replacement(*found), proven=True),
    )
    found = damaged(sample, files.WAL)
    assert any("it may still vote" in line for line in found.bad)
    stored = next(stored for stored in found.kept.values() if stored.damage)
    wrong = damaged_recovery.recover(stored, snapshot_every=sample.snapshot_every)
    assert "recoverable" in wrong
