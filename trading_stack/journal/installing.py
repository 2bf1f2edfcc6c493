"""How a replica gets a peer's snapshot: piece by piece, checked as a whole, and only if it takes nothing back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from trading_stack.journal.core import Core
from trading_stack.journal.entries import Base
from trading_stack.journal.messages import SnapshotOffer, SnapshotPart, SnapshotWanted
from trading_stack.journal.snapshots import PART_BYTES, Snapshot


@dataclass(slots=True)
class Download:
    """A snapshot on its way. Whoever offers the same one may go on with it."""

    sender: str
    offer: SnapshotOffer
    asked_ns: int
    data: bytearray = field(default_factory=bytearray)


class Installing:
    """`trusted` tells whether a peer leads this replica, or is whose log it adopts, in an epoch."""

    def __init__(self, core: Core, trusted: Callable[[str, int], bool]) -> None:
        self._core = core
        self._trusted = trusted
        self._download: Download | None = None

    def on_offer(self, sender: str, offer: SnapshotOffer) -> None:
        """Begin, or go on where it was broken off: offers are repeated as long as the snapshot is needed."""
        if not self._wanted(sender, offer):
            return
        core, download = self._core, self._download
        if download is None or download.offer.digest != offer.digest:
            self._download = Download(sender, offer, core.now_ns)
        elif download.sender == sender and core.now_ns - download.asked_ns < core.config.resend_ns:
            return
        else:
            download.sender, download.offer = sender, offer
        self._ask()

    def on_peer_up(self, peer: str) -> None:
        """What was asked over an earlier connection may be lost."""
        if self._download is not None and self._download.sender == peer:
            self._ask()

    def on_part(self, sender: str, part: SnapshotPart) -> bool:
        """Take the next piece, and ask for the one after it; whether the snapshot is whole now, and was installed."""
        download = self._download
        if download is None or (sender, part.digest) != (download.sender, download.offer.digest):
            return False
        if part.offset != len(download.data) or not part.data:
            return False
        download.data += part.data
        if len(download.data) < download.offer.size:
            self._ask()
            return False
        self._download = None
        return self._finish(download)

    def on_wanted(self, sender: str, message: SnapshotWanted) -> None:
        """Give a piece of this replica's own snapshot, or offer another when that one is gone."""
        core, snapshot = self._core, self._core.snapshot
        if snapshot is None:
            return
        if snapshot.digest != message.digest:
            core.offer_snapshot(sender)
            return
        data = snapshot.data[message.offset : message.offset + PART_BYTES]
        core.send(sender, SnapshotPart(message.digest, message.offset, data))

    def _ask(self) -> None:
        download = self._download
        assert download is not None
        download.asked_ns = self._core.now_ns
        self._core.send(download.sender, SnapshotWanted(download.offer.digest, len(download.data)))

    def _finish(self, download: Download) -> bool:
        offer = download.offer
        snapshot = Snapshot(offer.base, offer.digest, bytes(download.data))
        if not snapshot.sound:
            self._core.tell("snapshot_refused", last_index=offer.base.index, candidate=download.sender)
            return False
        if not self._wanted(download.sender, offer):
            return False
        self._core.install(snapshot, fence=offer.epoch)
        return True

    def _wanted(self, sender: str, offer: SnapshotOffer) -> bool:
        return self._trusted(sender, offer.epoch) and self._newer(offer.base)

    def _newer(self, base: Base) -> bool:
        """A snapshot never takes back what is committed here, and isn't needed where the log goes on from it."""
        core = self._core
        return base.index > core.commit_index and not core.log.holds(base.index, base.hash)
