"""What faults do to the services of a simulated world: killing and freezing; each proved by what victims did."""

from __future__ import annotations

from harness.platforms.sim.halting import Halting


class Killing(Halting):
    """Processes end at once; reverting starts them again with what their disks hold."""

    def _halt(self, service: str) -> None:
        self._world.stop(service)

    def _resume(self, service: str) -> None:
        self._world.restart(service)

    def _circumstance(self, service: str) -> str:
        return "after it was killed"


class Freezing(Halting):
    """Processes stop where they are; reverting lets them go on."""

    def _halt(self, service: str) -> None:
        self._world.hold(service)

    def _resume(self, service: str) -> None:
        self._world.release(service)

    def _circumstance(self, service: str) -> str:
        return f"while it was frozen; {self._world.machines[service].waiting} events wait for it"
