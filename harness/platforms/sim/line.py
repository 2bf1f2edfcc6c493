"""A connection that is kept: dialled, and dialled again whenever it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.stack.simulation import Ears, Redial, Wire

if TYPE_CHECKING:
    from harness.platforms.sim.machine import SimMachine


class KeptLine:
    """`harness.stack.simulation.Line`; begins to dial when it is made."""

    def __init__(
        self,
        machine: SimMachine,
        address: str,
        ears: Ears,
        *,
        redial: Redial,
        on_failed: Callable[[str], None],
    ) -> None:
        self._machine = machine
        self._address = address
        self._ears = ears
        self._redial = redial
        self._on_failed = on_failed
        self._wire: Wire | None = None
        self._rose_ns = 0
        self._wait_ns = 0
        machine.later(0, self._dial)

    @property
    def up(self) -> bool:
        return self._wire is not None

    def send(self, message: object) -> bool:
        if self._wire is None:
            return False
        self._wire.send(message)
        return True

    def drop(self, why: str) -> None:
        if self._wire is not None:
            self._wire.close(why)

    def _dial(self) -> None:
        ears = Ears(on_message=self._ears.on_message, on_up=self._risen, on_down=self._fallen)
        self._machine.connect(
            self._address, ears, within_ns=self._redial.hello_within_ns, on_failed=self._failed
        )

    def _risen(self, wire: Wire) -> None:
        self._wire = wire
        self._rose_ns = self._machine.now_ns()
        self._ears.on_up(wire)

    def _fallen(self, wire: Wire, why: str) -> None:
        if wire is not self._wire:
            return
        self._wire = None
        self._ears.on_down(wire, why)
        self._again(lasted=self._machine.now_ns() - self._rose_ns > self._redial.lasting_ns)

    def _failed(self, why: str) -> None:
        self._on_failed(why)
        self._again(lasted=False)

    def _again(self, *, lasted: bool) -> None:
        redial = self._redial
        self._wait_ns = 0 if lasted else min(max(self._wait_ns * 2, redial.first_ns), redial.most_ns)
        self._machine.later(self._wait_ns, self._dial)
