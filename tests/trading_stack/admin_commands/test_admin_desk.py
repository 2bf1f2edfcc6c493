"""The desk: what is accepted, what is refused and why, and that each is written down before anything is done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trading_stack.admin import Response
from trading_stack.admin_commands import desk as desk_module
from trading_stack.admin_commands.audit import FILE, lines
from trading_stack.admin_commands.command import Command, Signed, sign
from trading_stack.admin_commands.desk import Action, Desk
from trading_stack.keys import Signer

ALICE, MALLORY = (Signer(Ed25519PrivateKey.generate()) for _ in range(2))
ENVIRON = {"ADMINISTRATORS": f"alice={ALICE.public.hex()}"}


class Office:
    """A service with one action, `move`, and what was done."""

    def __init__(self, directory: Path, environ: Mapping[str, str] = ENVIRON) -> None:
        self.directory = directory
        self.epoch = 4
        self.done: list[dict[str, str]] = []
        self.lines_when_done: list[int] = []
        self.objection: str | None = None
        action = Action(lambda _: self.objection, self._perform)
        self.desk = Desk(
            "sentinel-alpha", directory, environ, epoch=lambda: self.epoch, actions={"move": action}
        )

    def _perform(self, arguments: Mapping[str, str]) -> None:
        self.done.append(dict(arguments))
        self.lines_when_done.append(len(self.records()))

    def records(self) -> list[dict[str, object]]:
        path = self.directory / FILE
        return [json.loads(bytes(line.record)) for line in lines(path)] if path.exists() else []

    def challenge(self) -> str:
        return str(json.loads(self.desk.challenge({}).body)["challenge"])

    def command(self, **changes: object) -> Command:
        fields: dict[str, object] = {
            "cluster": "trading",
            "administrator": "alice",
            "action": "move",
            "arguments": {"target": "bravo"},
            "reason": "maintenance",
            "challenges": {"sentinel-alpha": self.challenge()},
            **changes,
        }
        return Command(**fields)  # type: ignore[arg-type]

    def post(self, signed: Signed | bytes) -> Response:
        body = signed if isinstance(signed, bytes) else msgspec.json.encode(signed)
        return asyncio.run(self.desk.command(body))

    def ask(self, signer: Signer = ALICE, **changes: object) -> Response:
        return self.post(sign(self.command(**changes), signer))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_command_is_written_down_and_then_done(office: Office, capfd: pytest.CaptureFixture[str]) -> None:
    assert (office.ask().status, office.done) == (200, [{"target": "bravo"}])
    assert office.lines_when_done == [1], "on disk before it was acted on"
    [record] = office.records()
    assert (record["administrator"], record["reason"], record["objection"]) == ("alice", "maintenance", "")
    told = json.loads(capfd.readouterr().out)
    assert (told["event"], told["administrator"]) == ("admin_command_accepted", "alice")
    assert told["audit"] == next(lines(office.directory / FILE)).hash


def test_a_command_is_good_once(office: Office) -> None:
    signed = sign(office.command(), ALICE)
    assert office.post(signed).status == 200
    again = office.post(signed)
    assert (again.status, len(office.done)) == (403, 1)
    assert b"used before" in again.body


def test_a_command_from_an_earlier_life_is_worth_nothing(office: Office) -> None:
    signed = sign(office.command(), ALICE)
    next_life = Office(office.directory)
    assert b"since it was started" in next_life.post(signed).body
    assert next_life.done == []


REFUSED: dict[str, tuple[Callable[[Office], Response], bytes]] = {
    "forged": (lambda o: o.ask(MALLORY), b"no administrator"),
    "a stranger": (lambda o: o.ask(MALLORY, administrator="mallory"), b"no administrator"),
    "another cluster": (lambda o: o.ask(cluster="staging"), b"for the cluster 'staging'"),
    "no challenge": (lambda o: o.ask(challenges={}), b"none that this service issued"),
    "another's challenge": (
        lambda o: o.ask(challenges={"sentinel-bravo": o.challenge()}),
        b"none that this service issued",
    ),
    "no reason": (lambda o: o.ask(reason=" "), b"no reason"),
    "an unknown action": (lambda o: o.ask(action="drop"), b"there are move"),
    "rubbish": (lambda o: o.post(b"\xff"), b"no command"),
    "a rubbish signature": (
        lambda o: o.post(Signed(sign(o.command(), ALICE).command, "xyz")),
        b"no administrator",
    ),
    "a changed command": (
        lambda o: o.post(
            Signed((signed := sign(o.command(), ALICE)).command.replace("bravo", "charlie"), signed.signature)
        ),
        b"no administrator",
    ),
}


@pytest.mark.parametrize(("ask", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_command_is_told_why_and_written_down(
    office: Office,
    ask: Callable[[Office], Response],
    why: bytes,
    capfd: pytest.CaptureFixture[str],
) -> None:
    answer = ask(office)
    assert (answer.status, office.done) == (403, [])
    assert why in answer.body
    [record] = office.records()
    assert why.decode() in str(record["objection"])
    assert json.loads(capfd.readouterr().out)["event"] == "admin_command_refused"


def test_nobodys_word_is_kept_of_who_asked(office: Office) -> None:
    office.ask(MALLORY)
    [record] = office.records()
    assert record["administrator"] == "", "unproven, and so nobody's"


def test_an_action_may_object_and_uses_the_command_up(office: Office) -> None:
    office.objection = "the target is not caught up"
    signed = sign(office.command(), ALICE)
    assert b"not caught up" in office.post(signed).body
    office.objection = None
    assert b"used before" in office.post(signed).body
    assert office.done == []


def test_a_command_falls_with_its_epoch(office: Office) -> None:
    signed = sign(office.command(), ALICE)
    office.epoch = 5
    assert b"of epoch 4, and this is epoch 5" in office.post(signed).body
    assert office.done == []


def test_what_can_not_be_written_down_is_not_done(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(office.desk._audit, "append", fail)
    assert (office.ask().status, office.done) == (503, [])


def test_what_can_not_be_done_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(office, "_perform", fail)
    office.desk._actions = {"move": Action(lambda _: None, fail)}
    answer = office.ask()
    assert answer.status == 503
    assert b"accepted, but not done: No space" in answer.body


def test_strangers_fill_no_disk(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "MOST_UNPROVEN", 2)
    assert [office.ask(MALLORY).status for _ in range(5)] == [403] * 5
    assert len(office.records()) == 2
    assert office.ask().status == 200


def test_without_administrators_nothing_is_accepted_and_that_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    office = Office(tmp_path, {})
    assert "accepts no administrative commands: no administrators are set" in capfd.readouterr().out
    assert office.desk.challenge({}).status == 403
    answer = office.post(sign(_unchallenged(), ALICE))
    assert (answer.status, office.done) == (403, [])
    assert b"ADMINISTRATORS" in answer.body


def _unchallenged() -> Command:
    return Command("trading", "alice", "move", {}, "maintenance", {})


def test_a_tampered_audit_file_closes_the_desk(office: Office) -> None:
    office.ask()
    path = office.directory / FILE
    path.write_bytes(path.read_bytes().replace(b"maintenance", b"mischiefs!!"))
    again = Office(office.directory)
    answer = again.desk.challenge({})
    assert answer.status == 403
    assert b"keep it as evidence" in answer.body
