"""Addresses as the compose file writes them: `name=service:port,…`."""

from __future__ import annotations

from collections.abc import Mapping


def named(environment: Mapping[str, str], variable: str) -> dict[str, str]:
    """The addresses of a variable, by name."""
    pairs = (part.partition("=") for part in environment.get(variable, "").split(",") if part.strip())
    return {name.strip(): address.strip() for name, _, address in pairs}


def port(environment: Mapping[str, str]) -> int:
    """The port that a service listens on."""
    return int(environment["LISTEN"].rpartition(":")[2])
