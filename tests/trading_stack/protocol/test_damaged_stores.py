"""The campaign over damaged stores, on a few of its cases; and the mistakes that it must catch."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from trading_stack.journal import files
from trading_stack.journal.meta import Meta, StoreBroken

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

import damaged_stores

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> damaged_stores.Sample:
    return damaged_stores.sample_of(tmp_path_factory.mktemp("sample"))


def counted(sample: damaged_stores.Sample, *, every: int) -> Counter[str]:
    cases = list(damaged_stores.damages(sample))[::every]
    return Counter(found.partition(":")[0] for _, found in damaged_stores.campaign(sample, cases, workers=1))


def test_the_sample_is_whole_and_worth_damaging(sample: damaged_stores.Sample) -> None:
    whole = damaged_stores.opened(sample.files)
    assert damaged_stores.content(whole) == damaged_stores.content(sample.durable)
    assert damaged_stores.content(whole) != damaged_stores.content(sample.before)
    assert len(whole.entries) == 22
    assert all(sample.files[name] for name in damaged_stores.FILES)


def test_no_damage_is_accepted(sample: damaged_stores.Sample) -> None:
    found = counted(sample, every=401)
    assert set(found) == {"recognised", "unharmed"}
    assert min(found.values()) > 10


def test_a_store_without_a_witness_loses_silently(
    sample: damaged_stores.Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_compare_with_witness", lambda *_: None)
    found = counted(sample, every=401)
    assert found["lost"] + found["torn"] > 10


def test_a_store_that_believes_its_meta_accepts_other_content(
    sample: damaged_stores.Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believed(row: bytes, *, file: str) -> Meta:
        try:
            return damaged_stores.msgspec.msgpack.decode(row[16:], type=Meta)
        except ValueError as error:
            raise StoreBroken(file) from error

    monkeypatch.setattr(files, "unseal", believed)
    in_the_seal = damaged_stores.Damage(files.FILE, sample.files[files.FILE].index(b"a-store"), 0)
    without_wal = {**sample.files, files.WAL: b""}
    monkeypatch.setattr(files, "_compare_with_witness", lambda *_: None)
    damaged = damaged_stores.Sample(without_wal, damaged_stores.opened(without_wal), sample.before)
    assert damaged_stores.verdict(damaged, in_the_seal) in ("lost", "other")
