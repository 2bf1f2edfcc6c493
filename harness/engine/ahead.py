"""What is done for a fault before its moment: the decision, and its undo on the disk and with the guardian.

Then only the change itself is left to make at the moment. A promise that no longer holds (somebody else leads, another
fault began or ended since) is dropped, and all is done anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.faults.contract import Fault, Hands, Strike
from harness.faults.scene import Scene
from harness.model.errors import HarnessError
from harness.platforms.contract import Leases


@dataclass(frozen=True, slots=True)
class Secured:
    """A fault that was decided. Its undo is on the disk; `lease` is None where nothing can be undone."""

    strike: Strike
    lease: str | None


@dataclass(frozen=True, slots=True)
class _Promise:
    """A fault that was secured, and all that it was decided from."""

    secured: Secured
    basis: tuple[object, ...]


class Ahead:
    """Secures faults, at their moment or ahead of it. Called from one thread."""

    def __init__(self, *, hands: Hands, leases: Leases, limit_s: float) -> None:
        self._hands = hands
        self._leases = leases
        self._limit_s = limit_s
        self._promises: dict[str, _Promise] = {}
        self._refused: dict[str, HarnessError] = {}

    def prepare(self, fault_id: str, fault: Fault, scene: Scene, *, changed_ns: int | None) -> None:
        """Secure a fault that is due soon; `changed_ns` is the last change so far.

        What can't be decided yet may be at its moment. An undo that nobody takes is not offered again: to wait for that a
        second time would make the fault late. `take` tells it.
        """
        basis = _basis(scene, changed_ns)
        try:
            strike = fault.strike(scene, self._hands)
        except HarnessError:
            return
        try:
            self._promises[fault_id] = _Promise(self._secured(fault_id, strike), basis)
        except HarnessError as error:
            self._refused[fault_id] = error

    def take(self, fault_id: str, fault: Fault, scene: Scene, *, changed_ns: int | None) -> Secured:
        """What was prepared, if it still holds; else secured now. Raises `HarnessError`: then nothing may be broken."""
        if (refused := self._refused.pop(fault_id, None)) is not None:
            raise refused
        promise = self._promises.pop(fault_id, None)
        if promise is not None:
            if promise.basis == _basis(scene, changed_ns):
                return promise.secured
            self._drop(promise)
        return self._secured(fault_id, fault.strike(scene, self._hands))

    def drop_all(self) -> list[str]:
        """Give back what was prepared for faults that will not come; answers what could not be given back, and why."""
        failures = []
        while self._promises:
            fault_id, promise = self._promises.popitem()
            try:
                self._drop(promise)
            except (HarnessError, OSError) as error:
                failures.append(f"{fault_id} (prepared): {error}")
        return failures

    def _drop(self, promise: _Promise) -> None:
        if promise.secured.lease is not None:
            self._leases.release(promise.secured.lease)

    def _secured(self, fault_id: str, strike: Strike) -> Secured:
        undos = tuple(undo for change in strike.changes for undo in change.undo)
        lease = self._leases.grant(f"fault {fault_id}", undos, limit_s=self._limit_s) if undos else None
        return Secured(strike, lease)


def _basis(scene: Scene, changed_ns: int | None) -> tuple[object, ...]:
    """All that a decision comes from: who leads, what would be drawn, and what was changed before."""
    return (scene.primary, scene.candidate, scene.epoch, scene.random.getstate(), changed_ns)
