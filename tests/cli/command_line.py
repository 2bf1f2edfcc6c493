"""The command line as a person meets it: what is printed, and the exit code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from harness.cli.main import run

SCENARIO = """\
scenario: outage
summary: A provider is lost.
tags: [gate]
steady_state: {for: 1s}
timeline:
  - {id: outage, at: 2s, fault: provider_outage, target: {provider: alpha}, lasts: 1s}
ends: 5s
expect: {order_integrity: {}}
"""

STACK = """\
name: toy
services:
  engine:
    image: toy
    labels: {harness.provider: alpha, harness.role: engine}
    expose: ["7000"]
  gateway:
    image: toy
    labels: {harness.provider: alpha, harness.role: gateway}
    expose: ["8080"]
x-harness:
  adapter: toy:Adapter
  clients: {enter_at: {role: gateway}}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs commands in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Answer:
        self._capsys.readouterr()
        code = run(list(arguments))
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Answer(code, captured.out, captured.err)
