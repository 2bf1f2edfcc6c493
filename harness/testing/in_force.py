"""One fault that a Python test injected: a context that heals when it is left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType

from harness.engine.process_bench import ProcessBench
from harness.faults.contract import Fault, Move
from harness.model.errors import HealFailed, UsageError

READY_AGAIN_S = 20.0


class FaultInForce:
    """One fault that a test injected. Leaving the `with` block heals it at once, unless it was healed before."""

    def __init__(
        self,
        bench: ProcessBench,
        fault_id: str,
        fault: Fault,
        *,
        lasts_s: float | None,
        lock: threading.RLock,
    ) -> None:
        self.id = fault_id
        self._bench = bench
        self._fault = fault
        self._lasts_s = lasts_s
        self._lock = lock
        self._healed = threading.Event()
        self._timer: threading.Timer | None = None
        self._movers: list[threading.Timer] = []
        self._problem: BaseException | None = None

    def __enter__(self) -> FaultInForce:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.heal()

    def wait_until_healed(self) -> None:
        """Wait until the fault's time is over and it was healed and read back.

        Raises `UsageError` for a fault without `lasts_s`, and `HealFailed` when it is not healed soon after its time.
        """
        if self._lasts_s is None:
            raise UsageError(
                f"the fault {self.id} has no end to wait for", next_step="give `lasts_s=`, or call heal()"
            )
        if not self._healed.wait(self._lasts_s + READY_AGAIN_S):
            raise HealFailed(
                f"the fault {self.id} was not healed {READY_AGAIN_S:g} s after its time",
                next_step="harness heal",
            )
        self._raise()

    def heal(self) -> None:
        """Heal now. Safe to call twice. Raises `HealFailed`."""
        self.let_go()
        self._heal()
        self._raise()

    def let_go(self) -> None:
        """Do nothing more by itself: whoever takes the stack down, or freezes its history, heals."""
        for timer in (self._timer, *self._movers):
            if timer is not None:
                timer.cancel()

    def begin(self) -> None:
        """Inject it, and let the time run after which it heals by itself; called once, by `Chaos`."""
        with self._lock:
            moves = self._bench.inject(self.id, self._fault)
        for move in moves:
            self._movers.append(_after(move.after_s, partial(self._move, move)))
        if self._fault.instant:
            self._healed.set()
        elif self._lasts_s is not None:
            self._timer = _after(self._lasts_s, self._heal)

    def _move(self, move: Move) -> None:
        with self._lock:
            self._bench.nemesis.move(self.id, move)

    def _heal(self) -> None:
        with self._lock:
            if self._healed.is_set():
                return
            try:
                self._bench.heal(self.id)
            except Exception as error:  # told by whoever waits: this may run on a timer's thread
                self._problem = error
            self._healed.set()

    def _raise(self) -> None:
        if self._problem is not None:
            raise self._problem


def _after(delay_s: float, act: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(delay_s, act)
    timer.daemon = True
    timer.start()
    return timer
