"""What a client process does in a test: many orders at once on one connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from harness.model.operations import NewOrder, Ok, Side
from harness.stack.adapter import Address
from trading_stack.adapter import TradingStack
from trading_stack.instruments import SCALE


def flow(host: str, port: int, spawn: Callable[..., Any], join: Callable[[list[Any]], Any]) -> None:
    """Send 200 orders at once; prints how many were acknowledged, a ping, and the threads that are left."""
    stack = TradingStack()
    stack.connect(Address(host, port), deadline_s=5)
    replies: list[object] = []

    def send(number: int) -> None:
        order = NewOrder("ann", str(number), "BTC-PERPETUAL", Side.BUY, 1, price=50_000 * SCALE)
        replies.append(stack.invoke(order, deadline_s=10))

    join([spawn(send, number) for number in range(200)])
    acknowledged = sum(isinstance(reply, Ok) for reply in replies)
    pinged = stack.ping(deadline_s=5)
    stack.close()
    left = sum(thread.name.startswith("replies") for thread in threading.enumerate())
    print(acknowledged, "ok", pinged, left)  # noqa: T201  read by the test
