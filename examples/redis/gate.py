"""The way in for clients of one provider: asks the Sentinel beside it who leads, and passes connections on to that server.

It does what Sentinel's documentation asks of clients: it connects to the server that Sentinel names, and drops its
connections when Sentinel names another. Environment: `LISTEN`, `ADMIN` (`/health` answers 200 when all replicas and
Sentinels are known), `SENTINEL`, `STORES` (`name=name:port,…`), `DOORS` (on local processes: see `../local/door.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from pathlib import Path

EVERY_S = 0.05
CHUNK = 1 << 16
MASTER = b"SENTINEL MASTER main\r\n"


class Gate:
    """Who leads, as the Sentinel beside it says, and the connections to that one."""

    def __init__(self) -> None:
        self.stores = dict(entry.split("=") for entry in os.environ["STORES"].split(","))
        self.doors = Path(os.environ.get("DOORS", "/nowhere"))
        self.primary = ""
        self.epoch = -1
        self.whole = False
        self.open: set[asyncio.StreamWriter] = set()

    async def watch(self) -> None:
        """Ask for ever; a Sentinel that is silent changes nothing."""
        while True:
            with contextlib.suppress(OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                reader, writer = await dial(os.environ["SENTINEL"])
                try:
                    while True:
                        writer.write(MASTER)
                        self.learn(await asyncio.wait_for(read_map(reader), 1.0))
                        await asyncio.sleep(EVERY_S)
                finally:
                    writer.close()
            await asyncio.sleep(EVERY_S)

    def learn(self, told: dict[str, str]) -> None:
        if "ip" not in told:
            return
        self.whole = told["num-slaves"] == "2" and told["num-other-sentinels"] == "2"
        primary, epoch = self.name_of(told["ip"], told["port"]), int(told["config-epoch"])
        if primary and (primary, epoch) != (self.primary, self.epoch):
            moved = primary != self.primary
            self.primary, self.epoch = primary, epoch
            event = {"primary": primary, "epoch": epoch, "mono_ns": time.monotonic_ns()}
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()
            for writer in list(self.open) if moved else ():
                writer.close()

    def name_of(self, host: str, port: str) -> str:
        """The store that announces this address: by its name, or through its door."""
        if host in self.stores:
            return host
        for name in self.stores:
            with contextlib.suppress(OSError):
                if json.loads((self.doors / f"{name}.json").read_text())["door"] == int(port):
                    return name
        return ""

    async def admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one client's connection on to the primary, until either end or the primary changes."""
        there: asyncio.StreamWriter | None = None
        self.open.add(writer)
        with contextlib.suppress(OSError, asyncio.TimeoutError, KeyError):
            answers, there = await asyncio.wait_for(dial(self.stores[self.primary]), 1.0)
            ways = [
                asyncio.ensure_future(pass_on(reader, there)),
                asyncio.ensure_future(pass_on(answers, writer)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        self.open.discard(writer)
        for end in (writer, there):
            if end is not None:
                end.close()

    async def tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        status = "200 OK" if self.whole and self.primary else "503 Not yet"
        text = f"primary {self.primary or 'unknown'}, all known: {self.whole}"
        writer.write(f"HTTP/1.0 {status}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        writer.close()


async def dial(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()


async def read_map(reader: asyncio.StreamReader) -> dict[str, str]:
    """An array of names and values in Redis's protocol (RESP); an error reads as nothing."""
    head = (await reader.readline()).strip()
    if not head.startswith(b"*"):
        return {}
    words = []
    for _ in range(int(head[1:])):
        size = int((await reader.readline())[1:])
        words.append((await reader.readexactly(size + 2))[:-2].decode())
    return dict(zip(words[::2], words[1::2], strict=True))


async def main() -> None:
    gate = Gate()
    host, _, port = os.environ["LISTEN"].rpartition(":")
    admin_host, _, admin_port = os.environ["ADMIN"].rpartition(":")
    async with (
        await asyncio.start_server(gate.admit, host, int(port)),
        await asyncio.start_server(gate.tell, admin_host, int(admin_port)),
    ):
        await gate.watch()


if __name__ == "__main__":
    asyncio.run(main())
