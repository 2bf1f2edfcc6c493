"""The platforms that can be named."""

from __future__ import annotations

import difflib
from typing import Final

from harness.model.errors import UsageError
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
    closest = difflib.get_close_matches(name, NAMES, n=1)
    hint = f"; did you mean {closest[0]!r}?" if closest else ""
    raise UsageError(f"no platform {name!r}{hint}", next_step=f"choose from {', '.join(NAMES)}")
