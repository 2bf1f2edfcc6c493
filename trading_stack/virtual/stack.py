"""The reference stack's part in virtual time (`harness.stack.simulation.Simulation`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

import msgspec

from harness.model.operations import Fail, Info, Ok, Operation, Reply
from harness.model.replica import AccountReport, ReportedFill
from harness.stack.simulation import Machine, Service
from trading_stack.adapter import request_of
from trading_stack.gateway.requests import AccountRequest, AccountsRequest, PingRequest, Request, decode
from trading_stack.market.seeded_market import SeededMarket
from trading_stack.virtual.engine import EngineNode
from trading_stack.virtual.gateway import Answer, GatewayNode, Question
from trading_stack.virtual.market import FeedNode, PricingNode, SourceNode
from trading_stack.virtual.sentinel import SentinelNode

DEADLINE_MS: Final = 10_000
_MOST_MS: Final = 60_000
_reply: Final[msgspec.json.Decoder[Ok | Fail | Info]] = msgspec.json.Decoder(Ok | Fail | Info)
_names: Final = msgspec.json.Decoder(list[str])


class _Page(msgspec.Struct, frozen=True):
    account: str
    fills: list[ReportedFill]
    positions: dict[str, int]
    sequence: int
    more: bool


_page: Final = msgspec.json.Decoder(_Page)


class VirtualStack:
    """Makes the services, and speaks to gateways as clients do."""

    def service(self, role: str, environment: Mapping[str, str], machine: Machine) -> Service:
        match role:
            case "source":
                market = _market(int(environment.get("SEED", "7")), environment["NAME"])
                return SourceNode(environment, machine, market)
            case "feed":
                return FeedNode(environment, machine)
            case "pricing":
                return PricingNode(environment, machine)
            case "engine":
                return EngineNode(environment, machine)
            case "sentinel":
                return SentinelNode(environment, machine)
            case "gateway":
                return GatewayNode(environment, machine)
            case _:
                raise ValueError(f"no service of this stack has the role {role!r}")

    def request(self, operation: Operation, *, deadline_ns: int) -> object:
        fields = request_of(operation)
        if fields is None:
            return PingRequest()
        deadline_ms = min(max(1, deadline_ns // 1_000_000), _MOST_MS)
        return decode(msgspec.json.encode({**fields, "deadline_ms": deadline_ms}))

    def ping(self) -> object:
        return PingRequest()

    def numbered(self, request: object, number: int) -> object:
        assert isinstance(request, Request)
        return Question(number, request)

    def answered(self, message: object) -> tuple[int, object]:
        assert isinstance(message, Answer)
        return message.number, message.reply

    def reply(self, answer: object) -> Reply:
        assert isinstance(answer, bytes)
        return _reply.decode(answer)

    # --- accounts

    def account_requests(self, answered: list[object]) -> list[object]:
        """First everybody's names; then a page of each; then the next page of those that have more."""
        if not answered:
            return [AccountsRequest(deadline_ms=DEADLINE_MS)]
        names, pages = _read(answered)
        if not pages:
            return [AccountRequest(account=name, deadline_ms=DEADLINE_MS) for name in names]
        last = {page.account: page for page in pages}
        had = {name: sum(len(page.fills) for page in pages if page.account == name) for name in last}
        return [
            AccountRequest(account=name, skip=had[name], deadline_ms=DEADLINE_MS)
            for name, page in last.items()
            if page.more
        ]

    def account_reports(self, answered: list[object]) -> list[AccountReport]:
        names, pages = _read(answered)
        reports = []
        for name in names:
            mine = [page for page in pages if page.account == name]
            if mine:
                fills = [fill for page in mine for fill in page.fills]
                reports.append(AccountReport(name, fills, mine[-1].positions, "", mine[-1].sequence))
        return reports


def _read(answered: list[object]) -> tuple[list[str], list[_Page]]:
    texts = [answer for answer in answered if isinstance(answer, bytes)]
    return _names.decode(texts[0]), [_page.decode(text) for text in texts[1:]]


@cache
def _market(seed: int, name: str) -> SeededMarket:
    """The same market for every run of a seed: its walks take a while to draw."""
    return SeededMarket(seed, name)
