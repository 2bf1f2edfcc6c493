"""Lets a service that announces one address to all its peers run as a local process, each peer's link still its own.

Usage: `python ../local/door.py COMMAND …`. Its environment has `DOORS`, a folder that all services share, and `DIALS`, the
peers that this service dials, as `name=name:port,…`.

The harness gives each service an address of its own for each peer, so that it can cut one link and leave the others.
Programs that tell others their address (Redis, Sentinel, etcd) defeat that: all who heard it dial the same. So what they
announce is the address of a *door*: it looks up whose connection it was given, and passes it on to the address that this
one was told to dial, through its link. The command finds its own door in `DOOR`, and those of others in `DOOR_<NAME>`.
In containers names do all that, and no door is needed. It needs Linux (`/proc`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

HOST = "127.0.0.1"
OPEN_WITHIN_S = 15.0
CHUNK = 1 << 16


def main(command: list[str]) -> int:
    name, doors = os.environ["HARNESS_SERVICE"], Path(os.environ["DOORS"])
    dials = dict(entry.split("=") for entry in os.environ["DIALS"].split(",") if entry)
    listener = open_door(doors / f"{name}.json")
    port = listener.getsockname()[1]
    publish(doors / f"{name}.json", {"door": port, "dials": dials, "pid": 0})
    found = {variable(peer): f"{HOST}:{door_of(doors, peer)}" for peer in dials}
    environment = {**os.environ, **found, "DOOR": f"{HOST}:{port}"}
    child = subprocess.Popen(command, env=environment)  # noqa: S603 - what the compose file says
    publish(doors / f"{name}.json", {"door": port, "dials": dials, "pid": child.pid})
    return asyncio.run(serve(listener, doors, name, child))


def variable(name: str) -> str:
    return "DOOR_" + name.upper().replace("-", "_")


def open_door(record: Path) -> socket.socket:
    """Where it was before, when the service starts again: others know that address."""
    before = json.loads(record.read_text())["door"] if record.exists() else 0
    listener = socket.create_server((HOST, before), backlog=64)
    listener.settimeout(0)
    return listener


def publish(path: Path, record: dict[str, object]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(record))
    fresh.replace(path)


def door_of(doors: Path, peer: str) -> int:
    """Where a peer's door is, as soon as it is open."""
    until = time.monotonic() + OPEN_WITHIN_S
    while time.monotonic() < until:
        with contextlib.suppress(FileNotFoundError):
            return int(json.loads((doors / f"{peer}.json").read_text())["door"])
        time.sleep(0.02)
    raise SystemExit(f"{peer} opened no door within {OPEN_WITHIN_S:g} s")


async def serve(listener: socket.socket, doors: Path, name: str, child: subprocess.Popen[bytes]) -> int:
    """Pass connections on until the program ends; answers its exit code."""

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = dialled_by(writer.get_extra_info("peername")[1], doors, name)
        if address is not None:
            with contextlib.suppress(OSError):
                await join(reader, writer, address)
        writer.close()

    async with await asyncio.start_server(visit, sock=listener):
        return await asyncio.to_thread(child.wait)


async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
    """Connect to the address, and pass on what either end says, until one has said all."""
    host, _, port = address.rpartition(":")
    answers, there = await asyncio.open_connection(host, int(port))
    ways = [asyncio.ensure_future(pass_on(reader, there)), asyncio.ensure_future(pass_on(answers, writer))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    there.close()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()


def dialled_by(port: int, doors: Path, name: str) -> str | None:
    """The address that whoever holds this end of a connection was told to dial for `name`."""
    inode = inode_of(port)
    for path in doors.glob("*.json"):
        record = json.loads(path.read_text())
        if inode is not None and name in record["dials"] and holds(record["pid"], inode):
            return str(record["dials"][name])
    return None


def inode_of(port: int) -> str | None:
    """The socket at this local port."""
    end = f"{socket.inet_aton(HOST)[::-1].hex().upper()}:{port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == end:
            return fields[9]
    return None


def holds(pid: int, inode: str) -> bool:
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(entry.readlink()) == f"socket:[{inode}]":
                    return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
