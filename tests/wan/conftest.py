"""Fixtures of the fault proxy's tests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from conformance import Api, Witness, open_witness
from wan_support import (
    SERVERS,
    LinkUnderTest,
    Pair,
    Server,
    Upstream,
    connect,
    open_link,
    receive,
    running,
    toxiproxy_binary,
)


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The embedded proxy on both event loops, and the real Toxiproxy server where there is one."""
    if request.param == "toxiproxy" and toxiproxy_binary() is None:
        pytest.skip("toxiproxy-server is neither on PATH nor named by $TOXIPROXY_SERVER")
    with running(request.param) as started:
        yield started


@pytest.fixture(scope="session", params=SERVERS[:2])
def embedded(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The embedded proxy, on both event loops."""
    with running(request.param) as started:
        yield started


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A server whose connections the test holds."""
    started = Upstream()
    yield started
    started.close()


@pytest.fixture
def echo() -> Iterator[Upstream]:
    """A server that sends back what it gets."""
    started = Upstream(echo=True)
    yield started
    started.close()


@pytest.fixture
def link_name() -> Callable[[], str]:
    """Names for links that no other test has."""
    return lambda: f"gateway-alpha--engine-bravo-{next(_COUNT)}"


@pytest.fixture
def link(embedded: Server, upstream: Upstream, link_name: Callable[[], str]) -> Iterator[LinkUnderTest]:
    yield from open_link(embedded, upstream, link_name())


@pytest.fixture
def echo_link(embedded: Server, echo: Upstream, link_name: Callable[[], str]) -> Iterator[LinkUnderTest]:
    yield from open_link(embedded, echo, link_name())


@pytest.fixture
def each_link(server: Server, upstream: Upstream, link_name: Callable[[], str]) -> Iterator[LinkUnderTest]:
    """A link of the embedded proxy and of the real one, whose far ends the test holds."""
    yield from open_link(server, upstream, link_name())


@pytest.fixture
def each_echo_link(server: Server, echo: Upstream, link_name: Callable[[], str]) -> Iterator[LinkUnderTest]:
    """A link of the embedded proxy and of the real one, to a server that answers."""
    yield from open_link(server, echo, link_name())


@pytest.fixture
def api(server: Server) -> Api:
    """The HTTP API of the embedded proxy and of the real one."""
    return Api(server)


@pytest.fixture
def witness(server: Server, echo: Upstream, link_name: Callable[[], str]) -> Iterator[Witness]:
    yield from open_witness(server, echo, link_name())


@pytest.fixture
def pair(link: LinkUnderTest, upstream: Upstream) -> Iterator[Pair]:
    """Both ends of one established connection through the link."""
    with connect(link.address) as near, upstream.accept() as far:
        near.sendall(b"hello")
        assert receive(far, 5) == b"hello"
        far.sendall(b"hello")
        assert receive(near, 5) == b"hello"
        yield near, far


_COUNT = itertools.count(7100)
