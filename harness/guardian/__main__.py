"""The guardian process: `python -m harness.guardian OWNER STATE`, with the owner's socket as standard input."""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path

import msgspec

from harness.guardian.identity import Owner
from harness.guardian.watch import Guardian


def main(arguments: list[str]) -> int:
    """Watch the owner until it is gone, then heal what it has left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(
            number, signal.SIG_IGN
        )  # what ends a terminal's programs must not end the one that mends
    owner = msgspec.json.decode(arguments[0].encode(), type=Owner)
    with socket.socket(fileno=0) as sock:
        Guardian(owner=owner, state=Path(arguments[1]), sock=sock).watch()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
