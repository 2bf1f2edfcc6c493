"""A process that runs an adapter's code, seen from its parent.

Adapters are the user's code: they run outside the engine's process. Each such process is told its plan on the command
line and its orders as JSON lines on standard input; it answers with JSON lines on standard output, and exits at once
when its input ends, so that none outlives a harness that was killed.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

_ENDS_WITHIN_S: Final = 1.0


class AdapterProcess:
    """One child. `on_line` is called from a thread of its own with each line, and once with None at the end."""

    def __init__(
        self,
        module: str,
        plan: msgspec.Struct,
        plan_path: Path,
        *,
        on_line: Callable[[bytes | None], None],
        arguments: Sequence[str] = (),
    ) -> None:
        """Start `python -m module PLAN`; its standard error goes to `<plan>.log` beside the plan."""
        plan_path.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=2))
        self.name = plan_path.stem
        self.log_path = plan_path.with_suffix(".log")
        self._on_line = on_line
        with self.log_path.open("wb") as log:
            # A session of its own: Ctrl-C in the terminal is for the harness, which ends its children in order.
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                [sys.executable, "-X", "faulthandler", "-m", module, str(plan_path), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, name=f"{self.name}-reader", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id, also after it ended."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def tell(self, order: msgspec.Struct) -> None:
        """Send one line. A child that is gone is no error here; its exit code says so."""
        stdin = self._process.stdin
        try:
            if stdin is not None and not stdin.closed:
                stdin.write(msgspec.json.encode(order) + b"\n")
                stdin.flush()
        except OSError:
            return

    def wait(self, timeout_s: float) -> int | None:
        """The exit code, or None when it still runs after `timeout_s`."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def end(self, *, within_s: float = 0.5) -> None:
        """End its input, which ends it; kill it if that takes too long. Safe to call twice."""
        stdin = self._process.stdin
        if stdin is not None and not stdin.closed:
            with contextlib.suppress(OSError):  # a broken pipe: it is gone already
                stdin.close()
        if self.wait(within_s) is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(within_s)

    def last_words(self, *, lines: int = 5) -> str:
        """The end of its standard error, for a message."""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def _read(self) -> None:
        stdout = self._process.stdout
        if stdout is None:
            return
        with stdout:
            for line in stdout:
                self._on_line(line)
        self.wait(
            _ENDS_WITHIN_S
        )  # its output ends a moment before it does: whoever is told may ask for its exit code
        self._on_line(None)
