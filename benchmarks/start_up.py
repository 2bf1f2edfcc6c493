"""How long a person waits: for `harness --help`, and for the first acknowledged order of a stack that did not exist.

    harness run scenarios/measure/outage.yaml --repeat 20 --out runs/measure
    python benchmarks/start_up.py runs/measure

DESIGN asks for 0.2 s and 2 s at least, with 0.12 s and 0.7 s as the goals. The help is started 20 times, each in a new
interpreter. The first order comes from stored runs: from the moment the run began to start processes to the first order
that any client was told is acknowledged. That is what a run does: the load generators, the observer, the connecting of all
clients and the load's head start are in it, not the stack alone.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Final

from harness.engine.process_bench import HEADSTART_S
from harness.history.run import Run, load_run
from harness.history.stored import stored_runs
from harness.model.errors import HarnessError
from harness.model.events import StackReady

TIMES: Final = 20
VIRTUAL: Final = "sim"


def help_s() -> float:
    """Seconds from the start of a new process to the end of its help."""
    began = time.monotonic()
    command = [sys.executable, "-c", "from harness.cli.main import main; main()", "--help"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def first_order(run: Run) -> tuple[float, float] | None:
    """Seconds from the first process to a ready stack with connected clients, and to the first acknowledged order."""
    ready = next((event for event in run.events if isinstance(event, StackReady)), None)
    orders = run.operations[(run.operations["kind"] == "new") & (run.operations["outcome"] == "ok")]
    if ready is None or orders.empty:
        return None
    began_ns = ready.at_ns - ready.took_ns
    return ready.took_ns / 1e9, (int(orders["completed_ns"].min()) - began_ns) / 1e9


def tell(what: str, values: Iterable[float]) -> None:
    """One line: how many, median, worst."""
    ordered = sorted(values)
    print(
        f"{what:<52} n {len(ordered):>4}   median {statistics.median(ordered):6.3f} s   worst {ordered[-1]:6.3f} s"
    )


def main(folders: list[str]) -> int:
    """Measure the help; read the rest."""
    help_s()  # the first one reads the files into memory
    tell("harness --help", [help_s() for _ in range(TIMES)])
    try:
        stored = stored_runs(folders)
        real = [load_run(run.folder.path) for run in stored if run.meta.platform != VIRTUAL]
    except HarnessError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    found = [taken for run in real if (taken := first_order(run)) is not None]
    if found:
        tell("from nothing to a ready stack, clients connected", [ready_s for ready_s, _ in found])
        tell("from nothing to the first acknowledged order", [order_s for _, order_s in found])
        print(f"of that, {HEADSTART_S:g} s are the head start that every run gives its load")
    if len(found) < len(stored):
        print(
            f"{len(stored) - len(found)} of {len(stored)} runs tell nothing of this (virtual time, or no order)"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
