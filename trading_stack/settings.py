"""What a service is told by its environment, typed; every mistake is a `SettingsError` that names the variable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class SettingsError(ValueError):
    """An environment variable is missing or malformed."""


class Address(NamedTuple):
    """Where a service listens or is dialled."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def required(environ: Mapping[str, str], name: str) -> str:
    """The variable's value, which must not be empty."""
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name}: not set")
    return value


def address(environ: Mapping[str, str], name: str) -> Address:
    """A variable of the form `host:port`."""
    return parse_address(required(environ, name), name)


def addresses(environ: Mapping[str, str], name: str) -> dict[str, Address]:
    """A variable of the form `alpha=host:port,bravo=host:port`, in its order; empty when it is not set."""
    return {peer: parse_address(target, name) for peer, target in pairs(environ, name)}


def pairs(environ: Mapping[str, str], name: str) -> list[tuple[str, str]]:
    """A variable of the form `one=value,two=value`, in its order; empty when it is not set."""
    found = [pair.partition("=") for pair in environ.get(name, "").split(",") if pair.strip()]
    return [(key.strip(), value.strip()) for key, _, value in found]


def directory(environ: Mapping[str, str], name: str) -> Path:
    """A variable that names a directory, made when it does not exist."""
    path = Path(required(environ, name))
    path.mkdir(parents=True, exist_ok=True)
    return path


def milliseconds(environ: Mapping[str, str], name: str, default_ms: float) -> int:
    """A variable in milliseconds, as nanoseconds."""
    text = environ.get(name, "").strip()
    try:
        return int(float(text or default_ms) * 1_000_000)
    except ValueError:
        raise SettingsError(f"{name}: {text!r} is no number of milliseconds") from None


def count(environ: Mapping[str, str], name: str, default: int) -> int:
    """A variable that is a whole number above 0."""
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not int(text):
        raise SettingsError(f"{name}: {text!r} is no whole number above 0")
    return int(text)


def secret(environ: Mapping[str, str]) -> bytes:
    """The secret that all services of the cluster share."""
    return required(environ, "CLUSTER_SECRET").encode()


def parse_address(text: str, name: str) -> Address:
    """`host:port`; raises `SettingsError` that cites `name`."""
    host, _, port = text.strip().rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"{name}: {text!r} is not host:port")
    return Address(host, int(port))
