"""Private keys on disk: made once, for their owner's eyes alone, and the same ever after."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from trading_stack import durable, keys
from trading_stack.settings import SettingsError


def test_a_key_is_made_at_the_first_start_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "sentinel.key"
    first = keys.own_signer(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.own_signer(path).public == first.public
    assert keys.own_signer(tmp_path / "another.key").public != first.public


def test_a_signature_is_good_for_its_key_and_its_message_alone(tmp_path: Path) -> None:
    own, other = keys.own_signer(tmp_path / "own"), keys.own_signer(tmp_path / "other")
    signature = own.sign(b"message")
    assert keys.verified(own.public, b"message", signature)
    assert not keys.verified(own.public, b"another", signature)
    assert not keys.verified(other.public, b"message", signature)
    assert not keys.verified(own.public, b"message", b"short")
    assert not keys.verified(b"no key", b"message", signature)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_may_read_is_not_used(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "sentinel.key"
    keys.own_signer(path)
    path.chmod(mode)
    with pytest.raises(SettingsError, match=f"{mode:o}.*chmod 600"):
        keys.own_signer(path)


def test_what_is_no_key_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "sentinel.key"
    other = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for data in (b"", b"-----BEGIN", other):
        durable.write_file(path, data)
        with pytest.raises(SettingsError, match=r"sentinel\.key.*put it back"):
            keys.own_signer(path)
        assert path.read_bytes() == data
    with pytest.raises(SettingsError, match="no private key can be read"):
        keys.read_signer(tmp_path / "absent")


def test_a_public_key_is_read_from_hexadecimal(tmp_path: Path) -> None:
    public = keys.own_signer(tmp_path / "key").public
    assert keys.parse_public(f" {public.hex()}\n", "ADMINISTRATORS") == public
    for text in ("", "zz", public.hex()[2:]):
        with pytest.raises(SettingsError, match="ADMINISTRATORS"):
            keys.parse_public(text, "ADMINISTRATORS")


def test_a_file_is_there_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    durable.write_file(path, b"before")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            durable.write_file(path, b"after")
    assert path.read_bytes() == b"before"
    durable.write_file(path, b"after")
    assert path.read_bytes() == b"after"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
