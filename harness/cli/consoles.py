"""Where people read: lines fit a terminal; elsewhere (a file, a log of CI) they are never folded."""

from __future__ import annotations

from typing import Final

from rich.console import Console

_WIDE: Final = 2000


def open_console(*, stderr: bool = False) -> Console:
    """A console on stdout, or on stderr when stdout belongs to a program."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=_WIDE)
