"""`harness detectors` by what it prints."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.main import run

RECORDED = Path(__file__).parent / "recorded"
STACK = """\
name: toy
services:
  gateway: {image: toy, labels: {harness.provider: alpha, harness.role: gateway}, expose: ["8080"]}
x-harness:
  adapter: toy:Adapter
  clients: {enter_at: {role: gateway}}
  detector: {kind: fixed, setting: 200ms, heartbeat: 50ms}
"""
SHORT = ("--hours", "0.05", "--deaths", "6")


@pytest.fixture
def harness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HARNESS_STACK", raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["detectors", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_without_a_trace_three_worlds_are_simulated(harness: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = harness(*SHORT, "--shipped", "cautious:240ms")
    assert (code, err) == (0, "")
    assert [line.split(":")[0] for line in out.splitlines() if ": simulated: " in line] == [
        "quiet",
        "rough",
        "busy",
    ]
    assert out.count("  cautious:240ms: T_D median ") == 3
    assert "none seen" in out
    assert out.splitlines()[-1] == "page: reports/detectors.html"
    assert Path("reports/detectors.html").read_text().count("<svg") == 6


def test_a_recording_is_measured_alone(harness: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = harness(str(RECORDED), "--every", "--reports", "elsewhere")
    assert code == 0
    assert out.startswith("recorded: recorded by 2 watchers; ")
    assert "simulated" not in out
    assert ", 7 deaths, seen 14 times\n" in out  # by two watchers
    assert "phi:300" in out
    assert Path("elsewhere/detectors.html").exists()


def test_worlds_can_be_named_beside_recordings(harness: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = harness(str(RECORDED / "one.ndjson.gz"), "--world", "quiet", *SHORT, "--json")
    assert code == 0
    assert [trace["trace"] for trace in json.loads(out)["traces"]] == ["one.ndjson.gz", "quiet"]


def test_the_stack_says_what_is_shipped(harness: Callable[..., tuple[int, str, str]]) -> None:
    Path("docker-compose.yml").write_text(STACK)
    _, out, _ = harness("--world", "quiet", *SHORT, "--json")
    (trace,) = json.loads(out)["traces"]
    assert (trace["heartbeat_ns"], trace["shipped"]["setting"]["name"]) == (50_000_000, "fixed:200ms")
    _, out, _ = harness("--world", "quiet", *SHORT, "--json", "--shipped", "phi:8", "--heartbeat", "20ms")
    (trace,) = json.loads(out)["traces"]
    assert (trace["heartbeat_ns"], trace["shipped"]["setting"]["name"]) == (20_000_000, "phi:8")


def test_the_reference_stack_declares_its_detector(harness: Callable[..., tuple[int, str, str]]) -> None:
    _, out, _ = harness("--world", "quiet", *SHORT, "--json", "--stack", "reference")
    (trace,) = json.loads(out)["traces"]
    assert (trace["heartbeat_ns"], trace["shipped"]["setting"]["name"]) == (20_000_000, "cautious:240ms")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("missing.ndjson",), "there is nothing at missing.ndjson"),
        (("--world", "quite"), "did you mean 'quiet'?"),
        (("--shipped", "fixed"), "has no setting"),
        (("--heartbeat", "20"), "write --heartbeat 20ms"),
        (("--heartbeat", "1us"), "can't be simulated"),
        (("--stack", "missing.yml"), "missing.yml"),
    ],
)
def test_mistakes_are_told_with_the_next_step(
    harness: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], told: str
) -> None:
    code, out, err = harness(*arguments)
    assert (code, out) == (4, "")
    assert told in err
    assert "next: " in err


def test_a_torn_recording_is_told_with_its_line(
    harness: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    shutil.copy(RECORDED / "one.ndjson.gz", tmp_path / "w.ndjson.gz")
    Path("plain.ndjson").write_text(
        '{"kind":"watch","at_ns":1,"version":1,"watcher":"w","heartbeat_ns":20}\n{"kind"'
    )
    code, _, err = harness("plain.ndjson")
    assert code == 4
    assert "plain.ndjson:2:1: " in err
