"""The roster: who is believed at first contact, and nobody after."""

from __future__ import annotations

from pathlib import Path

import pytest
from signers import SIGNERS

from trading_stack.keys import Signer
from trading_stack.roster import FILE, Roster, Standing, introduction_bytes
from trading_stack.settings import SettingsError

NAMES = ("alpha", "bravo")
LINE = b"this connection"


def introduce(roster: Roster, name: str, signer: Signer, *, connection: bytes = LINE) -> Standing:
    proof = signer.sign(introduction_bytes(name, connection))
    return roster.introduce(name, signer.public, proof=proof, connection=LINE)


def test_the_first_key_under_a_name_is_pinned_and_no_other_after_it(tmp_path: Path) -> None:
    roster = Roster(tmp_path, NAMES)
    assert introduce(roster, "alpha", SIGNERS["alpha"]) is Standing.PINNED
    assert introduce(roster, "alpha", SIGNERS["alpha"]) is Standing.KNOWN
    assert introduce(roster, "alpha", SIGNERS["bravo"]) is Standing.REFUSED
    assert introduce(roster, "bravo", SIGNERS["bravo"]) is Standing.PINNED


def test_what_was_pinned_is_remembered_by_the_next_life(tmp_path: Path) -> None:
    introduce(Roster(tmp_path, NAMES), "alpha", SIGNERS["alpha"])
    again = Roster(tmp_path, NAMES)
    assert again.verify("alpha", b"m", SIGNERS["alpha"].sign(b"m"))
    assert introduce(again, "alpha", SIGNERS["charlie"]) is Standing.REFUSED


def test_a_name_that_is_none_and_a_key_that_is_not_held_are_refused(tmp_path: Path) -> None:
    roster = Roster(tmp_path, NAMES)
    assert introduce(roster, "charlie", SIGNERS["charlie"]) is Standing.REFUSED
    recorded = introduce(roster, "alpha", SIGNERS["alpha"], connection=b"an earlier connection")
    assert recorded is Standing.REFUSED
    assert not (tmp_path / FILE).exists()


def test_nobody_signs_for_another_or_before_being_known(tmp_path: Path) -> None:
    roster = Roster(tmp_path, NAMES)
    signature = SIGNERS["alpha"].sign(b"m")
    assert not roster.verify("alpha", b"m", signature)
    introduce(roster, "alpha", SIGNERS["alpha"])
    introduce(roster, "bravo", SIGNERS["bravo"])
    assert roster.verify("alpha", b"m", signature)
    assert not roster.verify("bravo", b"m", signature)
    assert not roster.verify("alpha", b"another", signature)
    assert not roster.verify("mallory", b"m", signature)


def test_a_key_that_could_not_be_kept_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster = Roster(tmp_path, NAMES)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("trading_stack.roster.write_file", fail)
        with pytest.raises(OSError, match="No space"):
            introduce(roster, "alpha", SIGNERS["alpha"])
    assert not roster.verify("alpha", b"m", SIGNERS["alpha"].sign(b"m"))


def test_a_key_is_replaced_on_an_administrators_word(tmp_path: Path) -> None:
    roster = Roster(tmp_path, NAMES)
    introduce(roster, "alpha", SIGNERS["alpha"])
    roster.replace("alpha", SIGNERS["charlie"].public)
    for life in (roster, Roster(tmp_path, NAMES)):
        assert introduce(life, "alpha", SIGNERS["alpha"]) is Standing.REFUSED
        assert introduce(life, "alpha", SIGNERS["charlie"]) is Standing.KNOWN
    assert roster.objection("alpha") is None
    assert "there are alpha, bravo" in (roster.objection("mallory") or "")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"alpha": "xyz"}'])
def test_a_roster_that_can_not_be_read_is_never_taken_for_an_empty_one(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(SettingsError, match=FILE):
        Roster(tmp_path, NAMES)
