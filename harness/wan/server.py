"""The fault proxy as a process: one event loop, one API, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import resource
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from harness.wan.api import Api
from harness.wan.collection import Proxies, proxy_view
from harness.wan.connection import Runtime
from harness.wan.errors import WanCannotListen
from harness.wan.listening import join_address
from harness.wan.messages import VERSION, ProxyInput, ProxyView
from harness.wan.timing import Timer

_KEPT_BYTES: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What the command line says, and the links that are there from the start."""

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 0
    exit_on_stdin_eof: bool = False
    links: tuple[ProxyInput, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """The API answers, and every link that was asked for is there."""

    api: str
    links: tuple[ProxyView, ...]

    def as_json(self) -> str:
        """The line for programs."""
        return json.dumps(
            {"event": "wan_ready", "api": self.api, "version": VERSION, "pid": os.getpid()},
        )


def run(options: ServerOptions, announce: Callable[[Ready], None]) -> None:
    """Serve until a signal, or the end of standard input if that is asked for; announces itself once it is ready.

    Raises:
        WanCannotListen: The API's address, or a link's, can't be listened on.
    """
    _raise_descriptor_limit()
    _keep_freed_memory()
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve(options, announce))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(options, announce))


@contextlib.asynccontextmanager
async def serving(options: ServerOptions) -> AsyncIterator[Ready]:
    """Serve inside a running event loop.

    Raises:
        WanCannotListen: The API's address, or a link's, can't be listened on.
    """
    loop = asyncio.get_running_loop()
    timer = Timer(loop)
    proxies = Proxies(Runtime(loop, timer, options.seed))
    runner = web.AppRunner(
        Api(proxies).application(), access_log=None, keepalive_timeout=3600, shutdown_timeout=0.1
    )
    await runner.setup()
    try:
        await _listen(runner, options)
        links = _create(proxies, options.links)
        yield Ready(join_address(*runner.addresses[0][:2]), links)
    finally:
        proxies.close()
        await runner.cleanup()
        timer.close()


async def _listen(runner: web.AppRunner, options: ServerOptions) -> None:
    try:
        await web.TCPSite(runner, options.host, options.port).start()
    except (OSError, OverflowError) as error:
        raise WanCannotListen(
            f"the fault proxy cannot listen on {join_address(options.host, options.port)}: {_why(error)}",
            next_step="stop what listens there, or choose another address with --host and --port (0: any free port)",
        ) from error


def _create(proxies: Proxies, links: tuple[ProxyInput, ...]) -> tuple[ProxyView, ...]:
    views = []
    for link in links:
        try:
            views += [proxy_view(proxy) for proxy in proxies.populate([link])]
        except OSError as error:
            raise WanCannotListen(
                f"link {link.name!r} cannot listen on {link.listen or 'any address'}: {_why(error)}",
                next_step="stop what listens there, or give the link another address to listen on",
            ) from error
    return tuple(views)


def _why(error: Exception) -> str:
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    if error.errno < 0:  # a name that could not be looked up
        return (error.strerror or str(error)).lower()
    return os.strerror(error.errno).lower()


async def _serve(options: ServerOptions, announce: Callable[[Ready], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(options) as ready:
        if options.exit_on_stdin_eof:
            _watch_stdin(loop, stop)
        gc.collect()
        gc.freeze()  # what is here stays: a collection of all of it would hold every link up for milliseconds
        announce(ready)
        await stop.wait()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # A thread, since an event loop can't watch every kind of descriptor (/dev/null, a file).
    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, name="stdin", daemon=True).start()


def _keep_freed_memory() -> None:
    # glibc hands large blocks back to the kernel and faults them in again for the next read: half the throughput
    # of a delayed stream was lost to that (mallopt(3): M_MMAP_THRESHOLD, M_TRIM_THRESHOLD).
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            library = ctypes.CDLL(None)
            library.mallopt(-3, _KEPT_BYTES)
            library.mallopt(-1, _KEPT_BYTES)


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
