"""The observer as the engine holds it: starts the process, hands events on, collects the end state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from harness.model.errors import AdapterError
from harness.observe.plan import (
    Collection,
    CollectPlan,
    Command,
    Endpoint,
    Failed,
    Finish,
    Finished,
    ObserverPlan,
    PollQuotes,
    Said,
    Saw,
    Watching,
)
from harness.stack.adapter_process import AdapterProcess

OBSERVER: Final = "harness.observe"
COLLECTOR: Final = "harness.observe.collect"


class ObserverSession:
    """The observing process of one run."""

    def __init__(self, plan: ObserverPlan, *, on_event: Callable[[Saw], None]) -> None:
        """Start it. `on_event` is called from a reader thread with each event, as soon as it was read."""
        self._on_event = on_event
        self._news = threading.Condition()
        self._over = False
        self._said: list[Watching | Finished | Failed] = []
        self._decoder: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)
        self._process = AdapterProcess(OBSERVER, plan, Path(plan.folder) / "observe.json", on_line=self._hear)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The optional protocols that the adapter offers; known after `wait_watching`."""
        return next((said.capabilities for said in self._said if isinstance(said, Watching)), ())

    def wait_watching(self, *, timeout_s: float) -> None:
        """Wait until the logs are followed; raises `AdapterError`."""
        self._await(Watching, timeout_s)

    def poll_quotes(self, pricing: Sequence[Endpoint]) -> None:
        """Begin to read the quotes of these services."""
        self._process.tell(Command(poll_quotes=PollQuotes(tuple(pricing))))

    def problem(self) -> str:
        """Why nothing is observed any more; empty while all is well."""
        failed = [said.reason for said in self._said if isinstance(said, Failed)]
        if failed:
            return failed[0]
        done = any(isinstance(said, Finished) for said in self._said)
        return self._why_not("finished") if self._over and not done else ""

    def finish(self, *, timeout_s: float = 5.0) -> Finished:
        """Read all that is left, and end the process; what failed is in `missing`."""
        self._process.tell(Command(finish=Finish()))
        try:
            said = self._await(Finished, timeout_s)
        except AdapterError as error:
            said = Finished(quotes=0, dropped=0, events=0, missing=(error.message,), cpu_s=0.0)
        self.kill()
        assert isinstance(said, Finished)
        return said

    def kill(self) -> None:
        """End the process now. Safe to call twice."""
        self._process.end()

    def _await(self, kind: type[Watching | Finished], timeout_s: float) -> Watching | Finished:
        def settled() -> bool:
            return self._over or any(isinstance(each, kind | Failed) for each in self._said)

        with self._news:
            self._news.wait_for(settled, timeout_s)
        for each in self._said:
            if isinstance(each, kind):
                return each
            if isinstance(each, Failed):
                raise AdapterError(f"the observer failed: {each.reason}")
        raise AdapterError(self._why_not(kind.__name__.lower()))

    def _why_not(self, word: str) -> str:
        code = self._process.exit_code
        state = "gave no answer in time" if code is None else f"ended with code {code}"
        words = self._process.last_words()
        return f"the observer {state} before it was {word}" + (f":\n{words}" if words else "")

    def _hear(self, line: bytes | None) -> None:
        said = None if line is None else self._decoder.decode(line)
        if isinstance(said, Saw):
            self._on_event(said)
            return
        with self._news:
            if said is None:
                self._over = True
            else:
                self._said.append(said)
            self._news.notify_all()


def collect(plan: CollectPlan, *, timeout_s: float) -> Collection:
    """Read the end state in a process of its own; never raises for what the adapter or the stack does.

    A collector that crashes is started once more: reading changes nothing, and its crash says nothing of the stack.
    """
    until = time.monotonic() + timeout_s
    why = ""
    for _ in range(2):
        collection, why = _collect_once(plan, timeout_s=max(0.0, until - time.monotonic()))
        if collection is not None:
            return collection
        if time.monotonic() >= until:
            break
    return Collection(replicas=0, accounts=0, settled=False, missing=(f"everything: {why}",))


def _collect_once(plan: CollectPlan, *, timeout_s: float) -> tuple[Collection | None, str]:
    """What one collector found, or why it found nothing."""
    heard: list[bytes] = []
    over = threading.Event()

    def hear(line: bytes | None) -> None:
        if line is None:
            over.set()
        else:
            heard.append(line)

    process = AdapterProcess(COLLECTOR, plan, Path(plan.folder) / "collect.json", on_line=hear)
    began = time.monotonic()
    over.wait(timeout_s)
    took_s = time.monotonic() - began
    process.end()
    if heard:
        return msgspec.json.decode(heard[0], type=Collection), ""
    return None, process.last_words() or f"no result after {took_s:.1f} s (exit code {process.exit_code})"
