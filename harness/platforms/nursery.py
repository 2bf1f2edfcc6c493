"""A process that starts services: it imports once what they all need, and forks each of them from there.

`python -P -m harness.platforms.nursery [PRELOAD]` reads orders, one JSON object a line, from the socket that is its
standard input, and tells what it saw in the same way. Its services die with it (PR_SET_PDEATHSIG, where there is such
a thing), and it dies with its owner: at the end of its input it kills them all.

It imports little but the standard library before the preload: what it imports, every service has.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import gc
import importlib
import json
import os
import pathlib
import runpy
import select
import signal
import socket
import sys
import time
from typing import Any, Final, NoReturn

from harness.platforms.burial import look_after, signal_group

_LINUX: Final = sys.platform == "linux"
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_URGENT: Final = -15
_LOG_FREE_WITHIN_S: Final = 1.0
_SIGNALS: Final = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "continue": signal.SIGCONT}


class _Born(Exception):
    """This process is a service now."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order


class Nursery:
    """The children, and the socket to their owner."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._rest = b""
        self._pid = os.getpid()
        self._niceness = os.getpriority(os.PRIO_PROCESS, 0)
        _prefer(0, _URGENT)  # it is idle, and when it is not, somebody measures
        self._children: dict[int, str] = {}
        self._pids: dict[str, int] = {}
        self._wake_out, self._wake_in = os.pipe()
        for descriptor in (self._wake_out, self._wake_in):
            os.set_blocking(descriptor, False)
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl if _LINUX else None

    def preload(self, module: str) -> None:
        """Import what every service needs; a module that can't be imported is told, and the services will tell why."""
        try:
            importlib.import_module(module)
        except Exception as error:
            self._tell({"saw": "preload_failed", "error": f"{type(error).__name__}: {error}"})
        gc.collect()
        gc.freeze()  # or the collector of each service would touch, and so copy, every page

    def serve(self) -> None:
        """Carry out orders until the owner is gone; raises `_Born` in each service."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_in, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        poll.register(self._wake_out, select.POLLIN)
        self._tell({"saw": "ready"})
        there = True
        while there:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._wake_out in ready:
                self._watch()
            if self._sock.fileno() in ready:
                there = self._listen()

    def end(self) -> None:
        """Kill and bury every child."""
        for pid in self._children:
            signal_group(pid, signal.SIGKILL)
        for pid in self._children:
            with contextlib.suppress(OSError):
                os.waitpid(pid, 0)

    def _listen(self) -> bool:
        try:
            data = self._sock.recv(1 << 20)
        except OSError:
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._carry_out(json.loads(line))
        return bool(data)

    def _carry_out(self, order: dict[str, Any]) -> None:
        if order["do"] == "start":
            self._start(order)
            return
        number = _SIGNALS[order["do"]]
        pids = [self._pids[service] for service in order["services"] if service in self._pids]
        if number == signal.SIGKILL:
            for pid in pids:
                _prefer_group(pid, _URGENT)  # the dying tidy up themselves: let that not wait for the living
        for pid in pids:
            signal_group(pid, number)

    def _start(self, order: dict[str, Any]) -> None:
        service = order["service"]
        try:
            log = _open_log(order["log"])
        except OSError as error:
            self._tell({"saw": "failed", "service": service, "error": f"{order['log']}: {error.strerror}"})
            return
        at_ns = time.monotonic_ns()
        pid = os.fork()
        if pid == 0:
            self._become_child(log, service)
            raise _Born(order)
        os.close(log)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        self._children[pid] = service
        self._pids[service] = pid
        self._tell({"saw": "started", "service": service, "pid": pid, "at_ns": at_ns})

    def _become_child(self, log: int, service: str) -> None:
        os.setpgid(0, 0)
        _prefer(0, self._niceness)
        if self._prctl is not None:
            self._prctl(_PR_SET_NAME, service.encode()[:15], 0, 0, 0)
            self._prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != self._pid:  # the nursery died before the line above
                os._exit(0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        self._sock.detach()  # its descriptor was 0, which is /dev/null now
        for descriptor in (nothing, log, self._wake_out, self._wake_in):
            os.close(descriptor)

    def _watch(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_out, 1 << 16)
        for pid in list(self._children):
            self._watch_one(pid)

    def _watch_one(self, pid: int) -> None:
        while (became := look_after(pid)) is not None:
            service, ended = self._children[pid], became.what == "exited"
            if ended:
                del self._children[pid]
                if self._pids.get(service) == pid:
                    del self._pids[service]
            seen = {"saw": became.what, "service": service, "pid": pid}
            self._tell({**seen, "code": became.code, "at_ns": became.at_ns})
            if ended:
                return

    def _tell(self, what: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # an owner that is gone is seen at the end of its orders
            self._sock.sendall(json.dumps(what).encode() + b"\n")


def _open_log(path: str) -> int:
    """Open a service's output and lock it; the lock lives as long as the service (`harness.guardian.service_undo`)."""
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    until = time.monotonic() + _LOG_FREE_WITHIN_S
    while True:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(log)
                raise OSError(errno.EBUSY, "the service still runs") from None
            time.sleep(0.002)
        else:
            return log


def _prefer(pid: int, niceness: int) -> None:
    with contextlib.suppress(OSError):  # only granted to the superuser; nothing depends on it
        os.setpriority(os.PRIO_PROCESS, pid, niceness)


def _prefer_group(pid: int, niceness: int) -> None:
    """Prefer a child with all its threads: it is dead only when the last of them is."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PGRP, pid, niceness)


def become(order: dict[str, Any]) -> int | str | None:
    """Be the service that was ordered, in this very process; answers its exit status, as `sys.exit` takes it."""
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["directory"])
    module = order["module"]
    if module is None:
        _become_program(order["argv"])
    sys.path[0] = order["directory"]  # as `python -m` has it
    sys.argv = [module, *order["arguments"]]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # or SIGKILL would lose what was printed
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()  # or services would draw the same numbers; `random` sees to itself
    _dump_stacks_on_request()
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def _become_program(argv: list[str]) -> NoReturn:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and a program would inherit that
    try:
        os.execvpe(argv[0], argv, os.environ)  # noqa: S606 - what the stack's description says
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(127)


def _dump_stacks_on_request() -> None:
    import faulthandler

    faulthandler.register(signal.SIGUSR1, file=2, all_threads=True)


def main(arguments: list[str]) -> int | str | None:
    """Serve; in a service, be it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)  # it ends with its owner, not with the terminal's programs
    nursery = Nursery(socket.socket(fileno=0))
    try:
        sys.path.insert(0, str(pathlib.Path.cwd()))  # as `python -m` has it
        if arguments:
            nursery.preload(arguments[0])
        nursery.serve()
    except _Born as born:
        order = born.order
    else:
        nursery.end()
        return 0
    return become(order)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
