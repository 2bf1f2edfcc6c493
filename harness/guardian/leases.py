"""The owner's side: grants leases, each on disk and with the guardian before anything is broken."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from harness.guardian.identity import Owner, myself
from harness.guardian.lease import Lease
from harness.guardian.ledger import Ledger
from harness.guardian.mending import HealReport
from harness.guardian.messages import FromGuardian, Held, Hold, Let, Lines, Reported, decode_guardian, send
from harness.guardian.state import state_dir
from harness.model.errors import EnvironmentUnfit, HarnessError
from harness.model.undo import Undo

BEAT_S: Final = 1.0
_ACKNOWLEDGED_WITHIN_S: Final = 5.0
_MOST_GUARDIANS: Final = 3
_NUMBERS: Final = itertools.count()


class GuardianLeases:
    """Leases of this process, kept by a guardian process of its own (`harness.platforms.contract.Leases`).

    Thread-safe. A guardian that dies is replaced, and gets every lease that is still held. Leaving the `with` block, or
    `close`, hands what is still held to the guardian, which heals it at once.
    """

    def __init__(
        self, *, state: Path | None = None, on_healed: Callable[[HealReport], None] | None = None
    ) -> None:
        """Start the guardian; it need not have started when this returns.

        `on_healed` is called, on another thread, for each lease that the guardian healed because its limit had passed.

        Raises:
            EnvironmentUnfit: The state directory can't be written.
        """
        self.state = state_dir() if state is None else state
        self._owner: Owner = myself()
        self._ledger = Ledger(self.state)
        self._on_healed = on_healed
        self._held: dict[str, Lease] = {}
        self._changed = threading.Condition()
        self._known: dict[str, int] = {}
        self._closing = False
        self._started = 0
        with _telling(self._ledger.folder):
            self._ledger.beat(self._owner)
        self._start_guardian()
        self._reader = threading.Thread(target=self._listen, name="guardian", daemon=True)
        self._reader.start()

    def __enter__(self) -> GuardianLeases:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def guardian_pid(self) -> int:
        """The process id of the guardian."""
        return self._process.pid

    @property
    def held(self) -> tuple[Lease, ...]:
        """The leases that are neither released nor healed, oldest first."""
        with self._changed:
            return tuple(self._held.values())

    def grant(self, name: str, undos: tuple[Undo, ...], *, limit_s: float) -> str:
        """Write the undos to the ledger and hand them to the guardian; answers the lease's id once both have them.

        Raises:
            EnvironmentUnfit: The ledger can't be written: nothing may be broken.
            HarnessError: No guardian acknowledges the lease.
        """
        now_ns = time.monotonic_ns()
        lease_id = f"{now_ns:020d}-{os.getpid()}-{next(_NUMBERS)}"
        try:
            self._hold(Lease(lease_id, name, self._owner, now_ns, limit_s, undos))
        except HarnessError:
            self.release(lease_id)
            raise
        return lease_id

    def extend(self, lease: str, undos: tuple[Undo, ...]) -> None:
        """Add undos to a lease (newest last). When that fails, what the lease held before is still held.

        Raises:
            HarnessError: As `grant`.
        """
        with self._changed:
            held = self._held.get(lease)
        if held is None:
            raise HarnessError(
                f"lease {lease} is not held any more: the guardian has healed it, or it was released",
                next_step="look into the run's log for a time limit that has passed",
            )
        self._hold(held.extended(undos))

    def release(self, lease: str) -> None:
        """The owner has healed and read back: forget the lease. Safe to call twice."""
        with self._changed:
            self._held.pop(lease, None)
            self._known.pop(lease, None)
        with contextlib.suppress(OSError):
            send(self._sock, Let(lease))
        self._ledger.drop(lease)

    def close(self, *, wait_s: float = 5.0) -> None:
        """Let the guardian go; it heals what is still held, and this waits for it. Safe to call twice."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
        self._sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(wait_s)
        self._sock.close()
        self._reader.join(wait_s)
        self._ledger.forget_owner(self._owner)

    def _hold(self, lease: Lease) -> None:
        with _telling(self._ledger.folder):
            self._ledger.put(lease)
        with self._changed:
            self._held[lease.id] = lease
        with contextlib.suppress(OSError):
            send(self._sock, Hold(lease))  # a guardian that just died is replaced, and told again
        with self._changed:
            if self._changed.wait_for(lambda: self._has(lease), _ACKNOWLEDGED_WITHIN_S):
                return
        raise HarnessError(
            f"the guardian (process {self._process.pid}) did not acknowledge the lease {lease.name!r} within "
            f"{_ACKNOWLEDGED_WITHIN_S:g} s, so nothing was broken",
            next_step=f"look into {self.state / 'guardian.log'}",
        )

    def _has(self, lease: Lease) -> bool:
        return self._known.get(lease.id, -1) >= lease.revision

    def _start_guardian(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs, (self.state / "guardian.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-S", "-P", "-m", "harness.guardian", _text(self._owner), str(self.state)],
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
            )
        ours.settimeout(BEAT_S)
        self._sock = ours
        self._started += 1

    def _listen(self) -> None:
        lines = Lines(self._sock)
        while True:
            received = lines.receive()
            if received is None:
                if self._closing or not self._replace_guardian():
                    return
                lines = Lines(self._sock)
                continue
            for line in received:
                self._handle(decode_guardian(line))
            if not self._closing:
                with contextlib.suppress(OSError):
                    self._ledger.beat(self._owner)

    def _handle(self, message: FromGuardian) -> None:
        match message:
            case Held(lease, revision):
                with self._changed:
                    self._known[lease] = revision
                    self._changed.notify_all()
            case Reported(report):
                if report.healed:
                    with self._changed:
                        self._held.pop(report.lease, None)
                if self._on_healed is not None and not self._closing:
                    self._on_healed(report)

    def _replace_guardian(self) -> bool:
        self._sock.close()
        self._process.wait()
        if self._started >= _MOST_GUARDIANS:
            return False
        self._start_guardian()
        with contextlib.suppress(OSError):
            for lease in self.held:
                send(self._sock, Hold(lease))
        return True


@contextlib.contextmanager
def _telling(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EnvironmentUnfit(
            f"the ledger of leases in {folder} can't be written ({error.strerror or error}), so nothing may be broken",
            next_step="free space there, or set HARNESS_STATE_DIR to a folder that can be written",
        ) from error


def _text(owner: Owner) -> str:
    return msgspec.json.encode(owner).decode()


def _environment() -> dict[str, str]:
    # Started without `site` for speed, so that it must be told where its packages are.
    home = str(Path(__file__).parents[2])
    paths = [home, *(str(Path(entry).absolute()) for entry in sys.path if entry)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
