"""What becomes of child processes: stopped, continued or ended; those that ended are buried.

Only the standard library: the nursery imports this, and what it imports every service has.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Final, Literal, NamedTuple, TypeAlias

What: TypeAlias = Literal["stopped", "continued", "exited"]
_WATCHED: Final = os.WEXITED | os.WSTOPPED | os.WCONTINUED
_WHAT: Final[dict[int, What]] = {
    os.CLD_STOPPED: "stopped",
    os.CLD_CONTINUED: "continued",
}


class Became(NamedTuple):
    """What a child became, and when it was seen (monotonic); `code` as `subprocess` tells it."""

    what: What
    code: int
    at_ns: int


def look_after(pid: int) -> Became | None:
    """What became of a child since the last look; None if nothing did. What an ended one left in its group is killed.

    Raises:
        ChildProcessError: There is no such child.
    """
    return _look_and_bury(pid) if hasattr(os, "waitid") else _look(pid)


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a child and all that it started, if there is anybody left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _look_and_bury(pid: int) -> Became | None:
    # WNOWAIT leaves an ended child unburied, so that its id can't be another's while its group is killed.
    seen = os.waitid(os.P_PID, pid, _WATCHED | os.WNOHANG | os.WNOWAIT)
    if seen is None:
        return None
    at_ns = time.monotonic_ns()
    what = _WHAT.get(seen.si_code, "exited")
    if what == "exited":
        signal_group(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, _WATCHED | os.WNOHANG)
    return Became(what, seen.si_status if seen.si_code == os.CLD_EXITED else -seen.si_status, at_ns)


def _look(pid: int) -> Became | None:
    """The same where `waitid` is missing (macOS, before Python 3.13): the burial comes first there."""
    seen, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
    at_ns = time.monotonic_ns()
    if seen == 0:
        return None
    if os.WIFSTOPPED(status):
        return Became("stopped", -os.WSTOPSIG(status), at_ns)
    if os.WIFCONTINUED(status):
        return Became("continued", 0, at_ns)
    signal_group(pid, signal.SIGKILL)
    return Became("exited", os.waitstatus_to_exitcode(status), at_ns)
