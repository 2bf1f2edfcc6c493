"""Is one seed one run? The same scenarios in virtual time under other hash seeds and interpreters, compared byte by byte.

    python benchmarks/determinism.py [SCENARIOS...] [--python PATH]... [--seed N] [--keep FOLDER]

Runs them with this interpreter under two hash seeds, once more without NumPy's vector instructions, and with each further
interpreter under a third hash seed; that one
needs the dependencies only, in the very same versions, since a Parquet file names its writer. Without names, every
scenario there is. Every file of a run must be equal, but for what a run says of its circumstances: its id,
when it began, the load on the machine and the versions, in `run.json` and in the head of `report.html`. Prints a line of
JSON for each way; exits with 1 when a file differs or is missing, and names it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS = [ROOT / "scenarios" / name for name in ("gate", "hosts", "links", "recovery", "measure")]
HARNESS = "from harness.cli.main import main; main()"
JUDGED = (0, 1, 7)  # passed, failed, unknown; any other code is of a run that was cut short or never began
OF_THE_MOMENT = ("run_id", "started_at", "versions")
FACTS = re.compile(rb"<dt>(run|started|machine|versions)</dt><dd>[^<]*</dd>")
SCALAR = {
    "NPY_DISABLE_CPU_FEATURES": " ".join(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))
}


class Way(NamedTuple):
    """How the scenarios are run."""

    python: str
    hash_seed: str
    scalar: bool = False


@dataclass
class Comparison:
    """How many files of how many runs were compared, their bytes, and what differs."""

    runs: int = 0
    files: int = 0
    size_bytes: int = 0
    different: list[str] = field(default_factory=list)


def main() -> int:
    """Run everything, compare with the first, tell."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("scenarios", nargs="*", type=Path, default=SCENARIOS)
    asked.add_argument("--python", action="append", default=[], help="one more interpreter; may be repeated")
    asked.add_argument("--seed", type=int, default=7)
    asked.add_argument("--keep", type=Path, help="a folder to keep the runs in")
    options = asked.parse_args()
    here = sys.executable
    ways = [Way(here, "1"), Way(here, "2"), Way(here, "1", scalar=True)]
    ways += [Way(python, "3") for python in options.python]
    with tempfile.TemporaryDirectory() as temporary:
        kept = (options.keep or Path(temporary)).absolute()
        folders = [kept / str(number) for number in range(len(ways))]
        scenarios = [path.absolute() for path in options.scenarios]
        for folder, way in zip(folders, ways, strict=True):
            run_all(scenarios, folder, way=way, seed=options.seed)
        found = [compare(folders[0], folder) for folder in folders]
        for folder, way, comparison in zip(folders, ways, found, strict=True):
            tell(comparison, way, version=version_of(folder))
    return int(any(comparison.different or not comparison.runs for comparison in found))


def run_all(scenarios: list[Path], folder: Path, *, way: Way, seed: int) -> None:
    """Run the scenarios; a verdict of any kind will do, as long as it is always the same."""
    folder.mkdir(parents=True)
    command = [way.python, "-c", HARNESS, "run", *map(str, scenarios), "--platform", "sim"]
    command += ["--stack", str(ROOT / "docker-compose.yml"), "--seed", str(seed), "--out", "runs"]
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            **(SCALAR if way.scalar else {}),
            "PYTHONHASHSEED": way.hash_seed,
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in JUDGED:
        raise SystemExit(f"{way.python}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


def compare(first: Path, second: Path) -> Comparison:
    """Compare two folders of `run_all`, scenario by scenario, file by file."""
    ours, theirs = dict(runs_of(first)), dict(runs_of(second))
    comparison = Comparison(
        runs=len(ours), different=[f"{name}: run" for name in ours.keys() ^ theirs.keys()]
    )
    for name in sorted(ours.keys() & theirs.keys()):
        left, right = files_of(ours[name]), files_of(theirs[name])
        comparison.different += [f"{name}: only once {file}" for file in sorted(left.keys() ^ right.keys())]
        for file in sorted(left.keys() & right.keys()):
            comparison.files += 1
            comparison.size_bytes += left[file].stat().st_size
            if content(left[file]) != content(right[file]):
                comparison.different.append(f"{name}: {file}")
    return comparison


def runs_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every run below a folder, by its scenario's id."""
    for meta in sorted(folder.glob("runs/*/*/run.json")):
        if not meta.parent.is_symlink():
            yield meta.parent.parent.name, meta.parent


def files_of(run: Path) -> dict[str, Path]:
    """Every file of a run, by its path within."""
    return {str(path.relative_to(run)): path for path in sorted(run.rglob("*")) if path.is_file()}


def content(path: Path) -> bytes:
    """What must be equal of a file."""
    data = path.read_bytes()
    if path.name == "report.html":
        return FACTS.sub(b"", data)
    if path.name != "run.json":
        return data
    facts = {name: fact for name, fact in json.loads(data).items() if name not in OF_THE_MOMENT}
    del facts["machine"]["load_average"]
    return json.dumps(facts).encode()


def version_of(folder: Path) -> str:
    """The Python that made the first of the runs, as it said itself."""
    _, run = next(runs_of(folder))
    return str(json.loads((run / "run.json").read_bytes())["versions"]["python"])


def tell(comparison: Comparison, way: Way, *, version: str) -> None:
    """One line of JSON."""
    said = {"version": version, **way._asdict(), "runs": comparison.runs, "files": comparison.files}
    said |= {"bytes": comparison.size_bytes, "different": comparison.different}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
