"""Where the harness keeps what must outlive it: leases, locks, what the guardian has healed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def state_dir(environ: Mapping[str, str] | None = None) -> Path:
    """`$HARNESS_STATE_DIR`, else `$XDG_STATE_HOME/failover-harness`, else `~/.local/state/failover-harness`."""
    environ = os.environ if environ is None else environ
    if chosen := environ.get("HARNESS_STATE_DIR"):
        return Path(chosen).absolute()
    if home := environ.get("XDG_STATE_HOME"):
        return Path(home).absolute() / "failover-harness"
    return Path.home() / ".local" / "state" / "failover-harness"
