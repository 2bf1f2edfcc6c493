"""Records heartbeats between three small processes over the loopback interface, as traces for `harness detectors`.

    python benchmarks/record_heartbeats.py --out runs/heartbeats --seconds 60 --kill-every 2

Two watchers hear each other, and both hear a third process, which is killed with SIGKILL every now and then and started
again. Each sends a datagram every 20 ms, on a schedule that it keeps. Writes one file a watcher; the moments of the kills
are those just before the signal, on the machine's one monotonic clock.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Final

import msgspec

from harness.detectors.trace_file import Died, Ended, Heard, Lagged, Row, Watch, encode_rows
from trading_stack.engine.heartbeat import HEARTBEAT_NS

TICK_NS: Final = 5_000_000
LAG_NS: Final = 1_000_000
"""A tick that is later than this is noted as a lag."""
WATCHERS: Final = ("one", "two")
VICTIM: Final = "victim"


class Beat(msgspec.Struct, array_like=True):
    """What is sent: who, in which of its lives, and the number of the slot in its schedule."""

    sender: str
    life: int
    sequence: int


class Ear(asyncio.DatagramProtocol):
    """Writes down each heartbeat at the moment when this process gets to it."""

    def __init__(self, notes: IO[bytes]) -> None:
        self._notes = notes
        self._decoder = msgspec.msgpack.Decoder(Beat)

    def datagram_received(self, data: bytes, _: object) -> None:
        beat = self._decoder.decode(data)
        row = Heard(time.monotonic_ns(), beat.sender, beat.sequence, beat.life)
        self._notes.write(encode_rows([row]))


async def send(name: str, life: int, ports: list[int]) -> None:
    """Send a heartbeat in every slot; those that fall due while this process doesn't run are left out."""
    voice = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    origin_ns = time.monotonic_ns()
    while True:
        slot = (time.monotonic_ns() - origin_ns) // HEARTBEAT_NS
        data = msgspec.msgpack.encode(Beat(name, life, slot))
        for port in ports:
            voice.sendto(data, ("127.0.0.1", port))
        due_ns = origin_ns + (slot + 1) * HEARTBEAT_NS
        await asyncio.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)


async def note_lags(notes: IO[bytes]) -> None:
    """Look at the clock every tick, and write down by how much this process came too late."""
    while True:
        wanted_ns = time.monotonic_ns() + TICK_NS
        await asyncio.sleep(TICK_NS / 1e9)
        now_ns = time.monotonic_ns()
        if now_ns - wanted_ns > LAG_NS:
            notes.write(encode_rows([Lagged(now_ns, now_ns - wanted_ns)]))


async def node(name: str, life: int, own: int | None, others: list[int], path: Path) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    with path.open("wb") as notes:
        tasks = [asyncio.create_task(send(name, life, others))]
        if own is not None:
            notes.write(encode_rows([Watch(time.monotonic_ns(), 1, name, HEARTBEAT_NS)]))
            ear, _ = await loop.create_datagram_endpoint(lambda: Ear(notes), local_addr=("127.0.0.1", own))
            tasks.append(asyncio.create_task(note_lags(notes)))
        await over.wait()
        for task in tasks:
            task.cancel()
        if own is not None:
            ear.close()
            await asyncio.sleep(0)
            notes.write(encode_rows([Ended(time.monotonic_ns())]))


def start(name: str, life: int, own: int | None, others: list[int], folder: Path) -> subprocess.Popen[bytes]:
    told = [name, str(life), str(own or ""), ",".join(map(str, others)), str(folder / f"{name}.notes")]
    return subprocess.Popen([sys.executable, __file__, "--node", *told])


def free_ports(count: int) -> list[int]:
    held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def until_it_sends(folder: Path, *names: str) -> None:
    """Wait until these processes have begun; each opens its notes just before."""
    while not all((folder / f"{name}.notes").exists() for name in names):
        time.sleep(0.01)


def record(folder: Path, *, seconds: float, kill_every_s: float, seed: int) -> list[Died]:
    """Run the three processes; answers when the victim was killed."""
    ports = free_ports(len(WATCHERS))
    running = [
        start(name, 0, port, [other for other in ports if other != port], folder)
        for name, port in zip(WATCHERS, ports, strict=True)
    ]
    until_it_sends(folder, *WATCHERS)
    chance, life, deaths = random.Random(seed), 0, []
    victim = start(VICTIM, life, None, ports, folder)
    end = time.monotonic() + seconds
    try:
        while kill_every_s and time.monotonic() < end:
            until_it_sends(folder, VICTIM)
            time.sleep(kill_every_s * chance.uniform(0.75, 1.25))
            deaths.append(Died(time.monotonic_ns(), VICTIM))
            victim.kill()
            victim.wait()
            time.sleep(1.5)  # long enough for every setting that is of interest to notice
            life += 1
            (folder / f"{VICTIM}.notes").unlink()
            victim = start(VICTIM, life, None, ports, folder)
        time.sleep(max(0.0, end - time.monotonic()))
    finally:
        for process in (*running, victim):
            process.terminate()
            process.wait()
        (folder / f"{VICTIM}.notes").unlink(missing_ok=True)
    return deaths


def merge(notes: Path, deaths: list[Died], out: Path) -> None:
    """One watcher's notes and the kills, in order of time, as a gzipped trace."""
    decoder = msgspec.json.Decoder(Watch | Heard | Lagged | Ended)
    rows: list[Row] = [decoder.decode(line) for line in notes.read_bytes().splitlines()]
    head, end = rows[0], rows[-1]
    inner = sorted([*rows[1:-1], *deaths], key=lambda row: row.at_ns)
    kept = [row for row in inner if head.at_ns <= row.at_ns <= end.at_ns]
    out.write_bytes(gzip.compress(encode_rows([head, *kept, end]), mtime=0))  # type: ignore[list-item]
    notes.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/heartbeats"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument(
        "--kill-every", type=float, default=2, help="seconds that the third process lives; 0: never killed"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--node", nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.node:
        name, life, own, others, path = asked.node
        ports = [int(port) for port in others.split(",")]
        asyncio.run(node(name, int(life), int(own) if own else None, ports, Path(path)))
        return 0
    asked.out.mkdir(parents=True, exist_ok=True)
    deaths = record(asked.out, seconds=asked.seconds, kill_every_s=asked.kill_every, seed=asked.seed)
    for name in WATCHERS:
        merge(asked.out / f"{name}.notes", deaths, asked.out / f"{name}.ndjson.gz")
        print(asked.out / f"{name}.ndjson.gz", f"{len(deaths)} kills")
    return 0


if __name__ == "__main__":
    sys.exit(main())
