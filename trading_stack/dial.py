"""The dialling end of `trading_stack.wire`: keeps one connection to one address, and dials again when it drops."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trading_stack.settings import Address
from trading_stack.wire import Callbacks, Codec, Connection


@dataclass(frozen=True, slots=True)
class Redial:
    """How soon to dial again: at once after a connection that lasted, then doubling from `first_s` to `most_s`.

    A dial ends without success when the far end's application has not answered the hello within `hello_within_s`.
    """

    first_s: float = 0.01
    most_s: float = 0.25
    hello_within_s: float = 1.0
    lasting_s: float = 0.1


class Client:
    """Keeps a connection to one address. All callbacks come from the event loop; `send` never blocks."""

    def __init__(
        self,
        address: Address,
        codec: Codec,
        *,
        on_message: Callable[[Any], None],
        on_up: Callable[[], None] = lambda: None,
        on_down: Callable[[str], None] = lambda _: None,
        on_dial_failed: Callable[[str], None] = lambda _: None,
        redial: Redial = Redial(),
    ) -> None:
        self._address = address
        self._codec = codec
        self._redial = redial
        self._on_up = on_up
        self._on_down = on_down
        self._on_dial_failed = on_dial_failed
        self._callbacks = Callbacks(
            on_message=lambda _, message: on_message(message),
            on_up=lambda connection: self._risen(connection),
            on_down=lambda _, why: self._fallen(why),
        )
        self._connection: Connection | None = None
        self._dialling: Connection | None = None
        self._rose = asyncio.Event()
        self._hastened = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def up(self) -> bool:
        """Whether the far end's application has answered on the connection that is open now."""
        return self._connection is not None

    @property
    def binding(self) -> bytes:
        """What stands for the connection that is open now; empty when there is none."""
        return b"" if self._connection is None else self._connection.binding

    def start(self) -> Client:
        """Begin to dial; must be called from the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._keep())
        return self

    def send(self, message: object) -> bool:
        """Queue a message; False when the connection is down and the message was dropped."""
        if self._connection is None:
            return False
        self._connection.send(message)
        return True

    def drop(self, why: str) -> None:
        """Close the connection that is open now, and dial again."""
        for connection in (self._connection, self._dialling):
            if connection is not None:
                connection.close(why)

    def hasten(self) -> None:
        """Cut the pause before the next dial short, if this is one: the far end is there."""
        self._hastened.set()

    async def close(self) -> None:
        """Stop dialling and close. Safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self.drop("closed here")

    def _risen(self, connection: Connection) -> None:
        self._connection = connection
        self._rose.set()
        self._on_up()

    def _fallen(self, why: str) -> None:
        self._connection = None
        self._on_down(why)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        wait_s = 0.0
        while True:
            began_s = loop.time()
            rose = await self._dial_once()
            lasted = rose and loop.time() - began_s > self._redial.lasting_s
            wait_s = 0.0 if lasted else min(max(wait_s * 2, self._redial.first_s), self._redial.most_s)
            await self._pause(wait_s)

    async def _pause(self, wait_s: float) -> None:
        self._hastened.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._hastened.wait()

    async def _dial_once(self) -> bool:
        """Dial, wait for the hello, then for the end; True when the connection was up."""
        loop = asyncio.get_running_loop()
        self._rose.clear()
        connection: Connection | None = None
        try:
            async with asyncio.timeout(self._redial.hello_within_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._codec, self._callbacks, dialled=True), *self._address
                )
                self._dialling = connection
                await self._hello(connection)
        except (OSError, TimeoutError) as failure:
            if connection is not None:
                connection.close("no hello in time")
            self._on_dial_failed(str(failure) or type(failure).__name__)
            return False
        finally:
            self._dialling = None
        await asyncio.shield(connection.ended)
        return True

    async def _hello(self, connection: Connection) -> None:
        rose = asyncio.ensure_future(self._rose.wait())
        try:
            await asyncio.wait((rose, connection.ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            rose.cancel()
        if not self._rose.is_set():
            raise ConnectionError(f"closed before its hello: {connection.why}")
