from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from types import ModuleType

import pytest
from example_files import program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="doors look into /proc")


@pytest.fixture
def door() -> ModuleType:
    return program("local/door")


def record(folder: Path, name: str, *, pid: int, dials: dict[str, str]) -> None:
    (folder / f"{name}.json").write_text(json.dumps({"door": 1, "pid": pid, "dials": dials}))


def test_a_door_knows_whose_connection_it_was_given(door: ModuleType, tmp_path: Path) -> None:
    record(tmp_path, "other", pid=1, dials={"target": "127.0.0.1:1"})
    record(tmp_path, "mine", pid=os.getpid(), dials={"target": "127.0.0.1:2"})
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        port = client.getsockname()[1]
        assert door.dialled_by(port, tmp_path, "target") == "127.0.0.1:2"
        assert door.dialled_by(port, tmp_path, "elsewhere") is None


def test_a_stranger_is_not_let_through(door: ModuleType, tmp_path: Path) -> None:
    record(tmp_path, "other", pid=2**22 + 1, dials={"target": "127.0.0.1:1"})
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        assert door.dialled_by(client.getsockname()[1], tmp_path, "target") is None


def test_a_door_opens_where_it_was_before(door: ModuleType, tmp_path: Path) -> None:
    with door.open_door(tmp_path / "x.json") as first:
        port = first.getsockname()[1]
        door.publish(tmp_path / "x.json", {"door": port, "pid": 0, "dials": {}})
    with door.open_door(tmp_path / "x.json") as again:
        assert again.getsockname()[1] == port
    assert door.door_of(tmp_path, "x") == port


def test_others_are_found_by_variables(door: ModuleType) -> None:
    assert door.variable("redis-alpha") == "DOOR_REDIS_ALPHA"
