"""Finding scenario files: YAML files with `scenario` among their top-level keys."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from harness.model.errors import UsageError

SUFFIXES: Final = frozenset({".yaml", ".yml"})
_TOP_LEVEL_KEY: Final = re.compile(rb"""^(\xef\xbb\xbf)?["']?scenario["']?[ \t]*:""", re.MULTILINE)
_FLOW_KEY: Final = re.compile(rb"""[{,](\s|#[^\n]*\n)*["']?scenario["']?\s*:""")
_ENOUGH: Final = 512 * 1024


def discover(paths: Iterable[Path]) -> list[Path]:
    """Scenario files: each file that is named, and those below each folder, sorted, each once.

    A file that is named is taken whatever it holds, so that its mistakes are told. Raises `UsageError` for a path
    that doesn't exist.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found.update(dict.fromkeys(_below(path)))
        elif path.exists():
            found[path] = None
        else:
            raise UsageError(
                f"there is no file or folder {path}",
                next_step="name one that is there, or write a first scenario: harness init",
            )
    return list(found)


def is_scenario_file(path: Path) -> bool:
    """Whether a YAML file has `scenario` among its top-level keys; its other content may be wrong."""
    if path.suffix.lower() not in SUFFIXES:
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_ENOUGH)
    except OSError:
        return False
    if b"scenario" not in head:
        return False
    if _TOP_LEVEL_KEY.search(head):
        return True
    return _first_content(head).startswith(b"{") and _FLOW_KEY.search(head) is not None


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root) / name
            if is_scenario_file(path):
                yield path


def _first_content(head: bytes) -> bytes:
    """What follows leading comments, blank lines and the document's start."""
    for line in head.splitlines():
        text = line.removeprefix(b"\xef\xbb\xbf").strip()
        if text == b"---" or text.startswith((b"--- ", b"---\t")):
            text = text[3:].strip()  # the document may begin on the line of its mark
        if text and not text.startswith((b"#", b"%")):
            return text
    return b""
