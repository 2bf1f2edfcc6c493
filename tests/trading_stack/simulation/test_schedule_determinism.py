"""The same schedule is the same run: in every process, with every hash seed, with and without dozing sentinels."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from trading_stack.simulation.generators import GENERATORS
from trading_stack.simulation.playing import run
from trading_stack.simulation.schedule import Schedule
from trading_stack.simulation.trace import Trace

PROGRAM = """
from trading_stack.simulation.generators import GENERATORS
from trading_stack.simulation.playing import run
from trading_stack.simulation.trace import Trace
for name, make in GENERATORS.items():
    for seed in (0, 1, 5):
        trace = Trace()
        run(make(seed), trace=trace)
        print(name, seed, trace.lines, trace.digest)
"""


def traced(schedule: Schedule, *, dozing: bool = True) -> Trace:
    trace = Trace(quiet=True)
    run(schedule, trace=trace, dozing=dozing)
    return trace


@pytest.mark.processes
def test_hash_seeds_change_nothing() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1", "4242")
    }
    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) == 3 * len(GENERATORS)


def test_another_seed_is_another_run() -> None:
    digests = {traced(GENERATORS["uniform"](seed)).digest for seed in range(5)}
    assert len(digests) == 5


@pytest.mark.parametrize("name", GENERATORS)
def test_ticks_that_are_left_out_would_have_changed_nothing(name: str) -> None:
    import msgspec

    for seed in range(12):
        schedule = msgspec.structs.replace(GENERATORS[name](seed), drift_ppm=0)
        with_all, without = traced(schedule, dozing=False), traced(schedule)
        assert with_all.lines > 100
        assert (with_all.lines, with_all.digest) == (without.lines, without.digest), f"{name} {seed}"
