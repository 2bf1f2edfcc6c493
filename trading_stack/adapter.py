"""How the harness speaks to this stack: the only module of it that knows the harness's vocabulary."""

from __future__ import annotations

import http.client
import math
import time
from typing import Final

import msgspec

from harness.model.instrument import Instrument as MarketInstrument
from harness.model.operations import (
    CancelOrder,
    Fail,
    Info,
    NewOrder,
    Ok,
    Operation,
    QueryOrder,
    Reply,
    ResolveOrder,
)
from harness.model.quotes import QuoteBatch
from harness.model.replica import AccountReport, ReplicaDump, ReportedFill
from harness.model.stack_event import StackEvent
from harness.stack.adapter import Address
from trading_stack.client import Client, ConnectionBroken
from trading_stack.instruments import (
    CONTRACTS_A_COIN,
    INSTRUMENTS,
    MARKET_EPOCH_NS,
    SCALE,
    USD_A_CONTRACT,
    YEAR_NS,
    Instrument,
    Kind,
)

_LONGEST_DEADLINE_MS: Final = 60_000
_PROVIDED_ROLES: Final = ("engine", "sentinel", "gateway", "feed", "pricing")
_REFERENCE_USD: Final = {"BTC": 50_000, "ETH": 2_500}
_REFERENCE_VOLATILITY: Final = 0.6
_LARGEST_ORDER: Final = 50

_reply: Final[msgspec.json.Decoder[Ok | Fail | Info]] = msgspec.json.Decoder(Ok | Fail | Info)
_names: Final = msgspec.json.Decoder(list[str])


class _Page(msgspec.Struct, frozen=True):
    """A page of an account's fills, as the gateway tells it."""

    account: str
    fills: list[ReportedFill]
    positions: dict[str, int]
    sequence: int
    more: bool


class _Said(msgspec.Struct, frozen=True):
    """A line of a service's output that tells an event."""

    event: str
    mono_ns: int
    provider: str | None = None
    epoch: int | None = None
    promised_epoch: int | None = None
    candidate: str | None = None
    first_index: int | None = None
    last_index: int | None = None
    reason: str = ""


_page: Final = msgspec.json.Decoder(_Page)
_said: Final = msgspec.json.Decoder(_Said)


class TradingStack:
    """One connection to one gateway, for any number of threads or greenlets."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._through = ""

    # --- orders

    def connect(self, address: Address, *, deadline_s: float) -> None:
        """Connect to a gateway; raises `OSError` when that is impossible within the deadline."""
        self.close()
        self._client = Client(address.host, address.port, deadline_s=deadline_s)
        self._through = str(address)

    def close(self) -> None:
        """Close the connection. Safe to call twice, and before `connect`."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        """Carry out one operation; whatever is no decision of the venue or its gateway is `Info`."""
        request = request_of(operation)
        if request is None:
            return Fail("unsupported", f"this venue has no {type(operation).__name__}")
        try:
            return _reply.decode(self._ask(request, deadline_s=deadline_s))
        except (ConnectionBroken, TimeoutError) as failure:
            return Info(str(failure))
        except msgspec.DecodeError as failure:
            return Info(f"a reply that can't be read: {failure}")

    def ping(self, *, deadline_s: float) -> bool:
        """Whether the gateway's own program answers on this connection; it may be slow with orders."""
        try:
            self._ask({"op": "ping"}, deadline_s=deadline_s)
        except (ConnectionBroken, TimeoutError):
            return False
        return True

    def account_reports(self, *, deadline_s: float) -> list[AccountReport]:
        """A report of each account, through the gateway; raises `OSError` when that doesn't answer."""
        ends_s = time.monotonic() + deadline_s
        try:
            names = _names.decode(self._ask({"op": "accounts"}, deadline_s=deadline_s))
            return [self._account_report(name, ends_s) for name in names]
        except (ConnectionBroken, msgspec.DecodeError) as failure:
            raise ConnectionError(f"no account reports from {self._through}: {failure}") from failure

    def _account_report(self, account: str, ends_s: float) -> AccountReport:
        fills: list[ReportedFill] = []
        while True:
            left_s = max(0.0, ends_s - time.monotonic())
            request = {"op": "account", "account": account, "skip": len(fills)}
            page = _page.decode(self._ask(request, deadline_s=left_s))
            fills += page.fills
            if not page.more:
                return AccountReport(account, fills, page.positions, self._through, page.sequence)

    def _ask(self, request: dict[str, object], *, deadline_s: float) -> bytes:
        client = self._client
        if client is None:
            raise ConnectionBroken("not connected")
        deadline_ms = min(max(1, round(deadline_s * 1000)), _LONGEST_DEADLINE_MS)
        return client.ask({**request, "deadline_ms": deadline_ms}, deadline_s=deadline_s)

    # --- what services tell

    def stack_event(self, service: str, line: bytes) -> StackEvent | None:
        """The event that one line of a service's output tells, or None."""
        if not line.startswith(b'{"event"'):
            return None
        try:
            said = _said.decode(line)
        except msgspec.DecodeError:
            return None
        role, _, provider = service.partition("-")
        return StackEvent(
            service,
            said.event,
            said.mono_ns,
            said.provider or (provider if role in _PROVIDED_ROLES else None),
            said.epoch,
            said.promised_epoch,
            said.candidate,
            said.first_index,
            said.last_index,
            said.reason,
        )

    def quotes(self, address: Address, *, since: int, deadline_s: float) -> QuoteBatch:
        """Quotes of a pricing service with a cursor above `since`; raises `OSError` when it doesn't answer."""
        body = _get(address, f"/quotes?since={since}", deadline_s=deadline_s)
        return msgspec.json.decode(body, type=QuoteBatch)

    def replica(self, address: Address, *, deadline_s: float) -> ReplicaDump:
        """Everything an engine holds; raises `OSError` when it doesn't answer."""
        return msgspec.json.decode(_get(address, "/replica", deadline_s=deadline_s), type=ReplicaDump)

    def metrics(self, address: Address, *, deadline_s: float) -> dict[str, float]:
        """A service's figures by name; raises `OSError` when it doesn't answer."""
        lines = _get(address, "/metrics", deadline_s=deadline_s).decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def market(self) -> list[MarketInstrument]:
        """The instruments, each with about the price that it trades at when the market starts."""
        return [
            MarketInstrument(
                instrument.name,
                str(instrument.kind),
                instrument.tick,
                _reference_price(instrument),
                1,
                _LARGEST_ORDER,
                contract_value=_contract_value(instrument),
                price_band=instrument.band,
            )
            for instrument in INSTRUMENTS.values()
        ]


def request_of(operation: Operation) -> dict[str, object] | None:
    """What a gateway is sent for an operation, or None when this venue has no such thing."""
    match operation:
        case NewOrder():
            return {"op": "new", **_fields(operation)}
        case CancelOrder():
            return {"op": "cancel", **_fields(operation)}
        case QueryOrder():
            return {"op": "query", **_fields(operation)}
        case ResolveOrder():
            return {"op": "resolve", **_fields(operation)}
        case _:
            return None


def _fields(operation: NewOrder | CancelOrder | QueryOrder | ResolveOrder) -> dict[str, object]:
    return {name: getattr(operation, name) for name in operation.__struct_fields__}


def _get(address: Address, target: str, *, deadline_s: float) -> bytes:
    """The body of a 200; anything else raises `OSError`."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=deadline_s)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        body = response.read()
    except http.client.HTTPException as failure:
        raise ConnectionError(f"{address}{target}: {failure!r}") from failure
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise ConnectionError(f"{address}{target}: {response.status} {body[:200].decode('utf-8', 'replace')}")
    return body


def _contract_value(instrument: Instrument) -> int:
    """What a contract is worth, in 1e-8 coin (options) or 1e-8 USD."""
    return SCALE // CONTRACTS_A_COIN if instrument.is_option else USD_A_CONTRACT * SCALE


def _reference_price(instrument: Instrument) -> int:
    """About where an instrument trades: the index, or an inverse option's Black-76 value (DOMAIN, section 2)."""
    index_usd = _REFERENCE_USD[instrument.underlying]
    if not instrument.is_option or instrument.strike is None or instrument.expiry_ns is None:
        return index_usd * SCALE
    strike = instrument.strike / SCALE
    deviation = _REFERENCE_VOLATILITY * math.sqrt((instrument.expiry_ns - MARKET_EPOCH_NS) / YEAR_NS)
    w = 1 if instrument.kind is Kind.CALL else -1
    d1 = math.log(index_usd / strike) / deviation + deviation / 2
    value = w * (_normal(w * d1) - strike / index_usd * _normal(w * (d1 - deviation)))
    return max(1, round(value * SCALE / instrument.tick)) * instrument.tick


def _normal(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2
