"""The same journal gives the same state, wherever and however often it is applied."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from order_stream import order_stream

import trading_stack.venue
from trading_stack.defects import Defect
from trading_stack.venue.machine import Venue

HERE = Path(__file__).parent
NONE: frozenset[Defect] = frozenset()


def run(count: int, *defects: Defect, seed: int = 7) -> Venue:
    venue = Venue(defects=frozenset(defects))
    for index, command in enumerate(order_stream(count, seed=seed), 1):
        venue.apply(index, 1 + index // 500, index * 1_000, command)
    return venue


def test_a_replay_gives_the_same_digest_and_the_same_dump() -> None:
    one, other = run(1_500), run(1_500)
    assert one.digest() == other.digest()
    assert one.dump() == other.dump()
    assert len(one.dump().executions) > 1_500


def test_another_journal_gives_another_digest() -> None:
    assert run(300).digest() != run(300, seed=8).digest()


def test_the_digest_does_not_depend_on_when_it_is_asked_for() -> None:
    venue = Venue(defects=NONE)
    for index, command in enumerate(order_stream(300, seed=7), 1):
        venue.apply(index, 1, index * 1_000, command)
        venue.digest()
    once = Venue(defects=NONE)
    for index, command in enumerate(order_stream(300, seed=7), 1):
        once.apply(index, 1, index * 1_000, command)
    assert venue.digest() == once.digest()


def test_a_snapshot_at_any_point_continues_as_if_nothing_had_happened() -> None:
    entries = list(enumerate(order_stream(260, seed=11), 1))
    whole = Venue(defects=NONE)
    snapshots = []
    for index, command in entries:
        snapshots.append(whole.snapshot())
        whole.apply(index, 1, index * 1_000, command)
    for start in range(0, len(entries), 5):
        venue = Venue.restore(snapshots[start], defects=NONE)
        assert venue.index == start
        for index, command in entries[start:]:
            venue.apply(index, 1, index * 1_000, command)
        assert venue.digest() == whole.digest()
        assert venue.snapshot() == whole.snapshot()


def test_an_entry_is_never_applied_twice() -> None:
    venue = run(10)
    digest = venue.digest()
    with pytest.raises(ValueError, match="entry 10 was applied before"):
        venue.apply(10, 1, 10_000, b"")
    assert venue.digest() == digest


def test_time_never_stands_still_or_runs_back() -> None:
    venue = Venue(defects=NONE)
    other = Venue(defects=NONE)
    for index, command in enumerate(order_stream(50, seed=7), 1):
        venue.apply(index, 1, 1_000, command)
        other.apply(index, 1, 1_000 + index - 1, command)
    assert venue.digest() == other.digest()


DIGEST = """
import sys
sys.path.insert(0, sys.argv[1])
from test_determinism import run
from trading_stack.defects import Defect
print(run(1_000, *map(Defect, sys.argv[2:])).digest())
"""


def digest_of_a_process(hash_seed: str, *defects: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", DIGEST, str(HERE), *defects],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip()


@pytest.mark.processes
def test_the_hash_seed_of_the_process_does_not_matter() -> None:
    assert digest_of_a_process("1") == digest_of_a_process("2") == run(1_000).digest()


@pytest.mark.processes
def test_planted_set_order_shows_between_processes() -> None:
    defect = Defect.SET_ORDER_IN_APPLY
    digests = {digest_of_a_process(str(seed), defect) for seed in range(3)} | {run(1_000, defect).digest()}
    assert len(digests) > 1


def test_planted_wall_clock_shows_between_replicas() -> None:
    defect = Defect.WALL_CLOCK_IN_APPLY
    assert run(50, defect).digest() != run(50, defect).digest()


FORBIDDEN = {"random", "datetime", "uuid", "secrets"}
EFFECTFUL = {"time": "machine.py", "os": "machine.py"}  # planted defects alone need them there


def test_the_venue_imports_nothing_that_differs_between_replicas() -> None:
    for path in Path(trading_stack.venue.__path__[0]).glob("*.py"):
        tree = ast.parse(path.read_text())
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not names & FORBIDDEN, path.name
        for name, where in EFFECTFUL.items():
            assert name not in names or path.name == where


def test_the_venue_has_no_float_and_no_set_but_in_a_planted_defect() -> None:
    for path in Path(trading_stack.venue.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path.name
            assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), path.name
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"hash", "id", "float"}, path.name
                assert node.func.id != "set" or path.name == "matching.py"
