"""Carries out undos: idempotent, newest first, each read back before it counts as healed.

All orders go out before the first is read back, so that a slow one does not hold up the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final, assert_never

from harness.guardian.lease import Lease, Step, newest_first, plan
from harness.guardian.ledger import Ledger
from harness.guardian.mending import HealReport, Mended, Result
from harness.guardian.process_undo import signal_process
from harness.guardian.service_undo import start_service
from harness.guardian.toxics_undo import remove_toxics
from harness.model.undo import RemoveToxics, SignalProcess, StartService

READ_BACK_WITHIN_S: Final = 2.0

ReadBack = Callable[[float], Mended]
OnStarted = Callable[[Lease, StartService, int], None]


def heal(
    leases: Iterable[Lease],
    ledger: Ledger,
    *,
    cause: str,
    owner_ended: bool,
    on_started: OnStarted | None = None,
) -> list[HealReport]:
    """Carry out all undos of some leases, read them back, and forget the leases that were healed.

    `owner_ended` says that the stack ends, so that none of its services is started again.
    `on_started` is told the process id of each service that was started, so that it can be ended later.
    A lease that could not be healed stays in the ledger. Holds the lock of the ledger.
    """
    leases = newest_first(leases)
    began = time.monotonic()
    with ledger.healing():
        orders = [(step, _order(step, on_started)) for step in plan(leases, owner_ended=owner_ended)]
        until = began + READ_BACK_WITHIN_S
        mended = [(step.lease.id, read_back(until)) for step, read_back in orders]
        took_ms = (time.monotonic() - began) * 1000
        reports = [_report(lease, cause, took_ms, mended) for lease in leases]
        for report in reports:
            if report.healed:
                ledger.drop(report.lease)
    return reports


def _order(step: Step, on_started: OnStarted | None) -> ReadBack:
    undo = step.undo
    if step.moot:
        assert isinstance(undo, StartService)
        return _known(Mended(undo.service, Result.MOOT, "not started again, its stack has ended"))
    try:
        match undo:
            case SignalProcess():
                return signal_process(undo)
            case StartService():
                return start_service(undo, lambda pid: on_started and on_started(step.lease, undo, pid))
            case RemoveToxics():
                return remove_toxics(undo)
            case _:
                assert_never(undo)
    except OSError as error:
        return _known(Mended(_subject(undo), Result.FAILED, f"{type(error).__name__}: {error}"))


def _known(mended: Mended) -> ReadBack:
    return lambda until: mended


def _subject(undo: SignalProcess | StartService | RemoveToxics) -> str:
    match undo:
        case SignalProcess():
            return undo.service or f"process {undo.pid}"
        case StartService():
            return undo.service
        case RemoveToxics():
            return f"proxy {undo.api}"
        case _:
            assert_never(undo)


def _report(lease: Lease, cause: str, took_ms: float, mended: list[tuple[str, Mended]]) -> HealReport:
    own = tuple(one for lease_id, one in mended if lease_id == lease.id)
    return HealReport(lease.id, lease.name, lease.owner.pid, cause, time.time(), took_ms, own)
