"""What a handshake of our own meets at links that are cut: silence, a refusal, or an answer that should not be."""

from __future__ import annotations

import errno
import select
import socket
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from harness.faults.contract import Fact, NewConnections
from harness.stack.adapter import Address

_UNANSWERED_AFTER_S: Final = 0.25


class Met(StrEnum):
    """What became of a handshake."""

    SILENCE = "unanswered"
    REFUSAL = "refused"
    ANSWER = "answered"


_WANTED: Final = {NewConnections.DROP: Met.SILENCE, NewConnections.REJECT: Met.REFUSAL}


def handshake_facts(links: Mapping[str, Address], kind: NewConnections) -> list[Fact]:
    """One fact for all links, or one for each that answered otherwise than it should."""
    wanted = _WANTED[kind]
    met = try_handshakes(links, unanswered_after_s=_UNANSWERED_AFTER_S)
    wrong = {link: what for link, what in met.items() if what is not wanted}
    if wrong:
        return [
            Fact(link, "far_end", f"a handshake was {what}, it should have been {wanted}", convincing=False)
            for link, what in wrong.items()
        ]
    after = f" for {_UNANSWERED_AFTER_S * 1000:g} ms" if wanted is Met.SILENCE else ""
    text = f"{len(met)} of {len(met)} handshakes of our own were {wanted}{after}"
    return [
        Fact(
            ", ".join(links),
            "far_end",
            text,
            convincing=True,
            asked=float(len(met)),
            measured=float(len(met)),
            unit="handshakes",
        )
    ]


def try_handshakes(links: Mapping[str, Address], *, unanswered_after_s: float) -> dict[str, Met]:
    """Dial all links at once and see what each handshake meets within a time."""
    met: dict[str, Met] = {}
    tried: dict[int, tuple[str, socket.socket]] = {}
    poll = select.poll()
    try:
        for link, address in links.items():
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.settimeout(0)
            tried[sock.fileno()] = (link, sock)
            code = sock.connect_ex(address)
            if code in {0, errno.EINPROGRESS}:
                poll.register(sock, select.POLLOUT)
            else:
                met[link] = Met.REFUSAL
        until = time.monotonic() + unanswered_after_s
        while len(met) < len(tried) and (left_s := until - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left_s * 1000):
                link, sock = tried[descriptor]
                poll.unregister(descriptor)
                met[link] = Met.REFUSAL if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) else Met.ANSWER
    finally:
        for _, sock in tried.values():
            sock.close()
    return {link: met.get(link, Met.SILENCE) for link in links}
