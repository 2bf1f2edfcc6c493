"""A project for pytester whose runs come to what its scenario files say: `summary: PASS`, `summary: FAIL` …"""

from __future__ import annotations

from pathlib import Path

STACK = """\
name: toy
services:
  engine:
    image: toy
    labels: {harness.provider: alpha, harness.role: engine}
    expose: ["7000"]
  gateway:
    image: toy
    labels: {harness.provider: alpha, harness.role: gateway}
    expose: ["8080"]
x-harness:
  adapter: toy:Adapter
  clients: {enter_at: {role: gateway}}
"""

SCENARIO = """\
scenario: {name}
summary: {outcome}
tags: [{tags}]
steady_state: {{for: 1s}}
timeline:
  - {{at: 2s, fault: {fault}, target: {target}, lasts: 1s}}
ends: 5s
expect: {{order_integrity: {{}}}}
"""

# Stands in for the engine: no process is started, a run is over at once.
CONFTEST = """
import os
from pathlib import Path

import pytest

from harness.engine import suite
from harness.engine.finished import Finished
from harness.faults.contract import Capability
from harness.history.meta import RunMeta
from harness.model.judgement import Judgement
from harness.model.outcome import ExitCode, Outcome
from harness.model.verdicts import Evidence, Figure, Verdict
from harness.testing import settings


class Canned:
    name = "canned"
    exclusive = True

    def capabilities(self):
        lacking = os.environ.get("CANNED_LACKS", "").split()
        return frozenset(one for one in Capability if str(one) not in lacking)

    def lacking(self, capability):
        return "this toy can't; use a real one"


def run(setup, *, observers=()):
    scenario = setup.scenario
    with Path("started.txt").open("a") as file:
        file.write(f"{scenario.id} {scenario.seed} {os.getpid()}\\n")
    word, _, code = scenario.summary.partition("/")
    outcome = Outcome(word)
    figures = (Figure("failover_time", 274.5, "ms", resolution=5.0), Figure("share", 0.5, "%"))
    evidence = () if outcome is Outcome.PASS else (Evidence("the order p-17 is in no log"),)
    verdict = Verdict("failover_time", outcome, "said so", figures=figures, evidence=evidence)
    meta = RunMeta(run_id="r1", scenario=scenario.name, seed=scenario.seed, platform="canned", stack="toy",
                   file=str(scenario.path), variables=dict(scenario.variant))
    natural = {"PASS": 0, "FAIL": 1, "UNKNOWN": 7}[word]
    return Finished(meta, Judgement(outcome, (verdict,)), None, ExitCode(int(code or natural)))


suite.run_scenario = run
settings.platform_named = lambda name: Canned()
"""


def make_project(folder: Path, *, ini: str = "") -> None:
    """A project with a stack, canned runs, and `ini` as further settings of pytest."""
    (folder / "docker-compose.yml").write_text(STACK)
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text(f"[pytest]\naddopts = -p no:hypothesispytest\n{ini}")


def add_scenario(
    folder: Path,
    name: str,
    outcome: str = "PASS",
    *,
    tags: str = "gate",
    where: str = "scenarios",
    extra: str = "",
    fault: str = "provider_outage",
    target: str = "{provider: alpha}",
) -> Path:
    """One scenario file."""
    path = folder / where / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        SCENARIO.format(name=name, outcome=outcome, tags=tags, fault=fault, target=target) + extra
    )
    return path
