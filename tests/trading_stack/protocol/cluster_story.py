"""What the stories of real clusters are told with: a flow of commands, who leads, who is struck."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress
from typing import Any

from cluster import HANGS_S, PROVIDERS, Cluster, Venue

from trading_stack.engine.messages import Submit
from trading_stack.venue.commands import Resolve, encode


class Flow:
    """Commands at a steady rate, each repeated to whoever leads until it is done."""

    def __init__(self, venue: Venue, *, every_s: float = 0.004) -> None:
        self.venue = venue
        self.sent = 0
        self._every_s = every_s
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            self.sent += 1
            self.venue.ask(Submit(self.sent, encode(Resolve("flow", f"id-{self.sent}"))))
            await asyncio.sleep(self._every_s)

    async def more(self, count: int = 50) -> None:
        """Wait until so many more commands are done."""
        enough = len(self.venue.done) + count
        await self.venue.until(lambda: len(self.venue.done) >= enough)

    def stop(self) -> None:
        self._task.cancel()

    async def end(self) -> None:
        """Stop, and wait until all that was sent is done."""
        self.stop()
        await self.venue.until(lambda: len(self.venue.done) == self.sent)


async def leader(venue: Venue, *, other_than: str | None = None) -> str:
    await venue.until(lambda: venue.leading.primary not in (None, other_than))
    assert venue.leading.primary is not None
    return venue.leading.primary


def replicas(running: Cluster) -> dict[str, dict[str, Any]]:
    return {p: running.services[f"engine-{p}"].get("/replica") for p in PROVIDERS}


async def converged(running: Cluster) -> dict[str, dict[str, Any]]:
    """All three replicas, once they are equal and fully applied."""
    found: dict[str, dict[str, Any]] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(HANGS_S):
            while True:
                with suppress(OSError):  # one of them may be starting
                    found = await asyncio.to_thread(replicas, running)
                states = {(r["digest"], r["applied_index"], len(r["entries"])) for r in found.values()}
                if found and len(states) == 1:
                    return found
                await asyncio.sleep(0.05)
    raise AssertionError({p: (r["commit_index"], r["digest"], r["role"]) for p, r in found.items()})


def committed_ids(replica: dict[str, Any]) -> set[str]:
    return {
        e["client_order_id"] for e in replica["entries"][: replica["commit_index"]] if e["type"] == "resolve"
    }


def strike(running: Cluster, provider: str, number: int) -> None:
    for role in ("engine", "sentinel"):
        running.services[f"{role}-{provider}"].signal(number)


async def stall(running: Cluster, provider: str, seconds: float) -> float:
    """Freeze a provider; answers how long it stood still at most, in seconds."""
    began_s = time.monotonic()
    strike(running, provider, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    strike(running, provider, signal.SIGCONT)
    return time.monotonic() - began_s
