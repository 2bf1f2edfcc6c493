"""Which engine speaks on a connection: whoever shows the key that is shown at that engine's own address, too."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from signers import SIGNERS

from trading_stack.engine.peers import PREFIX, ROSTER_FILE, Peers
from trading_stack.keys import Signer
from trading_stack.roster import Roster
from trading_stack.sentinel.introductions import introduction
from trading_stack.sentinel.messages import Introduction
from trading_stack.wire import Connection, Counters

BRAVO = SIGNERS["bravo"]
OTHER = Signer(Ed25519PrivateKey.generate())
DIALLED = b"alpha dialled bravo"


@dataclass(eq=False)
class Line:
    """A connection that somebody dialled."""

    peer: str = "engine-bravo"
    binding: bytes = b"bravo dialled alpha"
    closed: list[str] = field(default_factory=list)

    def close(self, why: str) -> None:
        self.closed.append(why)


class Alpha:
    """The judge, and what it told."""

    def __init__(self, directory: Path) -> None:
        self.told: list[str] = []
        self.counters = Counters()
        roster = Roster(directory, ("bravo", "charlie"), file=ROSTER_FILE)
        self.peers = Peers("alpha", SIGNERS["alpha"], roster, self.counters, tell=self._tell)

    def _tell(self, kind: str, **_: Any) -> None:
        self.told.append(kind)

    def dials(self, signer: Signer, *, peer: str = "bravo") -> None:
        """Whoever answers at the peer's address shows this key."""
        shown = introduction(signer, PREFIX + peer, DIALLED)
        self.peers.answered(peer, shown, connection=DIALLED)

    def dialled(self, signer: Signer, **of_the_line: Any) -> Line:
        """Somebody dials, and shows this key."""
        line = Line(**of_the_line)
        self.hear(line, introduction(signer, line.peer, line.binding))
        return line

    def hear(self, line: Line, message: Introduction) -> None:
        self.peers.hear(cast("Connection", line), message)

    def heard_as(self, line: Line) -> str | None:
        return self.peers.engine(cast("Connection", line))

    def left(self, line: Line) -> None:
        self.peers.left(cast("Connection", line))


@pytest.fixture
def alpha(tmp_path: Path) -> Alpha:
    return Alpha(tmp_path)


def test_an_engine_is_heard_that_shows_the_key_of_its_own_address(alpha: Alpha) -> None:
    alpha.dials(BRAVO)
    line = alpha.dialled(BRAVO)
    assert alpha.heard_as(line) == "bravo"
    assert alpha.peers.connected("bravo")
    assert not alpha.peers.connected("charlie")
    assert not alpha.peers.connected(None)
    alpha.left(line)
    assert not alpha.peers.connected("bravo")


def test_a_first_contact_that_dials_is_not_believed(alpha: Alpha) -> None:
    line = alpha.dialled(OTHER)
    assert alpha.heard_as(line) is None
    alpha.dials(BRAVO)
    assert alpha.heard_as(line) is None
    assert alpha.heard_as(alpha.dialled(BRAVO)) == "bravo"
    assert line.closed == []


def test_who_came_too_early_is_asked_to_come_again(alpha: Alpha) -> None:
    early = alpha.dialled(BRAVO)
    alpha.dials(BRAVO)
    assert len(early.closed) == 1
    assert alpha.told == ["key_pinned"]


def test_a_pinned_key_outlives_the_engine_that_pinned_it(alpha: Alpha, tmp_path: Path) -> None:
    alpha.dials(BRAVO)
    again = Alpha(tmp_path)
    assert again.heard_as(again.dialled(BRAVO)) == "bravo"
    assert again.heard_as(again.dialled(OTHER)) is None
    assert again.told == ["key_refused"]


def test_a_wiped_engine_comes_back_with_another_key_at_its_address(alpha: Alpha) -> None:
    alpha.dials(BRAVO)
    alpha.left(alpha.dialled(BRAVO))
    alpha.peers.lost("bravo")
    early = alpha.dialled(OTHER)
    alpha.dials(OTHER)
    assert len(early.closed) == 1
    assert alpha.heard_as(alpha.dialled(OTHER)) == "bravo"
    assert alpha.heard_as(alpha.dialled(BRAVO)) is None


def test_nobody_takes_the_place_of_one_that_is_connected(alpha: Alpha) -> None:
    alpha.dials(BRAVO)
    line = alpha.dialled(BRAVO)
    alpha.dials(OTHER)
    thief = alpha.dialled(OTHER)
    assert alpha.heard_as(thief) is None
    assert alpha.heard_as(line) == "bravo"
    alpha.left(line)
    assert thief.closed, "its address is what remains of it"


def test_a_key_that_was_shown_at_an_address_counts_while_it_is_answered_there(alpha: Alpha) -> None:
    alpha.dials(BRAVO)
    line = alpha.dialled(BRAVO)
    alpha.dials(OTHER)
    alpha.peers.lost("bravo")
    alpha.left(line)
    assert alpha.heard_as(alpha.dialled(OTHER)) is None


@pytest.mark.parametrize(
    ("name", "binding"),
    [("engine-bravo", b"another connection"), ("engine-charlie", Line.binding), ("bravo", Line.binding)],
)
def test_a_proof_for_another_connection_or_name_costs_the_connection(
    alpha: Alpha, name: str, binding: bytes
) -> None:
    alpha.dials(BRAVO)
    line = Line()
    alpha.hear(line, introduction(BRAVO, name, binding))
    assert alpha.heard_as(line) is None
    assert len(line.closed) == 1
    assert alpha.counters.values == {"introductions_refused": 1}


def test_an_engine_that_there_is_none_of_is_refused(alpha: Alpha) -> None:
    assert len(alpha.dialled(OTHER, peer="engine-mallory").closed) == 1
    assert len(alpha.dialled(SIGNERS["alpha"], peer="engine-alpha").closed) == 1


def test_a_recorded_answer_shows_nothing_at_an_address(alpha: Alpha) -> None:
    recorded = introduction(BRAVO, "engine-bravo", b"an earlier connection")
    alpha.peers.answered("bravo", recorded, connection=DIALLED)
    assert alpha.heard_as(alpha.dialled(BRAVO)) is None


def test_a_key_that_can_not_be_pinned_is_not_heard(alpha: Alpha, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("trading_stack.roster.write_file", fail)
        alpha.dials(BRAVO)
        assert alpha.heard_as(alpha.dialled(BRAVO)) is None
    assert alpha.heard_as(alpha.dialled(BRAVO)) == "bravo"
