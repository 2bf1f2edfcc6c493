"""SIGKILL of the harness at random moments of a run: within two seconds nothing of the stack may be left.

Looked for are processes that know the run's folder (by environment, arguments or an open file), ports that any of them
listens on, proxies among them, and leases in the ledger. Prints each miss, and the distribution of the time it took.

    python benchmarks/sigkill_moments.py [--count 50] [--seed 7]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.guardian.recovery import pending_leases

ROOT = Path(__file__).parents[1]
WITHIN_S = 2.0
LONGEST_S = 12.0
GIVE_UP_S = 15.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What one kill came to: when it struck, how long until nothing was left, and what was left after two seconds."""

    after_s: float
    gone_s: float | None
    left: tuple[str, ...]
    seen: int


def main() -> int:
    """Kill, look, tell; answers 0 when nothing was ever left after two seconds."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--count", type=int, default=50, help="how many moments")
    asked.add_argument("--seed", type=int, default=7, help="which moments")
    choices = asked.parse_args()
    draw = random.Random(choices.seed)
    moments = [_kill_at(draw.uniform(0.2, LONGEST_S), number) for number in range(choices.count)]
    _tell(moments)
    return 0 if all(not moment.left for moment in moments) else 1


def _kill_at(after_s: float, number: int) -> Moment:
    home = Path(tempfile.mkdtemp(prefix=f"sigkill-{number}-"))
    running = _start(home)
    try:
        running.wait(after_s)
    except subprocess.TimeoutExpired:
        seen = len(_leftovers(home))
        running.send_signal(signal.SIGKILL)
    else:
        seen = 0
    killed_at = time.monotonic()
    running.wait()
    left: tuple[str, ...] = tuple(_leftovers(home))
    while left and time.monotonic() - killed_at < WITHIN_S:
        time.sleep(0.02)
        left = tuple(_leftovers(home))
    gone_s = None if left else time.monotonic() - killed_at
    told = "nothing is left" if not left else f"LEFT: {'; '.join(left)}"
    print(
        f"{number:3d}  killed {after_s:5.2f} s after its start ({seen:2d} things were up): {told}", flush=True
    )
    _end(home)
    return Moment(after_s, gone_s, left, seen)


def _start(home: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "HARNESS_STATE_DIR": str(home / "state"), "HARNESS_RUN_MARK": str(home)}
    command = [sys.executable, "-c", "from harness.cli.main import main; main()", "run"]
    arguments = [
        str(ROOT / "scenarios/measure/outage.yaml"),
        "-k",
        "dark",
        "--stack",
        str(ROOT / "docker-compose.yml"),
    ]
    return subprocess.Popen(
        [*command, *arguments],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _leftovers(home: Path) -> list[str]:
    """Processes that belong to the run, with the ports that they listen on, and leases in the ledger."""
    found = [_described(process) for process in _processes(home)]
    page = pending_leases(state=home / "state")
    return (
        found
        + [f"lease {lease.name}" for lease in page.leases]
        + [f"damaged {path.name}" for path in page.damaged]
    )


def _processes(home: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _belongs(process, str(home))]


def _belongs(process: psutil.Process, home: str) -> bool:
    try:
        if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
            return False
        known = [
            *process.environ().values(),
            *process.cmdline(),
            *(file.path for file in process.open_files()),
        ]
    except psutil.Error:
        return False
    return any(home in text for text in known)


def _described(process: psutil.Process) -> str:
    try:
        line = " ".join(process.cmdline()[:6])[:90]
        ports = [
            str(each.laddr.port)
            for each in process.net_connections(kind="inet")
            if each.status == psutil.CONN_LISTEN
        ]
    except psutil.Error:
        return f"process {process.pid}, ending"
    return f"process {process.pid} ({line})" + (f" on ports {', '.join(ports)}" if ports else "")


def _end(home: Path) -> None:
    """End what a miss has left, so that it spoils no later moment."""
    until = time.monotonic() + GIVE_UP_S - WITHIN_S
    while (left := _processes(home)) and time.monotonic() < until:
        time.sleep(0.1)
    for process in left:
        process.kill()
    shutil.rmtree(home, ignore_errors=True)


def _tell(moments: list[Moment]) -> None:
    gone = sorted(moment.gone_s for moment in moments if moment.gone_s is not None and moment.seen)
    misses = sum(bool(moment.left) for moment in moments)
    print(f"{len(moments)} moments, {misses} with something left after {WITHIN_S:g} s")
    if gone:
        print(f"until nothing was left: median {statistics.median(gone):.2f} s, worst {gone[-1]:.2f} s")


if __name__ == "__main__":
    sys.exit(main())
