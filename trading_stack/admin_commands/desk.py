"""Where a service takes administrators' commands: it judges each, writes it down, and only then acts."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from trading_stack import settings
from trading_stack.admin import Query, Response, Route, TakeBody, text
from trading_stack.admin_commands.audit import AuditFile, ChainBroken, Record
from trading_stack.admin_commands.challenges import NONCE_BYTES, Challenges
from trading_stack.admin_commands.command import Command, read, signed_by
from trading_stack.events import emit, log
from trading_stack.keys import parse_public

Arguments = Mapping[str, str]
ACCEPTED: Final = "accepted"
REFUSED: Final = 403
UNAVAILABLE: Final = 503
MOST_UNPROVEN: Final = 1000  # what nobody known has signed is written down so often, and then refused alone


@dataclass(frozen=True, slots=True)
class Action:
    """Something that an administrator may ask for. `objection` says why not, now; `perform` does it."""

    objection: Callable[[Arguments], str | None]
    perform: Callable[[Arguments], None]


NOTHING: Final = Command("", "", "", {}, "", {})


@dataclass(frozen=True, slots=True)
class Judged:
    """`proven`: a known administrator signed the command; otherwise `NOTHING` stands for it, as nobody's word."""

    command: Command
    objection: str
    proven: bool


class Offer(msgspec.Struct, frozen=True):
    """The answer to `GET /admin/challenge`."""

    cluster: str
    service: str
    epoch: int
    challenge: str


class Desk:
    """One service's. Without administrators, or with an audit file that was tampered with, it accepts nothing."""

    def __init__(
        self,
        service: str,
        directory: Path,
        environ: Mapping[str, str],
        *,
        epoch: Callable[[], int],
        actions: Mapping[str, Action],
    ) -> None:
        self._service = service
        self._cluster = environ.get("CLUSTER", "trading")
        self._epoch = epoch
        self._actions = actions
        self._challenges = Challenges(os.urandom(32))
        self._lock = asyncio.Lock()
        self._unproven = 0
        self._administrators = {
            name: parse_public(key, "ADMINISTRATORS")
            for name, key in settings.pairs(environ, "ADMINISTRATORS")
        }
        self._closed = "" if self._administrators else "no administrators are set (ADMINISTRATORS)"
        try:
            self._audit = AuditFile(directory)
        except ChainBroken as broken:
            self._closed = f"{broken}: keep it as evidence, and move it away"
        if self._closed:
            log(f"{service}: accepts no administrative commands: {self._closed}")

    def routes(self) -> dict[str, Route]:
        return {"/admin/challenge": self.challenge}

    def takes(self) -> dict[str, TakeBody]:
        return {"/admin/command": self.command}

    def challenge(self, _: Query) -> Response:
        """Issue a challenge for one command."""
        if self._closed:
            return text(self._closed, status=REFUSED)
        epoch = self._epoch()
        issued = self._challenges.issue(
            epoch=epoch, nonce=os.urandom(NONCE_BYTES), now_ns=time.monotonic_ns()
        )
        return Response(msgspec.json.encode(Offer(self._cluster, self._service, epoch, issued)))

    async def command(self, body: bytes) -> Response:
        """Judge a command, write down what becomes of it, and act if it is accepted."""
        if self._closed:
            return text(self._closed, status=REFUSED)
        async with self._lock:
            return await self._take(body)

    async def _take(self, body: bytes) -> Response:
        judged = self._judge(body)
        if not judged.proven:
            self._unproven += 1
            if self._unproven > MOST_UNPROVEN:  # strangers must not fill the disk
                return text(f"refused: {judged.objection}", status=REFUSED)
        try:
            line = await asyncio.to_thread(self._audit.append, self._record(judged))
        except OSError as failure:
            return text(
                f"not done: it can't be written down: {failure.strerror or failure}", status=UNAVAILABLE
            )
        self._tell(judged, line.hash)
        if judged.objection:
            return text(f"refused: {judged.objection}", status=REFUSED)
        return self._perform(judged.command)

    def _perform(self, command: Command) -> Response:
        try:
            self._actions[command.action].perform(command.arguments)
        except OSError as failure:
            return text(f"{ACCEPTED}, but not done: {failure.strerror or failure}", status=UNAVAILABLE)
        return text(ACCEPTED)

    # --- judging

    def _judge(self, body: bytes) -> Judged:
        """A genuine command has used its challenge up, whatever else is wrong with it."""
        asked = read(body)
        if asked is None:
            return Judged(NOTHING, "it is no command", proven=False)
        signed, command = asked
        public = self._administrators.get(command.administrator)
        if public is None or not signed_by(signed, public):
            return Judged(NOTHING, "no administrator that is known here signed it", proven=False)
        return Judged(command, self._objection(command) or "", proven=True)

    def _objection(self, command: Command) -> str | None:
        """Why an administrator's own command is refused, or None."""
        if command.cluster != self._cluster:
            return f"it is for the cluster {command.cluster!r}, and this is {self._cluster!r}"
        now_ns, challenge = time.monotonic_ns(), command.challenges.get(self._service, "")
        stale = self._challenges.objection(challenge, epoch=self._epoch(), now_ns=now_ns)
        if stale is not None:
            return stale
        self._challenges.use(challenge, now_ns=now_ns)
        if not command.reason.strip():
            return "it gives no reason"
        action = self._actions.get(command.action)
        if action is None:
            return f"no action {command.action!r} here; there are {', '.join(sorted(self._actions))}"
        return action.objection(command.arguments)

    # --- what is kept and told of it

    def _record(self, judged: Judged) -> Record:
        command = judged.command
        return Record(
            self._service,
            time.time_ns(),
            command.administrator,
            command.action,
            command.arguments,
            command.reason,
            command.challenges.get(self._service, ""),
            judged.objection,
        )

    def _tell(self, judged: Judged, digest: str) -> None:
        command = judged.command
        emit(
            "admin_command_refused" if judged.objection else "admin_command_accepted",
            administrator=command.administrator,
            action=command.action,
            reason=judged.objection or command.reason,
            audit=digest,
        )
