"""Starting a toy stack for tests, and waiting for what must come soon."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from toy import COMPOSE, toy_stack

from harness.faults.contract import Direction
from harness.guardian.leases import GuardianLeases
from harness.platforms.contract import Launch
from harness.platforms.process import ProcessPlatform
from harness.platforms.site import ProcessSite
from harness.stack.description import Link, Stack

HANGS_S = 30.0


@contextmanager
def running(folder: Path, text: str = COMPOSE, **environment: str) -> Iterator[tuple[ProcessSite, Stack]]:
    """A toy stack that was started, not yet ready; it is stopped at the end, and leaves nothing."""
    source = folder / "source"
    source.mkdir(parents=True)
    stack = toy_stack(source, text)
    with GuardianLeases(state=folder / "state") as leases:
        site = ProcessPlatform().launch(
            Launch(
                stack=stack,
                run_dir=folder / "run",
                seed=7,
                leases=leases,
                limit_s=60,
                environment=environment,
            )
        )
        try:
            yield site, stack
        finally:
            left = site.stop()
        assert left == ()
        assert not leases.held


def ready(site: ProcessSite, *services: str) -> list[str]:
    """Wait until some services (all, if none are named) are ready; answers them in the order in which they were."""
    seen: list[str] = []
    site.wait_ready(within_s=10, services=services or None, each=seen.append)
    return seen


def link(stack: Stack, source: str, target: str) -> Link:
    """The link between two services."""
    return next(one for one in stack.links if (one.source, one.target) == (source, target))


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true before even a busy machine would have seen it come true."""
    until = time.monotonic() + HANGS_S
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def traffic(site: ProcessSite, links: list[str]) -> bool:
    """Whether enough came over links lately for their silence to tell."""
    before = site._readings.before(time.monotonic_ns())
    return len(before) >= 2 and all(
        before[-1].since(before[-2], name, way) > 20
        for name in links
        for way in (Direction.TO, Direction.FROM)
    )


def gone(pid: int) -> bool:
    """Whether a process is dead, buried or not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (ProcessLookupError, FileNotFoundError):
        return True
