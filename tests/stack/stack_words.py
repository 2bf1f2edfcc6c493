"""A small stack as literal text, and helpers to read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.documents.nodes import Source
from harness.model.errors import DocumentError
from harness.stack.description import Stack
from harness.stack.reading import parse_stack

GOOD = """\
name: toy
x-harness:
  adapter: toy:Adapter
  clients: {enter_at: {role: gate}}
  wan:
    round_trip: {a-b: 2ms, clients: 1ms, outside: 3ms}
    jitter: 10%
services:
  gate-a:
    image: toy
    command: serve --peer db-b:5432
    labels: {harness.provider: a, harness.role: gate, harness.health: 9000/health, other: x}
    expose: ["9000", "8080"]
    environment:
      DB: db-a:5432
      FEED: tcp://feed:7000
      N: 1.10
      SEED: "${SEED:-7}"
      TOKEN:
  db-a:
    image: db
    labels: ["harness.provider=a"]
    environment: [PEER=db-b:5432, TOKEN, "MODE=x=y"]
    ports: ["15432:5432"]
    volumes: ["data:/var/lib", "./conf:/etc/db:ro", {type: volume, source: data, target: /more, read_only: true}, /tmp/x]
    depends_on: [feed]
  db-b:
    image: db
    labels: {harness.provider: b}
    expose: [5432]
    environment: {PEER: "db-a:5432"}
    depends_on: {db-a: {condition: service_healthy}}
    x-harness-process: {command: [python, db.py]}
  feed:
    image: feed
    expose: [7000/tcp]
volumes: {data: }
"""


def stack_of(text: str, **variables: str) -> Stack:
    return parse_stack(Source("c.yml", text), path=Path("here/c.yml"), variables=variables)


def mistakes(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        stack_of(text)
    return [
        f"{problem.line}:{problem.column}: {problem.message}"
        + (f"; did you mean {problem.closest!r}?" if problem.closest else "")
        for problem in caught.value.problems
    ]
