"""Asks one entry point, in virtual time, what the venue tells its clients about their accounts."""

from __future__ import annotations

from typing import Final

from harness.model.replica import AccountReport
from harness.stack.simulation import Ears, Machine, Simulation, TellsAccounts, Wire

CONNECT_NS: Final = 1_000_000_000


class AccountReader:
    """One connection and all questions on it; `reports` once it is `over`, or `problem`."""

    def __init__(self, machine: Machine, simulation: Simulation, address: str) -> None:
        self.over = False
        self.problem = ""
        self.reports: list[AccountReport] = []
        self._simulation = simulation
        self._answered: list[object] = []
        self._open: dict[int, object | None] = {}
        ears = Ears(on_message=self._hear, on_up=self._ask, on_down=lambda _, why: self._fail(why))
        if isinstance(simulation, TellsAccounts):
            machine.connect(address, ears, within_ns=CONNECT_NS, on_failed=self._fail)
        else:
            self._fail("the simulation doesn't tell accounts (TellsAccounts)")

    def _ask(self, wire: Wire) -> None:
        simulation = self._simulation
        assert isinstance(simulation, TellsAccounts)
        requests = simulation.account_requests(self._answered)
        if not requests:
            self.reports = simulation.account_reports(self._answered)
            self.over = True
            wire.close("all is known")
            return
        self._open = dict.fromkeys(range(1, len(requests) + 1))
        for number, request in enumerate(requests, 1):
            wire.send(simulation.numbered(request, number))

    def _hear(self, wire: Wire, message: object) -> None:
        number, answer = self._simulation.answered(message)
        self._open[number] = answer
        if all(answer is not None for answer in self._open.values()):
            self._answered += list(self._open.values())
            self._ask(wire)

    def _fail(self, why: str) -> None:
        if not self.over:
            self.over = True
            self.problem = why
