"""Where the reference stack and its scenarios lie: in the wheel, or in a checkout."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from harness.model.errors import EnvironmentUnfit


def reference_stack() -> Path:
    """The compose file of the reference stack. Nothing of it is imported."""
    return _shipped("docker-compose.yml")


def reference_scenarios() -> Path:
    """The folder of the scenarios that a release must pass."""
    return _shipped("scenarios/gate")


def _shipped(name: str) -> Path:
    spec = find_spec("trading_stack")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        for folder in (package, package.parent):
            if (folder / name).exists():
                return folder / name
    raise EnvironmentUnfit(
        f"the reference stack's {name} is not installed",
        next_step="install failover-harness from its wheel, or work in a checkout",
    )
