from __future__ import annotations

import os
from pathlib import Path

import pytest
from guardian_support import OWNER, lease

from harness.guardian import recovery
from harness.guardian.identity import Owner, boot_id, look, myself
from harness.guardian.ledger import Ledger, LedgerBusy
from harness.guardian.recovery import (
    heal_all,
    heal_orphans,
    living_owners,
    orphans,
    pending_leases,
    story,
)
from harness.model.errors import HealFailed
from harness.model.undo import RemoveToxics

DEAD = Owner(boot_id(), 999_999_999, 1.0)


def parent() -> Owner:
    """An owner that lives, and is not this process."""
    seen = look(os.getppid())
    assert seen is not None
    return Owner(boot_id(), os.getppid(), seen.create_time)


def put(state: Path, name: str, owner: Owner) -> None:
    Ledger(state).put(lease(name, owner=owner))


def test_the_leases_of_the_dead_and_of_another_boot_are_healed(tmp_path: Path) -> None:
    put(tmp_path, "dead", DEAD)
    put(tmp_path, "earlier", OWNER)
    assert {report.name for report in heal_orphans(state=tmp_path)} == {"dead", "earlier"}
    assert not pending_leases(state=tmp_path).leases


def test_what_a_living_owner_holds_is_left_alone(tmp_path: Path) -> None:
    put(tmp_path, "living", parent())
    Ledger(tmp_path).beat(parent())
    assert heal_orphans(state=tmp_path) == []
    assert [one.name for one in pending_leases(state=tmp_path).leases] == ["living"]


def test_an_owner_that_stays_silent_is_healed(tmp_path: Path) -> None:
    put(tmp_path, "stuck", parent())
    waited: list[float] = []
    assert [report.name for report in heal_orphans(state=tmp_path, sleep=waited.append)] == ["stuck"]
    assert waited == [2.0]


def test_an_owner_that_speaks_up_after_a_sleep_is_left_alone(tmp_path: Path) -> None:
    put(tmp_path, "asleep", parent())
    assert heal_orphans(state=tmp_path, sleep=lambda _: Ledger(tmp_path).beat(parent())) == []


def test_reading_changes_nothing(tmp_path: Path) -> None:
    put(tmp_path, "dead", DEAD)
    assert [one.name for one in orphans(state=tmp_path)] == ["dead"]
    assert [one.name for one in pending_leases(state=tmp_path).leases] == ["dead"]


def test_on_request_everything_is_healed_but_ones_own(tmp_path: Path) -> None:
    for name, owner in (("mine", myself()), ("living", parent()), ("dead", DEAD)):
        put(tmp_path, name, owner)
    assert {report.name for report in heal_all(state=tmp_path)} == {"living", "dead"}


def test_runs_under_way_can_be_left_alone(tmp_path: Path) -> None:
    for name, owner in (("living", parent()), ("dead", DEAD)):
        put(tmp_path, name, owner)
    Ledger(tmp_path).beat(parent())
    assert living_owners(state=tmp_path) == {parent().pid: 1}
    assert {report.name for report in heal_all(state=tmp_path, living=False)} == {"dead"}


def test_a_lease_that_can_not_be_read_is_told_once(tmp_path: Path) -> None:
    put(tmp_path, "cut", DEAD)
    path = tmp_path / "ledger" / "cut.json"
    path.write_bytes(path.read_bytes()[:-5])
    (report,) = heal_all(state=tmp_path)
    assert not report.healed
    assert "unknown" in str(report)
    assert heal_all(state=tmp_path) == []


def test_the_story_leaves_out_a_line_that_was_cut(tmp_path: Path) -> None:
    assert story(state=tmp_path) == []
    (tmp_path / "healed.ndjson").write_text('{"lease": "x"\n')
    assert story(state=tmp_path) == []


def test_identity_needs_more_than_a_process_id() -> None:
    me = myself()
    assert me.alive()
    assert not Owner(me.boot_id, me.pid, me.create_time - 60).alive()
    assert not Owner("another boot", me.pid, me.create_time).alive()
    assert look(999_999_999) is None


def test_psutil_and_the_kernel_agree_on_when_a_process_started() -> None:
    psutil = pytest.importorskip("psutil")
    assert myself().create_time == pytest.approx(psutil.Process().create_time(), abs=1.1)


def test_what_can_not_be_healed_is_an_error_for_whoever_is_about_to_change_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.guardian.heal.READ_BACK_WITHIN_S", 0.1)
    stubborn = lease("stuck", RemoveToxics("127.0.0.1:no-port", (("a", "b"),)), owner=DEAD)
    Ledger(tmp_path).put(stubborn)
    with pytest.raises(HealFailed, match="stuck"):
        heal_orphans(state=tmp_path)
    assert [one.name for one in pending_leases(state=tmp_path).leases] == ["stuck"]


def test_somebody_else_who_heals_for_too_long_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise LedgerBusy("another process is healing")

    monkeypatch.setattr(recovery, "heal", busy)
    put(tmp_path, "dead", DEAD)
    with pytest.raises(HealFailed, match="another process is healing"):
        heal_orphans(state=tmp_path)
