"""Which bench a run takes: chosen by its platform."""

from __future__ import annotations

from harness.engine.bench import Bench
from harness.engine.setup import Setup
from harness.history.journal import Observer
from harness.platforms.sim.platform import SimPlatform


def bench_for(setup: Setup, *, observers: tuple[Observer, ...] = ()) -> Bench:
    """Make the run's folder and begin its journal; nothing is started yet. Raises what keeps a run from beginning."""
    if isinstance(setup.platform, SimPlatform):
        from harness.engine.virtual_bench import VirtualBench

        return VirtualBench(setup, observers=observers)
    from harness.engine.process_bench import ProcessBench

    return ProcessBench(setup, observers=observers)
