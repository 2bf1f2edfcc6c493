"""What can go wrong between the harness and its fault proxy.

::

    WanError                  7   a link's state is not known to be what was asked for
    ├── WanUnreachable        7   the proxy's API did not answer in time
    ├── WanRefused            7   the API answered with an error status
    └── WanNotApplied         7   the API said yes, but the state read back says otherwise
    WanUnsupported            9   this proxy server lacks what was asked for
    WanCannotListen           9   an address of the embedded proxy is taken, or none of this machine
"""

from __future__ import annotations

from typing import ClassVar

from harness.model.errors import EnvironmentUnfit, HarnessError
from harness.model.outcome import ExitCode


class WanError(HarnessError):
    """The state of a link is not known to be what was asked for."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNKNOWN


class WanUnreachable(WanError):
    """The proxy's API did not answer within its time limit."""


class WanRefused(WanError):
    """The proxy's API answered with an error status."""

    def __init__(self, message: str, *, status: int, body: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class WanNotApplied(WanError):
    """The API accepted a change, but the state that was read back differs from it."""


class WanUnsupported(EnvironmentUnfit):
    """The proxy server lacks what was asked for; only the embedded one has it."""


class WanCannotListen(EnvironmentUnfit):
    """The embedded proxy can't listen where it should."""
