"""Addresses inside a service's settings: finding every `service:port`, and putting another in its place.

Services find each other only by the addresses that they are given, as `service:port` in their environment or command. A
platform rewrites each of them into what that service must dial.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

_HOST = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_TOKEN: Final = re.compile(
    rf"(?<![A-Za-z0-9_.-])(?P<host>{_HOST}):(?P<port>[0-9]{{1,5}})(?![A-Za-z0-9_]|[.-][A-Za-z0-9])"
)
_IPV4: Final = re.compile(r"\d+(\.\d+)*")


class Reference(NamedTuple):
    """An address that a service was given: the name of another service (or of a host elsewhere) and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def references_in(values: Iterable[str]) -> tuple[Reference, ...]:
    """The different `host:port` tokens of some values, in their order; numeric addresses are left out.

    >>> references_in(["a=engine-alpha:7100,b=engine-bravo:7100", "0.0.0.0:9000"])
    (Reference(host='engine-alpha', port=7100), Reference(host='engine-bravo', port=7100))
    """
    found: dict[Reference, None] = {}
    for value in values:
        for match in _TOKEN.finditer(value):
            port = int(match["port"])
            if 0 < port <= 65535 and not _IPV4.fullmatch(match["host"]) and match["host"] != "localhost":
                found[Reference(match["host"], port)] = None
    return tuple(found)


def rewrite(value: str, mapping: Mapping[tuple[str, int], str]) -> str:
    """The value with each whole `host:port` token of `mapping` replaced; nothing else changes.

    Tokens are matched whole: `my-engine:7100` and `engine:71000` are not `engine:7100`.

    >>> rewrite("http://engine:7100/x", {("engine", 7100): "127.0.0.1:40001"})
    'http://127.0.0.1:40001/x'
    """

    def replaced(match: re.Match[str]) -> str:
        return mapping.get((match["host"], int(match["port"])), match[0])

    return _TOKEN.sub(replaced, value)
