"""Saves what can be had of a failed stack before it is torn down: stacks, sockets, states and stores.

Whatever can't be read is left out: a stack that failed is in no good shape, and its teardown must go on.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.history.folder import file_name
from harness.platforms.children import Child
from harness.platforms.sockets import NoSockDiag, SockDiag

_STATES: Final = {
    1: "ESTABLISHED",
    2: "SYN_SENT",
    3: "SYN_RECV",
    4: "FIN_WAIT1",
    5: "FIN_WAIT2",
    8: "CLOSE_WAIT",
    9: "LAST_ACK",
    10: "LISTEN",
    11: "CLOSING",
}
_KERNEL_FILES: Final = ("status", "wchan", "stack", "stat", "limits")
_STACKS_WITHIN_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to save: running services, those that print their stacks on SIGUSR1, logs, stores, names of ports."""

    children: Mapping[str, Child]
    dump_stacks: frozenset[str]
    logs: Mapping[str, Path]
    volumes: Path
    ports: Mapping[int, str]


def save(directory: Path, evidence: Evidence) -> None:
    """Write one folder a service (its kernel state and its Python stacks), `sockets.json`, and a copy of all volumes."""
    directory.mkdir(parents=True, exist_ok=True)
    _save_stacks(directory, evidence)
    for service, child in evidence.children.items():
        with contextlib.suppress(OSError):
            _save_state(directory / file_name(service), child.pid)
    with contextlib.suppress(OSError):
        _save_sockets(directory / "sockets.json", evidence.ports)
    with contextlib.suppress(OSError, shutil.Error), _standing_still(evidence.children):
        if evidence.volumes.is_dir():
            shutil.copytree(evidence.volumes, directory / "volumes", dirs_exist_ok=True)


def _save_stacks(directory: Path, evidence: Evidence) -> None:
    """Ask for every thread's Python stack; it comes on the service's output, from where it is copied."""
    sizes = {}
    for service in evidence.dump_stacks:
        with contextlib.suppress(OSError):
            sizes[service] = evidence.logs[service].stat().st_size
            os.kill(evidence.children[service].pid, signal.SIGUSR1)
    until = time.monotonic() + _STACKS_WITHIN_S
    while time.monotonic() < until and any(
        evidence.logs[one].stat().st_size == size for one, size in sizes.items()
    ):
        time.sleep(0.02)
    for service, size in sizes.items():
        with contextlib.suppress(OSError), evidence.logs[service].open("rb") as log:
            log.seek(size)
            folder = directory / file_name(service)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "python_stacks.txt").write_bytes(log.read())


def _save_state(folder: Path, pid: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in _KERNEL_FILES:
        with contextlib.suppress(OSError):
            (folder / name).write_bytes(Path(f"/proc/{pid}/{name}").read_bytes().replace(b"\0", b"\n"))
    with contextlib.suppress(OSError):
        threads = [
            f"{task.name} {(task / 'comm').read_text().strip()} {(task / 'wchan').read_text()}"
            for task in Path(f"/proc/{pid}/task").iterdir()
        ]
        (folder / "threads").write_text("\n".join(threads) + "\n")


def _save_sockets(path: Path, ports: Mapping[int, str]) -> None:
    try:
        with SockDiag() as diag:
            table = diag.table()
    except NoSockDiag as error:
        path.write_text(json.dumps({"missing": str(error)}))
        return
    rows = [
        {
            "state": _STATES.get(found.state, str(found.state)),
            "local": found.local_port,
            "local_is": ports.get(found.local_port),
            "remote": found.remote_port,
            "remote_is": ports.get(found.remote_port),
            "bytes_sent": found.bytes_sent,
            "bytes_received": found.bytes_received,
            "received_ago_ms": found.received_ago_ms,
        }
        for found in table
        if found.local_port in ports or found.remote_port in ports
    ]
    path.write_text(json.dumps(rows, indent=1))


@contextlib.contextmanager
def _standing_still(children: Mapping[str, Child]):  # type: ignore[no-untyped-def]
    """Freeze those that run, so that stores are copied as they are at one moment."""
    frozen = [child.pid for child in children.values() if child.state == "running"]
    try:
        for pid in frozen:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in frozen:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGCONT)
