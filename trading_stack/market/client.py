"""How an engine or a gateway hears the marks of its provider's pricing service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from trading_stack import keys
from trading_stack.dial import Client
from trading_stack.market.messages import Follow, MarksFrame
from trading_stack.settings import Address
from trading_stack.wire import Codec


async def follow_marks(
    host: str, port: int, on_marks: Callable[[MarksFrame], None], *, name: str, secret: bytes
) -> None:
    """Call `on_marks` with each valuation, newest last, until cancelled; dials again whenever the connection drops.

    `name` is who asks, for the far end's log; `secret` that of the cluster. Nothing arrives while there are no fresh
    inputs: ages in a frame count up to when it was sent, and grow by the time since it arrived.
    """
    codec = Codec(name, keys.link_key(secret), msgspec.msgpack.Decoder(MarksFrame))
    client = Client(Address(host, port), codec, on_message=on_marks, on_up=lambda: _ask(client))
    client.start()
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        await client.close()


def _ask(client: Client) -> None:
    client.send(Follow())
