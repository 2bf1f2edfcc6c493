"""Motions, ballots and certificates: how a majority of sentinels agrees on one candidate for one epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from trading_stack.journal.certificate import Certificate, signed_bytes
from trading_stack.sentinel.config import Config
from trading_stack.sentinel.events import Ballot, Effect, Save, ToPeer
from trading_stack.sentinel.messages import FromPeer, Motion, Second
from trading_stack.sentinel.view import believed


@dataclass(slots=True)
class Moved:
    """A motion under way: this sentinel's own (with the signatures so far), or one that it seconded."""

    ballot: Ballot
    since_ns: int
    own: bool
    planned: bool
    signatures: dict[str, bytes] = field(default_factory=dict)
    asked_ns: int = 0


class Docket:
    """Signs at most one candidate an epoch, durably before anybody hears of it."""

    def __init__(
        self, config: Config, voted: Ballot | None, certify: Callable[[Certificate, Moved], None]
    ) -> None:
        self.effects: list[Effect] = []
        self.moved: Moved | None = None
        self.voted_epoch = voted.new_epoch if voted else 0
        self._voted = voted
        self._config = config
        self._certify = certify
        self._saving: dict[Ballot, Callable[[], None]] = {}

    @property
    def idle(self) -> bool:
        """Whether nothing is moved, and no ballot is on its way to the disk."""
        return self.moved is None and not self._saving

    @property
    def voted(self) -> Ballot | None:
        """The last ballot that this sentinel signed."""
        return self._voted

    def busy(self, now_ns: int) -> bool:
        """Whether a motion still has time; asks again for signatures that may have been lost."""
        moved, patience = self.moved, self._config.patience
        if moved is None:
            return False
        if now_ns - moved.since_ns >= patience.motion_ns:
            self.moved = None
            return False
        if moved.own and now_ns - moved.asked_ns >= patience.repeat_ns:
            self._ask(moved, now_ns)
        return True

    def move(self, ballot: Ballot, now_ns: int, *, planned: bool = False) -> None:
        """Sign for a candidate of one's own choice, and ask the others to."""
        self.moved = moved = Moved(ballot, now_ns, own=True, planned=planned)
        self._vote(ballot, lambda: self._signed(moved, now_ns))

    def _signed(self, moved: Moved, now_ns: int) -> None:
        if self.moved is not moved:
            return
        moved.signatures[self._config.name] = self._signature(moved.ballot)
        self._ask(moved, now_ns)
        self._count(moved)

    def _ask(self, moved: Moved, now_ns: int) -> None:
        signature = moved.signatures.get(self._config.name)
        if signature is None:
            return
        moved.asked_ns = now_ns
        ballot = moved.ballot
        self.broadcast(
            Motion(ballot.old_epoch, ballot.new_epoch, ballot.candidate, signature, planned=moved.planned)
        )

    def on_motion(self, sender: str, message: Motion, now_ns: int, *, agreed: bool) -> None:
        """Second a peer's motion if this sentinel agrees with it, and has not signed for that epoch."""
        ballot = Ballot(message.old_epoch, message.new_epoch, message.candidate)
        if ballot == self._voted and ballot not in self._saving:
            self._second(sender, ballot, self._signature(ballot))
        elif not agreed or ballot.new_epoch <= self.voted_epoch:
            self._second(sender, ballot, None)
        else:
            self.moved = Moved(ballot, now_ns, own=False, planned=message.planned)
            self._vote(ballot, lambda: self._second(sender, ballot, self._signature(ballot)))

    def _second(self, sender: str, ballot: Ballot, signature: bytes | None) -> None:
        second = Second(ballot.old_epoch, ballot.new_epoch, ballot.candidate, signature, self.voted_epoch)
        self.effects.append(ToPeer(sender, second))

    def on_second(self, sender: str, message: Second) -> None:
        moved = self.moved
        if message.signature is None:
            claimed = believed(message.voted_epoch, known=self.voted_epoch)
            self.voted_epoch = max(self.voted_epoch, claimed)  # move above it next time
            return
        ballot = Ballot(message.old_epoch, message.new_epoch, message.candidate)
        if moved is not None and moved.own and moved.ballot == ballot:
            moved.signatures[sender] = message.signature
            self._count(moved)

    def _count(self, moved: Moved) -> None:
        if self._config.name not in moved.signatures or len(moved.signatures) < self._config.signatures:
            return
        ballot = moved.ballot
        self.moved = None
        self._certify(
            Certificate(
                self._config.cluster,
                ballot.old_epoch,
                ballot.new_epoch,
                ballot.candidate,
                dict(moved.signatures),
            ),
            moved,
        )

    def _vote(self, ballot: Ballot, then: Callable[[], None]) -> None:
        self.voted_epoch, self._voted = ballot.new_epoch, ballot
        self._saving[ballot] = then
        self.effects.append(Save(ballot))

    def on_saved(self, ballot: Ballot) -> None:
        then = self._saving.pop(ballot, None)
        if then is not None:
            then()

    def _signature(self, ballot: Ballot) -> bytes:
        message = signed_bytes(self._config.cluster, ballot.old_epoch, ballot.new_epoch, ballot.candidate)
        return self._config.sign(message)

    def broadcast(self, message: FromPeer) -> None:
        self.effects.extend(ToPeer(peer, message) for peer in self._config.peers)
