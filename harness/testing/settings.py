"""What the plugin's options and the marker say, as values."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.engine.platforms import platform_named
from harness.engine.setup import Setup, planted, seeded
from harness.model.errors import UsageError
from harness.platforms.contract import Platform
from harness.scenario.scenario import Scenario, default_seed
from harness.scenario.settings import Allow, Load, SteadyState
from harness.stack.choice import choose, find_project, find_stack, flag_of
from harness.stack.description import Stack
from harness.stack.reading import read_stack
from harness.testing.mistakes import made

MARK_KEYS = ("load", "orders_per_s", "seed", "probe_every_ms", "steady_s", "timeout_s", "defect")


@dataclass(frozen=True, slots=True)
class Choices:
    """The stack and platform that tests run against, and where runs are kept."""

    stack: Stack
    platform: Platform
    out: Path


def choices(config: pytest.Config) -> Choices:
    """Flag over `HARNESS_*` variable over `[tool.harness]` over default."""
    folder = config.rootpath
    project = find_project(folder)
    stack = find_stack(config.getoption("harness_stack"), os.environ, project, folder).value
    name = choose(
        "platform",
        flag=config.getoption("harness_platform"),
        environ=os.environ,
        project=project,
        default="process",
    ).value
    out = folder / (config.getoption("harness_out") or "runs")
    return Choices(read_stack(stack, variables=os.environ), platform_named(name), out)


def setup_of_test(
    config: pytest.Config, name: str, marked: Mapping[str, Any], path: Path, *, nodeid: str
) -> Setup:
    """What a Python test (or all tests below a node) runs against, by options and marker; raises `UsageError`."""
    chosen = choices(config)
    seed = config.getoption("harness_seed")
    scenario = scenario_of_test(name, marked, seed=None if seed is None else int(seed), path=path)
    environment = planted(chosen.stack, marked.get("defect"))
    stack = seeded(chosen.stack, scenario, variables=os.environ)
    return Setup(
        scenario,
        stack,
        chosen.platform,
        chosen.out,
        environment,
        defect=marked.get("defect"),
        stack_file=flag_of(stack.path, config.rootpath),
        test=_from_here(config, nodeid),
    )


def _from_here(config: pytest.Config, nodeid: str) -> str:
    """A node's id as it is named to pytest in the folder where it was started."""
    path, *names = str(nodeid).split("::")
    return "::".join([os.path.relpath(config.rootpath / path, config.invocation_params.dir), *names])


def scenario_of_test(name: str, marked: Mapping[str, Any], *, seed: int | None, path: Path) -> Scenario:
    """The scenario that a Python test stands for: its load and seed, an empty timeline, nothing expected."""
    for key in marked:
        if key not in MARK_KEYS:
            raise UsageError(
                f"@pytest.mark.harness has no setting {key!r}",
                next_step=f"choose from {', '.join(MARK_KEYS)}",
            )
    load = made(
        Load,
        "@pytest.mark.harness",
        called={"profile": "load"},
        profile=marked.get("load", "steady"),
        orders_per_s=marked.get("orders_per_s", 200.0),
        probe_every_ms=marked.get("probe_every_ms", 20),
    )
    chosen = seed if seed is not None else marked.get("seed", default_seed(name))
    return Scenario(
        name=re.sub(r"[^A-Za-z0-9-]+", "-", name).strip("-").lower() or "test",
        summary=f"The Python test {name}.",
        tags=(),
        path=path,
        load=load,
        steady_state=SteadyState(for_s=float(marked.get("steady_s", 2.0))),
        timeline=(),
        ends_s=float(marked.get("timeout_s", 300.0)),
        timeout_s=float(marked.get("timeout_s", 300.0)),
        expect={},
        abort_when=None,
        allow=Allow(),
        seed=int(chosen),
    )
