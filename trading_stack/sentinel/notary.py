"""Whether what another sentinel says to be signed is: checked before the sentinel's core hears of it."""

from __future__ import annotations

from trading_stack.journal.certificate import Verify, signed_bytes, valid
from trading_stack.keys import Signer, verified
from trading_stack.roster import Roster
from trading_stack.sentinel.config import Config
from trading_stack.sentinel.messages import Accusation, FromPeer, Issued


class Notary:
    """Checks signatures by the roster, and this sentinel's own by its key."""

    def __init__(self, config: Config, signer: Signer, roster: Roster) -> None:
        self._config = config
        self._signer = signer
        self._roster = roster

    def genuine(self, peer: str, message: FromPeer) -> bool:
        """Whether all signatures in a message from `peer` are good."""
        return genuine(peer, message, config=self._config, verify=self._verify)

    def _verify(self, name: str, message: bytes, signature: bytes) -> bool:
        if name == self._config.name:
            return verified(self._signer.public, message, signature)
        return self._roster.verify(name, message, signature)


def genuine(peer: str, message: FromPeer, *, config: Config, verify: Verify) -> bool:
    """Whether all signatures in a message from `peer` are good, and as many as its kind needs."""
    if isinstance(message, Issued):
        return valid(message.certificate, cluster=config.cluster, needed=config.signatures, verify=verify)
    if isinstance(message, Accusation) or message.signature is None:
        return True
    signed = signed_bytes(config.cluster, message.old_epoch, message.new_epoch, message.candidate)
    return verify(peer, signed, message.signature)
