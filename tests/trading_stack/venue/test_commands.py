from __future__ import annotations

import msgspec
from venue_steps import BTC, P, Steps, new

from harness.model.replica import Balance, Execution, FinalOrder, LogEntry, ReplicaDump
from trading_stack.venue import commands, dump, execution
from trading_stack.venue.commands import Cancel, Marks, Resolve

COMMANDS = {
    "new": new("ann", "1", "buy", 5),
    "cancel": Cancel("ann", "1", "request"),
    "resolve": Resolve("ann", "1"),
    "mark": Marks({BTC: P}, 7, 8, 9),
}


def test_commands_survive_their_bytes() -> None:
    for command in COMMANDS.values():
        assert commands.decode(commands.encode(command)) == command


def test_every_command_is_described_in_a_log_entrys_own_words() -> None:
    for kind, command in COMMANDS.items():
        described = commands.describe(commands.encode(command))
        assert described["type"] == kind
        assert set(described) <= set(LogEntry.__struct_fields__)
    assert commands.describe(commands.encode(COMMANDS["new"])) == {
        "type": "new",
        "account": "ann",
        "client_order_id": "1",
        "instrument": BTC,
        "side": "buy",
        "quantity": 5,
        "order_type": "limit",
        "price": P,
        "time_in_force": "gtc",
        "refusal": "",
    }
    refused = msgspec.structs.replace(new("ann", "1", "buy", 5), refusal="price_band")
    assert commands.describe(commands.encode(refused))["refusal"] == "price_band"
    assert commands.describe(commands.encode(COMMANDS["mark"])) == {
        "type": "mark",
        "marks": {BTC: P},
        "marks_source_sequence": 7,
        "marks_input_age_ns": 8,
    }


def test_the_epoch_entry_and_junk_are_described() -> None:
    assert commands.describe(commands.epoch(2, "bravo")) == {"type": "epoch"}
    assert commands.describe(b"\xc1") == {"type": "malformed"}


def test_the_drop_copy_has_the_fields_that_the_harness_reads() -> None:
    assert dump.ExecutionRow.__struct_fields__ == Execution.__struct_fields__
    assert execution.Execution.__struct_fields__ == Execution.__struct_fields__
    assert dump.FinalOrder.__struct_fields__ == FinalOrder.__struct_fields__
    assert dump.Balance.__struct_fields__ == Balance.__struct_fields__
    assert set(dump.VenueDump.__struct_fields__) <= set(ReplicaDump.__struct_fields__)


def test_marks_are_state() -> None:
    steps, other = Steps(), Steps()
    steps.do(Marks({BTC: P, "DOGE": 1}, 1, 2, 3))
    other.do(Marks({BTC: P + 1}, 1, 2, 3))
    assert steps.venue.digest() != other.venue.digest()
