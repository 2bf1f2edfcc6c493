"""`python -m harness.observe PLAN.json`: the observing process."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import msgspec

from harness.observe.observer import serve
from harness.observe.plan import ObserverPlan

PREFERENCE = -10  # over the stack's processes, where the system grants it: faults may wait for what we see

if __name__ == "__main__":
    with contextlib.suppress(OSError):
        os.nice(PREFERENCE)
    code = serve(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=ObserverPlan))
    os._exit(code)  # threads that wait for a service in the dark don't keep the process
