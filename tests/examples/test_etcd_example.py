from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from example_files import EXAMPLES

from harness.adapter import Address, CompareAndSet, Fail, Info, Moment, Ok, ReadRegister, WriteRegister
from harness.stack.loading import load_adapter


class FakeEtcd(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.held: dict[str, str] = {}
        self.error = ""
        self.asked: list[dict[str, Any]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(body)
        if self.error:
            return {"error": self.error, "code": 14}
        match path:
            case "/v3/kv/range":
                found = self.held.get(body["key"])
                return {"kvs": [{"value": found}]} if found else {}
            case "/v3/kv/put":
                self.held[body["key"]] = body["value"]
                return {}
        (compare,) = body["compare"]
        put = body["success"][0]["request_put"]
        if self.held.get(compare["key"]) != compare.get("value"):
            return {}
        self.held[put["key"]] = put["value"]
        return {"succeeded": True}


class _Request(BaseHTTPRequestHandler):
    server: FakeEtcd
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._tell({"etcdserver": "3.4.23"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._tell(self.server.answer(self.path, body))

    def _tell(self, answer: dict[str, Any]) -> None:
        data = json.dumps(answer).encode()
        self.send_response(503 if "error" in answer else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[FakeEtcd]:
    with FakeEtcd() as fake:
        yield fake
        fake.shutdown()


@pytest.fixture(params=["Etcd", "Serializable"])
def etcd(server: FakeEtcd, request: pytest.FixtureRequest) -> Iterator[Any]:
    adapter = load_adapter(f"adapter.py:{request.param}", base=EXAMPLES / "etcd")()
    adapter.connect(Address("127.0.0.1", server.server_address[1]), deadline_s=2)
    yield adapter
    adapter.close()


def test_what_was_written_is_read(etcd: Any, server: FakeEtcd) -> None:
    assert etcd.invoke(ReadRegister("k"), deadline_s=2) == Ok(value=None)
    assert server.asked[-1]["serializable"] is etcd.serializable
    assert etcd.invoke(WriteRegister("k", "ä b"), deadline_s=2) == Ok()
    assert {b64decode(key): b64decode(value).decode() for key, value in server.held.items()} == {b"k": "ä b"}
    assert etcd.invoke(ReadRegister("k"), deadline_s=2) == Ok(value="ä b")


def test_a_compare_and_set_needs_the_value_that_it_expects(etcd: Any) -> None:
    assert etcd.invoke(CompareAndSet("k", None, "a"), deadline_s=2) == Ok()
    for expected in (None, "other"):
        assert isinstance(etcd.invoke(CompareAndSet("k", expected, "b"), deadline_s=2), Fail)
    assert etcd.invoke(CompareAndSet("k", "a", "b"), deadline_s=2) == Ok()


def test_an_error_of_etcd_says_nothing_of_the_outcome(etcd: Any, server: FakeEtcd) -> None:
    server.error = "etcdserver: request timed out"
    assert isinstance(etcd.invoke(WriteRegister("k", "a"), deadline_s=2), Info)


def test_after_its_end_it_does_nothing(etcd: Any) -> None:
    etcd.close()
    etcd.close()
    assert isinstance(etcd.invoke(ReadRegister("k"), deadline_s=2), Info)


def test_members_tell_elections_in_their_logs(etcd: Any) -> None:
    line = b'{"level":"info","ts":"x","msg":"8e9e05c52164694d became leader at term 3"}'
    event = etcd.stack_event("etcd-bravo", line)
    assert (event.service, event.kind, event.epoch) == ("etcd-bravo", Moment.PRIMARY_PROMOTED, 3)
    stands = etcd.stack_event("etcd-bravo", line.replace(b"leader", b"candidate"))
    assert stands.kind == Moment.ELECTION_STARTED
    assert etcd.stack_event("etcd-bravo", b"became follower at term 3") is None
