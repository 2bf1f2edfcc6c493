"""What faults may do to hosts where a platform has no hosts of its own: nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

from harness.model.errors import EnvironmentUnfit

WHY: Final = "services that share this machine share its power and its disks, so nothing can be done to those of one alone"
NEXT_STEP: Final = "the platform `sim` gives each service a host of its own (--platform sim)"


class NoHosts:
    """Refuses everything (`harness.faults.contract.Hosts`)."""

    def lose_power(self, services: Sequence[str]) -> NoReturn:
        self._refuse()

    def slow_disks(self, services: Sequence[str], *, latency_ms: float, jitter_ms: float = 0.0) -> NoReturn:
        self._refuse()

    def fill_disks(self, services: Sequence[str], *, restart: bool) -> NoReturn:
        self._refuse()

    def deceive(self, services: Sequence[str]) -> NoReturn:
        self._refuse()

    def wipe(self, services: Sequence[str]) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise EnvironmentUnfit(WHY, next_step=NEXT_STEP)
