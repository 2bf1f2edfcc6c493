"""No decision depends on a wall clock: none is read where decisions are made, and one that is hours off changes nothing
but the times that entries are stamped with."""

from __future__ import annotations

import ast
from functools import partial
from pathlib import Path
from typing import Final

import pytest

import trading_stack
from trading_stack.journal.config import Config
from trading_stack.simulation import engine
from trading_stack.simulation.network import MS
from trading_stack.simulation.rules import Happening
from trading_stack.simulation.world import World

HOUR_NS: Final = 3600 * 1000 * MS
OFFSETS_NS: Final = {"alpha": -100 * HOUR_NS, "bravo": HOUR_NS, "charlie": 10_000 * HOUR_NS}
WALL: Final = {"time", "time_ns", "now", "utcnow", "today", "localtime", "gmtime"}
READERS: Final = {
    "engine/service.py": "stamps entries, for people to read",
    "venue/machine.py": "planted defects alone",
    "admin_commands/desk.py": "stamps the audit, for people to read",
}


def story() -> tuple[list[Happening], dict[str, list[bytes]], list[int]]:
    """A primary is chosen, works, dies, and is replaced; what was told, applied, and stamped."""
    world = World(3, sentinels=True, snapshot_every=20)
    assert world.run(2000 * MS, until=lambda: world.primary() is not None)
    for request in range(60):
        primary = world.primary()
        if primary is not None:
            world.propose(primary, request)
        world.run(20 * MS)
        if request == 30:
            assert primary is not None
            world.providers[primary].kill()
    assert len({epoch for _, _, epoch in world.judge.promotions}) >= 2
    logs = {node: world.engines[node].replica.log for node in world.engines}
    commands = {
        node: [entry.command for entry in log.slice(log.base.index + 1, log.last_index)]
        for node, log in logs.items()
    }
    return world.told, commands, [entry.time_ns for entry in world.judge.committed]


def configured(**more: str) -> Config:
    return Config(**more, wall_offset_ns=OFFSETS_NS[more["node"]])  # type: ignore[arg-type]


def test_wall_clocks_that_are_hours_off_change_no_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    told, commands, times = story()
    monkeypatch.setattr(engine, "Config", configured)
    told_off, commands_off, times_off = story()
    assert told_off == told
    assert commands_off == commands
    assert times_off != times
    assert times_off == sorted(set(times_off)), "time in the log never stands still or runs backwards"


def test_another_decision_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    told, _, _ = story()
    monkeypatch.setattr(engine, "Config", partial(Config, quorum_ns=1 * MS))
    assert story()[0] != told


def wall_clocks(source: str) -> list[int]:
    """The lines that read a wall clock."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr in WALL
        and isinstance(node.value, ast.Name)
        and node.value.id in ("time", "datetime", "date")
    ]


def test_nothing_that_decides_reads_a_wall_clock() -> None:
    root = Path(trading_stack.__file__).parent
    found = {
        path.relative_to(root).as_posix() for path in root.rglob("*.py") if wall_clocks(path.read_text())
    }
    assert found == set(READERS)


def test_a_wall_clock_is_found() -> None:
    assert wall_clocks("import time\ntime.monotonic_ns()\nstarted = time.time()\n") == [3]
    assert wall_clocks("from datetime import datetime\ndatetime.now()\n") == [2]
