"""Free TCP ports that stay free: below the range that the system hands out by itself, and ours while we hold them.

Between finding a port free and listening on it, somebody else could take it. So ports come from below the system's
ephemeral range, in blocks that are locked between runs.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from harness.model.errors import EnvironmentUnfit

HOST: Final = "127.0.0.1"
_LOWEST: Final = 20_000
_HIGHEST: Final = 32_768
_BLOCK: Final = 64


class Ports:
    """Gives ports out, each once, and keeps other runs from them until it is closed."""

    def __init__(self, *, folder: Path | None = None, start: int | None = None) -> None:
        """`folder` holds the locks; `start` is the first block to try, drawn if it is not given."""
        self._folder = folder or Path(tempfile.gettempdir()) / f"failover-harness-ports-{os.getuid()}"
        self._locks: list[int] = []
        self._free = self._find(start)

    def take(self) -> int:
        """A port that nobody listens on.

        Raises:
            EnvironmentUnfit: There is none left.
        """
        port = next(self._free, None)
        if port is None:
            raise EnvironmentUnfit(
                f"no TCP port between {_LOWEST} and {_HIGHEST} is free on {HOST}",
                next_step="end what listens there (ss -ltnp), or other runs of the harness",
            )
        return port

    def close(self) -> None:
        """Give all ports back. Safe to call twice."""
        locks, self._locks = self._locks, []
        for descriptor in locks:
            os.close(descriptor)

    def _find(self, start: int | None) -> Iterator[int]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        count = (_HIGHEST - _LOWEST) // _BLOCK
        first = random.randrange(count) if start is None else start  # noqa: S311 - spreads runs, decides nothing
        for index in range(count):
            block = (first + index) % count
            if self._lock(block):
                lowest = _LOWEST + block * _BLOCK
                yield from (port for port in range(lowest, lowest + _BLOCK) if is_free(port))

    def _lock(self, block: int) -> bool:
        descriptor = os.open(self._folder / f"{block}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._locks.append(descriptor)
        return True


def is_free(port: int) -> bool:
    """Whether a service could listen there, even one that does not reuse addresses."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as sock:
        try:
            sock.bind((HOST, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True
