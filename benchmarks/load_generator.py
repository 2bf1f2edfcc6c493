"""The load generator by itself: CPU and lateness of sending to a trivial stack in this process.

Run as `python benchmarks/load_generator.py [orders_per_s] [seconds]`. The toy answers at once, so that everything
that is measured is the generator's own. CPU is of the load processes alone, imports left out.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import psutil

HERE = Path(__file__).parent
TOY = HERE.parent / "tests" / "load"
sys.path.insert(0, str(TOY))

from toy_stack import running  # noqa: E402

from harness.history.operation_table import read_records  # noqa: E402
from harness.load.plan import GatewayAddress  # noqa: E402
from harness.load.session import LoadSession, LoadSettings  # noqa: E402
from harness.model.record import Completed, Invoked  # noqa: E402


def cpu_s(pids: tuple[int, ...]) -> list[float]:
    return [sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids]


def main(per_s: float = 200.0, lasts_s: float = 10.0) -> None:
    with running(3) as stack, tempfile.TemporaryDirectory() as folder:
        settings = LoadSettings(adapter="toy_stack:ToyAdapter", seed=7, orders_per_s=per_s, base=str(TOY))
        began = time.monotonic()
        session = LoadSession(settings, Path(folder))
        try:
            session.wait_loaded(timeout_s=30)
            print(f"loaded after {time.monotonic() - began:.2f} s")
            gateways = [
                GatewayAddress(f"gateway-{number}", None, "127.0.0.1", gateway.port)
                for number, gateway in enumerate(stack.gateways)
            ]
            session.connect(gateways, first_gateway="gateway-0")
            before = cpu_s(session.pids)
            session.begin(time.monotonic_ns() + 50_000_000)
            time.sleep(lasts_s)
            used = [now - then for now, then in zip(cpu_s(session.pids), before, strict=True)]
            live = session.live(window_s=1.0)
            summary = session.drain(timeout_s=15)
        finally:
            session.kill()
        invoked = {r.op: r for r in read_records(Path(folder)) if isinstance(r, Invoked)}
        took = sorted(
            r.completed_ns - invoked[r.op].intended_ns
            for r in read_records(Path(folder))
            if isinstance(r, Completed)
        )
    print(f"{summary.operations} operations, {summary.unresolved} unresolved, missing {summary.missing}")
    for worker, seconds in zip(summary.workers, used, strict=True):
        late = worker.lateness
        print(
            f"{worker.worker:8} {worker.operations / lasts_s:6.0f} operations/s  CPU {seconds / lasts_s:6.1%} of a core"
            f"  late p50 {late.p50_ns / 1e6:.2f}  p99 {late.p99_ns / 1e6:.2f}  max {late.max_ns / 1e6:.2f} ms"
        )
    print(
        f"from due to answered: p50 {took[len(took) // 2] / 1e6:.2f} ms, p99 {took[len(took) * 99 // 100] / 1e6:.2f} ms"
    )
    print({name: count.availability for name, count in live.items()})


if __name__ == "__main__":
    main(*(float(argument) for argument in sys.argv[1:]))
