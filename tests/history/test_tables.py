from __future__ import annotations

from pathlib import Path

import msgspec
import pandas as pd
import pytest

from harness.history.columns import FAULTS, LEADERSHIP, OPERATIONS, OPTIONAL, TABLES
from harness.history.folder import RunFolder
from harness.history.frames import SchemaMismatch, conform, empty_frame, frame_of_rows, make_frame
from harness.history.tables import (
    TableUnreadable,
    collected_tables,
    faults_table,
    leadership_table,
    operations_table,
    read_records,
    read_table,
    write_table,
    write_tables,
)
from harness.model.events import Event, FaultEvidence, FaultFailed, FaultHealed, FaultInjected, StackSaid
from harness.model.instrument import Instrument
from harness.model.operations import (
    CompareAndSet,
    Fail,
    Info,
    NewOrder,
    Ok,
    OrderReport,
    OrderState,
    QueryOrder,
    ReadRegister,
    Reply,
    Side,
)
from harness.model.quotes import Quote, QuoteBatch
from harness.model.record import Completed, Invoked, OperationRecord
from harness.model.replica import (
    AccountReport,
    Balance,
    Execution,
    FinalOrder,
    LogEntry,
    ReplicaDump,
    ReportedFill,
)
from harness.model.stack_event import StackEvent

ORIGIN = 1_000
NEW = NewOrder(account="a", client_order_id="c1", instrument="BTC", side=Side.BUY, quantity=5, price=100)


def invoked(op: int, *, intended_ns: int = 1_100, operation: object = NEW) -> Invoked:
    return Invoked(
        op=op,
        worker="w",
        client="k",
        purpose="flow",
        gateway="g1",
        provider="alpha",
        intended_ns=intended_ns,
        sent_ns=intended_ns + 1,
        operation=operation,  # type: ignore[arg-type]
    )


def completed(op: int, reply: Reply) -> Completed:
    return Completed(
        op=op,
        completed_ns=1_500,
        gateway="g2",
        provider="bravo",
        attempts=2,
        first_attempt="info",
        reply=reply,
    )


ENTRIES = [
    LogEntry(index=1, epoch=1, hash="aa", type="epoch", time_ns=1),
    LogEntry(2, 1, "bb", "mark", 2, marks={"BTC": 7, "ETH": 8}, marks_source_sequence=4),
    LogEntry(3, 1, "cc", "new", 3, account="a", client_order_id="c1", quantity=5),
]
ORDERED = {"account": "a", "client_order_id": "c1", "order_id": "o1", "instrument": "BTC", "side": "buy"}
EXECUTION = Execution(
    **ORDERED,  # type: ignore[arg-type]
    index=3,
    ordinal=0,
    epoch=1,
    exec_id="3.0",
    type="accepted",
    quantity=5,
    price=100,
    cum_quantity=0,
    leaves_quantity=5,
)
ORDER = FinalOrder(
    **ORDERED,  # type: ignore[arg-type]
    quantity=5,
    price=100,
    state="open",
    cum_quantity=0,
    leaves_quantity=5,
    priority=1,
)
BALANCES = [
    Balance(account="a", instrument=None, amount=0),
    Balance(account="a", instrument="BTC", amount=5),
]


def dump(node: str = "engine-alpha") -> ReplicaDump:
    return ReplicaDump(
        node=node,
        provider="alpha",
        store_incarnation="i",
        role="primary",
        epoch=1,
        promised_epoch=1,
        commit_index=2,
        applied_index=2,
        first_index=1,
        digest="d",
        read_mono_ns=1_700,
        entries=list(ENTRIES),
        executions=[EXECUTION],
        orders=[ORDER],
        balances=list(BALANCES),
    )


def dtypes(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}


@pytest.mark.parametrize("name", sorted(TABLES))
def test_an_empty_table_survives_the_disk_with_its_types(name: str, tmp_path: Path) -> None:
    path = write_table(RunFolder(tmp_path), name, empty_frame(TABLES[name]))
    frame = read_table(path, TABLES[name])
    assert dtypes(frame) == TABLES[name]
    assert len(frame) == 0


def test_operations_pair_invocations_with_completions() -> None:
    report = OrderReport(
        order_id="o1",
        state=OrderState.OPEN,
        cum_quantity=0,
        leaves_quantity=5,
        sequence=3,
        epoch=1,
        exec_ids=("3.0", "3.1"),
    )
    records: list[OperationRecord] = [
        invoked(2, intended_ns=1_050),
        invoked(1),
        completed(1, Ok(order=report)),
        invoked(3, intended_ns=1_200),
        completed(3, Fail(code="unknown-instrument", reason="no such thing")),
        invoked(4, intended_ns=1_300, operation=QueryOrder(account="a", client_order_id="c1")),
        completed(4, Info(reason="time-out")),
    ]
    frame = operations_table(records, origin_mono_ns=ORIGIN)
    assert dtypes(frame) == OPERATIONS
    assert list(frame["op"]) == [2, 1, 3, 4]
    lost, won, refused, unknown = (frame.iloc[n] for n in range(4))
    assert lost["outcome"] == "info"
    assert pd.isna(lost["completed_ns"])
    assert pd.isna(lost["attempts"])
    assert (won["outcome"], won["gateway"], won["provider"]) == ("ok", "g2", "bravo")
    assert (won["intended_ns"], won["sent_ns"], won["completed_ns"]) == (100, 101, 500)
    assert (won["order_id"], won["state"], won["exec_ids"], won["side"]) == ("o1", "open", "3.0 3.1", "buy")
    assert (refused["outcome"], refused["code"], refused["reason"]) == (
        "fail",
        "unknown-instrument",
        "no such thing",
    )
    assert (unknown["kind"], unknown["outcome"], unknown["reason"]) == ("query", "info", "time-out")


def test_registers_have_their_own_columns() -> None:
    records: list[OperationRecord] = [
        invoked(1, operation=ReadRegister(key="x")),
        completed(1, Ok(value="7")),
        invoked(2, operation=CompareAndSet(key="x", expected="7", value="8")),
        completed(2, Ok()),
    ]
    frame = operations_table(records, origin_mono_ns=ORIGIN)
    assert list(frame["kind"]) == ["read", "cas"]
    assert list(frame["value"]) == ["7", "8"]
    assert frame["expected"].iloc[1] == "7"


def test_records_are_read_up_to_the_cut(tmp_path: Path) -> None:
    whole = msgspec.json.encode(invoked(1)) + b"\n"
    (tmp_path / "operations-w1.ndjson").write_bytes(whole + msgspec.json.encode(completed(1, Ok()))[:-5])
    (tmp_path / "operations-w2.ndjson").write_bytes(b'{"foreign": 1}\n' + whole)
    assert list(read_records(tmp_path)) == [invoked(1)]


def test_replicas_become_rows_with_their_reading() -> None:
    tables = collected_tables(origin_mono_ns=ORIGIN, dumps=[dump(), dump(), dump("engine-bravo")])
    for name, frame in tables.items():
        assert dtypes(frame) == TABLES[name], name
    assert list(tables["replicas"]["read"]) == [1, 2, 1]
    assert list(tables["replicas"]["read_ns"]) == [700, 700, 700]
    assert list(tables["entries"]["committed"].iloc[:3]) == [True, True, False]
    assert len(tables["entries"]) == 9
    marks = tables["marks"]
    assert list(marks["instrument"].iloc[:2]) == ["BTC", "ETH"]
    assert marks["source_sequence"].iloc[0] == 4
    assert len(tables["balances"]) == 6
    assert tables["balances"]["instrument"].isna().sum() == 3


def test_accounts_and_quotes_become_rows() -> None:
    fill = ReportedFill(
        exec_id="3.0", order_id="o", client_order_id="c", instrument="BTC", side="buy", quantity=1, price=5
    )
    report = AccountReport(account="a", fills=[fill], positions={"ETH": 2, "BTC": 1}, through="g", sequence=9)
    quote = Quote(1, "alpha", "BTC", "perpetual", 1_400, 5, 6, "m1", "h", 50.0, 49.0, 10, 20, basis=0.5)
    tables = collected_tables(
        origin_mono_ns=ORIGIN,
        reports=[report],
        batches=[QuoteBatch(quotes=[quote], cursor=1)],
        records=Path("nowhere"),
    )
    for name, frame in tables.items():
        assert dtypes(frame) == TABLES[name], name
    assert list(tables["account_positions"]["instrument"]) == ["BTC", "ETH"]
    assert list(tables["account_fills"]["through"]) == ["g"]
    assert tables["quotes"]["published_ns"].iloc[0] == 400
    assert pd.isna(tables["quotes"]["strike"].iloc[0])
    assert len(tables["operations"]) == 0


def test_what_can_be_traded_becomes_rows() -> None:
    told = [
        Instrument("BTC", "perpetual", 5, 50_000, 1, 9, contract_value=10, price_band=2),
        Instrument("X", "future", 1, 1, 1, 1),
    ]
    frame = collected_tables(origin_mono_ns=ORIGIN, instruments=told)["instruments"]
    assert dtypes(frame) == TABLES["instruments"]
    assert frame.iloc[0].to_list() == ["BTC", "perpetual", 5, 10, 2]
    assert frame[["contract_value", "price_band"]].iloc[1].isna().all()


def test_a_gateways_verdict_is_kept_apart_from_none_and_from_silence() -> None:
    entries = [
        LogEntry(index=n, epoch=1, hash="h", type="new", time_ns=n, refusal=told)
        for n, told in enumerate(("price_band", "", None), start=1)
    ]
    kept = msgspec.structs.replace(dump(), entries=entries)
    frame = collected_tables(origin_mono_ns=ORIGIN, dumps=[kept])["entries"]
    assert frame["refusal"].to_list()[:2] == ["price_band", ""]
    assert pd.isna(frame["refusal"].iloc[2])


def test_a_table_of_an_older_run_lacks_only_what_came_later(tmp_path: Path) -> None:
    table = collected_tables(origin_mono_ns=ORIGIN, dumps=[dump()])["entries"]
    path = tmp_path / "entries.parquet"
    table.drop(columns="refusal").to_parquet(path)
    with pytest.raises(TableUnreadable, match="'refusal' is absent"):
        read_table(path, TABLES["entries"])
    read = read_table(path, TABLES["entries"], optional=OPTIONAL["entries"])
    assert dtypes(read) == TABLES["entries"]
    assert read["refusal"].isna().all()
    table.drop(columns=["refusal", "hash"]).to_parquet(path)
    with pytest.raises(TableUnreadable, match="'hash' is absent"):
        read_table(path, TABLES["entries"], optional=OPTIONAL["entries"])


def test_nothing_collected_makes_no_table() -> None:
    assert collected_tables(origin_mono_ns=0) == {}
    assert len(collected_tables(origin_mono_ns=0, reports=[])["account_fills"]) == 0


def test_a_table_cut_at_any_byte_is_recognised(tmp_path: Path) -> None:
    tables = collected_tables(origin_mono_ns=ORIGIN, dumps=[dump()])
    folder = RunFolder(tmp_path)
    write_tables(folder, tables)
    whole = folder.table("entries").read_bytes()
    pd.testing.assert_frame_equal(read_table(folder.table("entries"), TABLES["entries"]), tables["entries"])
    for cut in range(0, len(whole), 97):
        folder.table("entries").write_bytes(whole[:cut])
        with pytest.raises(TableUnreadable, match=r"entries\.parquet is torn"):
            read_table(folder.table("entries"), TABLES["entries"])


def test_a_foreign_table_is_recognised(tmp_path: Path) -> None:
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "entries.parquet")
    with pytest.raises(TableUnreadable, match="another harness"):
        read_table(tmp_path / "entries.parquet", TABLES["entries"])
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "absent.parquet", TABLES["entries"])


def test_frames_say_which_column_is_wrong() -> None:
    with pytest.raises(SchemaMismatch, match="unknown column 'x'"):
        make_frame({"a": "int64"}, {"x": [1]})
    with pytest.raises(SchemaMismatch, match="'b' may not be missing"):
        make_frame({"a": "int64", "b": "int64"}, {"a": [1]})
    with pytest.raises(SchemaMismatch, match="'a' is declared int64"):
        frame_of_rows({"a": "int64"}, [{"a": "word"}])
    with pytest.raises(SchemaMismatch, match="another type"):
        conform({"a": "int64"}, pd.DataFrame({"a": ["word"]}))
    assert str(conform({"a": "Int64"}, pd.DataFrame({"a": [1], "more": [2]}))["a"].dtype) == "Int64"


def said(at_ns: int, kind: str, **more: object) -> StackSaid:
    event = StackEvent(service="engine-alpha", kind=kind, mono_ns=at_ns + ORIGIN, **more)  # type: ignore[arg-type]
    return StackSaid(at_ns=at_ns, seen_ns=at_ns + 2, event=event)


def test_leadership_is_told_in_the_order_of_what_happened() -> None:
    frame = leadership_table([said(30, "primary_promoted", epoch=2), said(10, "primary_suspected")])
    assert dtypes(frame) == LEADERSHIP
    assert list(frame["kind"]) == ["primary_suspected", "primary_promoted"]
    assert frame["epoch"].iloc[1] == 2
    assert pd.isna(frame["epoch"].iloc[0])


def injected(fault_id: str, first_effect_ns: int) -> FaultInjected:
    return FaultInjected(
        at_ns=first_effect_ns,
        fault_id=fault_id,
        fault="provider_outage",
        targets=("alpha",),
        primary="alpha",
        epoch=1,
        asked_ns=first_effect_ns - 2,
        first_effect_ns=first_effect_ns,
        last_effect_ns=first_effect_ns + 5,
        parameters={},
    )


def fact(fault_id: str, *, convincing: bool) -> FaultEvidence:
    return FaultEvidence(
        at_ns=1, fault_id=fault_id, subject="engine", source="victim", fact="stopped", convincing=convincing
    )


def test_faults_are_convincing_when_a_fact_speaks_for_them_and_none_against() -> None:
    events: list[Event] = [
        injected("later", 90),
        injected("good", 10),
        fact("good", convincing=True),
        injected("mute", 20),
        injected("doubtful", 30),
        fact("doubtful", convincing=True),
        fact("doubtful", convincing=False),
        FaultFailed(at_ns=40, fault_id="never", reason="no such process"),
        FaultFailed(at_ns=95, fault_id="later", reason="half done"),
        FaultHealed(at_ns=60, fault_id="good", asked_ns=50, first_lifted_ns=51, last_lifted_ns=55),
        FaultHealed(at_ns=60, fault_id="never", asked_ns=50, first_lifted_ns=51, last_lifted_ns=55),
    ]
    frame = faults_table(events)
    assert dtypes(frame) == FAULTS
    assert list(frame["fault_id"]) == ["good", "mute", "doubtful", "never", "later"]
    assert list(frame["convincing"]) == [True, False, False, False, False]
    assert frame["lifted_ns"].iloc[0] == 55
    assert frame["failed"].iloc[3] == "no such process"
    assert frame["failed"].iloc[4] == "half done"
