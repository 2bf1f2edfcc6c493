"""`harness wan` as a person, and a client of Toxiproxy, meet it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

sys.path.insert(0, str(Path(__file__).parent))
from command_line import CommandLine

pytestmark = pytest.mark.processes

LISTED = '[{"name": "redis", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"}, %s]'
OFF = '{"name": "off", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9", "enabled": false, "unknown": 1}'


@contextmanager
def serving(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", "from harness.cli.main import main; main()", "wan", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ}) as child:
        try:
            yield child
        finally:
            child.kill()


def line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().rstrip()


def test_it_serves_the_links_of_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "links.json").write_text(LISTED % OFF)
    with serving("--port", "0", "--config", str(tmp_path / "links.json")) as child:
        told, api = line(child).rsplit(" ", 1)
        assert told == "the fault proxy's API listens on"
        links = requests.get(f"http://{api}/proxies", timeout=5).json()
        assert line(child) == f"  redis: {links['redis']['listen']} -> 127.0.0.1:9"
        assert line(child) == "  off: 127.0.0.1:0 -> 127.0.0.1:9 (disabled)"
        assert (links["redis"]["enabled"], links["off"]["enabled"]) == (True, False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    with serving("--port", "0", "--json") as child:
        ready = json.loads(line(child))
        assert (ready["event"], ready["pid"]) == ("wan_ready", child.pid)
        with requests.Session() as session:  # a client that keeps its connection holds nothing up
            session.get(f"http://{ready['api']}/version", timeout=5)
            child.send_signal(number)
            assert child.wait(timeout=60) == 0
        assert child.stderr is not None
        assert child.stderr.read() == ""


def test_a_port_that_is_taken_is_told_with_the_next_step(harness: CommandLine, project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        api = harness("wan", "--port", address.rpartition(":")[2])
        (project / "links.json").write_text(f'[{{"name": "a", "listen": "{address}", "upstream": "b:1"}}]')
        link = harness("wan", "--port", "0", "--config", "links.json")
    assert (api.code, api.out, link.code, link.out) == (9, "", 9, "")
    assert f"cannot listen on {address}: address already in use\n  next: stop what listens there" in api.err
    assert f"link 'a' cannot listen on {address}: address already in use\n  next: stop what" in link.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[\n {"name": }]', "links.json:2:11: expecting value"),
        ('[{"name": "a",\n', "links.json:2:1: "),
        ("", "links.json:1:1: "),
        ('[{"name": "a"}]', "links.json: proxy 1 lacks its upstream"),
        ('[{"upstream": "a:1"}]', "links.json: proxy 1 lacks its name"),
        ('{"name": "a"}', "links.json: Expected `array`"),
        ('[{"name": 7}]', "links.json: Expected `str | null`, got `int` - at `$[0].name`"),
        ("[\xff]", "links.json: byte 1 is not UTF-8"),
    ],
)
def test_a_configuration_with_a_mistake_is_told(
    harness: CommandLine, project: Path, text: str, told: str
) -> None:
    (project / "links.json").write_text(text, encoding="latin-1")
    answer = harness("wan", "--port", "0", "--config", "links.json")
    assert (answer.code, answer.out) == (4, "")
    assert answer.err.startswith(f"harness: {told}")
    assert '  next: write a list such as [{"name": "redis"' in answer.err


def test_a_configuration_that_is_not_there_is_told(harness: CommandLine) -> None:
    answer = harness("wan", "--config", "nowhere.json")
    assert (answer.code, answer.out) == (4, "")
    assert "No such file or directory (nowhere.json)" in answer.err
