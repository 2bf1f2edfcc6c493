"""What this machine lets the harness do to processes and sockets, found by trying."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from functools import cache
from typing import Final

from harness.faults.contract import Capability

_ENOUGH_FILLERS: Final = 8
_UNANSWERED_AFTER_S: Final = 0.05


@cache
def abilities() -> frozenset[Capability]:
    """Everything that works here; tried once."""
    found = {
        Capability.CUT,
        Capability.DELAY,
        Capability.RESET,
    }  # the embedded proxy needs nothing but sockets
    if _can_signal():
        found |= {Capability.KILL, Capability.PAUSE}
    if _can_leave_handshakes_unanswered():
        found.add(Capability.DROP_HANDSHAKES)
    return frozenset(found)


def _can_signal() -> bool:
    """Freeze, thaw and kill a process of our own."""
    try:
        process = subprocess.Popen(["sleep", "10"], stdin=subprocess.DEVNULL)  # noqa: S607 - any sleep will do
    except OSError:
        return False
    try:
        os.kill(process.pid, signal.SIGSTOP)
        seen, status = os.waitpid(process.pid, os.WUNTRACED)
        return seen == process.pid and os.WIFSTOPPED(status)
    except OSError:
        return False
    finally:
        process.kill()
        process.wait()


def _can_leave_handshakes_unanswered() -> bool:
    """Fill the accept queue of a listening socket of our own, and see one more handshake stay unanswered."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(_ENOUGH_FILLERS):
            client = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            client.settimeout(0)
            client.connect_ex(server.getsockname())
            if not _connects(client):
                return True
    return False


def _connects(sock: socket.socket) -> bool:
    until = time.monotonic() + _UNANSWERED_AFTER_S
    while time.monotonic() < until:
        try:
            sock.getpeername()
        except OSError:
            time.sleep(0.002)
        else:
            return True
    return False
