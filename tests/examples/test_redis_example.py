from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from example_files import EXAMPLES, program
from fake_redis import FakeRedis

from harness.adapter import (
    Address,
    CompareAndSet,
    Fail,
    Info,
    Moment,
    Ok,
    ReadRegister,
    WriteRegister,
)
from harness.stack.loading import load_adapter


@pytest.fixture
def server() -> Iterator[FakeRedis]:
    with FakeRedis() as fake:
        yield fake
        fake.shutdown()


@pytest.fixture
def redis(server: FakeRedis) -> Iterator[Any]:
    adapter = load_adapter("adapter.py:Redis", base=EXAMPLES / "redis")()
    adapter.connect(Address("127.0.0.1", server.server_address[1]), deadline_s=2)
    yield adapter
    adapter.close()


def test_what_was_written_is_read(redis: Any) -> None:
    assert redis.invoke(ReadRegister("k"), deadline_s=2) == Ok(value=None)
    assert redis.invoke(WriteRegister("k", "ä b"), deadline_s=2) == Ok()
    assert redis.invoke(ReadRegister("k"), deadline_s=2) == Ok(value="ä b")


def test_a_compare_and_set_needs_the_value_that_it_expects(redis: Any) -> None:
    assert redis.invoke(CompareAndSet("k", None, "a"), deadline_s=2) == Ok()
    for expected in (None, "other"):
        reply = redis.invoke(CompareAndSet("k", expected, "b"), deadline_s=2)
        assert isinstance(reply, Fail)
        assert reply.code == "mismatch"
    assert redis.invoke(CompareAndSet("k", "a", "b"), deadline_s=2) == Ok()
    assert redis.invoke(ReadRegister("k"), deadline_s=2) == Ok(value="b")


@pytest.mark.parametrize(
    "error",
    ["READONLY You can't write", "NOREPLICAS Not enough", "ERR Error running script: -NOREPLICAS Not"],
)
def test_a_refusal_is_a_fail(server: FakeRedis, redis: Any, error: str) -> None:
    server.error = error
    assert isinstance(redis.invoke(WriteRegister("k", "a"), deadline_s=2), Fail)


def test_any_other_error_and_silence_and_a_hang_up_are_unknown(server: FakeRedis, redis: Any) -> None:
    server.error = "ERR something else"
    assert isinstance(redis.invoke(WriteRegister("k", "a"), deadline_s=2), Info)
    server.mute = True
    assert isinstance(redis.invoke(WriteRegister("k", "a"), deadline_s=0.05), Info)
    server.mute, server.error, server.hang_up = False, "", True
    assert isinstance(redis.invoke(WriteRegister("k", "a"), deadline_s=2), Info)
    assert isinstance(redis.invoke(ReadRegister("k"), deadline_s=2), Info)


def test_a_late_answer_goes_to_nobody_else(server: FakeRedis, redis: Any) -> None:
    """Planted: an answer that is handed to the next command would be a read of another register."""
    server.held |= {"a": "of a", "b": "of b"}
    replies = []
    with ThreadPoolExecutor(8) as pool:
        for key, deadline_s in (("a", 1e-9), ("b", 2), ("a", 1e-9), ("b", 2)):
            replies.append(pool.submit(redis.invoke, ReadRegister(key), deadline_s=deadline_s))
    assert [reply.result().value for reply in replies[1::2]] == ["of b", "of b"]


def test_many_commands_may_be_open_at_once(redis: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: redis.invoke(WriteRegister(f"k{n}", str(n)), deadline_s=2), range(200)))
        read = pool.map(lambda n: redis.invoke(ReadRegister(f"k{n}"), deadline_s=2), range(200))
    assert [reply.value for reply in read] == [str(n) for n in range(200)]


def test_gates_tell_who_leads(redis: Any) -> None:
    line = b'{"primary": "redis-bravo", "epoch": 3, "mono_ns": 17}'
    event = redis.stack_event("gate-alpha", line)
    assert (event.service, event.kind, event.provider) == ("redis-bravo", Moment.PRIMARY_PROMOTED, "bravo")
    assert (event.epoch, event.mono_ns) == (3, 17)
    assert redis.stack_event("redis-alpha", b"1:M 21 Nov 2026 * Ready to accept connections") is None


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for number, name in enumerate(("redis-alpha", "redis-bravo")):
        (tmp_path / f"{name}.json").write_text(json.dumps({"door": 7000 + number}))
    monkeypatch.setenv("DOORS", str(tmp_path))
    monkeypatch.setenv("STORES", "redis-alpha=127.0.0.1:1,redis-bravo=127.0.0.1:2")
    return program("redis/gate").Gate()


def told(port: int, epoch: int, **more: str) -> dict[str, str]:
    known = {"num-slaves": "2", "num-other-sentinels": "2"}
    return {"ip": "127.0.0.1", "port": str(port), "config-epoch": str(epoch), **known, **more}


def test_a_gate_knows_a_store_by_its_door_and_by_its_name(gate: Any) -> None:
    assert gate.name_of("127.0.0.1", "7001") == "redis-bravo"
    assert gate.name_of("redis-alpha", "6379") == "redis-alpha"
    assert gate.name_of("127.0.0.1", "7009") == ""


def test_a_gate_tells_each_new_primary_once_and_drops_its_clients(
    gate: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    class Client:
        closed = 0

        def close(self) -> None:
            self.closed += 1

    client = Client()
    gate.open.add(client)
    for port, epoch in ((7000, 0), (7000, 0), (7001, 1), (7001, 1)):
        gate.learn(told(port, epoch))
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(event["primary"], event["epoch"]) for event in said] == [("redis-alpha", 0), ("redis-bravo", 1)]
    assert client.closed == 2


def test_a_gate_is_whole_when_its_sentinel_knows_all_others(gate: Any) -> None:
    gate.learn(told(7000, 0, **{"num-slaves": "1"}))
    assert not gate.whole
    gate.learn(told(7000, 0))
    assert gate.whole
    gate.learn({})
    assert gate.primary == "redis-alpha"


def test_a_gate_reads_what_sentinel_answers() -> None:
    async def read(data: bytes) -> dict[str, str]:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        found: dict[str, str] = await program("redis/gate").read_map(reader)
        return found

    assert asyncio.run(read(b"*2\r\n$2\r\nip\r\n$9\r\n127.0.0.1\r\n")) == {"ip": "127.0.0.1"}
    assert asyncio.run(read(b"-ERR No such master with that name\r\n")) == {}
