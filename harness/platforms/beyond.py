"""What can't be done to local processes and the streams between them, why, and where it can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, NoReturn

from harness.model.errors import EnvironmentUnfit


class Limit(NamedTuple):
    """Why something is impossible here, and what would make it possible."""

    why: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.why}; {self.next_step}"

    def refuse(self) -> NoReturn:
        raise EnvironmentUnfit(self.why, next_step=self.next_step)


ONE_HOST: Final = Limit(
    "services that share this machine share its power, disks and clock, so nothing can be done to those of one alone",
    "the platform `sim` gives each service a host of its own (--platform sim)",
)
WHOLE_STREAMS: Final = Limit(
    "the fault proxy carries streams, whose losses the system mends before anybody sees them",
    "`latency` with `shape: spikes` imitates what losses do to a stream; the platform `sim` has them (--platform sim)",
)


class NoHosts:
    """Refuses everything (`harness.faults.contract.Hosts`)."""

    def lose_power(self, services: Sequence[str]) -> NoReturn:
        ONE_HOST.refuse()

    def slow_disks(self, services: Sequence[str], *, latency_ms: float, jitter_ms: float = 0.0) -> NoReturn:
        ONE_HOST.refuse()

    def fill_disks(self, services: Sequence[str], *, restart: bool) -> NoReturn:
        ONE_HOST.refuse()

    def deceive(self, services: Sequence[str]) -> NoReturn:
        ONE_HOST.refuse()

    def wipe(self, services: Sequence[str]) -> NoReturn:
        ONE_HOST.refuse()

    def drift_clocks(self, services: Sequence[str], *, gains_ms: float) -> NoReturn:
        ONE_HOST.refuse()
