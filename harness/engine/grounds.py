"""Which ground a run takes: chosen by its platform."""

from __future__ import annotations

from harness.engine.ground import Ground
from harness.engine.setup import Setup
from harness.history.journal import Observer
from harness.platforms.sim.platform import SimPlatform


def ground_for(setup: Setup, *, observers: tuple[Observer, ...] = ()) -> Ground:
    """Make the run's folder and begin its journal; nothing is started yet. Raises what keeps a run from beginning."""
    if isinstance(setup.platform, SimPlatform):
        from harness.engine.virtual_bench import VirtualBench

        return VirtualBench(setup, observers=observers)
    from harness.engine.bench import Bench

    return Bench(setup, observers=observers)
