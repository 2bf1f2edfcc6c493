"""Where the examples are, and how their programs are imported: they are files, not packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

EXAMPLES = Path(__file__).parents[2] / "examples"
STACKS = sorted(path.parent for path in EXAMPLES.glob("*/docker-compose.yml"))


def program(path: str) -> ModuleType:
    """The module in a file below `examples/`."""
    spec = importlib.util.spec_from_file_location(path.replace("/", "_"), EXAMPLES / f"{path}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
