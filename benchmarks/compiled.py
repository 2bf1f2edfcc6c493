"""Compiles the code that plays schedules, for campaigns of many: the same source and the same results, and in what time.

    python benchmarks/compiled.py --out runs/compiled
    PYTHONPATH=runs/compiled python benchmarks/schedules.py --schedules 300000 --workers 2

mypyc, which comes with mypy, makes C of a copy of the package; it needs a C compiler and setuptools. Modules of messages
stay as they are: msgspec does its work in C already. Before it ends, the copy plays schedules of each generator, and must
give the same traces and outcomes as the source. Both play them in turns, each round in a process of its own, and the CPU
time that playing took, without the imports, is told with its ratio. `--built` takes a copy that is there already.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "trading_stack"
PARTS = tuple(f"{PACKAGE}.{part}." for part in ("journal", "simulation", "sentinel", "engine"))


def modules() -> list[str]:
    """The files, below the root, of what a schedule runs through and can be compiled."""
    import trading_stack.simulation.playing  # noqa: F401 - for all that it imports in turn

    names = (name for name in sys.modules if name.startswith(PARTS))
    files = (f"{name.replace('.', '/')}.py" for name in names)
    return sorted(file for file in files if _compiles(ROOT / file))


def _compiles(file: Path) -> bool:
    return file.exists() and "msgspec.Struct" not in file.read_text(encoding="utf-8")


def build(out: Path, files: list[str]) -> None:
    """Copy the package to `out`, and compile these files of it."""
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(ROOT / PACKAGE, out / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    os.chdir(out)
    extensions = mypycify(["--ignore-missing-imports", *files], opt_level="3", debug_level="0")
    command = build_ext(Distribution({"name": "compiled", "packages": [], "ext_modules": extensions}))
    command.inplace = True
    command.finalize_options()
    command.run()


class Round(NamedTuple):
    """What one process played: a line for each schedule, and the CPU seconds that playing them took."""

    lines: list[str]
    cpu_s: float


def traces(each: int) -> None:
    """Print a line for each schedule, what came of it and the hash of its trace; then the CPU seconds that it all took."""
    from trading_stack.simulation.generators import GENERATORS
    from trading_stack.simulation.playing import run
    from trading_stack.simulation.trace import Trace

    began_s = time.process_time()
    for name, make in GENERATORS.items():
        for seed in range(each):
            trace = Trace()
            outcome = run(make(seed), trace=trace)
            print(name, seed, trace.digest, outcome)
    print(time.process_time() - began_s)


def traced(path: Path, each: int) -> Round:
    """What `traces` tells with the package of another path."""
    command = [sys.executable, __file__, "--traces", str(each)]
    environment = {**os.environ, "PYTHONPATH": str(path)}
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    *lines, cpu_s = told.stdout.splitlines()
    return Round(lines, float(cpu_s))


def ratio_text(source: Sequence[Round], compiled: Sequence[Round]) -> str:
    """How much CPU time both took, by rounds that were played in turns."""
    ratios = sorted(other.cpu_s / one.cpu_s for one, other in zip(source, compiled, strict=True))
    sides = (
        (name, [each.cpu_s for each in side]) for name, side in (("source", source), ("compiled", compiled))
    )
    told = "; ".join(f"{name} {', '.join(f'{cpu_s:.2f}' for cpu_s in times)}" for name, times in sides)
    return (
        f"CPU s for {len(source[0].lines)} schedules, {len(ratios)} rounds in turns: {told}\n"
        f"compiled / source: median {statistics.median(ratios):.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f}"
    )


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--out", type=Path, default=Path("runs/compiled"), help="where (default: %(default)s)")
    asked.add_argument("--compare", type=int, default=25, help="schedules of each generator to compare")
    asked.add_argument(
        "--rounds", type=int, default=5, help="how often each plays them (default: %(default)s)"
    )
    asked.add_argument("--built", action="store_true", help="compile nothing: the copy lies in --out")
    asked.add_argument("--traces", type=int, default=0, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.traces:
        traces(options.traces)
        return 0
    out = options.out.resolve()
    if not options.built:
        build(out, modules())
    rounds = [(traced(ROOT, options.compare), traced(out, options.compare)) for _ in range(options.rounds)]
    differ = differing(rounds)
    for one, other in differ:
        print(f"source:   {one}\ncompiled: {other}")
    source, compiled = zip(*rounds, strict=True)
    print(ratio_text(source, compiled))
    print(f"{len(source[0].lines)} schedules, {len(differ)} differ; PYTHONPATH={out} plays compiled")
    return 1 if differ else 0


def differing(rounds: Sequence[tuple[Round, Round]]) -> list[tuple[str, str]]:
    """The lines in which a compiled round differs from the source's, each once."""
    pairs = (pair for one, other in rounds for pair in zip(one.lines, other.lines, strict=True))
    return sorted({pair for pair in pairs if pair[0] != pair[1]})


if __name__ == "__main__":
    sys.exit(main())
