"""How one service is started, settled to the last detail."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from harness.model.undo import StartService

_INTERPRETERS: Final = frozenset({"python", "python3"})


class Order(msgspec.Struct, frozen=True):
    """What to run, with which environment, where, and into which file its output goes.

    `module` and `arguments` are set when the command is `python -m MODULE …`: then a preloaded interpreter can become it.
    """

    service: str
    argv: tuple[str, ...]
    module: str | None
    arguments: tuple[str, ...]
    environment: dict[str, str]
    directory: str
    log: str

    def undo(self) -> StartService:
        """What starts it again when nobody else can."""
        return StartService(self.service, self.argv, self.environment, self.directory, self.log)


def order(
    service: str,
    command: tuple[str, ...],
    *,
    interpreter: str,
    environment: dict[str, str],
    directory: Path,
    log: Path,
) -> Order:
    """The order for a command; `python` stands for the interpreter that runs the harness."""
    is_python = bool(command) and (command[0] in _INTERPRETERS or command[0] == interpreter)
    argv = (interpreter, *command[1:]) if is_python else command
    is_module = is_python and len(command) > 2 and command[1] == "-m"
    return Order(
        service=service,
        argv=argv,
        module=command[2] if is_module else None,
        arguments=command[3:] if is_module else (),
        environment=environment,
        directory=str(directory),
        log=str(log),
    )
