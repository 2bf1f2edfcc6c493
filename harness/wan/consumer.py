"""`toxiproxy-python`, made fit: one server for each instance, a time limit on each call, an error for each error status.

The library keeps its server's address in a class attribute that its other classes look up by name, waits for ever,
and lets the statuses 500 and 503 pass. So each `Consumer` makes copies of the library's two classes whose methods
look up this consumer instead. Nothing of the library itself is changed: other users of it in the same process keep
what they had.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, Final

import requests
from toxiproxy.proxy import Proxy
from toxiproxy.server import Toxiproxy

from harness.wan.errors import WanRefused, WanUnreachable

_ERROR: Final = 400


class Consumer:
    """What the library calls its `APIConsumer`: HTTP to one server, with one connection a thread kept open."""

    def __init__(self, address: str, *, timeout_s: float) -> None:
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        self._base = f"http://{address}"
        self._timeout_s = timeout_s
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        names: dict[str, object] = {"APIConsumer": self}
        self.proxy_class: Any = _bound_copy(Proxy, names)
        self.server: Any = _bound_copy(Toxiproxy, {**names, "Proxy": self.proxy_class})()

    def get(self, url: str, params: Mapping[str, str] | None = None) -> requests.Response:
        return self._call("GET", url, params=params)

    def delete(self, url: str) -> requests.Response:
        return self._call("DELETE", url)

    def post(self, url: str, data: bytes | None = None, json: object = None) -> requests.Response:
        return self._call("POST", url, data=data, json=json)

    def _call(self, method: str, url: str, **body: Any) -> requests.Response:
        try:
            answer = self._session().request(method, self._base + url, timeout=self._timeout_s, **body)
        except requests.RequestException as error:
            raise WanUnreachable(
                f"{method} {url}: the fault proxy at {self._base} did not answer within {self._timeout_s} s: {error}",
                next_step="see the proxy's log; is its process alive?",
            ) from error
        if answer.status_code >= _ERROR:
            text = answer.text.strip()
            raise WanRefused(
                f"{method} {url}: the fault proxy at {self._base} answered {answer.status_code}: {text}",
                status=answer.status_code,
                body=text,
            )
        return answer

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False  # a proxy for the web has no business between us and our own server
            self._sessions.append(session)
        return session

    def close(self) -> None:
        """Close the connections of every thread; a later call opens a new one."""
        for session in self._sessions:
            session.close()


def _bound_copy(original: type, names: Mapping[str, object]) -> type:
    """A subclass whose methods find `names` where the original's find the globals of their module."""
    copies = {
        name: _rebound(value, names)
        for name, value in vars(original).items()
        if isinstance(value, FunctionType)
    }
    return type(original.__name__, (original,), copies)


def _rebound(function: FunctionType, names: Mapping[str, object]) -> Callable[..., object]:
    scope = {**function.__globals__, **names}
    return FunctionType(
        function.__code__, scope, function.__name__, function.__defaults__, function.__closure__
    )
