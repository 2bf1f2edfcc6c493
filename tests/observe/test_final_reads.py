from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.history.tables import operations_table, read_records
from harness.model.operations import CompareAndSet, Fail, ReadRegister, WriteRegister
from harness.model.record import Completed, Invoked
from harness.observe.collect import collect
from harness.observe.final_reads import written_keys
from harness.observe.plan import CollectPlan, Endpoint

HERE = Path(__file__).parent


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CollectPlan:
    """Two entry points to a store that holds two of the three registers that were written."""
    store = tmp_path / "store"
    store.mkdir()
    monkeypatch.setenv("TOY_STORE", str(store))
    (store / "k1").write_text("a")
    (store / "k2").write_text("b")
    operations = (
        WriteRegister("k1", "a"),
        CompareAndSet("k2", None, "b"),
        WriteRegister("k3", "c"),
        ReadRegister("k4"),
    )
    records = [
        Invoked(op, "flow-0", "c", "flow", "g1", None, op, op, each) for op, each in enumerate(operations)
    ]
    refused = Completed(2, 9, "g1", None, 1, "fail", Fail("READONLY"))
    lines = [msgspec.json.encode(record) + b"\n" for record in (*records, refused)]
    (tmp_path / "operations-flow-0.ndjson").write_bytes(b"".join(lines) + b'{"record": "inv')
    return CollectPlan(
        adapter="toy_store:Store",
        folder=str(tmp_path),
        engines=(),
        entry_points=(Endpoint("g1", "alpha", "127.0.0.1", 1), Endpoint("g2", "bravo", "127.0.0.1", 2)),
        base=str(HERE),
    )


def test_whatever_somebody_tried_to_write_is_read(plan: CollectPlan) -> None:
    assert written_keys(Path(plan.folder)) == ["k1", "k2", "k3"]


def test_every_register_is_read_through_each_entry_point_and_recorded(plan: CollectPlan) -> None:
    collection = collect(plan)
    assert (collection.missing, collection.settled) == ((), True)
    table = operations_table(read_records(Path(plan.folder)), origin_mono_ns=0)
    final = table[table["purpose"] == "final"]
    assert final["op"].is_unique
    read = {(row["gateway"], row["key"]): row["value"] for row in final.to_dict("records")}
    for gateway in ("g1", "g2"):
        assert read[gateway, "k1"] == "a"
        assert read[gateway, "k2"] == "b"
    assert set(final["outcome"]) == {"ok"}
    assert final[final["key"] == "k3"]["value"].isna().all()
    assert len(final) == 6


@pytest.mark.parametrize(
    ("adapter", "why"), [("Doubtful", "no primary"), ("Raising", "RuntimeError: planted")]
)
def test_a_register_that_could_not_be_read_is_named(plan: CollectPlan, adapter: str, why: str) -> None:
    collection = collect(msgspec.structs.replace(plan, adapter=f"toy_store:{adapter}"))
    assert any("g1" in text and why in text for text in collection.missing)
    table = operations_table(read_records(Path(plan.folder)), origin_mono_ns=0)
    assert set(table[table["purpose"] == "final"]["outcome"]) == {"info"}


def test_an_entry_point_where_nobody_is_does_not_hide_the_others(plan: CollectPlan) -> None:
    points = (plan.entry_points[0], Endpoint("g9", None, "127.0.0.1", 9))
    collection = collect(msgspec.structs.replace(plan, entry_points=points))
    assert collection.missing == ("3 registers through g9 (ConnectionRefusedError: nobody there)",)
    table = operations_table(read_records(Path(plan.folder)), origin_mono_ns=0)
    assert len(table[table["purpose"] == "final"]) == 3
