"""What a stack in virtual time holds at the end of a run, read into the run's folder as on any other platform."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from harness.history.folder import RunFolder, file_name
from harness.load.virtual_accounts import AccountReader
from harness.model.instrument import Instrument
from harness.model.replica import ReplicaDump
from harness.observe.files import accounts_path, instruments_path, replica_path
from harness.platforms.sim.world import World
from harness.stack.description import CLIENTS
from harness.stack.simulation import HoldsReplica, KeepsFiles, Simulation

SETTLE_NS: Final = 10_000_000_000
LOOK_NS: Final = 137_000_000  # in no step with anything that a stack does at round intervals
READINGS: Final = 2


class VirtualCollection:
    """Reads replicas, accounts and the market; `missing` says what could not be read, and why."""

    def __init__(self, world: World, simulation: Simulation, folder: Path) -> None:
        self.replicas = 0
        self.accounts = 0
        self.missing: list[str] = []
        self._world = world
        self._simulation = simulation
        self._folder = folder
        self._dumps: dict[str, ReplicaDump] = {}

    def read(self, market: Sequence[Instrument]) -> None:
        """Read everything, once replicas are equally far; `market` is what can be traded."""
        self._read_replicas()
        self._read_accounts()
        instruments_path(self._folder).write_bytes(msgspec.json.encode(market))

    def _read_replicas(self) -> None:
        agenda = self._world.agenda
        if not agenda.wait_for(self._equal, within_ns=SETTLE_NS, every_ns=LOOK_NS):
            self.missing.append("a common log: replicas were not equally far within 10 s")
        for reading in range(1, READINGS + 1):
            if reading > 1:
                agenda.run_until(agenda.now_ns + LOOK_NS)
                self._look()
            for service, dump in sorted(self._dumps.items()):
                replica_path(self._folder, service, reading).write_bytes(msgspec.json.encode(dump))
                self.replicas += 1

    def _equal(self) -> bool:
        self._look()
        whole = len(self._dumps) == len(self._world.stack.by_role("engine"))
        return whole and len({dump.applied_index for dump in self._dumps.values()}) == 1

    def _look(self) -> None:
        self._dumps = {
            name: msgspec.structs.replace(service.replica(), read_mono_ns=self._world.agenda.now_ns)
            for name, service in self._world.running()
            if isinstance(service, HoldsReplica)
        }

    def _read_accounts(self) -> None:
        for entry in self._world.stack.entry_points:
            address = f"{entry.service}:{entry.port}"
            reader = AccountReader(self._world.machines[CLIENTS], self._simulation, address)
            over = self._world.agenda.wait_for(lambda reader=reader: reader.over, within_ns=SETTLE_NS)  # type: ignore[misc]
            if not over or reader.problem:
                self.missing.append(f"accounts through {entry.service}: {reader.problem or 'no answer'}")
            reports = [msgspec.structs.replace(each, through=entry.service) for each in reader.reports]
            accounts_path(self._folder, entry.service).write_bytes(msgspec.json.encode(reports))
            self.accounts += len(reports)


def keep_files(world: World, folder: RunFolder) -> None:
    """Put what services leave in their volumes where the process platform has it; raises `OSError`."""
    for name, service in world.services.items():
        volumes = [mount for mount in world.stack.service(name).mounts if mount.kind == "volume"]
        if not isinstance(service, KeepsFiles) or not volumes:
            continue
        directory = folder.volume(volumes[0].source)
        directory.mkdir(parents=True, exist_ok=True)
        for file, content in service.files().items():
            (directory / file_name(file)).write_bytes(content)
