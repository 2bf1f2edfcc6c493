"""Whether what another sentinel says to be signed is: checked before the sentinel's core hears of it."""

from __future__ import annotations

from trading_stack.journal.certificate import signed_bytes, valid
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
        cluster = self._config.cluster
        if isinstance(message, Issued):
            needed = self._config.signatures
            return valid(message.certificate, cluster=cluster, needed=needed, verify=self._verify)
        if isinstance(message, Accusation) or message.signature is None:
            return True
        signed = signed_bytes(cluster, message.old_epoch, message.new_epoch, message.candidate)
        return self._roster.verify(peer, signed, message.signature)

    def _verify(self, name: str, message: bytes, signature: bytes) -> bool:
        if name == self._config.name:
            return verified(self._signer.public, message, signature)
        return self._roster.verify(name, message, signature)
