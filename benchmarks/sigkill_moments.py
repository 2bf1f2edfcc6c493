"""SIGKILL of the harness at random moments of a run: within two seconds nothing of the stack may be left.

Looked for are processes that know the run's folder (by environment, arguments or an open file), ports that any of them
listens on, proxies among them, and leases in the ledger. The run is never stopped before it is killed: it would settle, and
no race would be struck. What was up is what a scan saw that ended just before; how long before the kill it began is told.
A moment counts only when some of the stack was up then: a service, or the proxy once it listens; others are told apart, and
further ones are drawn in their place. Every fifth moment is aimed at the onset of the fault: from its preparation until just
after it struck. Prints what was up at each, each miss, the time until two scans in a row found nothing and how far off it
may be, and what the misses bound: the exact upper end of the rate, at 95 %.

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
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil

from harness.guardian.recovery import pending_leases
from harness.model.shares import share_at_most

ROOT = Path(__file__).parents[1]
WITHIN_S = 2.0
LOOK_AHEAD_S = 0.06  # a scan takes some 30 ms of processor time
PAUSE_S = 0.02
CLOCK_SLACK_S = 2.0  # the time of boot, from which ages are told, is a whole second that may change by one
LONGEST_S = 12.0
GIVE_UP_S = 15.0
MOST_DRAWN = 5
AIMED_EVERY = 5
_URGENT = -15
STEADY = b"steady state"
ONSET_AFTER_STEADY_S = 0.2  # as the scenario has it


class Standing(NamedTuple):
    """What was up of one run: all its processes, those of the stack (services, the proxy), and the ports they listen on."""

    processes: int
    of_stack: int
    ports: int


NOTHING = Standing(0, 0, 0)


class Started(NamedTuple):
    """One run of the harness, with what its processes are found by: its folder, and a moment before they began."""

    running: subprocess.Popen[bytes]
    home: Path
    created_s: float


class Strike(NamedTuple):
    """One SIGKILL: when it came, what a scan had seen up, and how long before it that scan began."""

    at_s: float
    up: Standing
    seen_before_s: float


class Gone(NamedTuple):
    """How long until nothing was left, how much of that may be the looking, and what was left after two seconds."""

    after_s: float | None
    blur_s: float
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """What one kill came to."""

    strike: Strike
    gone: Gone

    @property
    def counts(self) -> bool:
        """Whether there was anything of the stack to leave behind."""
        return self.strike.up.of_stack > 0


def main() -> int:
    """Kill, look, tell; 0 when nothing was ever left after two seconds, 7 when too few moments struck a stack."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--count", type=int, default=50, help="how many moments that strike a stack")
    asked.add_argument("--seed", type=int, default=7, help="which moments")
    choices = asked.parse_args()
    _prefer(_URGENT)
    draw = random.Random(choices.seed)
    moments: list[Moment] = []
    counted = 0
    while counted < choices.count and len(moments) < choices.count * MOST_DRAWN:
        aimed = len(moments) % AIMED_EVERY == 0
        after_s = ONSET_AFTER_STEADY_S + draw.uniform(-0.12, 0.08) if aimed else draw.uniform(0.2, LONGEST_S)
        moments.append(_kill_at(after_s, len(moments), aimed=aimed))
        counted += moments[-1].counts
    _tell(moments)
    if any(moment.gone.left for moment in moments):
        return 1
    return 0 if counted >= choices.count else 7


def _prefer(niceness: int) -> None:
    """Look and strike in time, however busy the stack is; only granted to the superuser, and nothing else depends on it."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, niceness)


def _kill_at(after_s: float, number: int, *, aimed: bool) -> Moment:
    started = _start(Path(tempfile.mkdtemp(prefix=f"sigkill-{number}-")))
    began_s = time.monotonic()
    assert started.running.stdout is not None
    if aimed:
        while (line := started.running.stdout.readline()) and STEADY not in line:
            pass
        began_s = time.monotonic()
    strike = _strike(started, began_s + after_s)
    started.running.stdout.close()
    gone = _gone(started, strike.at_s)
    up = strike.up
    what = f"{up.processes} processes, {up.of_stack} of the stack, {up.ports} ports"
    told = f"LEFT: {'; '.join(gone.left)}" if gone.left else "nothing is left"
    print(
        f"{number:3d}  killed {strike.at_s - began_s:5.2f} s after {'the steady state' if aimed else 'its start'}; "
        f"up {strike.seen_before_s * 1e3:.0f} ms before: {what}{'' if up.of_stack else ' (does not count)'}: {told}",
        flush=True,
    )
    _end(started)
    return Moment(strike, gone)


def _strike(started: Started, at_s: float) -> Strike:
    """Kill it at that moment, or as soon as the scan before it ends; nothing was up when it ended by itself."""
    running = started.running
    _wait(running, at_s - LOOK_AHEAD_S)
    looked_s = time.monotonic()
    up = _standing(started)
    _wait(running, at_s)
    running.send_signal(signal.SIGKILL)
    killed_s = time.monotonic()
    struck = running.wait() == -signal.SIGKILL
    return Strike(killed_s, up if struck else NOTHING, killed_s - looked_s)


def _wait(running: subprocess.Popen[bytes], until_s: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        running.wait(max(0.0, until_s - time.monotonic()))


def _gone(started: Started, killed_s: float) -> Gone:
    """Look until two scans in a row find nothing, or time is up.

    What was last seen was there when that scan began, at the earliest; it was gone when the next one ended, at the latest.
    """
    last_seen_s = killed_s
    while True:
        looked_s = time.monotonic()
        left = tuple(_leftovers(started))
        told_s = time.monotonic()
        if not left and not (left := tuple(_leftovers(started))):
            return Gone(told_s - killed_s, told_s - last_seen_s, ())
        if told_s - killed_s >= WITHIN_S:
            return Gone(None, 0.0, left)
        last_seen_s = looked_s
        time.sleep(PAUSE_S)


def _standing(started: Started) -> Standing:
    found = _processes(started)
    ports = [len(_ports(process)) for process in found]
    return Standing(len(found), sum(count > 0 for count in ports), sum(ports))


def _start(home: Path) -> Started:
    environment = {
        **os.environ,
        "HARNESS_STATE_DIR": str(home / "state"),
        "HARNESS_RUN_MARK": str(home),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-c", "from harness.cli.main import main; main()", "run"]
    arguments = [
        str(ROOT / "scenarios/measure/outage.yaml"),
        "-k",
        "dark",
        "--stack",
        str(ROOT / "docker-compose.yml"),
    ]
    running = subprocess.Popen(
        [*command, *arguments],
        cwd=home,
        env=environment,
        preexec_fn=partial(_prefer, 0),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    return Started(running, home, psutil.Process(running.pid).create_time() - CLOCK_SLACK_S)


def _leftovers(started: Started) -> list[str]:
    """Processes that belong to the run, with the ports that they listen on, and leases in the ledger."""
    found = [_described(process) for process in _processes(started)]
    page = pending_leases(state=started.home / "state")
    return (
        found
        + [f"lease {lease.name}" for lease in page.leases]
        + [f"damaged {path.name}" for path in page.damaged]
    )


def _processes(started: Started) -> list[psutil.Process]:
    """Those that know the folder of the run. Older ones are passed over, which makes a scan short."""
    return [process for pid in psutil.pids() if (process := _belonging(pid, started)) is not None]


def _belonging(pid: int, started: Started) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        if process.create_time() < started.created_s or process.status() == psutil.STATUS_ZOMBIE:
            return None
        known = [
            *process.environ().values(),
            *process.cmdline(),
            *(file.path for file in process.open_files()),
        ]
    except psutil.Error:
        return None
    return process if any(str(started.home) in text for text in known) else None


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
        connections = process.net_connections(kind="tcp")
    except psutil.Error:
        return []
    return [each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN]


def _end(started: Started) -> None:
    """End what a miss has left, so that it spoils no later moment."""
    until = time.monotonic() + GIVE_UP_S - WITHIN_S
    while (left := _processes(started)) and time.monotonic() < until:
        time.sleep(0.1)
    for process in left:
        process.kill()
    shutil.rmtree(started.home, ignore_errors=True)


def _tell(moments: list[Moment]) -> None:
    struck = [moment for moment in moments if moment.counts]
    misses = sum(bool(moment.gone.left) for moment in struck)
    print(
        f"{len(moments)} moments, {len(struck)} struck a stack, {misses} of these left something after {WITHIN_S:g} s"
    )
    if struck:
        print(
            f"the rate of misses is below {share_at_most(misses, len(struck)):.1%} (exact, one-sided, 95 %)"
        )
    others = sum(bool(moment.gone.left) for moment in moments if not moment.counts)
    if others:
        print(f"{others} more left something, with no stack up yet")
    gone = [moment.gone for moment in struck]
    if times := sorted(each.after_s for each in gone if each.after_s is not None):
        print(
            f"until nothing was left: median {statistics.median(times):.2f} s, worst {times[-1]:.2f} s",
            end="",
        )
        blur_s = max(each.blur_s for each in gone)
        print(f", told up to {blur_s:.2f} s late: looks last long, and are {PAUSE_S:g} s apart")
    if ages := sorted(moment.strike.seen_before_s for moment in struck):
        print(
            f"what was up was looked at {statistics.median(ages):.2f} s before the kill, at most {ages[-1]:.2f} s"
        )


if __name__ == "__main__":
    sys.exit(main())
