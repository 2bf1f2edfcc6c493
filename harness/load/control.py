"""A load process's line to its parent: orders come in on standard input, words go out on standard output."""

from __future__ import annotations

import os
from collections.abc import Callable

import gevent
import gevent.os
import msgspec
from gevent.queue import Queue

from harness.load.plan import Command, Said

STDIN, STDOUT = 0, 1
_DECODER = msgspec.json.Decoder(Command)


class Control:
    """Reads commands as they come. When the input ends, the parent is dead or done: `on_end` must end the process."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        self.commands: Queue[Command] = Queue()
        self._on_end = on_end
        gevent.os.make_nonblocking(STDIN)
        gevent.spawn(self._read)

    def say(self, said: Said) -> None:
        """One line, written whole."""
        os.write(STDOUT, msgspec.json.encode(said) + b"\n")

    def _read(self) -> None:
        rest = b""
        while chunk := gevent.os.nb_read(STDIN, 65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.commands.put(_DECODER.decode(line))
        self._on_end()
