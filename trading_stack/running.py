"""Runs a service's coroutine on the fastest event loop that there is, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine


def run(service: Coroutine[None, None, None]) -> int:
    """Run until the service ends or a signal asks it to; the process's exit code."""
    gc.collect()
    gc.freeze()  # what was imported never becomes garbage: collections stay short, and so do pauses
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_signal(service))
    return 0


async def _until_signal(service: Coroutine[None, None, None]) -> None:
    loop = asyncio.get_running_loop()
    task = loop.create_task(service)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not built for this platform: asyncio's own loop does
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
