"""How clients speak to etcd: its JSON gateway over plain HTTP, which works under gevent."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import time
from base64 import b64decode, b64encode
from typing import Any, Final

from harness.adapter import (
    Address,
    CompareAndSet,
    Fail,
    Info,
    Moment,
    Ok,
    Operation,
    ReadRegister,
    RegisterKind,
    Reply,
    StackEvent,
    WriteRegister,
)

BECAME: Final = re.compile(rb"became (leader|candidate) at term (\d+)")


class Etcd:
    """One client of one member. Each request in flight has a connection of its own."""

    serializable = False
    """Whether reads are answered from what the member has, which may be old, instead of by the majority."""

    def __init__(self) -> None:
        self._address = Address("", 0)
        self._idle: list[http.client.HTTPConnection] = []
        self._closed = False

    def connect(self, address: Address, *, deadline_s: float) -> None:
        self._address = address
        if not self.ping(deadline_s=deadline_s):
            raise ConnectionError("no answer")

    def ping(self, *, deadline_s: float) -> bool:
        return "etcdserver" in self._send("GET", "/version", None, deadline_s)

    def registers(self) -> list[RegisterKind]:
        return list(RegisterKind)

    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        try:
            return self._carry_out(operation, deadline_s)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Info(f"{type(error).__name__}: {error}")

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def stack_event(self, service: str, line: bytes) -> StackEvent | None:
        """A member tells in its log that it stands for election, and that it was elected."""
        if (found := BECAME.search(line)) is None:
            return None
        return StackEvent(
            service=service,
            kind=Moment.PRIMARY_PROMOTED if found[1] == b"leader" else Moment.ELECTION_STARTED,
            mono_ns=time.monotonic_ns(),
            provider=service.rpartition("-")[2],
            epoch=int(found[2]),
        )

    def _carry_out(self, operation: Operation, deadline_s: float) -> Reply:
        match operation:
            case ReadRegister(key=key):
                asked = {"key": _encoded(key), "serializable": self.serializable}
                found = self._ask("/v3/kv/range", asked, deadline_s).get("kvs", [])
                return Ok(value=b64decode(found[0]["value"]).decode() if found else None)
            case WriteRegister(key=key, value=value):
                self._ask("/v3/kv/put", {"key": _encoded(key), "value": _encoded(value)}, deadline_s)
                return Ok()
            case CompareAndSet(key=key, expected=expected, value=value):
                done = self._ask("/v3/kv/txn", _compare_and_set(key, expected, value), deadline_s)
                return Ok() if done.get("succeeded") else Fail("mismatch", "it held another value")
        return Info("a store has no orders")

    def _ask(self, path: str, body: dict[str, Any], deadline_s: float) -> dict[str, Any]:
        """The answer; raises `ValueError` for an error of etcd, which says nothing of whether it was carried out."""
        answer = self._send("POST", path, body, deadline_s)
        if "error" in answer:
            raise ValueError(str(answer["error"]))
        return answer

    def _send(self, method: str, path: str, body: dict[str, Any] | None, deadline_s: float) -> dict[str, Any]:
        if self._closed:
            raise ConnectionError("closed")
        link = self._idle.pop() if self._idle else http.client.HTTPConnection(*self._address)
        kept = False
        try:
            link.timeout = deadline_s
            if link.sock is not None:
                link.sock.settimeout(deadline_s)
            link.request(method, path, None if body is None else json.dumps(body))
            answer: dict[str, Any] = json.loads(link.getresponse().read())
            kept = not self._closed
            return answer
        finally:
            if kept:
                self._idle.append(link)
            else:
                with contextlib.suppress(OSError):
                    link.close()


class Serializable(Etcd):
    """A client that reads as etcd's documentation warns not to, where one order matters."""

    serializable = True


def _compare_and_set(key: str, expected: str | None, value: str) -> dict[str, Any]:
    compare = {"key": _encoded(key), "result": "EQUAL"}
    if expected is None:
        compare |= {"target": "CREATE", "create_revision": "0"}
    else:
        compare |= {"target": "VALUE", "value": _encoded(expected)}
    put = {"request_put": {"key": _encoded(key), "value": _encoded(value)}}
    return {"compare": [compare], "success": [put]}


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()
