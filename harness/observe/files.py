"""The files that observers leave in a run's folder, and how to read them back.

`quotes-<service>.ndjson` holds one `QuoteBatch` a line, `replica-<service>-<reading>.json` one `ReplicaDump`,
`accounts-<gateway>.json` a list of `AccountReport`, `instruments.json` a list of `Instrument`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness.model.instrument import Instrument
from harness.model.quotes import QuoteBatch
from harness.model.replica import AccountReport, ReplicaDump


def quotes_path(folder: Path, service: str) -> Path:
    return folder / f"quotes-{service}.ndjson"


def replica_path(folder: Path, service: str, reading: int) -> Path:
    """Readings count from 1."""
    return folder / f"replica-{service}-{reading}.json"


def accounts_path(folder: Path, gateway: str) -> Path:
    return folder / f"accounts-{gateway}.json"


def instruments_path(folder: Path) -> Path:
    return folder / "instruments.json"


def read_quotes(folder: Path) -> Iterator[QuoteBatch]:
    """All whole batches, service by service; a last line that was cut is left out."""
    decoder = msgspec.json.Decoder(QuoteBatch)
    for path in sorted(folder.glob("quotes-*.ndjson")):
        content = path.read_bytes()
        for line in content[: content.rfind(b"\n") + 1].splitlines():
            yield decoder.decode(line)


def read_replicas(folder: Path) -> Iterator[ReplicaDump]:
    """All readings of all replicas; those of one replica in the order in which they were made."""
    decoder = msgspec.json.Decoder(ReplicaDump)
    for path in sorted(folder.glob("replica-*.json"), key=_by_reading):
        yield decoder.decode(path.read_bytes())


def read_accounts(folder: Path) -> Iterator[AccountReport]:
    """All account reports, entry point by entry point."""
    decoder = msgspec.json.Decoder(list[AccountReport])
    for path in sorted(folder.glob("accounts-*.json")):
        yield from decoder.decode(path.read_bytes())


def read_instruments(folder: Path) -> list[Instrument] | None:
    """What can be traded; None when the stack doesn't tell."""
    path = instruments_path(folder)
    return msgspec.json.decode(path.read_bytes(), type=list[Instrument]) if path.exists() else None


def _by_reading(path: Path) -> tuple[str, int]:
    service, _, reading = path.stem.rpartition("-")
    return service, int(reading)
