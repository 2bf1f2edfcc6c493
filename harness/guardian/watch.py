"""The guardian's loop: it holds leases for one owner, and heals when the owner can't.

It heals when the owner's end of the socket closes, when the owner's process is gone (whichever is seen first), and
when the limit of a lease has passed. It ends when the owner is gone and nothing is left to heal.
"""

from __future__ import annotations

import os
import select
import socket
import time
from pathlib import Path
from typing import Final

import msgspec

from harness.guardian.identity import Owner, look
from harness.guardian.lease import Lease, due
from harness.guardian.ledger import Ledger
from harness.guardian.mending import HealReport
from harness.guardian.messages import FromOwner, Held, Hold, Let, Lines, Reported, decode_owner, send
from harness.model.undo import SignalProcess, StartService

_TICK_S: Final = 0.1
_RETRY_S: Final = 0.5
_GIVE_UP_AFTER_S: Final = 30.0
_DYING_S: Final = 0.05


class Guardian:
    """Holds the leases of one owner."""

    def __init__(self, *, owner: Owner, state: Path, sock: socket.socket) -> None:
        self._owner = owner
        self._ledger = Ledger(state)
        self._story = state / "healed.ndjson"
        self._sock = sock
        self._lines = Lines(sock)
        self._leases: dict[str, Lease] = {}

    def watch(self) -> None:
        """Hold leases until the owner is gone, then heal what it has left."""
        while self._owner_is_there():
            self._heal(
                due(self._leases.values(), now_ns=time.monotonic_ns()),
                cause="its time limit has passed",
                owner_ended=False,
            )
        self._heal_until_done()
        self._ledger.forget_owner(self._owner)

    def _owner_is_there(self) -> bool:
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        if poll.poll(_TICK_S * 1000):
            lines = self._lines.receive()
            if lines is None:
                return False
            for line in lines:
                self._handle(decode_owner(line))
        return self._owner.alive()

    def _handle(self, message: FromOwner) -> None:
        match message:
            case Hold(lease):
                self._leases[lease.id] = lease
                self._tell(Held(lease.id, lease.revision))
            case Let(lease_id):
                self._leases.pop(lease_id, None)

    def _heal_until_done(self) -> None:
        """The owner is gone: heal everything; what fails is tried again for a while, and then left to the next command."""
        until = time.monotonic() + _GIVE_UP_AFTER_S
        self._heal(list(self._leases.values()), cause="its owner has ended", owner_ended=True)
        self._adopt()
        self._heal(list(self._leases.values()), cause="its owner has ended", owner_ended=True)
        while self._leases and time.monotonic() < until:
            time.sleep(_RETRY_S)
            self._heal(list(self._leases.values()), cause="its owner has ended", owner_ended=True)

    def _adopt(self) -> None:
        """Take over what the owner wrote into the ledger, and was killed before it could say so.

        Only from an owner that is dead: one that let its guardian go may have another by now.
        """
        until = time.monotonic() + _DYING_S
        while self._owner.alive():  # its end of the socket closes a moment before it is dead
            if time.monotonic() >= until:
                return
            time.sleep(_DYING_S / 10)
        for lease in self._ledger.read().leases:
            if lease.owner == self._owner:
                self._leases.setdefault(lease.id, lease)

    def _heal(self, leases: list[Lease], *, cause: str, owner_ended: bool) -> None:
        if not leases:
            return
        from harness.guardian.heal import heal  # what it imports is not needed to hold a lease

        try:
            reports = heal(
                leases, self._ledger, cause=cause, owner_ended=owner_ended, on_started=self._started
            )
        except OSError:
            return  # the ledger is busy or can't be reached: the leases stay, and are tried again
        for report in reports:
            self._leases.pop(report.lease, None)
            if not report.healed:
                self._leases[report.lease] = self._later(leases, report)
            self._record(report)

    def _later(self, leases: list[Lease], report: HealReport) -> Lease:
        # Tried again soon, not at once, while the owner is there.
        lease = next(lease for lease in leases if lease.id == report.lease)
        passed_s = (time.monotonic_ns() - lease.granted_ns) / 1e9
        return msgspec.structs.replace(lease, limit_s=max(lease.limit_s, passed_s + _RETRY_S))

    def _started(self, lease: Lease, undo: StartService, pid: int) -> None:
        """A service that was started from here must not outlive its owner either."""
        seen = look(pid)
        if seen is None:
            return
        ends = SignalProcess(pid, seen.create_time, "SIGKILL", undo.service)
        now_ns = time.monotonic_ns()
        started = Lease(
            f"{now_ns:020d}-{os.getpid()}-started",
            f"{undo.service} started by the guardian",
            lease.owner,
            now_ns,
            1e9,
            (ends,),
        )
        self._ledger.put(started)
        self._leases[started.id] = started

    def _record(self, report: HealReport) -> None:
        self._tell(Reported(report))
        try:
            with self._story.open("ab") as file:
                file.write(msgspec.json.encode(report) + b"\n")
        except OSError:
            return  # a full disk must not stop the healing

    def _tell(self, message: Held | Reported) -> None:
        try:
            send(self._sock, message)
        except OSError:
            return  # the owner is gone: seen by the loop
