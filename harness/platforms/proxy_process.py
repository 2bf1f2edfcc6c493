"""The embedded fault proxy as a process of one run."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psutil

from harness.model.errors import EnvironmentUnfit

_STARTED_WITHIN_S: Final = 15.0
_ENDED_WITHIN_S: Final = 2.0


class ProxyProcess:
    """Starts at once, and is asked for its address later; it ends with this process (the end of its standard input)."""

    def __init__(self, *, seed: int, environment: Mapping[str, str], log: Path) -> None:
        """Start it.

        Raises:
            EnvironmentUnfit: It could not be started.
        """
        self._log = log
        argv = [
            sys.executable,
            "-P",
            "-m",
            "harness.wan",
            "--port",
            "0",
            "--seed",
            str(seed),
            "--exit-on-stdin-eof",
        ]
        try:
            with log.open("ab") as errors:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    argv,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd="/",
                    env=dict(environment),
                    start_new_session=True,
                )
        except OSError as error:
            raise EnvironmentUnfit(f"the fault proxy can't be started: {error}") from error
        self.pid = self._process.pid
        self.create_time = psutil.Process(self.pid).create_time()

    def api(self) -> str:
        """The address of its API, as `host:port`; waits until it is there.

        Raises:
            EnvironmentUnfit: It ended, or did not tell its address in time.
        """
        assert self._process.stdout is not None
        until = time.monotonic() + _STARTED_WITHIN_S
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, until - time.monotonic()))
            piece = os.read(self._process.stdout.fileno(), 4096) if ready else b""
            if not piece:
                raise EnvironmentUnfit(
                    f"the fault proxy did not start within {_STARTED_WITHIN_S:g} s: {_tail(self._log)}",
                    next_step=f"see {self._log}",
                )
            line += piece
        return str(json.loads(line)["api"])

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End it and wait. Safe to call twice."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        if self._process.poll() is None:
            self._process.kill()  # nothing in it is worth waiting for
        try:
            self._process.wait(_ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            return  # told by `ProcessSite.stop`


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return " / ".join(lines[-3:]) or "it said nothing"
