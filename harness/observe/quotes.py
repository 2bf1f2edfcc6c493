"""Reads one pricing service's quotes, again and again, into a file."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from harness.observe.files import quotes_path
from harness.observe.plan import Endpoint
from harness.stack.adapter import Address, Quotes


class QuotePoller:
    """One service. `poll` may run in one thread at a time; what failed last is in `problem`."""

    def __init__(self, adapter: Quotes, endpoint: Endpoint, folder: Path, *, deadline_s: float) -> None:
        self.service = endpoint.name
        self.quotes = 0
        self.dropped = 0
        self.problem = "it was never asked"
        self._adapter = adapter
        self._address = Address(endpoint.host, endpoint.port)
        self._path = quotes_path(folder, endpoint.name)
        self._deadline_s = deadline_s
        self._cursor = 0
        self._one = threading.Lock()

    def poll(self) -> None:
        """Read what is new. Errors are kept, not raised: a service that is dark has its quotes read later."""
        with self._one:
            try:
                batch = self._adapter.quotes(self._address, since=self._cursor, deadline_s=self._deadline_s)
            except Exception as error:
                self.problem = f"{type(error).__name__}: {error}"
                return
            self.problem = ""
            if batch.cursor < self._cursor:
                self._cursor = 0  # a service that was started again counts anew
                return
            self._cursor = batch.cursor
            if batch.quotes or batch.dropped:
                self.quotes += len(batch.quotes)
                self.dropped += batch.dropped
                with self._path.open("ab") as file:
                    file.write(msgspec.json.encode(batch) + b"\n")

    def missing(self) -> str:
        """What is missing, and why; empty when the last reading went well and something was ever read."""
        if self.problem:
            return f"quotes of {self.service} to the end: {self.problem}"
        return "" if self.quotes else f"quotes of {self.service}: it published none"
