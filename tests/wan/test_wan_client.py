from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import toxiproxy
from toxiproxy.api import APIConsumer
from wan_support import Server, running, toxiproxy_binary

from harness.model.errors import EnvironmentUnfit, HarnessError
from harness.wan.changes import Disable, Enable, Link, LinkChange, PutToxic, RemoveToxic, Sever
from harness.wan.client import WanClient, halves
from harness.wan.errors import WanError, WanNotApplied, WanRefused, WanUnreachable, WanUnsupported
from harness.wan.messages import VERSION
from harness.wan.toxics import Latency, Stall, Stream, Timeout

UPSTREAM = "127.0.0.1:9"
Answer = tuple[int, object]


class Liar:
    """A server that answers each path as told, and `version` truly unless told otherwise."""

    def __init__(self, answers: dict[str, Answer | None], version: str) -> None:
        self.answers: dict[str, Answer | None] = {"GET /version": (200, {"version": version}), **answers}
        self.hang = threading.Event()
        self.seen: queue.Queue[str] = queue.Queue()
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                liar.seen.put(f"{self.command} {self.path}")
                found = liar.answers.get(f"{self.command} {self.path}", (200, {}))
                if found is None:
                    liar.hang.wait(10)
                    return
                status, body = found
                data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.address = f"127.0.0.1:{self.server.server_address[1]}"


@contextmanager
def lying(
    answers: dict[str, Answer | None], *, version: str = "2.12.0", timeout_s: float = 5
) -> Iterator[WanClient]:
    liar = Liar(answers, version)
    thread = threading.Thread(target=liar.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        with WanClient(liar.address, timeout_s=timeout_s) as client:
            yield client
    finally:
        liar.hang.set()
        liar.server.shutdown()
        liar.server.server_close()
        thread.join()


def proxy(name: str = "link", *, enabled: bool = True, toxics: tuple[object, ...] = ()) -> dict[str, Any]:
    return {"name": name, "listen": "127.0.0.1:1", "upstream": UPSTREAM, "enabled": enabled, "toxics": toxics}


@pytest.mark.processes
@pytest.mark.parametrize("status", [400, 404, 409, 500, 503])
def test_every_error_status_raises(status: int) -> None:
    error = (status, {"error": "no", "status": status})
    answers: dict[str, Answer | None] = {
        "GET /proxies": error,
        "POST /populate": error,
        "DELETE /proxies/link": error,
    }
    with lying(answers) as client:
        with pytest.raises(WanRefused) as caught:
            client.links()
        assert (caught.value.status, caught.value.body) == (status, json.dumps(error[1]))
        with pytest.raises(WanRefused, match="POST /populate"):
            client.create_link("link", "127.0.0.1:0", UPSTREAM)
        if status == 404:
            client.delete("link")
        else:
            with pytest.raises(WanRefused):
                client.delete("link")


@pytest.mark.processes
def test_every_error_of_one_of_the_librarys_own_calls_raises() -> None:
    answers: dict[str, Answer | None] = {
        "GET /proxies/link": (200, proxy()),
        "POST /proxies/link": (503, "overloaded"),
        "DELETE /proxies/link/toxics/gone": (500, "broken"),
    }
    with lying(answers) as client:
        with pytest.raises(WanRefused, match="503"):
            client.apply([Disable("link")])
        with pytest.raises(WanRefused, match="500"):
            client.apply([RemoveToxic("link", "gone")])


@pytest.mark.processes
def test_a_server_that_hangs_is_unreachable() -> None:
    unreachable = pytest.raises(WanUnreachable, match=r"did not answer within 0\.2 s")
    with lying({"GET /proxies": None}, timeout_s=0.2) as client, unreachable:
        client.links()


def test_no_server_at_all_is_unreachable() -> None:
    with pytest.raises(WanUnreachable, match="is its process alive"):
        WanClient("127.0.0.1:1", timeout_s=0.5)


def test_errors_belong_to_the_tree() -> None:
    for kind in (WanUnreachable, WanRefused, WanNotApplied):
        assert issubclass(kind, WanError)
    assert issubclass(WanError, HarnessError)
    assert issubclass(WanUnsupported, EnvironmentUnfit)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("change", "after"),
    [
        (PutToxic("link", "spike", Stream.UPSTREAM, Latency(latency_ms=5)), proxy()),
        (
            PutToxic("link", "spike", Stream.UPSTREAM, Latency(latency_ms=5)),
            proxy(
                toxics=(
                    {
                        "name": "spike",
                        "type": "latency",
                        "stream": "upstream",
                        "toxicity": 1,
                        "attributes": {"latency": 6, "jitter": 0},
                    },
                )
            ),
        ),
        (
            RemoveToxic("link", "spike"),
            proxy(
                toxics=(
                    {
                        "name": "spike",
                        "type": "timeout",
                        "stream": "upstream",
                        "toxicity": 1,
                        "attributes": {},
                    },
                )
            ),
        ),
        (Enable("link"), proxy(enabled=False)),
        (Disable("link"), proxy()),
    ],
)
@pytest.mark.parametrize("version", ["2.12.0", VERSION])
def test_a_change_that_was_accepted_but_not_made_raises(
    change: LinkChange, after: dict[str, Any], version: str
) -> None:
    answers: dict[str, Answer | None] = {
        "GET /proxies/link": (200, proxy()),
        "GET /proxies": (200, {"link": after}),
        "POST /batch": (200, {"first_ns": 1, "last_ns": 2, "failures": [], "proxies": {"link": after}}),
    }
    with lying(answers, version=version) as client, pytest.raises(WanNotApplied, match="link"):
        client.apply([change])


@pytest.mark.processes
@pytest.mark.parametrize(
    "after", [{}, {"link": proxy(enabled=False)}, {"link": {**proxy(), "upstream": "other:1"}}]
)
def test_a_link_that_was_accepted_but_not_made_raises(after: dict[str, Any]) -> None:
    answers: dict[str, Answer | None] = {
        "POST /populate": (201, {"proxies": []}),
        "GET /proxies": (200, after),
    }
    not_applied = pytest.raises(WanNotApplied, match="link 'link' was created, but reads back")
    with lying(answers) as client, not_applied:
        client.create_link("link", "127.0.0.1:0", UPSTREAM)


@pytest.mark.processes
def test_an_answer_that_is_no_answer_raises() -> None:
    with (
        lying({"GET /proxies": (200, "<html>")}) as client,
        pytest.raises(WanNotApplied, match="can't be read"),
    ):
        client.links()


@pytest.mark.processes
def test_a_plain_server_lacks_what_is_ours_and_nothing_is_changed() -> None:
    with lying({}) as client:
        assert not client.extended
        with pytest.raises(WanUnsupported, match="no toxic 'stall'"):
            client.apply([Disable("link"), PutToxic("link", "dark", Stream.UPSTREAM, Stall())])
        with pytest.raises(WanUnsupported, match="no counters"):
            client.stats()


@pytest.mark.processes
def test_nothing_to_change_is_no_call() -> None:
    with lying({"POST /batch": (500, "")}, version=VERSION) as client:
        span = client.apply([])
        assert span.first_ns == span.last_ns
        assert client.populate([]) == {}


@pytest.mark.processes
def test_two_clients_in_one_process_have_their_own_servers_and_the_library_keeps_its_own() -> None:
    with (
        lying({"GET /proxies": (200, {"a": proxy("a")})}) as one,
        lying({"GET /proxies": (200, {"b": proxy("b")})}) as two,
    ):
        assert (list(one.links()), list(two.links())) == (["a"], ["b"])
        assert list(one._consumer.server.proxies()) == ["a"]
        assert list(two._consumer.server.proxies()) == ["b"]
    assert (APIConsumer.host, APIConsumer.port) == ("127.0.0.1", 8474)
    assert toxiproxy.Toxiproxy.proxies.__globals__["APIConsumer"] is APIConsumer


def test_half_a_round_trip_goes_each_way_and_whole_milliseconds_where_needed() -> None:
    assert halves(2.5, whole=False) == (1.25, 1.25)
    assert halves(5, whole=True) == (3, 2)
    assert halves(0.4, whole=True) == (1, 0)
    assert halves(0, whole=True) == (0, 0)


@pytest.mark.processes
def test_a_baseline_reads_back_on_both_servers(server: Server, link_name: Callable[[], str]) -> None:
    name = link_name()
    server.client.create_link(name, "127.0.0.1:0", UPSTREAM)
    server.client.baseline(name, 2.5, 0.25)
    toxics = server.client.links()[name].toxics
    assert [(toxic.name, toxic.stream) for toxic in toxics] == [
        ("baseline_upstream", Stream.UPSTREAM),
        ("baseline_downstream", Stream.DOWNSTREAM),
    ]
    delays = [json.loads(bytes(toxic.attributes)) for toxic in toxics]
    assert sum(delay["latency"] for delay in delays) == (2 if server.original else 2.5)


@pytest.mark.processes
def test_a_toxic_changes_its_type_and_its_stream(server: Server, link_name: Callable[[], str]) -> None:
    name = link_name()
    server.client.create_link(name, "127.0.0.1:0", UPSTREAM)
    for stream, settings in (
        (Stream.UPSTREAM, Latency(latency_ms=5)),
        (Stream.DOWNSTREAM, Timeout(timeout_ms=7)),
    ):
        server.client.apply([PutToxic(name, "fault", stream, settings, 0.25)])
        (toxic,) = server.client.links()[name].toxics
        assert (toxic.stream, toxic.toxicity) == (stream, 0.25)


@pytest.mark.processes
def test_many_changes_take_effect_in_their_order(server: Server, link_name: Callable[[], str]) -> None:
    names = [link_name() for _ in range(5)]
    listening = server.client.populate([Link(name, "127.0.0.1:0", UPSTREAM) for name in names])
    assert sorted(listening) == sorted(names)
    span = server.client.apply(
        [
            change
            for name in names
            for change in (
                PutToxic(name, "fault", Stream.UPSTREAM, Timeout()),
                RemoveToxic(name, "fault"),
                Disable(name),
                Sever(name),
                Enable(name),
            )
        ]
    )
    assert span.first_ns <= span.last_ns
    assert all(
        not view.toxics and view.enabled for name, view in server.client.links().items() if name in names
    )


@pytest.mark.processes
def test_a_change_of_a_link_that_is_not_there_raises_and_changes_nothing(
    server: Server, link_name: Callable[[], str]
) -> None:
    name = link_name()
    server.client.create_link(name, "127.0.0.1:0", UPSTREAM)
    with pytest.raises(WanRefused) as caught:
        server.client.apply([PutToxic("none", "fault", Stream.UPSTREAM, Timeout())])
    assert caught.value.status == 404
    if not server.original:
        with pytest.raises(WanRefused):
            server.client.apply([Disable(name), RemoveToxic("none", "fault")])
        assert server.client.links()[name].enabled
        with pytest.raises(WanNotApplied, match="no link 'none'"):
            server.client.stats(["none"])


@pytest.mark.skipif(toxiproxy_binary() is None, reason="the real server is not here to be compared with")
@pytest.mark.processes
def test_a_real_server_is_recognised() -> None:
    with running("toxiproxy") as server:
        assert not server.client.extended
