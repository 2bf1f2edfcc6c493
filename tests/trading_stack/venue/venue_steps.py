"""Short words for driving a venue in tests: one command a call, decoded replies."""

from __future__ import annotations

from typing import Any

import msgspec

from trading_stack.defects import Defect
from trading_stack.instruments import SCALE
from trading_stack.venue import commands, queries
from trading_stack.venue.commands import Cancel, Command, Marks, New, Resolve
from trading_stack.venue.machine import Venue
from trading_stack.venue.matching import OwnMarks

BTC = "BTC-PERPETUAL"
P = 50_000 * SCALE
TICK = SCALE // 2


def new(
    account: str,
    id_: str,
    side: Any,
    quantity: int,
    price: int | None = P,
    *,
    force: Any = "gtc",
    type_: Any = "limit",
    instrument: str = BTC,
) -> New:
    return New(account, id_, instrument, side, quantity, type_, price, force)


class Steps:
    """A venue and its journal. `log` is what was applied: (index, epoch, time, command)."""

    def __init__(self, *defects: Defect, own_marks: OwnMarks = dict) -> None:
        self.venue = Venue(defects=frozenset(defects), own_marks=own_marks)
        self.epoch = 1
        self.log: list[tuple[int, int, int, bytes]] = []

    def do(self, command: Command | bytes) -> dict[str, Any]:
        data = command if isinstance(command, bytes) else commands.encode(command)
        index = len(self.log) + 1
        entry = (index, self.epoch, index * 1_000, data)
        self.log.append(entry)
        reply: dict[str, Any] = msgspec.json.decode(self.venue.apply(*entry))
        return reply

    def lead(self, epoch: int, primary: str = "bravo") -> None:
        self.epoch = epoch
        self.do(commands.epoch(epoch, primary))

    def cancel(self, account: str, id_: str, request: str = "") -> dict[str, Any]:
        return self.do(Cancel(account, id_, request or f"cancel-{len(self.log)}"))

    def resolve(self, account: str, id_: str) -> dict[str, Any]:
        return self.do(Resolve(account, id_))

    def marks(self, **prices: int) -> dict[str, Any]:
        return self.do(Marks(prices, 1, 2, 3))

    def ask(self, query: queries.Query) -> Any:
        return msgspec.json.decode(self.venue.read(queries.encode(query)))

    def state(self, account: str, id_: str) -> str:
        return str(self.ask(queries.OrderQuery(account, id_))["order"]["state"])

    def coin(self) -> int:
        """The sum of all coin: zero, or something was invented."""
        return sum(row.amount for row in self.venue.dump().balances if row.instrument is None)

    def fills(self) -> list[tuple[str, str, int, int]]:
        """Account, side, quantity and price of each leg, in order."""
        return [
            (row.account, row.side, row.last_quantity, row.last_price or 0)
            for row in self.venue.dump().executions
            if row.type == "filled"
        ]


def replay(log: list[tuple[int, int, int, bytes]], *defects: Defect) -> Venue:
    venue = Venue(defects=frozenset(defects))
    for entry in log:
        venue.apply(*entry)
    return venue
