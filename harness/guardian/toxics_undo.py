"""Takes toxics off the links of a fault proxy, over its HTTP API (Toxiproxy's), and reads back that they are off.

The client in `harness.wan` can do more, and takes longer to import than a guardian has.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import quote

import msgspec

from harness.guardian.mending import Mended, Result
from harness.model.undo import RemoveToxics

_TIMEOUT_S: Final = 0.4
_NOT_FOUND: Final = 404
_MOST_NAMED: Final = 3


class _Toxic(msgspec.Struct):
    name: str


class _Link(msgspec.Struct):
    toxics: list[_Toxic] = []


def remove_toxics(undo: RemoveToxics) -> Callable[[float], Mended]:
    """Take the toxics off; answers how to read it back. A proxy that is gone took its links along: nothing to undo."""
    subject = _subject(undo)
    failure: str | None = None
    try:
        _remove(undo)
    except ConnectionRefusedError:
        return lambda until: Mended(subject, Result.MOOT, f"the proxy at {undo.api} has ended")
    except (OSError, HTTPException) as error:
        failure = f"{type(error).__name__}: {error}"

    def read_back(until: float) -> Mended:
        nonlocal failure
        while True:
            try:
                left = _remaining(undo)
            except ConnectionRefusedError:
                return Mended(subject, Result.MOOT, f"the proxy at {undo.api} has ended")
            except (OSError, HTTPException, msgspec.DecodeError) as error:
                failure = f"{type(error).__name__}: {error}"
            else:
                if not left:
                    return Mended(subject, Result.HEALED, "toxics are off")
                failure = f"still there: {', '.join(f'{link}/{toxic}' for link, toxic in left)}"
            if time.monotonic() >= until:
                return Mended(subject, Result.FAILED, f"proxy {undo.api}: {failure}")
            _remove_quietly(undo)

    return read_back


def _subject(undo: RemoveToxics) -> str:
    links = sorted({link for link, _ in undo.toxics})
    return ", ".join(links) if 0 < len(links) <= _MOST_NAMED else f"{len(links)} links"


def _remove_quietly(undo: RemoveToxics) -> None:
    try:
        _remove(undo)
    except (OSError, HTTPException):
        time.sleep(0.05)


def _remove(undo: RemoveToxics) -> None:
    connection = HTTPConnection(undo.api, timeout=_TIMEOUT_S)
    try:
        for link, toxic in reversed(undo.toxics):
            connection.request("DELETE", f"/proxies/{quote(link, safe='')}/toxics/{quote(toxic, safe='')}")
            response = connection.getresponse()
            response.read()
            if response.status >= 400 and response.status != _NOT_FOUND:
                raise OSError(f"{link}/{toxic} could not be taken off: status {response.status}")
    finally:
        connection.close()


def _remaining(undo: RemoveToxics) -> list[tuple[str, str]]:
    connection = HTTPConnection(undo.api, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/proxies")
        links = msgspec.json.decode(connection.getresponse().read(), type=dict[str, _Link])
    finally:
        connection.close()
    there = {(name, toxic.name) for name, link in links.items() for toxic in link.toxics}
    return [pair for pair in undo.toxics if pair in there]
