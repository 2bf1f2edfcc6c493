"""A toy stack of two providers, for tests that need a real one."""

from __future__ import annotations

import textwrap
from pathlib import Path

from harness.stack.description import Stack
from harness.stack.reading import read_stack

HERE = Path(__file__).parent

COMPOSE = """
name: toy
x-harness:
  adapter: toy_service:Adapter
  clients: {enter_at: {role: echo}}
  wan:
    round_trip: {alpha-bravo: 4ms, clients: 1ms, outside: 1ms}
  process: {preload: asyncio}
services:
  echo-alpha:
    image: none
    command: [python, -m, toy_service]
    labels: {harness.provider: alpha, harness.role: echo, harness.health: 9000/health}
    expose: ["7000", "9000"]
    volumes: ["store:/data"]
    environment: {LISTEN: "0.0.0.0:7000", ADMIN: "0.0.0.0:9000", PEERS: "echo-bravo:7000", DATA: /data}
  echo-bravo:
    image: none
    command: [python, -m, toy_service]
    labels: {harness.provider: bravo, harness.role: echo, harness.health: 9000/health}
    expose: ["7000", "9000"]
    environment: {LISTEN: "0.0.0.0:7000", ADMIN: "0.0.0.0:9000", PEERS: "echo-alpha:7000"}
  idle-bravo:
    image: none
    command: [python, -m, toy_service]
    labels: {harness.provider: bravo, harness.role: idle, harness.health: 9000/health}
    expose: ["7000", "9000"]
    environment: {LISTEN: "0.0.0.0:7000", ADMIN: "0.0.0.0:9000", FRIEND: "echo-alpha:7000"}
volumes:
  store: {}
"""


def toy_stack(folder: Path, text: str = COMPOSE) -> Stack:
    """The stack, described by a file in a folder that also holds the service's module."""
    (folder / "toy_service.py").write_text((HERE / "toy_service.py").read_text())
    path = folder / "docker-compose.yml"
    path.write_text(textwrap.dedent(text))
    return read_stack(path, variables={})
