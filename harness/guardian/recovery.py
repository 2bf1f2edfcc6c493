"""Mends what a harness and its guardian have both left behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from harness.guardian.heal import heal
from harness.guardian.identity import Owner, myself
from harness.guardian.lease import Lease
from harness.guardian.leases import BEAT_S
from harness.guardian.ledger import Ledger, LedgerBusy, Page
from harness.guardian.mending import HealReport, Mended, Result
from harness.guardian.state import state_dir
from harness.model.errors import HealFailed

SILENT_AFTER_S: Final = 5.0


def pending_leases(*, state: Path | None = None) -> Page:
    """What the ledger holds, of every owner, living or dead; changes nothing."""
    return Ledger(state or state_dir()).read()


def orphans(*, state: Path | None = None, min_silence_s: float = SILENT_AFTER_S) -> tuple[Lease, ...]:
    """Leases whose owner is dead, or has given no sign of life for `min_silence_s`; changes nothing."""
    ledger = Ledger(state or state_dir())
    return tuple(lease for lease in ledger.read().leases if _orphaned(ledger, lease.owner, min_silence_s))


def heal_orphans(
    *,
    state: Path | None = None,
    min_silence_s: float = SILENT_AFTER_S,
    sleep: Callable[[float], None] = time.sleep,
) -> list[HealReport]:
    """Heal the leases whose owner is dead or silent; what a living owner holds is left alone.

    For any command that is about to change something. An owner that lives but seems silent gets two more beats: after a
    machine slept, everybody seems silent.

    Raises:
        HealFailed: Something is still broken, or somebody else is healing and did not finish in time.
    """
    ledger = Ledger(state or state_dir())
    found = orphans(state=state, min_silence_s=min_silence_s)
    if any(lease.owner.alive() for lease in found):
        sleep(2 * BEAT_S)
        found = orphans(state=state, min_silence_s=min_silence_s)
    reports = _heal(ledger, found, cause="its owner is gone")
    ledger.sweep()
    if broken := [str(report) for report in reports if not report.healed]:
        raise HealFailed("; ".join(broken), next_step="harness heal")
    return reports


def living_owners(*, state: Path | None = None) -> dict[int, int]:
    """Process ids of owners that live and beat, this one excepted, with the number of leases that each holds."""
    ledger = Ledger(state or state_dir())
    me = myself()
    held = [
        lease.owner.pid
        for lease in ledger.read().leases
        if lease.owner != me and not _orphaned(ledger, lease.owner, SILENT_AFTER_S)
    ]
    return {pid: held.count(pid) for pid in held}


def heal_all(*, state: Path | None = None, living: bool = True) -> list[HealReport]:
    """Heal every lease in the ledger on request, this process's own excepted; with `living`, also those of runs under way.

    Files that can't be read are reported as failed and set aside, so that they are told once.
    """
    ledger = Ledger(state or state_dir())
    page = ledger.read()
    me = myself()
    wanted = [
        lease
        for lease in page.leases
        if lease.owner != me and (living or _orphaned(ledger, lease.owner, SILENT_AFTER_S))
    ]
    reports = _heal(ledger, wanted, cause="asked for")
    reports += [_set_aside(path) for path in page.damaged]
    ledger.sweep()
    return reports


def story(*, state: Path | None = None, last: int = 20) -> list[HealReport]:
    """The newest things that guardians have healed, oldest first; a line that was cut is left out."""
    try:
        lines = ((state or state_dir()) / "healed.ndjson").read_bytes().splitlines()[-last:]
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=HealReport))
        except msgspec.DecodeError:
            continue
    return found


def _heal(ledger: Ledger, leases: Iterable[Lease], *, cause: str) -> list[HealReport]:
    """Owner by owner, so that the end of one stack makes nothing of another moot."""
    by_owner: dict[Owner, list[Lease]] = {}
    for lease in leases:
        by_owner.setdefault(lease.owner, []).append(lease)
    reports: list[HealReport] = []
    try:
        for owner, owned in by_owner.items():
            reports += heal(owned, ledger, cause=cause, owner_ended=not owner.alive())
    except LedgerBusy as busy:
        raise HealFailed(str(busy), next_step="try again in some seconds") from busy
    except OSError as error:
        raise HealFailed(f"the ledger in {ledger.folder} can't be used: {error}") from error
    return reports


def _orphaned(ledger: Ledger, owner: Owner, min_silence_s: float) -> bool:
    return not owner.alive() or ledger.silent_s(owner) >= min_silence_s


def _set_aside(path: Path) -> HealReport:
    aside = path.with_suffix(".damaged")
    path.replace(aside)
    told = Mended(
        path.name, Result.FAILED, f"can't be read, so what it would undo is unknown; kept as {aside}"
    )
    return HealReport(path.stem, "unreadable lease", 0, "asked for", time.time(), 0.0, (told,))
