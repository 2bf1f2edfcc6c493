"""What the HTTP API does to connections, and what `/metrics` counts: every test runs against both proxies."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator

import pytest
from conformance import Api, Witness, ended, passes_through, refuses
from wan_support import PORTS, Upstream, connect, eventually, receive

pytestmark = pytest.mark.processes

both_methods = pytest.mark.parametrize("method", ["POST", "PATCH"])


@pytest.fixture
def proxy(api: Api, echo: Upstream, link_name: Callable[[], str]) -> Iterator[str]:
    """A link to a server that answers; gives its name."""
    name = link_name()
    body = {"name": name, "listen": "127.0.0.1:0", "upstream": echo.address}
    assert api("POST", "/proxies", body).status_code == 201
    yield name
    api("DELETE", f"/proxies/{name}")


def listen_of(api: Api, proxy: str) -> str:
    return str(api("GET", f"/proxies/{proxy}").json()["listen"])


@both_methods
def test_an_update_that_changes_nothing_leaves_connections_alone(api: Api, proxy: str, method: str) -> None:
    with connect(listen_of(api, proxy)) as sock:
        passes_through(sock)
        before = api("GET", f"/proxies/{proxy}").json()
        for same in ({}, {"enabled": True}, {"listen": before["listen"]}, {"upstream": before["upstream"]}):
            assert api(method, f"/proxies/{proxy}", same).json() == before
        passes_through(sock)


@both_methods
def test_another_upstream_closes_what_is_and_serves_what_comes(
    api: Api, proxy: str, upstream: Upstream, method: str
) -> None:
    listen = listen_of(api, proxy)
    with connect(listen) as sock:
        passes_through(sock)
        api(method, f"/proxies/{proxy}", {"upstream": upstream.address})
        assert ended(sock)
    with connect(listen) as sock:
        sock.sendall(b"there")
        assert receive(upstream.accept(), 5) == b"there"


@both_methods
def test_another_address_closes_what_is_and_listens_there(api: Api, proxy: str, method: str) -> None:
    old, new = listen_of(api, proxy), f"127.0.0.1:{PORTS.take()}"
    with connect(old) as sock:
        passes_through(sock)
        assert api(method, f"/proxies/{proxy}", {"listen": new}).json()["listen"] == new
        assert ended(sock)
    assert refuses(old)
    with connect(new) as sock:
        passes_through(sock)


@both_methods
def test_a_disabled_proxy_ends_connections_and_refuses_new_ones(api: Api, proxy: str, method: str) -> None:
    listen = listen_of(api, proxy)
    with connect(listen) as sock:
        passes_through(sock)
        assert api(method, f"/proxies/{proxy}", {"enabled": False}).json()["enabled"] is False
        assert ended(sock)
    assert refuses(listen)
    api("POST", f"/proxies/{proxy}/toxics", {"type": "latency"})
    shown = api(method, f"/proxies/{proxy}", {"enabled": True}).json()
    assert (shown["enabled"], shown["listen"], len(shown["toxics"])) == (True, listen, 1)
    with connect(listen) as sock:
        passes_through(sock)


def test_a_deleted_proxy_ends_connections_and_gives_its_port_back(api: Api, proxy: str) -> None:
    listen = listen_of(api, proxy)
    with connect(listen) as sock:
        passes_through(sock)
        api("DELETE", f"/proxies/{proxy}")
        assert ended(sock)
    assert refuses(listen)


def test_an_address_that_is_taken_leaves_a_proxy_disabled_until_it_moves(
    api: Api, proxy: str, link_name: Callable[[], str], echo: Upstream
) -> None:
    free = listen_of(api, proxy)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        answer = api("PATCH", f"/proxies/{proxy}", {"listen": taken})
        words = f"listen tcp {taken}: bind: address already in use"
        assert (answer.status_code, answer.json()) == (500, {"error": words, "status": 500})
        shown = api("GET", f"/proxies/{proxy}").json()
        assert (shown["enabled"], shown["listen"]) == (False, taken)
        assert api("PATCH", f"/proxies/{proxy}", {"enabled": True}).status_code == 500
        body = {"name": link_name(), "listen": taken, "upstream": echo.address}
        assert api("POST", "/proxies", body).json() == {"error": words, "status": 500}
        assert api("GET", f"/proxies/{body['name']}").status_code == 404
    assert api("PATCH", f"/proxies/{proxy}", {"listen": free, "enabled": True}).json()["enabled"] is True
    with connect(free) as sock:
        passes_through(sock)


def test_populate_keeps_what_is_the_same_with_its_connections(api: Api, proxy: str) -> None:
    before = api("GET", f"/proxies/{proxy}").json()
    with connect(before["listen"]) as sock:
        passes_through(sock)
        port = before["listen"].rpartition(":")[2]
        for listen in (before["listen"], f"localhost:{port}"):
            again = {"name": proxy, "listen": listen, "upstream": before["upstream"], "enabled": False}
            assert api("POST", "/populate", [again]).json()["proxies"] == [before]
        passes_through(sock)


def test_populate_replaces_what_leads_elsewhere_with_its_connections_and_toxics(
    api: Api, proxy: str, upstream: Upstream
) -> None:
    before = api("GET", f"/proxies/{proxy}").json()
    api("POST", f"/proxies/{proxy}/toxics", {"type": "latency"})
    with connect(before["listen"]) as sock:
        passes_through(sock)
        moved = {"name": proxy, "listen": before["listen"], "upstream": upstream.address}
        answer = api("POST", "/populate", [moved])
        assert answer.status_code == 201
        assert answer.json()["proxies"] == [{**before, "upstream": upstream.address}]
        assert ended(sock)
    with connect(before["listen"]) as sock:
        sock.sendall(b"there")
        assert receive(upstream.accept(), 5) == b"there"


def test_reset_enables_and_takes_every_toxic_away_from_open_connections(
    api: Api, proxy: str, link_name: Callable[[], str], echo: Upstream, witness: Witness
) -> None:
    off = {"name": link_name(), "listen": "127.0.0.1:0", "upstream": echo.address, "enabled": False}
    api("POST", "/proxies", off)
    with connect(listen_of(api, proxy)) as sock:
        for stream in ("upstream", "downstream"):
            slow = {"type": "latency", "stream": stream, "attributes": {"latency": 600_000}}
            api("POST", f"/proxies/{proxy}/toxics", slow)
        sock.sendall(b"through")
        assert witness.overtakes(sock)
        assert api("POST", "/reset").status_code == 204
        assert receive(sock, 7) == b"through"
        passes_through(sock)
    shown = api("GET", "/proxies").json()
    assert all(each["enabled"] and not each["toxics"] for each in shown.values())
    with connect(shown[off["name"]]["listen"]) as sock:
        passes_through(sock)


SAMPLE = re.compile(r"^(toxiproxy_proxy_\w+)\{(.*)\} (\S+)$")


def samples(api: Api, proxy: str) -> dict[tuple[str, str], float]:
    """The figures of one proxy, by metric and direction, whose other labels must be right."""
    shown, found = api("GET", f"/proxies/{proxy}").json(), {}
    for line in api("GET", "/metrics").text.splitlines():
        match = SAMPLE.match(line)
        labels = dict(re.findall(r'(\w+)="([^"]*)"', match[2])) if match else {}
        if match and labels["proxy"] == proxy:
            direction = labels.pop("direction")
            assert labels == {"proxy": proxy, "listener": shown["listen"], "upstream": shown["upstream"]}
            found[match[1], direction] = float(match[3])
    return found


def test_metrics_count_the_bytes_of_connections_that_have_ended(
    api: Api, link_name: Callable[[], str], upstream: Upstream
) -> None:
    name = link_name()
    api("POST", "/proxies", {"name": name, "listen": "127.0.0.1:0", "upstream": upstream.address})
    for _ in range(2):
        with connect(listen_of(api, name)) as near, upstream.accept() as far:
            far.sendall(b"x" * 2000)
            assert len(receive(near, 2000)) == 2000
            near.sendall(b"x" * 300)
            near.close()
            assert len(receive(far, 301)) == 300
    wanted = {
        ("toxiproxy_proxy_received_bytes_total", "upstream"): 600,
        ("toxiproxy_proxy_sent_bytes_total", "upstream"): 600,
        ("toxiproxy_proxy_received_bytes_total", "downstream"): 4000,
        ("toxiproxy_proxy_sent_bytes_total", "downstream"): 4000,
    }
    eventually(lambda: samples(api, name) == wanted)


def test_metrics_are_in_the_text_format_of_prometheus(api: Api, proxy: str) -> None:
    with connect(listen_of(api, proxy)) as sock:
        passes_through(sock)
    eventually(lambda: len(samples(api, proxy)) == 4)
    answer = api("GET", "/metrics")
    kind, *parameters = (part.strip() for part in answer.headers["Content-Type"].split(";"))
    assert (answer.status_code, kind) == (200, "text/plain")
    assert {"version=0.0.4", "charset=utf-8"} <= set(parameters)
    for verb in ("received", "sent"):
        assert f"# TYPE toxiproxy_proxy_{verb}_bytes_total counter\n" in answer.text
        assert f"# HELP toxiproxy_proxy_{verb}_bytes_total " in answer.text
