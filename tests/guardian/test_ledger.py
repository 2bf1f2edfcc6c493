from __future__ import annotations

import os
from pathlib import Path

import pytest
from guardian_support import OWNER, lease

from harness.guardian.ledger import Ledger, LedgerBusy
from harness.model.undo import RemoveToxics, SignalProcess

UNDOS = (RemoveToxics("127.0.0.1:1", (("a--b", "cut"),)), SignalProcess(7, 1.5, "SIGCONT", "engine"))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_gives_back_what_was_put(ledger: Ledger) -> None:
    ledger.put(lease("one", *UNDOS))
    assert ledger.read().leases == (lease("one", *UNDOS),)


def test_a_newer_revision_takes_the_place_of_the_older(ledger: Ledger) -> None:
    first = lease("one", UNDOS[0])
    ledger.put(first)
    ledger.put(first.extended(UNDOS[1:]))
    assert [one.revision for one in ledger.read().leases] == [1]


def test_an_empty_ledger_holds_nothing(ledger: Ledger) -> None:
    assert not ledger.read().leases


def test_dropping_twice_does_no_harm(ledger: Ledger) -> None:
    ledger.put(lease("one"))
    ledger.drop("one")
    ledger.drop("one")
    assert not ledger.read().leases


def test_a_file_cut_at_any_byte_is_told_and_never_guessed_at(ledger: Ledger) -> None:
    ledger.put(lease("whole", *UNDOS))
    path = ledger.folder / "whole.json"
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        page = ledger.read()
        assert (page.leases, page.damaged) == ((), (path,)), f"cut after {length} bytes"


def test_a_write_that_breaks_off_leaves_the_older_revision(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = lease("one", UNDOS[0])
    ledger.put(first)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        ledger.put(first.extended(UNDOS[1:]))
    assert ledger.read().leases == (first,)
    assert list(ledger.folder.iterdir()) == [ledger.folder / "one.json"]


def test_what_a_crash_left_half_written_is_swept_away(ledger: Ledger) -> None:
    ledger.put(lease("one"))
    dead, alive = ledger.folder / "a.999999999.tmp", ledger.folder / f"b.{os.getpid()}.tmp"
    dead.touch()
    alive.touch()
    ledger.sweep()
    assert (dead.exists(), alive.exists()) == (False, True)


def test_an_owner_is_silent_for_as_long_as_it_gave_no_sign(ledger: Ledger) -> None:
    assert ledger.silent_s(OWNER) == float("inf")
    ledger.beat(OWNER)
    assert ledger.silent_s(OWNER) < 5
    ledger.forget_owner(OWNER)
    assert ledger.silent_s(OWNER) == float("inf")


def test_only_one_heals_at_a_time(ledger: Ledger) -> None:
    with ledger.healing(), pytest.raises(LedgerBusy), ledger.healing(wait_s=0):
        pass
    with ledger.healing(wait_s=0):
        pass
