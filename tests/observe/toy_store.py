"""A store in a folder, one file a register, and adapters that read it."""

from __future__ import annotations

import os
from pathlib import Path

from harness.adapter import Address, Info, Ok, Operation, ReadRegister, RegisterKind, Reply


class Store:
    def connect(self, address: Address, *, deadline_s: float) -> None:
        if address.port == 9:
            raise ConnectionRefusedError("nobody there")

    def registers(self) -> list[RegisterKind]:
        return [RegisterKind.READ, RegisterKind.WRITE]

    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        assert isinstance(operation, ReadRegister)
        path = Path(os.environ["TOY_STORE"]) / operation.key
        return Ok(value=path.read_text() if path.exists() else None)

    def close(self) -> None: ...


class Doubtful(Store):
    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        return Info("no primary")


class Raising(Store):
    def invoke(self, operation: Operation, *, deadline_s: float) -> Reply:
        raise RuntimeError("planted")
