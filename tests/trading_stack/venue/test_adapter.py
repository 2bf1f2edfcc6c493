"""What the adapter reads from services; orders are tested with a real gateway."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from harness.model.operations import CancelOrder, Info
from harness.model.quotes import QuoteBatch
from harness.model.replica import ReplicaDump
from harness.model.stack_event import StackEvent
from harness.stack.adapter import Address
from trading_stack.adapter import TradingStack
from trading_stack.instruments import INSTRUMENTS, SCALE

DUMP = ReplicaDump("engine-alpha", "alpha", "x", "primary", 2, 2, 9, 9, 1, "d", 5, [], [], [], [])


def test_an_event_is_read_with_its_provider() -> None:
    line = b'{"event":"primary_promoted","mono_ns":5,"epoch":2,"candidate":"bravo","other":1}\n'
    assert TradingStack().stack_event("engine-bravo", line) == StackEvent(
        "engine-bravo", "primary_promoted", 5, "bravo", 2, None, "bravo"
    )
    source = TradingStack().stack_event("source-one", line)
    assert source is not None
    assert source.provider is None


@pytest.mark.parametrize("line", [b"", b"engine: ready\n", b'{"event":1}', b'{"event":"x"', b'{"a":1}'])
def test_any_other_line_tells_nothing(line: bytes) -> None:
    assert TradingStack().stack_event("engine-bravo", line) is None


def test_the_market_lists_every_instrument_at_a_price_that_it_can_have() -> None:
    market = {row.name: row for row in TradingStack().market()}
    assert list(market) == list(INSTRUMENTS)
    assert market["BTC-PERPETUAL"].reference_price == 50_000 * SCALE
    for row in market.values():
        assert row.reference_price > 0
        assert row.reference_price % row.tick == 0
    calls = [market[f"BTC-30JAN26-{strike}-C"].reference_price for strike in (40_000, 50_000, 60_000)]
    assert calls == sorted(calls, reverse=True)
    near, far = (market[f"BTC-{day}-50000-P"].reference_price for day in ("30JAN26", "27MAR26"))
    assert 0 < near < far < SCALE // 4


def test_the_market_tells_what_a_contract_is_worth_and_how_far_from_the_mark_it_may_trade() -> None:
    market = {row.name: row for row in TradingStack().market()}
    perpetual, call = market["BTC-PERPETUAL"], market["BTC-30JAN26-50000-C"]
    assert (perpetual.contract_value, perpetual.price_band) == (10 * SCALE, SCALE // 5)
    assert (call.contract_value, call.price_band) == (SCALE // 10, SCALE // 5)


def test_before_connecting_nothing_is_known() -> None:
    stack = TradingStack()
    assert isinstance(stack.invoke(CancelOrder("ann", "1"), deadline_s=1), Info)
    assert not stack.ping(deadline_s=1)
    with pytest.raises(OSError, match="not connected"):
        stack.account_reports(deadline_s=1)
    stack.close()


class _Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = {
            "/replica": msgspec.json.encode(DUMP),
            "/quotes?since=7": msgspec.json.encode(QuoteBatch([], 9)),
            "/metrics": b'# about\na 1\nb{c="d e"} 2.5\n',
        }.get(self.path)
        self.send_response(503 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"not now")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        return


@pytest.fixture
def service() -> Iterator[Address]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Address("127.0.0.1", server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.processes
def test_replicas_quotes_and_metrics_are_read_from_their_services(service: Address) -> None:
    stack = TradingStack()
    assert stack.replica(service, deadline_s=5) == DUMP
    assert stack.quotes(service, since=7, deadline_s=5).cursor == 9
    assert stack.metrics(service, deadline_s=5) == {"a": 1, 'b{c="d e"}': 2.5}
    with pytest.raises(OSError, match="503 not now"):
        stack.quotes(service, since=8, deadline_s=5)


UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys
sys.path.insert(0, sys.argv[1])
import gevent
from gateway_rig_client import flow
flow(sys.argv[2], int(sys.argv[3]), gevent.spawn, gevent.joinall)
"""


@pytest.mark.processes
def test_it_works_under_gevent() -> None:
    from gateway_rig import Rig

    with Rig() as rig:
        here = str(Path(__file__).parent)
        result = subprocess.run(
            [sys.executable, "-c", UNDER_GEVENT, here, rig.address.host, str(rig.address.port)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["200", "ok", "True", "0"]
