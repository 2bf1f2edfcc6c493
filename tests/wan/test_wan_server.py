from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from wan_support import Server, Upstream, connect, receive

from harness.wan.changes import Disable, Enable, LinkChange, PutToxic
from harness.wan.client import WanClient
from harness.wan.errors import WanRefused
from harness.wan.listening import CannotSaturate, Listener, join_address, same_address, split_address
from harness.wan.messages import VERSION
from harness.wan.toxics import Latency, Stream
from harness.wan.toxics.gate import Listening

pytestmark = pytest.mark.processes


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "harness.wan", *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as child:  # type: ignore[call-overload]
        try:
            yield child
        finally:
            child.kill()


def ready(child: subprocess.Popen[str]) -> dict[str, object]:
    assert child.stdout is not None
    line: dict[str, object] = json.loads(child.stdout.readline())
    return line


def test_the_process_says_where_it_listens_and_leaves_when_its_input_ends(echo: Upstream) -> None:
    with process("--exit-on-stdin-eof", "--seed", "3") as child:
        line = ready(child)
        assert (line["version"], line["pid"]) == (VERSION, child.pid)
        with WanClient(str(line["api"]), timeout_s=5) as client:
            address = client.create_link("gateway-alpha--engine-bravo-7100", "127.0.0.1:0", echo.address)
        with connect(address) as sock:
            sock.sendall(b"hello")
            assert receive(sock, 5) == b"hello"
            assert child.stdin is not None
            child.stdin.close()
            assert child.wait(timeout=60) == 0
            assert sock.recv(1) == b""
        assert child.stderr is not None
        assert child.stderr.read() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_leaves_on_a_signal(number: signal.Signals) -> None:
    with process() as child:
        ready(child)
        child.send_signal(number)
        assert child.wait(timeout=60) == 0


def test_a_port_that_is_taken_is_an_error_of_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with process("--port", port) as child:
            assert child.wait(timeout=60) == 9
            assert child.stderr is not None
            said = child.stderr.read()
    assert said.count("\n") == 1
    assert f"127.0.0.1:{port}" in said


def test_statistics_metrics_and_the_batch_over_plain_http(
    embedded: Server, echo: Upstream, link_name: Callable[[], str]
) -> None:
    name, base = link_name(), f"http://{embedded.client.address}"
    with connect(embedded.client.create_link(name, "127.0.0.1:0", echo.address)) as sock:
        sock.sendall(b"hello")
        receive(sock, 5)
    stats = requests.get(f"{base}/proxies/{name}/stats", timeout=60).json()
    assert (stats["upstream"]["bytes_in"], stats["downstream"]["bytes_out"]) == (5, 5)
    assert requests.get(f"{base}/stats", timeout=60).json()[name]["accepted"] == 1
    metrics = requests.get(f"{base}/metrics", timeout=60).text
    assert 'toxiproxy_proxy_sent_bytes_total{direction="upstream",listener="127.0.0.1' in metrics
    assert f'proxy="{name}",upstream="{echo.address}"}} 5' in metrics
    changes: list[dict[str, Any]] = [
        {"op": "disable", "proxy": name},
        {"op": "put_toxic", "proxy": name, "toxic": {"type": "stall"}},
    ]
    answer = requests.post(f"{base}/batch", json={"changes": changes}, timeout=60).json()
    assert answer["first_ns"] <= answer["last_ns"]
    assert answer["failures"] == []
    assert (answer["proxies"][name]["enabled"], len(answer["proxies"][name]["toxics"])) == (False, 1)
    for broken, status in (
        ({"changes": [{"op": "explode"}]}, 400),
        ({"changes": [{"op": "sever", "proxy": "none"}]}, 404),
    ):
        assert requests.post(f"{base}/batch", json=broken, timeout=60).status_code == status
    embedded.client.delete(name)


def test_a_change_that_the_system_refuses_is_a_failure_of_that_change_alone(
    embedded: Server, link_name: Callable[[], str]
) -> None:
    name, other, client = link_name(), link_name(), embedded.client
    listen = client.create_link(name, "127.0.0.1:0", "127.0.0.1:9")
    client.apply([Disable(name)])
    client.create_link(other, listen, "127.0.0.1:9")  # a disabled link lends its port, as the original does
    with pytest.raises(WanRefused, match="address already in use") as caught:
        client.apply(_enable_and_delay(name))
    assert caught.value.status == 500
    assert [toxic.name for toxic in client.links()[name].toxics] == ["spike"]
    for link in (name, other):
        client.delete(link)


def _enable_and_delay(name: str) -> list[LinkChange]:
    return [Enable(name), PutToxic(name, "spike", Stream.UPSTREAM, Latency(latency_ms=1))]


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:80", ("::1", 80)), (":80", ("", 80)), ("", ("", 0))],
)
def test_addresses_are_read(text: str, address: tuple[str, int]) -> None:
    assert split_address(text) == address


@pytest.mark.parametrize("text", ["junk", "host:port", "host:70000", "host:"])
def test_addresses_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(OSError, match="address"):
        split_address(text)


def test_one_address_may_have_two_names() -> None:
    assert same_address("localhost:80", "127.0.0.1:80")
    assert not same_address("127.0.0.1:81", "127.0.0.1:80")
    assert same_address("", ":0")


def test_addresses_are_written() -> None:
    assert (join_address("127.0.0.1", 80), join_address("::1", 80)) == ("127.0.0.1:80", "[::1]:80")


def test_a_listener_moves_between_its_states_and_keeps_its_port() -> None:
    async def scenario() -> None:
        accepted: list[socket.socket] = []
        listener = Listener(asyncio.get_running_loop(), accepted.append)
        assert listener.state is None
        listener.become(Listening.REFUSE)  # nothing to refuse on yet
        address = listener.open("localhost", 0)
        states = [
            Listening.SATURATE,
            Listening.REFUSE,
            Listening.SATURATE,
            Listening.OPEN,
            Listening.REFUSE,
            Listening.OPEN,
        ]
        for state in states:
            listener.become(state)
            listener.become(state)
            assert listener.state is state
        with socket.create_connection(address):
            await asyncio.sleep(0)
            listener.drain()
            assert len(accepted) == 1
        listener.close()
        listener.close()
        accepted[0].close()

    asyncio.run(scenario())


def test_a_system_that_answers_all_the_same_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        listener = Listener(asyncio.get_running_loop(), lambda sock: sock.close())
        address = listener.open("127.0.0.1", 0)
        monkeypatch.setattr("harness.wan.listening._established", lambda sock: True)
        with pytest.raises(CannotSaturate, match="are answered although"):
            listener.become(Listening.SATURATE)
        assert listener.state is Listening.OPEN
        with socket.create_connection(address, timeout=60):
            pass
        listener.close()

    asyncio.run(scenario())


def test_a_process_out_of_descriptors_waits_instead_of_spinning(monkeypatch: pytest.MonkeyPatch) -> None:
    class Exhausted:
        def __init__(self, sock: socket.socket) -> None:
            self.sock, self.calls = sock, 0

        def accept(self) -> object:
            self.calls += 1
            if self.calls == 1:
                raise ConnectionAbortedError
            if self.calls == 2:
                raise OSError(24, "Too many open files")
            return self.sock.accept()

        def __getattr__(self, name: str) -> object:
            return getattr(self.sock, name)

    async def scenario() -> None:
        accepted: asyncio.Queue[socket.socket] = asyncio.Queue()
        monkeypatch.setattr("harness.wan.listening._RETRY_S", 0.001)
        listener = Listener(asyncio.get_running_loop(), accepted.put_nowait)
        address = listener.open("127.0.0.1", 0)
        listener._sock = Exhausted(listener._sock)  # type: ignore[assignment,arg-type]
        with socket.create_connection(address, timeout=60):
            sock = await asyncio.wait_for(accepted.get(), 5)
            sock.close()
        listener.close()

    asyncio.run(scenario())
