"""Where the embedded proxy differs from Toxiproxy on purpose: both behaviours, each on its server.

`docs/wan.md` has the table, with the reasons.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from conformance import LONG_MS, Api, Witness, ended, ends, passes
from wan_support import LinkUnderTest, Server, Upstream, die, receive, turned_away, was_reset

from harness.wan.changes import Disable
from harness.wan.toxics import Latency, LimitData, ResetPeer, Stream, Timeout

pytestmark = pytest.mark.processes

UPSTREAM = "127.0.0.1:9"


def create(api: Api, name: str, **more: object) -> dict[str, object]:
    body = {"name": name, "listen": "127.0.0.1:0", "upstream": UPSTREAM, **more}
    shown: dict[str, object] = api("POST", "/proxies", body).json()
    return shown


def test_half_a_close(each_link: LinkUnderTest, upstream: Upstream, server: Server) -> None:
    with ends(each_link, upstream, Stream.UPSTREAM) as pair:
        pair.source.shutdown(socket.SHUT_WR)
        assert pair.sink.recv(1) == b""
        if server.original:
            assert ended(pair.source)
        else:
            passes(pair.back)


def test_a_reset(each_link: LinkUnderTest, upstream: Upstream, server: Server) -> None:
    with ends(each_link, upstream, Stream.UPSTREAM) as pair:
        passes(pair)
        die(pair.source)
        assert was_reset(pair.sink) is not server.original


def test_an_upstream_that_is_dead(server: Server, link_name: Callable[[], str]) -> None:
    address = server.client.create_link(link_name(), "127.0.0.1:0", "127.0.0.1:1")
    assert turned_away(address) is (None if server.original else ConnectionResetError)


def test_reset_peer_on_a_connection_that_exists(
    each_link: LinkUnderTest, upstream: Upstream, server: Server
) -> None:
    with ends(each_link, upstream, Stream.UPSTREAM) as pair:
        passes(pair)
        each_link.put(ResetPeer())
        pair.source.sendall(b"lost")
        assert was_reset(pair.sink) is not server.original


def test_reset_peer_that_affects_nobody(each_link: LinkUnderTest, upstream: Upstream, server: Server) -> None:
    each_link.put(ResetPeer(), toxicity=0)
    with ends(each_link, upstream, Stream.UPSTREAM) as pair:
        passes(pair)
        pair.source.close()
        assert was_reset(pair.sink) is server.original


def test_a_latency_that_is_changed(
    each_link: LinkUnderTest, upstream: Upstream, server: Server, witness: Witness
) -> None:
    each_link.put(Latency(latency_ms=LONG_MS))
    with ends(each_link, upstream, Stream.UPSTREAM) as pair:
        pair.source.sendall(b"first")
        assert witness.overtakes(pair.sink)
        each_link.put(Latency(latency_ms=LONG_MS // 2))
        if server.original:
            assert receive(pair.sink, 5) == b"first"
        else:
            assert witness.overtakes(pair.sink)


def test_who_is_affected_after_a_change(
    each_link: LinkUnderTest, upstream: Upstream, server: Server, witness: Witness
) -> None:
    each_link.put(Timeout(), toxicity=0.5)
    rounds = 30
    with ends(each_link, upstream, Stream.UPSTREAM) as pair:
        for _ in range(rounds):
            each_link.put(Timeout(), toxicity=0.5)
            pair.source.sendall(b"x")
            witness.overtakes(pair.sink)
        each_link.put(Timeout(), toxicity=0)
        pair.source.sendall(b".")
        came = b""
        while not came.endswith(b"."):
            came += pair.sink.recv(rounds + 1)
    if server.original:
        assert 0 < len(came) - 1 < rounds
    else:
        assert len(came) - 1 in (0, rounds)


def test_the_port_of_a_disabled_proxy(each_link: LinkUnderTest, server: Server) -> None:
    each_link.apply(Disable)
    host, _, port = each_link.address.rpartition(":")
    with socket.socket() as other:
        if server.original:
            other.bind((host, int(port)))
        else:
            with pytest.raises(OSError, match="in use"):
                other.bind((host, int(port)))


def test_fractions(api: Api, server: Server, link_name: Callable[[], str]) -> None:
    name = link_name()
    create(api, name)
    body = {"type": "latency", "attributes": {"latency": 2.5}, "toxicity": 0.123456789}
    answer = api("POST", f"/proxies/{name}/toxics", body)
    assert answer.status_code == (400 if server.original else 200)
    whole = api("POST", f"/proxies/{name}/toxics", {**body, "name": "whole", "attributes": {}}).json()
    assert whole["toxicity"] == (0.12345679 if server.original else 0.123456789)


def test_what_a_proxy_shows(api: Api, server: Server, link_name: Callable[[], str]) -> None:
    shown = create(api, link_name())
    assert shown.get("Logger", "none") == ({} if server.original else "none")


def test_how_a_stream_is_shown(api: Api, server: Server, link_name: Callable[[], str]) -> None:
    name = link_name()
    create(api, name)
    added = api("POST", f"/proxies/{name}/toxics", {"type": "latency", "stream": "UpStream"}).json()
    assert added["stream"] == ("UpStream" if server.original else "upstream")
    assert added["name"] == "latency_UpStream"
    api("DELETE", f"/proxies/{name}")  # which no typed client could list


def test_keys_in_another_case(api: Api, server: Server, link_name: Callable[[], str]) -> None:
    answer = api("POST", "/proxies", {"Name": link_name(), "Listen": "127.0.0.1:0", "Upstream": UPSTREAM})
    assert answer.status_code == (201 if server.original else 400)


@pytest.mark.parametrize("body", ["{} more", "null"])
def test_bodies_that_are_read_more_strictly(api: Api, server: Server, body: str) -> None:
    answer = api("POST", "/proxies", body)
    assert answer.status_code == 400
    words = "missing required field: name" if server.original else "bad request body: "
    assert answer.json()["error"].startswith(words)


def test_names_with_a_slash(api: Api, server: Server, link_name: Callable[[], str]) -> None:
    name = f"{link_name()}/reader"
    create(api, name)
    answer = api("GET", f"/proxies/{name.replace('/', '%2F')}")
    assert answer.status_code == (404 if server.original else 200)


def test_what_metrics_know_of_a_connection_that_is_open(
    api: Api, server: Server, each_link: LinkUnderTest, upstream: Upstream
) -> None:
    with ends(each_link, upstream, Stream.UPSTREAM) as pair:
        passes(pair)
        text = api("GET", "/metrics").text
    assert (f'proxy="{each_link.name}"' in text) is not server.original
    assert ("promhttp_metric_handler_errors_total" in text) is server.original


def test_what_only_the_embedded_proxy_has(api: Api, server: Server, link_name: Callable[[], str]) -> None:
    name = link_name()
    create(api, name)
    lacks = server.original
    for path in ("/stats", f"/proxies/{name}/stats"):
        assert api("GET", path).status_code == (404 if lacks else 200)
    assert api("POST", "/batch", {"changes": []}).status_code == (404 if lacks else 200)
    for kind in ("stall", "drop", "reject"):
        answer = api("POST", f"/proxies/{name}/toxics", {"type": kind})
        assert answer.status_code == (400 if lacks else 200)
    assert api("GET", "/version").json()["version"].endswith("+harness") is not lacks


def test_a_limit_whose_bytes_are_held_by_a_latency_behind_it(
    each_link: LinkUnderTest, upstream: Upstream, witness: Witness
) -> None:
    """No difference: a close travels behind the bytes before it on both."""
    each_link.put(LimitData(limit_bytes=3), name="first")
    each_link.put(Latency(latency_ms=LONG_MS), name="second")
    with ends(each_link, upstream, Stream.UPSTREAM) as pair:
        pair.source.sendall(b"hello")
        assert witness.overtakes(pair.sink)
        each_link.remove("second")
        assert receive(pair.sink, 5) == b"hel"


def test_the_document_names_each_difference_that_is_tested_here() -> None:
    here = Path(__file__)
    tests = set(re.findall(r"^def (test_\w+)\([^)]*server: Server", here.read_text(), flags=re.MULTILINE))
    document = (here.parents[2] / "docs" / "wan.md").read_text()
    assert tests == set(re.findall(r"`(test_\w+)`", document))
