"""The platforms that can be named."""

from __future__ import annotations

from typing import Final

from harness.documents.words import unknown
from harness.platforms.contract import Platform

NAMES: Final = ("process", "sim")


def platform_named(name: str) -> Platform:
    """The platform of that name; raises `UsageError` listing the valid ones."""
    if name == "process":
        from harness.platforms.process import ProcessPlatform

        return ProcessPlatform()
    if name == "sim":
        from harness.platforms.sim.platform import SimPlatform

        return SimPlatform()
    raise unknown("platform", name, NAMES)
