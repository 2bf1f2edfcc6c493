"""`python -m harness.observe PLAN.json`: the observing process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from harness.observe.observer import serve
from harness.observe.plan import ObserverPlan

if __name__ == "__main__":
    code = serve(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=ObserverPlan))
    os._exit(code)  # threads that wait for a service in the dark don't keep the process
