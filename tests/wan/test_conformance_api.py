"""The HTTP API answers as Toxiproxy's does: every test here runs against both proxies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from conformance import Api

pytestmark = pytest.mark.processes

UPSTREAM = "127.0.0.1:9"
JUNK = "listen tcp: address junk: missing port in address"
BAD_PORT = "listen tcp: address 99999: invalid port"
NO_HOST = "listen tcp: lookup 256.0.0.1: no such host"


@pytest.fixture
def link(api: Api, link_name: Callable[[], str]) -> str:
    name = link_name()
    body = {"name": name, "listen": "127.0.0.1:0", "upstream": UPSTREAM}
    assert api("POST", "/proxies", body).status_code == 201
    return name


def shape(proxy: dict[str, Any]) -> dict[str, Any]:
    """A proxy as both servers show it: the original adds an empty `Logger`, by mistake."""
    return {key: value for key, value in proxy.items() if key != "Logger"}


def refused(answer: requests.Response, status: int, error: str) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.text.endswith("\n")
    body = answer.json()
    assert body["status"] == status
    assert str(body["error"]).startswith(error)
    assert set(body) == {"error", "status"}


def test_version(api: Api) -> None:
    answer = api("GET", "/version")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    assert list(answer.json()) == ["version"]


def test_a_proxy_is_created_shown_and_deleted(api: Api, link_name: Callable[[], str]) -> None:
    name = link_name()
    created = api("POST", "/proxies", {"name": name, "listen": "127.0.0.1:0", "upstream": UPSTREAM})
    assert created.status_code == 201
    assert created.headers["Content-Type"] == "application/json"
    proxy = shape(created.json())
    host, _, port = proxy.pop("listen").rpartition(":")
    assert (host, int(port) > 0) == ("127.0.0.1", True)
    assert proxy == {"name": name, "upstream": UPSTREAM, "enabled": True, "toxics": []}
    assert api("GET", f"/proxies/{name}").json() == created.json()
    assert api("GET", "/proxies").json()[name] == created.json()
    deleted = api("DELETE", f"/proxies/{name}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    refused(api("DELETE", f"/proxies/{name}"), 404, "proxy not found")
    refused(api("GET", f"/proxies/{name}"), 404, "proxy not found")


def test_a_proxy_can_be_created_disabled_and_listens_everywhere_by_default(
    api: Api, link_name: Callable[[], str]
) -> None:
    name = link_name()
    off = api(
        "POST", "/proxies", {"name": name, "listen": "127.0.0.1:0", "upstream": UPSTREAM, "enabled": False}
    )
    assert (off.json()["enabled"], off.json()["listen"]) == (False, "127.0.0.1:0")
    wide = api("POST", "/proxies", {"name": link_name(), "upstream": UPSTREAM})
    assert wide.json()["listen"].rpartition(":")[0] in ("[::]", "0.0.0.0")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"upstream": UPSTREAM}, 400, "missing required field: name"),
        ({"name": "nowhere"}, 400, "missing required field: upstream"),
        ("{bad", 400, "bad request body: "),
        ("", 400, "bad request body: EOF"),
        ({"name": 7, "upstream": UPSTREAM}, 400, "bad request body: "),
        ({"name": "x", "upstream": UPSTREAM, "listen": "junk"}, 500, JUNK),
        ({"name": "x", "upstream": UPSTREAM, "listen": "127.0.0.1:99999"}, 500, BAD_PORT),
        ({"name": "x", "upstream": UPSTREAM, "listen": "256.0.0.1:1"}, 500, NO_HOST),
        ({"name": "x", "upstream": UPSTREAM, "listen": "192.0.2.1:1"}, 500, "listen tcp 192.0.2.1:1: bind: "),
    ],
)
def test_a_proxy_that_cannot_be_created_is_refused(api: Api, body: object, status: int, error: str) -> None:
    refused(api("POST", "/proxies", body), status, error)


def test_a_name_and_a_port_that_are_taken_are_refused(
    api: Api, link: str, link_name: Callable[[], str]
) -> None:
    listen = api("GET", f"/proxies/{link}").json()["listen"]
    refused(
        api("POST", "/proxies", {"name": link, "listen": "127.0.0.1:0", "upstream": "b:1"}),
        409,
        "proxy already",
    )
    taken = api("POST", "/proxies", {"name": link_name(), "listen": listen, "upstream": UPSTREAM})
    refused(taken, 500, f"listen tcp {listen}: ")
    assert "address already in use" in taken.json()["error"].lower()


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_proxy_is_updated(api: Api, link: str, method: str) -> None:
    before = api("GET", f"/proxies/{link}").json()
    off = api(method, f"/proxies/{link}", {"enabled": False})
    assert (off.status_code, off.json()) == (200, {**before, "enabled": False})
    assert api(method, f"/proxies/{link}", {"enabled": True}).json() == before
    moved = api(method, f"/proxies/{link}", {"upstream": "127.0.0.1:8"}).json()
    assert moved == {**before, "upstream": "127.0.0.1:8"}
    refused(api(method, f"/proxies/{link}", {"listen": "junk"}), 500, "address junk: missing port in address")
    refused(api(method, f"/proxies/{link}", "{bad"), 400, "bad request body: ")
    refused(api(method, "/proxies/none", {}), 404, "proxy not found")


def test_a_toxic_is_added_shown_changed_and_removed(api: Api, link: str) -> None:
    path = f"/proxies/{link}/toxics"
    wanted = {"name": "spike", "type": "latency", "stream": "upstream", "toxicity": 0.5}
    added = api("POST", path, {**wanted, "attributes": {"latency": 100, "zork": 1}})
    assert (added.status_code, added.headers["Content-Type"]) == (200, "application/json")
    assert added.json() == {**wanted, "attributes": {"latency": 100, "jitter": 0}}
    assert api("GET", f"{path}/spike").json() == added.json()
    assert api("GET", path).json() == [added.json()]
    assert api("GET", f"/proxies/{link}").json()["toxics"] == [added.json()]
    changed = api("PATCH", f"{path}/spike", {"attributes": {"jitter": 7}})
    assert changed.json() == {**wanted, "attributes": {"latency": 100, "jitter": 7}}
    assert api("POST", f"{path}/spike", {"toxicity": 1}).json() == {**changed.json(), "toxicity": 1}
    assert api("DELETE", f"{path}/spike").status_code == 204
    assert api("GET", path).json() == []


def test_a_toxic_has_a_name_a_stream_and_a_toxicity_by_default(api: Api, link: str) -> None:
    added = api("POST", f"/proxies/{link}/toxics", {"type": "slow_close"}).json()
    assert added == {
        "name": "slow_close_downstream",
        "type": "slow_close",
        "stream": "downstream",
        "toxicity": 1,
        "attributes": {"delay": 0},
    }


def test_toxics_are_listed_upstream_first(api: Api, link: str) -> None:
    for name, stream in (("a", "downstream"), ("b", "upstream"), ("c", "downstream"), ("d", "upstream")):
        api("POST", f"/proxies/{link}/toxics", {"name": name, "type": "latency", "stream": stream})
    assert [toxic["name"] for toxic in api("GET", f"/proxies/{link}/toxics").json()] == ["b", "d", "a", "c"]


ATTRIBUTES: dict[str, dict[str, int]] = {
    "latency": {"latency": 5, "jitter": 1},
    "bandwidth": {"rate": 100},
    "slow_close": {"delay": 5},
    "timeout": {"timeout": 5},
    "reset_peer": {"timeout": 5},
    "slicer": {"average_size": 64, "size_variation": 32, "delay": 10},
    "limit_data": {"bytes": 100},
    "noop": {},
}


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_every_toxic_of_the_original_takes_its_attributes(api: Api, link: str, kind: str) -> None:
    path, attributes = f"/proxies/{link}/toxics", ATTRIBUTES[kind]
    plain = api("POST", path, {"type": kind, "stream": "upstream"}).json()
    assert plain["attributes"] == dict.fromkeys(attributes, 0)
    added = api("POST", path, {"type": kind, "attributes": attributes}).json()
    assert added["attributes"] == attributes
    for name, value in attributes.items():
        change = {"attributes": {name: value + 1}}
        assert api("PATCH", f"{path}/{kind}_downstream", change).json() == {
            **added,
            "attributes": {**attributes, name: value + 1},
        }
        assert api("POST", f"{path}/{kind}_downstream", {"attributes": attributes}).json() == added


def test_a_null_is_what_is_left_out(api: Api, link: str, link_name: Callable[[], str]) -> None:
    path = f"/proxies/{link}/toxics"
    body = {
        "name": None,
        "type": "latency",
        "stream": None,
        "toxicity": None,
        "attributes": {"latency": None},
    }
    added = api("POST", path, body).json()
    assert (added["name"], added["stream"], added["toxicity"]) == ("latency_downstream", "downstream", 1)
    change = {"toxicity": None, "attributes": None}
    assert api("PATCH", f"{path}/latency_downstream", change).json() == added
    proxy = {"name": link_name(), "listen": "127.0.0.1:0", "upstream": UPSTREAM, "enabled": None}
    assert api("POST", "/proxies", proxy).json()["enabled"] is True


def test_names_types_and_streams_of_a_toxic_stay_as_they_are(api: Api, link: str) -> None:
    path = f"/proxies/{link}/toxics"
    added = api("POST", path, {"type": "latency"}).json()
    change = {"name": "other", "type": "timeout", "stream": "upstream"}
    assert api("PATCH", f"{path}/latency_downstream", change).json() == added


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"type": "nope"}, "invalid toxic type"),
        (
            {"type": "latency", "stream": "sideways"},
            "stream was invalid, can be either upstream or downstream",
        ),
        ({"type": "latency", "attributes": {"latency": "long"}}, "bad request body: "),
        ({"type": "latency", "attributes": 5}, "bad request body: "),
        ("[", "bad request body: "),
        ("", "bad request body: EOF"),
    ],
)
def test_a_toxic_that_makes_no_sense_is_refused(api: Api, link: str, body: object, error: str) -> None:
    refused(api("POST", f"/proxies/{link}/toxics", body), 400, error)


def test_toxics_that_are_there_already_or_not_at_all_are_refused(api: Api, link: str) -> None:
    path = f"/proxies/{link}/toxics"
    api("POST", path, {"type": "latency", "name": "spike"})
    refused(api("POST", path, {"type": "timeout", "name": "spike"}), 409, "toxic already exists")
    refused(api("POST", f"{path}/spike", {"attributes": {"latency": "long"}}), 400, "bad request body: ")
    for method in ("GET", "POST", "PATCH", "DELETE"):
        refused(api(method, f"{path}/none", {}), 404, "toxic not found")
        refused(api(method, "/proxies/none/toxics/none", {}), 404, "proxy not found")
    refused(api("POST", "/proxies/none/toxics", {"type": "latency"}), 404, "proxy not found")


def test_populate_creates_replaces_and_keeps(api: Api, link_name: Callable[[], str]) -> None:
    kept, moved = link_name(), link_name()
    first = api(
        "POST",
        "/populate",
        [{"name": name, "listen": "127.0.0.1:0", "upstream": "a:1"} for name in (kept, moved)],
    )
    assert first.status_code == 201
    assert [proxy["name"] for proxy in first.json()["proxies"]] == [kept, moved]
    listen = {proxy["name"]: proxy["listen"] for proxy in first.json()["proxies"]}
    api("POST", f"/proxies/{kept}/toxics", {"type": "latency"})
    again = api(
        "POST",
        "/populate",
        [
            {"name": kept, "listen": listen[kept], "upstream": "a:1"},
            {"name": moved, "listen": listen[moved], "upstream": "b:2", "enabled": False},
        ],
    ).json()["proxies"]
    assert [len(proxy["toxics"]) for proxy in again] == [1, 0]
    assert [(proxy["upstream"], proxy["enabled"]) for proxy in again] == [("a:1", True), ("b:2", False)]


def test_populate_checks_before_it_creates_and_says_what_it_did(
    api: Api, link: str, link_name: Callable[[], str]
) -> None:
    name, other = link_name(), link_name()
    bad = api("POST", "/populate", [{"name": name, "upstream": "a:1"}, {"name": other}])
    assert (bad.status_code, bad.json()) == (
        400,
        {"error": "missing required field: upstream at proxy 2", "status": 400, "proxies": None},
    )
    assert name not in api("GET", "/proxies").json()
    listen = api("GET", f"/proxies/{link}").json()["listen"]
    half = api(
        "POST",
        "/populate",
        [
            {"name": name, "listen": "127.0.0.1:0", "upstream": "a:1"},
            {"name": other, "listen": listen, "upstream": "a:1"},
        ],
    )
    assert half.status_code == 500
    assert half.json()["status"] == 500
    assert [proxy["name"] for proxy in half.json()["proxies"]] == [name]
    none_done = api("POST", "/populate", [{"name": other, "listen": listen, "upstream": "a:1"}])
    assert (none_done.status_code, none_done.json()["proxies"]) == (500, None)
    nothing = api("POST", "/populate", [])
    assert (nothing.status_code, nothing.json()) == (201, {"proxies": None})
    bodies: list[object] = [{}, "", "nonsense"]
    for body in bodies:
        broken = api("POST", "/populate", body)
        assert (broken.status_code, broken.json()["proxies"]) == (400, None)


def test_reset_enables_every_proxy_and_removes_every_toxic(api: Api, link: str) -> None:
    api("POST", f"/proxies/{link}/toxics", {"type": "latency"})
    api("POST", f"/proxies/{link}", {"enabled": False})
    answer = api("POST", "/reset")
    assert (answer.status_code, answer.content) == (204, b"")
    proxy = api("GET", f"/proxies/{link}").json()
    assert (proxy["enabled"], proxy["toxics"]) == (True, [])


@pytest.mark.parametrize("path", ["/", "/nowhere", "/proxies/", "/proxies/a/b", "/proxies/a/toxics/b/c"])
def test_unknown_paths(api: Api, path: str) -> None:
    for agent in ("anything", "Mozilla/5.0"):
        missing = api("GET", path, **{"User-Agent": agent})
        assert (missing.status_code, missing.text) == (404, "404 page not found\n")


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/reset", "GET DELETE PATCH"),
        ("/proxies", "PUT DELETE PATCH"),
        ("/populate", "GET PUT"),
        ("/proxies/a", "PUT"),
        ("/proxies/a/toxics", "PUT DELETE PATCH"),
        ("/proxies/a/toxics/b", "PUT"),
        ("/version", "POST DELETE"),
    ],
)
def test_methods_that_are_not_allowed(api: Api, path: str, methods: str) -> None:
    for method in methods.split():
        wrong = api(method, path)
        assert (wrong.status_code, wrong.content) == (405, b"")


@pytest.mark.parametrize("path", ["/version", "/proxies", "/proxies/a", "/proxies/a/toxics", "/metrics"])
def test_browsers_are_turned_away(api: Api, path: str) -> None:
    answer = api("GET", path, **{"User-Agent": "Mozilla/5.0"})
    assert (answer.status_code, answer.text) == (403, "User agent not allowed\n")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert api("GET", "/version", **{"User-Agent": "a Mozilla/5.0"}).status_code == 200
