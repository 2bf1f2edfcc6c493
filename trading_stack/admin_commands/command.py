"""What an administrator signs."""

from __future__ import annotations

import msgspec

from trading_stack.keys import Signer, verified


class Command(msgspec.Struct, frozen=True):
    """`challenges` are those of the services that shall act, by service; `arguments` are the action's own."""

    cluster: str
    administrator: str
    action: str
    arguments: dict[str, str]
    reason: str
    challenges: dict[str, str]


class Signed(msgspec.Struct, frozen=True):
    """A command as it travels: the JSON that was signed, byte for byte, and the signature in hexadecimal."""

    command: str
    signature: str


def _signed_bytes(command: str) -> bytes:
    return b"administration:" + command.encode()


def sign(command: Command, signer: Signer) -> Signed:
    """Sign a command."""
    text = msgspec.json.encode(command).decode()
    return Signed(text, signer.sign(_signed_bytes(text)).hex())


def read(body: bytes) -> tuple[Signed, Command] | None:
    """What a request carries, unchecked, or None when it is no command."""
    try:
        signed = msgspec.json.decode(body, type=Signed)
        return signed, msgspec.json.decode(signed.command, type=Command)
    except (msgspec.DecodeError, UnicodeError):
        return None


def signed_by(signed: Signed, public: bytes) -> bool:
    """Whether the holder of this key signed the command."""
    try:
        return verified(public, _signed_bytes(signed.command), bytes.fromhex(signed.signature))
    except ValueError:
        return False
