"""The embedded fault proxy beside the Toxiproxy server, in one run on one machine.

    python benchmarks/wan_vs_toxiproxy.py [--server PATH] [--rounds 7] [--messages 3000] [--mebibytes 256] [--json]

Three processes take part besides the proxies: an echo server, a sink, and this one, the client. Rounds alternate
between the direct connection, the Toxiproxy server and the embedded proxy, so that what else the machine does falls
on all three alike. What is compared:

- added latency: the median round trip of 64 bytes less that of the direct connection (with toxics: less what the
  toxics are to add, too), as a ratio embedded/Toxiproxy; below 1 the embedded proxy is faster;
- throughput of one stream in one direction, as the same ratio; above 1 the embedded proxy is faster;
- CPU time of the proxy's process for each message of the round trips.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from harness.wan.changes import PutToxic
from harness.wan.client import WanClient
from harness.wan.errors import WanUnreachable
from harness.wan.toxics import Bandwidth, Latency, Stream

MESSAGE = b"x" * 64
BLOCK = b"x" * 2**20
WARM_UP = 200
PATIENCE_S = 20
Address = tuple[str, int]
Toxics = dict[str, msgspec.Struct]
LATENCY_MS = 1


@dataclass(frozen=True)
class Contender:
    """One way from the client to the servers: direct, or through a proxy whose process is known."""

    name: str
    echo: Address
    sink: Address
    process: psutil.Process | None = None
    client: WanClient | None = None

    def open_links(self, case: str, toxics: Toxics) -> tuple[Address, Address]:
        """Where echo and sink are reached with these toxics in force, over links of their own."""
        if self.client is None:
            return self.echo, self.sink
        ends = []
        for kind, (host, port) in (("echo", self.echo), ("sink", self.sink)):
            link = f"{kind}-{case.split()[0]}"
            listening = self.client.create_link(link, "127.0.0.1:0", f"{host}:{port}")
            self.client.apply(
                [
                    PutToxic(link, f"{name}-{stream}", stream, toxic)
                    for name, toxic in toxics.items()
                    for stream in Stream
                ]
            )
            ends.append(("127.0.0.1", int(listening.rpartition(":")[2])))
        return ends[0], ends[1]


@dataclass(frozen=True)
class Figures:
    """What one contender did under one set of toxics: µs, MB/s, and µs of CPU a message."""

    round_trips_us: list[float]
    megabytes_per_s: list[float]
    cpu_us: float

    def quantile_us(self, share: float) -> float:
        ordered = sorted(self.round_trips_us)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> int:
    options = _options()
    if options.role:
        return {"echo": serve_echo, "sink": serve_sink}[options.role]()
    server = options.server or os.environ.get("TOXIPROXY_SERVER") or shutil.which("toxiproxy-server")
    if server is None or not Path(server).exists():
        print(
            "toxiproxy-server was not found: install it, or name it with --server or $TOXIPROXY_SERVER.",
            file=sys.stderr,
        )
        print(
            "It is the peer of this benchmark; without it there is nothing to compare with.", file=sys.stderr
        )
        return 9
    with ExitStack() as stack:
        contenders = [stack.enter_context(contender) for contender in _contenders(stack, server)]
        results = {case: measure(case, contenders, toxics, options) for case, toxics in CASES.items()}
    print(json.dumps(as_json(results), indent=1) if options.json else as_text(results))
    return 0


CASES: dict[str, Toxics] = {
    "no toxics": {},
    f"latency {LATENCY_MS} ms each way": {"latency": Latency(latency_ms=LATENCY_MS)},
    "bandwidth 10 GB/s each way": {"bandwidth": Bandwidth(rate_kb_per_s=10_000_000)},
}


def measure(
    case: str, contenders: Sequence[Contender], toxics: Toxics, options: argparse.Namespace
) -> dict[str, Figures]:
    """Round trips, throughput and CPU of each contender, in alternating rounds."""
    trips: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    rates: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    cpu_s = dict.fromkeys(trips, 0.0)
    ends = {contender.name: contender.open_links(case, toxics) for contender in contenders}
    messages = options.messages // (5 if toxics.get("latency") else 1)
    for _ in range(options.rounds):
        for contender in contenders:
            spent_s = _cpu_s(contender)
            trips[contender.name] += round_trips_us(ends[contender.name][0], messages)
            cpu_s[contender.name] += _cpu_s(contender) - spent_s
            rates[contender.name].append(megabytes_per_s(ends[contender.name][1], options.mebibytes))
    sent = 2 * (messages + WARM_UP) * options.rounds
    return {name: Figures(trips[name], rates[name], cpu_s[name] / sent * 1e6) for name in trips}


def round_trips_us(address: Address, count: int) -> list[float]:
    """Round trips of one message after the other on one connection."""
    with socket.create_connection(address, timeout=PATIENCE_S) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        measured = []
        for _ in range(count + WARM_UP):
            begun_ns = time.perf_counter_ns()
            sock.sendall(MESSAGE)
            missing = len(MESSAGE)
            while missing:
                missing -= len(sock.recv(missing))
            measured.append((time.perf_counter_ns() - begun_ns) / 1000)
        return measured[WARM_UP:]


def megabytes_per_s(address: Address, mebibytes: int) -> float:
    """The rate of one stream, until the sink has confirmed the last byte."""
    with socket.create_connection(address, timeout=PATIENCE_S) as sock:
        begun_ns = time.perf_counter_ns()
        sock.sendall((mebibytes * len(BLOCK)).to_bytes(8, "big"))
        for _ in range(mebibytes):
            sock.sendall(BLOCK)
        sock.recv(1)
        return mebibytes * len(BLOCK) / (time.perf_counter_ns() - begun_ns) * 1000


def serve_echo() -> int:
    return _serve(_echo)


def serve_sink() -> int:
    return _serve(_swallow)


def as_json(results: dict[str, dict[str, Figures]]) -> dict[str, object]:
    return {
        case: {"figures": _rows(figures), "ratios": _ratios(case, figures)}
        for case, figures in results.items()
    }


def as_text(results: dict[str, dict[str, Figures]]) -> str:
    lines = []
    for case, figures in results.items():
        lines += [
            case,
            f"  {'':<12}{'n':>8}{'p50 µs':>10}{'p90 µs':>10}{'p99 µs':>10}{'MB/s':>8}{'CPU µs/message':>16}",
        ]
        for name, row in _rows(figures).items():
            lines.append(
                f"  {name:<12}{row['n']:>8.0f}{row['p50_us']:>10.1f}{row['p90_us']:>10.1f}{row['p99_us']:>10.1f}"
                f"{row['megabytes_per_s']:>8.0f}{row['cpu_us_per_message']:>16.1f}"
            )
        ratios = _ratios(case, figures)
        lines.append(
            "  embedded/toxiproxy: " + ", ".join(f"{name} {value:.2f}" for name, value in ratios.items())
        )
    return "\n".join(lines)


def _rows(figures: dict[str, Figures]) -> dict[str, dict[str, float]]:
    return {
        name: {
            "n": len(figure.round_trips_us),
            "p50_us": figure.quantile_us(0.5),
            "p90_us": figure.quantile_us(0.9),
            "p99_us": figure.quantile_us(0.99),
            "megabytes_per_s": statistics.median(figure.megabytes_per_s),
            "cpu_us_per_message": figure.cpu_us,
        }
        for name, figure in figures.items()
    }


def _ratios(case: str, figures: dict[str, Figures]) -> dict[str, float]:
    wanted_us = 2 * LATENCY_MS * 1000 if case.startswith("latency") else 0
    direct, real, ours = figures["direct"], figures["toxiproxy"], figures["embedded"]

    def added(share: float) -> float:
        base = direct.quantile_us(0.5) + wanted_us
        return (ours.quantile_us(share) - base) / (real.quantile_us(share) - base)

    return {
        "added latency p50": added(0.5),
        "added latency p90": added(0.9),
        "throughput": statistics.median(ours.megabytes_per_s) / statistics.median(real.megabytes_per_s),
        "CPU a message": ours.cpu_us / real.cpu_us,
    }


def _contenders(stack: ExitStack, server: str) -> Iterator[AbstractContextManager[Contender]]:
    echo = stack.enter_context(_child([sys.executable, __file__, "--role", "echo"]))
    sink = stack.enter_context(_child([sys.executable, __file__, "--role", "sink"]))
    addresses = (("127.0.0.1", _port_of(echo)), ("127.0.0.1", _port_of(sink)))
    port = _free_port()
    yield _direct(addresses)
    yield _proxied("toxiproxy", [server, "-host", "127.0.0.1", "-port", str(port)], addresses, port=port)
    yield _proxied("embedded", [sys.executable, "-m", "harness.wan", "--exit-on-stdin-eof"], addresses)


@contextmanager
def _direct(addresses: tuple[Address, Address]) -> Iterator[Contender]:
    yield Contender("direct", *addresses)


@contextmanager
def _proxied(
    name: str, command: list[str], addresses: tuple[Address, Address], *, port: int | None = None
) -> Iterator[Contender]:
    # The real server logs every connection: into a pipe that nobody reads, it would stop when that is full.
    with _child(command, silenced=port is not None) as child:
        api = f"127.0.0.1:{port}" if port is not None else json.loads(_first_line(child))["api"]
        with _patiently(lambda: WanClient(api, timeout_s=5)) as client:
            yield Contender(name, *addresses, psutil.Process(child.pid), client)


@contextmanager
def _child(command: list[str], *, silenced: bool = False) -> Iterator[subprocess.Popen[str]]:
    out = subprocess.DEVNULL if silenced else subprocess.PIPE
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.DEVNULL, text=True
    ) as child:
        try:
            yield child
        finally:
            child.terminate()


def _patiently(connect: Callable[[], WanClient]) -> WanClient:
    for _ in range(100):
        try:
            return connect()
        except WanUnreachable:
            time.sleep(0.05)
    return connect()


def _cpu_s(contender: Contender) -> float:
    if contender.process is None:
        return 0.0
    times = contender.process.cpu_times()
    return float(times.user + times.system)


def _serve(handle: Callable[[socket.socket], None]) -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=handle, args=(sock,), daemon=True).start()


def _echo(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with sock:
        while data := sock.recv(65536):
            sock.sendall(data)


def _swallow(sock: socket.socket) -> None:
    buffer = bytearray(4 * 2**20)
    with sock:
        missing = int.from_bytes(sock.recv(8, socket.MSG_WAITALL), "big")
        while missing > 0:
            missing -= sock.recv_into(buffer)
        sock.sendall(b".")
        sock.recv(1)


def _port_of(child: subprocess.Popen[str]) -> int:
    return int(_first_line(child))


def _first_line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--server", help="the Toxiproxy server's binary (default: $TOXIPROXY_SERVER, or from PATH)"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--messages", type=int, default=3000, help="round trips a round (a fifth of it under latency)"
    )
    parser.add_argument("--mebibytes", type=int, default=256, help="size of the stream in each round")
    parser.add_argument("--json", action="store_true", help="print figures for machines")
    parser.add_argument("--role", choices=["echo", "sink"], help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
