"""What services read from their environment, what they say of themselves, and how they are chosen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trading_stack import __main__ as entry
from trading_stack import defects, events, settings
from trading_stack.defects import Defect
from trading_stack.settings import Address, SettingsError


def test_addresses_are_read_in_their_order() -> None:
    environ = {"LISTEN": "127.0.0.1:7100", "PEERS": "bravo=b:1, alpha=a:2"}
    assert settings.address(environ, "LISTEN") == Address("127.0.0.1", 7100)
    assert list(settings.addresses(environ, "PEERS").items()) == [("bravo", ("b", 1)), ("alpha", ("a", 2))]
    assert settings.addresses(environ, "NOBODY") == {}
    assert str(Address("h", 1)) == "h:1"


@pytest.mark.parametrize("text", ["", "host", "host:", ":1", "host:x", "host:70000"])
def test_a_malformed_address_names_its_variable(text: str) -> None:
    with pytest.raises(SettingsError, match="LISTEN"):
        settings.address({"LISTEN": text}, "LISTEN")


def test_times_secrets_and_directories(tmp_path: Path) -> None:
    environ = {"T": "12.5", "BAD": "soon", "CLUSTER_SECRET": "s", "DATA": str(tmp_path / "a" / "b")}
    assert settings.milliseconds(environ, "T", 1) == 12_500_000
    assert settings.milliseconds(environ, "OTHER", 3) == 3_000_000
    with pytest.raises(SettingsError, match="soon"):
        settings.milliseconds(environ, "BAD", 1)
    assert settings.secret(environ) == b"s"
    assert settings.directory(environ, "DATA").is_dir()


def test_defects_are_read_and_mistyped_ones_named() -> None:
    assert defects.active({}) == frozenset()
    asked = {"TRADING_STACK_DEFECT": "no-fencing, lost-fsync"}
    assert defects.active(asked) == {Defect.NO_FENCING, Defect.LOST_FSYNC}
    with pytest.raises(ValueError, match=r"no defect 'no-fence'.*no-fencing"):
        defects.active({"TRADING_STACK_DEFECT": "no-fence"})


def test_an_event_is_one_line_of_json() -> None:
    line = events.line_of("primary_promoted", 5, {"epoch": 2, "candidate": None})
    assert line.endswith(b"}\n")
    assert json.loads(line) == {"event": "primary_promoted", "mono_ns": 5, "epoch": 2}


def test_events_go_to_standard_output_whole(capfd: pytest.CaptureFixture[str]) -> None:
    events.emit("log_sealed", epoch=1)
    events.log("for people")
    first, second = capfd.readouterr().out.splitlines()
    assert json.loads(first)["event"] == "log_sealed"
    assert second == "for people"


def test_a_closed_output_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    monkeypatch.setattr(events, "STDOUT", write)
    events.emit("log_sealed", epoch=1)
    os.close(write)


def test_a_wrong_role_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["banker"], {}) == entry.USAGE_ERROR
    assert entry.main([], {}) == entry.USAGE_ERROR
    assert "engine, sentinel" in capsys.readouterr().err


def test_a_setting_that_is_missing_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["sentinel"], {}) == entry.USAGE_ERROR
    assert "PROVIDER: not set" in capsys.readouterr().err


@pytest.mark.processes
def test_a_preloaded_interpreter_becomes_a_service_without_a_warning() -> None:
    become = "import runpy, trading_stack.preload; runpy.run_module('trading_stack', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", become], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stderr.startswith("usage: "), done.stderr
