"""What a run writes down: its folder, what it was, and its journal, on the run's own clock."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from harness.engine.machine import machine_facts, versions
from harness.engine.setup import Setup
from harness.history.folder import RunFolder, create_run_folder
from harness.history.journal import JournalWriter, Observer
from harness.history.meta import RunMeta, write_meta
from harness.model import events as e

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Record:
    """The folder of one run while it goes on. Its clock begins where the record does.

    `emit` never fails, on whatever thread it is called: `refused` says why the disk took no more. From then on nothing is
    written but why the run was aborted, so that a journal with a hole in it ends there, and is known to be cut.
    """

    def __init__(
        self,
        setup: Setup,
        *,
        observers: tuple[Observer, ...] = (),
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Make the run's folder and begin its journal. Raises `OSError` when there is no room for them."""
        self._clock_ns = clock_ns
        self._over = False
        self._setup = setup
        self.origin_ns = clock_ns()
        self.refused = ""
        started = datetime.now(UTC)
        # Absolute: the processes of the stack work in the folder of its compose file, not in ours.
        self.folder = create_run_folder(setup.out.absolute(), setup.scenario.id, started=started)
        self.meta = run_meta(setup, self.folder, started)
        write_meta(self.folder, self.meta)
        self._journal = JournalWriter(self.folder.journal)
        for observer in observers:
            self._journal.subscribe(observer)

    def begin(self, *, run_id: str | None = None) -> None:
        """Tell that the run has started. Raises `OSError` when there is no room for even that."""
        setup = self._setup
        self._journal.append(
            e.RunStarted(
                at_ns=0,
                run_id=self.meta.run_id if run_id is None else run_id,
                scenario=setup.scenario.name,
                seed=setup.scenario.seed,
                platform=setup.platform.name,
                stack=setup.stack.name,
                origin_mono_ns=self.origin_ns,
                document=self.meta.document,
            )
        )

    def now(self) -> int:
        """Nanoseconds on the run's clock."""
        return self._clock_ns() - self.origin_ns

    def emit(self, event: e.Event) -> None:
        """Write one event into the journal; safe from any thread. A straggler's, after the end, is dropped."""
        if self._over or (self.refused and not isinstance(event, e.RunAborted)):
            return
        try:
            self._journal.append(event)
        except OSError as error:
            self._refuse(error)
        except ValueError:
            if not self._over:
                raise

    def sync(self) -> None:
        """Force what was written onto the disk."""
        try:
            self._journal.sync()
        except OSError as error:
            self._refuse(error)

    def close(self, *, left: tuple[str, ...]) -> None:
        """End the journal; `left` is what is still there of the stack. Safe to call twice."""
        if self._over:
            return
        self.emit(e.StackStopped(at_ns=self.now(), left=left))
        self.emit(e.RunEnded(at_ns=self.now()))
        self._over = True
        try:
            self._journal.close()
        except OSError as error:
            self._refuse(error)

    def _refuse(self, error: OSError) -> None:
        step = ": free some space, or write runs elsewhere (--out)" if error.errno in _FULL else ""
        self.refused = self.refused or f"the journal can't be written, {error.strerror or error}{step}"


def run_meta(setup: Setup, folder: RunFolder, started: datetime) -> RunMeta:
    """What is known of a run when it begins."""
    scenario, stack = setup.scenario, setup.stack
    return RunMeta(
        run_id=folder.path.name,
        scenario=scenario.name,
        seed=scenario.seed,
        platform=setup.platform.name,
        stack=stack.name,
        started_at=started.isoformat(timespec="seconds"),
        file=_shown(scenario.path),
        variables=dict(scenario.variant),
        document=scenario.resolved_document(),
        providers=stack.providers,
        entry_points={entry.service: entry.provider for entry in stack.entry_points},
        waives=dict(stack.waives),
        versions=versions(),
        machine=machine_facts(),
        capabilities=tuple(sorted(setup.platform.capabilities())),
        defect=setup.defect,
        overrides=setup.overrides,
        stack_file=setup.stack_file,
        test=setup.test,
        retry_of=setup.retry_of,
    )


def _shown(path: Path) -> str:
    """A path as the person would write it: relative to where they are, when it is below."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
