"""SIGKILL of the harness at random moments of a run: within two seconds nothing of the stack may be left.

Looked for are processes that know the run's folder (by environment, arguments or an open file), ports that any of them
listens on, proxies among them, and leases in the ledger. A moment counts only when some of the stack was up as SIGKILL
came: a service, or the proxy once it listens; others are told apart, and further ones are drawn in their place. Prints what
was up at each, each miss, the time it took, and what the misses bound: the exact upper end of the rate, at 95 %.

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
from typing import NamedTuple

import psutil

from harness.guardian.recovery import pending_leases
from harness.model.shares import share_at_most

ROOT = Path(__file__).parents[1]
WITHIN_S = 2.0
LONGEST_S = 12.0
GIVE_UP_S = 15.0
MOST_DRAWN = 5


class Standing(NamedTuple):
    """What was up of one run: all its processes, those of the stack (services, the proxy), and the ports they listen on."""

    processes: int
    of_stack: int
    ports: int


@dataclass(frozen=True, slots=True)
class Moment:
    """What one kill came to: what was up then, how long until nothing was left, and what was left after two seconds."""

    up: Standing
    gone_s: float | None
    left: tuple[str, ...]

    @property
    def counts(self) -> bool:
        """Whether there was anything of the stack to leave behind."""
        return self.up.of_stack > 0


def main() -> int:
    """Kill, look, tell; 0 when nothing was ever left after two seconds, 7 when too few moments struck a stack."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--count", type=int, default=50, help="how many moments that strike a stack")
    asked.add_argument("--seed", type=int, default=7, help="which moments")
    choices = asked.parse_args()
    draw = random.Random(choices.seed)
    moments: list[Moment] = []
    counted = 0
    while counted < choices.count and len(moments) < choices.count * MOST_DRAWN:
        moments.append(_kill_at(draw.uniform(0.2, LONGEST_S), len(moments)))
        counted += moments[-1].counts
    _tell(moments)
    if any(moment.left for moment in moments):
        return 1
    return 0 if counted >= choices.count else 7


def _kill_at(after_s: float, number: int) -> Moment:
    home = Path(tempfile.mkdtemp(prefix=f"sigkill-{number}-"))
    running = _start(home)
    up = Standing(0, 0, 0)
    try:
        running.wait(after_s)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGSTOP)  # what is counted is what SIGKILL then meets
        up = _standing(home)
        running.send_signal(signal.SIGKILL)
    killed_at = time.monotonic()
    running.wait()
    left: tuple[str, ...] = tuple(_leftovers(home))
    while left and time.monotonic() - killed_at < WITHIN_S:
        time.sleep(0.02)
        left = tuple(_leftovers(home))
    gone_s = None if left else time.monotonic() - killed_at
    told = "nothing is left" if not left else f"LEFT: {'; '.join(left)}"
    print(
        f"{number:3d}  killed {after_s:5.2f} s after its start; up: {up.processes} processes, "
        f"{up.of_stack} of the stack, {up.ports} ports{'' if up.of_stack else ' (does not count)'}: {told}",
        flush=True,
    )
    _end(home)
    return Moment(up, gone_s, left)


def _standing(home: Path) -> Standing:
    found = _processes(home)
    ports = {process.pid: len(_ports(process)) for process in found}
    return Standing(len(found), sum(count > 0 for count in ports.values()), sum(ports.values()))


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
    except psutil.Error:
        return f"process {process.pid}, ending"
    ports = _ports(process)
    return f"process {process.pid} ({line})" + (f" on ports {', '.join(map(str, ports))}" if ports else "")


def _ports(process: psutil.Process) -> list[int]:
    """The ports that it listens on. Of a run, only services and the proxy do."""
    try:
        connections = process.net_connections(kind="inet")
    except psutil.Error:
        return []
    return [each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN]


def _end(home: Path) -> None:
    """End what a miss has left, so that it spoils no later moment."""
    until = time.monotonic() + GIVE_UP_S - WITHIN_S
    while (left := _processes(home)) and time.monotonic() < until:
        time.sleep(0.1)
    for process in left:
        process.kill()
    shutil.rmtree(home, ignore_errors=True)


def _tell(moments: list[Moment]) -> None:
    struck = [moment for moment in moments if moment.counts]
    misses = sum(bool(moment.left) for moment in struck)
    print(
        f"{len(moments)} moments, {len(struck)} struck a stack, {misses} of these left something after {WITHIN_S:g} s"
    )
    if struck:
        print(
            f"the rate of misses is below {share_at_most(misses, len(struck)):.1%} (exact, one-sided, 95 %)"
        )
    others = sum(bool(moment.left) for moment in moments if not moment.counts)
    if others:
        print(f"{others} more left something, with no stack up yet")
    gone = sorted(moment.gone_s for moment in struck if moment.gone_s is not None)
    if gone:
        print(f"until nothing was left: median {statistics.median(gone):.2f} s, worst {gone[-1]:.2f} s")


if __name__ == "__main__":
    sys.exit(main())
