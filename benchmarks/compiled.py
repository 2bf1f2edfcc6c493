"""Compiles the code that plays schedules, for campaigns of many: the same source and the same results, in less time.

    python benchmarks/compiled.py --out runs/compiled
    PYTHONPATH=runs/compiled python benchmarks/schedules.py --schedules 300000 --workers 2

mypyc, which comes with mypy, makes C of a copy of the package; it needs a C compiler and setuptools. Modules of messages
stay as they are: msgspec does its work in C already. Before it ends, the copy plays schedules of each generator, and must
give the same traces and outcomes as the source.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

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


def traces(each: int) -> None:
    """Print a line for each schedule: what came of it, and the hash of its trace."""
    from trading_stack.simulation.generators import GENERATORS
    from trading_stack.simulation.playing import run
    from trading_stack.simulation.trace import Trace

    for name, make in GENERATORS.items():
        for seed in range(each):
            trace = Trace()
            outcome = run(make(seed), trace=trace)
            print(name, seed, trace.digest, outcome)


def traced(path: Path, each: int) -> list[str]:
    """The lines of `traces` with the package of another path."""
    command = [sys.executable, __file__, "--traces", str(each)]
    environment = {**os.environ, "PYTHONPATH": str(path)}
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return told.stdout.splitlines()


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--out", type=Path, default=Path("runs/compiled"), help="where (default: %(default)s)")
    asked.add_argument("--compare", type=int, default=25, help="schedules of each generator to compare")
    asked.add_argument("--traces", type=int, default=0, help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.traces:
        traces(options.traces)
        return 0
    out = options.out.resolve()
    build(out, modules())
    source, compiled = traced(ROOT, options.compare), traced(out, options.compare)
    differ = [(one, other) for one, other in zip(source, compiled, strict=True) if one != other]
    for one, other in differ:
        print(f"source:   {one}\ncompiled: {other}")
    print(f"{len(source)} schedules played twice, {len(differ)} differ; PYTHONPATH={out} plays compiled")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
