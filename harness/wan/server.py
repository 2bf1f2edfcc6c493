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
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from harness.wan.api import Api
from harness.wan.collection import Proxies
from harness.wan.connection import Runtime
from harness.wan.messages import VERSION
from harness.wan.timing import Timer

_KEPT_BYTES: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What the command line says."""

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 0
    exit_on_stdin_eof: bool = False


def run(options: ServerOptions) -> int:
    """Serve until a signal, or the end of standard input if that is asked for; returns the exit code."""
    _raise_descriptor_limit()
    _keep_freed_memory()
    try:
        _run_loop(options)
    except OSError as error:
        sys.stderr.write(
            f"the fault proxy cannot listen on {options.host}:{options.port}: {error.strerror or error}\n"
        )
        return 9
    return 0


@contextlib.asynccontextmanager
async def serving(options: ServerOptions) -> AsyncIterator[tuple[str, int]]:
    """Serve inside a running event loop; gives the address of the API."""
    loop = asyncio.get_running_loop()
    timer = Timer(loop)
    proxies = Proxies(Runtime(loop, timer, options.seed))
    runner = web.AppRunner(
        Api(proxies).application(), access_log=None, keepalive_timeout=3600, shutdown_timeout=0.1
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port)
        await site.start()
        address = runner.addresses[0]
        yield str(address[0]), int(address[1])
    finally:
        proxies.close()
        await runner.cleanup()
        timer.close()


async def _serve(options: ServerOptions) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(options) as (host, port):
        if options.exit_on_stdin_eof:
            _watch_stdin(loop, stop)
        ready = {"event": "wan_ready", "api": f"{host}:{port}", "version": VERSION, "pid": os.getpid()}
        gc.collect()
        gc.freeze()  # what is here stays: a collection of all of it would hold every link up for milliseconds
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stop.wait()


def _run_loop(options: ServerOptions) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve(options))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(options))


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
