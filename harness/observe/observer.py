"""The observing process: follows services' logs and pricing services' quotes while a run goes on."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from harness.model.stack_event import StackEvent
from harness.observe.plan import Command, Failed, Finished, ObserverPlan, PollQuotes, Said, Saw, Watching
from harness.observe.quotes import QuotePoller
from harness.observe.tailing import Tails
from harness.stack.adapter import (
    Accounts,
    Adapter,
    DropCopy,
    Heartbeat,
    Leadership,
    Market,
    Metrics,
    Quotes,
    Registers,
)
from harness.stack.loading import load_adapter

STDOUT: Final = 1
OPTIONAL: Final = (Heartbeat, Leadership, Quotes, DropCopy, Accounts, Metrics, Market, Registers)
FINISH_WITHIN_S: Final = 2.0

Say = Callable[[Said], None]


def say(said: Said) -> None:
    """One line on standard output, written whole."""
    os.write(STDOUT, msgspec.json.encode(said) + b"\n")


def capabilities_of(adapter: Adapter) -> tuple[str, ...]:
    """The names of the optional protocols that an adapter offers."""
    return tuple(protocol.__name__ for protocol in OPTIONAL if isinstance(adapter, protocol))


class LogWatch:
    """Turns new log lines into events. An adapter that raises costs that line, and is counted."""

    def __init__(self, adapter: Adapter, plan: ObserverPlan, speak: Say) -> None:
        self.events = 0
        self.problems = 0
        self.last_problem = ""
        self._reader: Leadership | None = adapter if isinstance(adapter, Leadership) else None
        self._tails = Tails({log.service: Path(log.path) for log in plan.logs})
        self._speak = speak

    def look(self) -> None:
        """Read every log once."""
        for service, line in self._tails.read():
            event = self._event(service, line)
            if event is not None:
                self.events += 1
                self._speak(Saw(time.monotonic_ns(), event))

    def missing(self) -> list[str]:
        if self._reader is None:
            return ["stack events: the adapter doesn't read them (Leadership)"]
        if self.problems:
            return [f"{self.problems} log lines that the adapter raised for: {self.last_problem}"]
        return []

    def _event(self, service: str, line: bytes) -> StackEvent | None:
        if self._reader is None:
            return None
        try:
            return self._reader.stack_event(service, line)
        except Exception as error:
            self.problems += 1
            self.last_problem = f"{type(error).__name__}: {error} ({service}: {line[:120]!r})"
            return None


class Observer:
    """The log watch in the main thread, and a thread for each pricing service."""

    def __init__(self, plan: ObserverPlan, speak: Say = say) -> None:
        self._plan = plan
        self._speak = speak
        self._factory = load_adapter(plan.adapter, base=Path(plan.base))
        self._adapter = self._factory()
        self._watch = LogWatch(self._adapter, plan, speak)
        self._pollers: list[QuotePoller] = []
        self._missing: list[str] = []
        self._finish = threading.Event()

    def obey(self, command: Command) -> None:
        """Follow one command; may be called from another thread than `run`."""
        if command.poll_quotes is not None:
            self._poll_quotes(command.poll_quotes)
        if command.finish is not None:
            self._finish.set()

    def run(self) -> None:
        """Watch until told to finish."""
        self._speak(Watching(capabilities_of(self._adapter)))
        while not self._finish.is_set():
            self._watch.look()
            time.sleep(self._plan.poll_every_s)
        self._last_quotes()
        self._watch.look()
        self._speak(self._finished())

    def _poll_quotes(self, order: PollQuotes) -> None:
        for endpoint in order.pricing:
            adapter = self._factory()  # one each, so that one that hangs hangs alone
            if not isinstance(adapter, Quotes):
                self._missing.append("quotes: the adapter doesn't read them (Quotes)")
                return
            poller = QuotePoller(
                adapter, endpoint, Path(self._plan.folder), deadline_s=self._plan.quotes_deadline_s
            )
            self._pollers.append(poller)
            threading.Thread(target=self._keep_polling, args=(poller,), daemon=True).start()

    def _keep_polling(self, poller: QuotePoller) -> None:
        while not self._finish.wait(self._plan.quotes_every_s):
            poller.poll()

    def _last_quotes(self) -> None:
        """One more reading of each, at once; who doesn't answer in time is left, and named."""
        threads = [threading.Thread(target=poller.poll, daemon=True) for poller in self._pollers]
        for thread in threads:
            thread.start()
        until = time.monotonic() + FINISH_WITHIN_S
        for thread, poller in zip(threads, self._pollers, strict=True):
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                poller.problem = f"no answer within {FINISH_WITHIN_S:g} s"

    def _finished(self) -> Finished:
        quotes = [missing for poller in self._pollers if (missing := poller.missing())]
        return Finished(
            quotes=sum(poller.quotes for poller in self._pollers),
            dropped=sum(poller.dropped for poller in self._pollers),
            events=self._watch.events,
            missing=(*self._missing, *self._watch.missing(), *quotes),
            cpu_s=time.process_time(),
        )


def obey_input(obey: Callable[[Command], None]) -> None:
    """Follow the commands on standard input; when it ends, the harness is gone, and so are we."""
    decoder = msgspec.json.Decoder(Command)
    for line in sys.stdin.buffer:
        obey(decoder.decode(line))
    os._exit(0)


def serve(plan: ObserverPlan) -> int:
    """Observe until told to finish; returns the exit code."""
    try:
        observer = Observer(plan)
    except Exception as error:
        say(Failed(f"{type(error).__name__}: {error}"))
        return 7
    threading.Thread(target=obey_input, args=(observer.obey,), daemon=True).start()
    observer.run()
    return 0
