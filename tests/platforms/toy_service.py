"""A tiny service: answers every line, pings its peers 100 times a second (64 bytes), and tells whether it is healthy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while line := await reader.readline():
            writer.write(line)
    writer.close()


async def health(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        await reader.readuntil(b"\r\n\r\n")
        sick = os.environ.get("SICK")
        status = f"503 Unavailable\r\n\r\n{sick}" if sick else "200 OK\r\n\r\nfine"
        writer.write(f"HTTP/1.1 {status}".encode())
    writer.close()


async def ping(host: str, port: str) -> None:
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(host, int(port))
            drain = asyncio.create_task(_swallow(reader))
            with contextlib.closing(writer):
                while not drain.done():
                    writer.write(b"ping".ljust(63) + b"\n")
                    await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)


async def _swallow(reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        while await reader.readline():
            pass


async def main() -> None:
    if os.environ.get("BROKEN"):
        sys.exit("broken on purpose")
    if data := os.environ.get("DATA"):
        with (Path(data) / "starts").open("a") as file:
            file.write("started\n")
    tasks = [
        asyncio.create_task(ping(*peer.split(":"))) for peer in os.environ.get("PEERS", "").split(",") if peer
    ]
    servers = []
    for name, handler in (("LISTEN", answer), ("ADMIN", health)):
        host, _, port = os.environ[name].partition(":")
        servers.append(await asyncio.start_server(handler, host, int(port)))
    sys.stdout.write("up\n")
    await asyncio.gather(*tasks, *(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main())
