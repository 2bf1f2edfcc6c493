from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.history.operation_table import read_records
from harness.load.records import RecordTail, RecordWriter, records_path
from harness.model.operations import CancelOrder, Fail, Info, NewOrder, Ok, OrderReport, OrderState, Side
from harness.model.record import Completed, Invoked, OperationRecord

INVOKED = Invoked(
    1, "flow-0", "c", "flow", "g", "alpha", 10, 11, NewOrder("a", "id", "BTC-PERPETUAL", Side.BUY, 3, price=5)
)
COMPLETED = Completed(
    1, 20, "g", None, 2, "info", Ok(OrderReport("o", OrderState.OPEN, 0, 3, exec_ids=("e1",)))
)

texts = st.text(max_size=20)
numbers = st.integers(0, 2**62)
invocations = st.builds(
    Invoked,
    numbers,
    texts,
    texts,
    texts,
    texts,
    st.none() | texts,
    numbers,
    st.none() | numbers,
    st.builds(CancelOrder, texts, texts)
    | st.builds(NewOrder, texts, texts, texts, st.sampled_from(Side), numbers),
)
completions = st.builds(
    Completed,
    numbers,
    numbers,
    texts,
    st.none() | texts,
    numbers,
    st.sampled_from(["ok", "fail", "info"]),
    st.builds(Info, texts) | st.builds(Fail, texts, texts) | st.just(COMPLETED.reply),
)


@settings(max_examples=60)
@given(records=st.lists(invocations | completions, max_size=8))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, records: list[OperationRecord]
) -> None:
    folder = tmp_path_factory.mktemp("records")
    writer = RecordWriter(records_path(folder, "flow-0"))
    for record in records:
        writer.write(record)
    writer.close()
    writer.close()
    assert list(read_records(folder)) == records


def test_nothing_reaches_the_file_before_a_flush(tmp_path: Path) -> None:
    path = records_path(tmp_path, "flow-0")
    writer = RecordWriter(path)
    writer.write(INVOKED)
    assert path.read_bytes() == b""
    writer.flush()
    assert path.read_bytes().endswith(b"\n")
    writer.close()


def test_a_file_cut_at_any_byte_is_read_up_to_its_last_whole_record(tmp_path: Path) -> None:
    path = records_path(tmp_path, "flow-0")
    writer = RecordWriter(path)
    writer.write(INVOKED)
    writer.write(COMPLETED)
    writer.close()
    whole = path.read_bytes()
    first_bytes = whole.index(b"\n") + 1
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        assert list(read_records(tmp_path)) == ([INVOKED] if cut >= first_bytes else [])


def test_a_tail_gives_each_record_once(tmp_path: Path) -> None:
    path = records_path(tmp_path, "probes")
    tail = RecordTail(path)
    assert tail.read() == []
    writer = RecordWriter(path)
    writer.write(INVOKED)
    writer.flush()
    assert tail.read() == [INVOKED]
    assert tail.read() == []
    writer.write(COMPLETED)
    writer.flush()
    assert tail.read() == [COMPLETED]
    writer.close()


def test_workers_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for worker, record in (("probes", COMPLETED), ("flow-0", INVOKED)):
        writer = RecordWriter(records_path(tmp_path, worker))
        writer.write(record)
        writer.close()
    assert list(read_records(tmp_path)) == [INVOKED, COMPLETED]
