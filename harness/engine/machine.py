"""What a run ran on: facts that explain why two runs may differ."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

_PACKAGES: Final = ("failover-harness", "aiohttp", "locust", "msgspec", "numpy", "pandas", "uvloop")


def machine_facts() -> dict[str, Any]:
    """Processors, memory and system; nothing that names the person or the host."""
    import psutil

    return {
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


@cache
def versions() -> dict[str, str]:
    """Python and the packages that shape a run."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
