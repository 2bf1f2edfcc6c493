"""What the command line says of itself, and how fast."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import CommandLine

from harness.cli.main import SECTIONS, cli

COMMANDS = [name for section in SECTIONS.values() for name in section]


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def test_commands_are_grouped(harness: CommandLine) -> None:
    answer = harness("--help")
    assert answer.code == 0
    places = [answer.out.index(f"\n{title}:") for title in ("Run", "Judge", "By hand", "Author")]
    assert places == sorted(places)
    for name in COMMANDS:
        assert f"\n  {name} " in answer.out


def test_python_runs_it_as_a_module(harness: CommandLine) -> None:
    done = subprocess.run([sys.executable, "-m", "harness", "--help"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.partition("\n")[2] == harness("--help").out.partition("\n")[2]
    wrong = subprocess.run([sys.executable, "-m", "harness", "rnu"], capture_output=True, text=True)
    assert (wrong.returncode, wrong.stdout) == (4, "")
    assert "did you mean" in wrong.stderr.lower()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_explains_itself_in_sentences(harness: CommandLine, name: str) -> None:
    answer = harness(name, "--help")
    assert answer.code == 0
    found = command(name)
    texts = [found.help or "", *(SECTIONS[key][name] for key in SECTIONS if name in SECTIONS[key])]
    texts += [option.help or "" for option in found.params if isinstance(option, click.Option)]
    for text in texts:
        assert text, f"{name} has an option without help"
        assert text[0].isupper(), text
        assert (
            text.rstrip()[-1] in ".)"
            or "harness " in text.splitlines()[-1]
            or ";" in text
            or "default" in text
        ), text


@pytest.mark.parametrize(
    "name", ["run", "check", "report", "explain", "doctor", "heal", "validate", "plan", "list"]
)
def test_commands_that_read_know_json(name: str) -> None:
    assert any("--json" in option.opts for option in command(name).params)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, json\nfrom harness.cli.main import run\nassert run(['--help']) == 0\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(ended.stdout.splitlines()[-1]))
    assert not loaded & {
        "pandas",
        "numpy",
        "pydantic",
        "rich",
        "msgspec",
        "yaml",
        "locust",
        "aiohttp",
        "psutil",
        "pytest",
    }


def test_an_unknown_command_names_the_closest(harness: CommandLine) -> None:
    answer = harness("vaildate")
    assert (answer.code, answer.out) == (4, "")
    assert "no command 'vaildate'. Did you mean 'validate'?" in answer.err


@pytest.mark.parametrize(
    "arguments", [("run", "--sed", "7"), ("run", "--repeat", "0"), ("run", "--seed", "x"), ("check",)]
)
def test_wrong_options_are_usage_errors(harness: CommandLine, arguments: tuple[str, ...]) -> None:
    answer = harness(*arguments)
    assert answer.code == 4
    assert "Usage: " in answer.err


def test_the_version_is_told(harness: CommandLine) -> None:
    answer = harness("--version")
    assert answer.code == 0
    assert answer.out.startswith("harness, version ")
