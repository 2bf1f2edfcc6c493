"""Bad input, a system that refuses, and bugs of our own: a message and the right code, never a traceback."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command_line import SCENARIO, CommandLine

from harness.cli import main as main_module
from harness.cli.trouble import told_by_system

HOSTILE = {
    "a tab": "scenario: x\n\tends: 5s\n",
    "a duplicate key": SCENARIO + "ends: 6s\n",
    "no mapping": "- scenario\n",
    "an anchor bomb": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(
        f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "scenario: *i\n",
    "a tag that builds objects": "scenario: !!python/object/apply:os.system [echo hacked]\n",
    "deep nesting": "scenario: " + "[" * 5000 + "]" * 5000 + "\n",
    "a NUL byte": "scenario: a\x00b\n",
    "no text": b"\xff\xfe\x00\xd8scenario: x",
    "nothing": "",
    "two documents": SCENARIO + "---\n" + SCENARIO,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("name", ["validate", "plan", "list", "run"])
def test_hostile_files_are_told_with_their_place(
    harness: CommandLine, project: Path, name: str, kind: str
) -> None:
    content = HOSTILE[kind]
    path = project / "hostile.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    answer = harness(name, "hostile.yaml")
    assert answer.code == 4
    assert "hostile.yaml" in answer.out + answer.err
    assert not (project / "runs").exists()


IMPOSSIBLE = {
    "an unknown provider": ("provider: alpha", "provider: alhpa", "alpha"),
    "an unknown fault": ("fault: provider_outage", "fault: provider_outrage", "provider_outage"),
    "an unknown key": ("ends: 5s", "end: 5s", "ends"),
    "an unknown check": ("order_integrity", "order_integrty", "order_integrity"),
    "no unit": ("ends: 5s", "ends: 5", "5 is not a duration"),
    "an onset in the steady state": ("at: 2s", "at: 500ms", "before the steady state is over"),
    "an onset after the end": ("at: 2s", "at: 9s", "the scenario ends at 5s"),
    "an end after the end": ("lasts: 1s", "lasts: 9s", "after the scenario ends at 5s"),
    "a circle": ("at: 2s", "when: {event: outage}", "waits for itself"),
    "no expectation": (
        "expect: {order_integrity: {}}\n",
        "",
        "`expect` is missing, so nothing would be judged",
    ),
    "an empty expectation": (
        "{order_integrity: {}}",
        "{}",
        "`expect` names no check, so nothing would be judged",
    ),
    "nothing expected": (" {order_integrity: {}}", "", "add at least one check (harness list --checks)"),
}


@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_impossible_scenarios_are_told_before_anything_starts(
    harness: CommandLine, project: Path, kind: str
) -> None:
    before, after, told = IMPOSSIBLE[kind]
    (project / "scenarios" / "outage.yaml").write_text(SCENARIO.replace(before, after))
    for name in ("run", "plan", "validate"):
        answer = harness(name)
        assert answer.code == 4
        said = answer.out + answer.err
        assert told in said
        assert "scenarios/outage.yaml:" in said
        assert "^" in said
    assert not (project / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("run", "missing.yaml"), 4, "there is no file or folder missing.yaml"),
        (("run", "-k", "nothing-like-it"), 5, "no scenario matches"),
        (("list", "--tag", "none"), 5, "no scenario matches"),
        (("run", "--platform", "proces"), 4, "did you mean 'process'?"),
        (("run", "--stack", "missing.yml"), 4, "missing.yml"),
        (("run", "--defect", "none-such"), 4, "declares no defect 'none-such'"),
        (("run", "--set", "nonsense"), 4, "nonsense"),
        (("check", "runs/none"), 4, "there is no run at runs/none"),
        (("check", "scenarios"), 4, "is not a run"),
        (("check", "scenarios/outage.yaml"), 4, "is a file"),
        (("explain", "none"), 4, "there is no run at none"),
        (("explain", "O99"), 4, "O99"),
        (("report", "scenarios"), 5, "no run lies in scenarios"),
        (("init", "../escape"), 4, "is no name for a scenario"),
        (("init", "outage"), 4, "exists already"),
        (("check", "x" * 5000), 4, "ame too long"),
    ],
)
def test_what_is_missing_is_named(
    harness: CommandLine, arguments: tuple[str, ...], code: int, told: str
) -> None:
    answer = harness(*arguments)
    assert (answer.code, answer.out) == (code, "")
    assert told in answer.err
    assert answer.err.startswith("harness: ")


def test_without_a_stack_the_next_step_is_told(harness: CommandLine, project: Path) -> None:
    (project / "docker-compose.yml").unlink()
    answer = harness("run")
    assert answer.code == 4
    assert "next: " in answer.err


def test_a_stack_without_an_adapter_is_refused_before_anything_starts(
    harness: CommandLine, project: Path
) -> None:
    file = project / "docker-compose.yml"
    file.write_text(file.read_text().replace("  adapter: toy:Adapter\n", ""))
    answer = harness("run")
    assert answer.code == 4
    assert "adapter" in answer.err
    assert not (project / "runs").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            '{"run_id": "r", "scenario": "s", "seed": 1, "platform": "p", "stack": "t", "schema": 99}',
            "schema 99",
        ),
        ('{"hello": "world"}', "was not written by this harness"),
        ("{", "was not written by this harness"),
        ("\x00\x01", "was not written by this harness"),
    ],
)
@pytest.mark.parametrize("name", ["check", "report", "explain"])
def test_runs_of_others_and_of_newer_versions_are_refused(
    harness: CommandLine, project: Path, name: str, content: str, told: str
) -> None:
    folder = project / "runs" / "s" / "r"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(content)
    answer = harness(name, str(folder))
    assert answer.code == 4
    assert told in answer.err


def test_a_folder_that_cannot_be_written_is_a_usage_error(harness: CommandLine, project: Path) -> None:
    (project / "taken").write_text("a file")
    answer = harness("init", "another", "--folder", "taken")
    assert answer.code == 4
    assert "next: name a folder, not a file" in answer.err
    answer = harness("run", "--out", "taken/below")
    assert answer.code == 4
    assert "taken" in answer.err


@pytest.mark.parametrize(
    ("number", "code", "step"),
    [
        (errno.ENOSPC, 9, "free some disk space"),
        (errno.EACCES, 4, "name a folder that you may write to"),
        (errno.EMFILE, 9, "raise the limit of open files"),
        (errno.EADDRINUSE, 9, "something else uses that port"),
    ],
)
def test_a_system_that_refuses_is_told_with_the_next_step(
    harness: CommandLine, monkeypatch: pytest.MonkeyPatch, number: int, code: int, step: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "runs/outage")

    monkeypatch.setattr("harness.history.folder.Path.mkdir", refuse)
    answer = harness("run")
    assert answer.code == code
    assert f"harness: {os.strerror(number)} (runs/outage)" in answer.err
    assert step in answer.err


def test_other_refusals_are_told_as_they_are() -> None:
    assert told_by_system(OSError("another process is healing")) == ("another process is healing", 3)


def test_a_bug_is_one_line_and_its_traceback_is_kept(
    harness: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise ZeroDivisionError("of the\nharness")

    monkeypatch.setattr(main_module.cli, "main", broken)
    answer = harness("list")
    assert answer.code == 3
    first, second = answer.err.splitlines()
    assert first == "harness: internal error: ZeroDivisionError: of the harness"
    kept = Path(second.removeprefix("  next: report it with ").partition(",")[0])
    assert kept.is_relative_to(project / "state")
    assert "Traceback" in kept.read_text()


def test_a_bug_is_told_even_when_its_traceback_cannot_be_kept(
    harness: CommandLine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "state").write_text("in the way")
    monkeypatch.setattr(main_module.cli, "main", lambda *_, **__: 1 // 0)
    answer = harness("list")
    assert answer.code == 3
    assert "could not be kept" in answer.err


def test_ctrl_c_is_code_2(harness: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.cli.list_command.chosen_scenarios", interrupted)
    monkeypatch.setattr("harness.cli.list_command._faults", interrupted)
    assert harness("list", "--faults").code == 2
