"""Undos carried out for real: each of them twice, and never on another process than the one that was meant."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from guardian_support import eventually, gone, lease, python, sleeper, undo_of

from harness.guardian.heal import heal
from harness.guardian.identity import LINUX, is_running, look
from harness.guardian.ledger import Ledger
from harness.guardian.mending import Mended, Result
from harness.guardian.process_undo import signal_process
from harness.guardian.service_undo import STARTED, is_held, start_service
from harness.guardian.toxics_undo import remove_toxics
from harness.model.undo import SERVICE_VARIABLE, RemoveToxics, SignalProcess, StartService

pytestmark = pytest.mark.processes


def soon() -> float:
    return time.monotonic() + 1


@pytest.fixture
def victim() -> Iterator[subprocess.Popen[bytes]]:
    process = sleeper()
    yield process
    process.kill()
    process.wait()


def test_ends_a_process_and_twice_does_no_harm(victim: subprocess.Popen[bytes]) -> None:
    undo = undo_of(victim, "SIGKILL", "engine")
    assert signal_process(undo)(soon()).result is Result.HEALED
    victim.wait()
    assert signal_process(undo)(soon()).result is Result.MOOT


def test_thaws_a_process_and_twice_does_no_harm(victim: subprocess.Popen[bytes]) -> None:
    undo = undo_of(victim, "SIGCONT")
    victim.send_signal(signal.SIGSTOP)
    assert eventually(lambda: (seen := look(victim.pid)) is not None and seen.stopped)
    assert [signal_process(undo)(soon()).result for _ in range(2)] == [Result.HEALED, Result.HEALED]
    assert is_running(victim.pid, undo.create_time)


def test_never_signals_another_process_that_got_the_id(victim: subprocess.Popen[bytes]) -> None:
    meant = undo_of(victim, "SIGKILL")
    other = SignalProcess(victim.pid, meant.create_time - 100, "SIGKILL")
    assert signal_process(other)(soon()).result is Result.MOOT
    assert is_running(victim.pid, meant.create_time)


def test_does_not_end_its_own_group() -> None:
    code = """
import os, time
from harness.guardian.identity import look
from harness.guardian.process_undo import signal_process
from harness.model.undo import SignalProcess
os.setpgid(0, 0)
if (child := os.fork()) == 0:
    time.sleep(60)
signal_process(SignalProcess(child, look(child).create_time, "SIGKILL", "x"))(time.monotonic() + 1)
print("alive")
"""
    assert python(code).communicate(timeout=20)[0] == "alive\n"


@pytest.mark.skipif(not LINUX, reason="only Linux tells another process's environment")
def test_ends_what_a_dead_service_has_left_in_its_group() -> None:
    environment = {**os.environ, SERVICE_VARIABLE: "engine"}
    leader = subprocess.Popen(
        ["sh", "-c", "sleep 60 & echo $!; wait"], process_group=0, stdout=subprocess.PIPE, env=environment
    )
    assert leader.stdout is not None
    orphan = int(leader.stdout.readline())
    undo = undo_of(leader, "SIGKILL", "engine")
    os.kill(leader.pid, signal.SIGKILL)
    leader.communicate() if gone(orphan) else leader.wait()
    signal_process(undo)(soon())
    assert eventually(lambda: gone(orphan))
    leader.stdout.close()


def started(tmp_path: Path, *argv: str) -> tuple[StartService, list[int]]:
    return StartService("engine", argv, dict(os.environ), str(tmp_path), str(tmp_path / "engine.log")), []


def test_starts_a_service_once_however_often_it_is_asked(tmp_path: Path) -> None:
    undo, pids = started(tmp_path, "sh", "-c", "echo up; sleep 60")
    log = Path(undo.log)
    assert not is_held(log)
    first = start_service(undo, pids.append)(soon())
    second = start_service(undo, pids.append)(soon())
    try:
        assert (first.result, second.result, len(pids)) == (Result.HEALED, Result.MOOT, 1)
        assert eventually(lambda: log.read_text() == "up\n")
        assert is_held(log)
    finally:
        os.killpg(pids[0], signal.SIGKILL)
        STARTED.pop().wait()
    assert eventually(lambda: not is_held(log))


def test_a_service_that_can_not_be_started_is_told(tmp_path: Path) -> None:
    undo, pids = started(tmp_path, "no-such-program")
    with pytest.raises(OSError, match="no-such-program"):
        start_service(undo, pids.append)
    (report,) = heal([lease("fault", undo)], Ledger(tmp_path), cause="test", owner_ended=False)
    assert not report.healed
    assert "no-such-program" in str(report)


class Proxy(http.server.BaseHTTPRequestHandler):
    """A fault proxy's API with one link; `stubborn` answers that it took toxics off, and keeps them."""

    toxics: dict[str, list[dict[str, str]]]
    stubborn = False

    def do_DELETE(self) -> None:
        _, _, link, _, toxic = self.path.split("/")
        before = self.toxics[link]
        if not self.stubborn:
            self.toxics[link] = [one for one in before if one["name"] != toxic]
        self._answer(204 if any(one["name"] == toxic for one in before) else 404, b"")

    def do_GET(self) -> None:
        self._answer(
            200, json.dumps({name: {"toxics": toxics} for name, toxics in self.toxics.items()}).encode()
        )

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def proxy() -> Iterator[tuple[type[Proxy], str]]:
    handler = type("Handler", (Proxy,), {"toxics": {"a--b": [{"name": "baseline"}, {"name": "cut"}]}})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield handler, f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_takes_toxics_off_and_twice_does_no_harm(proxy: tuple[type[Proxy], str]) -> None:
    handler, api = proxy
    undo = RemoveToxics(api, (("a--b", "cut"),))
    assert [remove_toxics(undo)(soon()).result for _ in range(2)] == [Result.HEALED, Result.HEALED]
    assert handler.toxics == {"a--b": [{"name": "baseline"}]}


def test_believes_what_it_reads_back_and_not_the_answer(proxy: tuple[type[Proxy], str]) -> None:
    handler, api = proxy
    handler.stubborn = True
    mended = remove_toxics(RemoveToxics(api, (("a--b", "cut"),)))(time.monotonic())
    assert mended == Mended("a--b", Result.FAILED, f"proxy {api}: still there: a--b/cut")


def test_a_proxy_that_is_gone_took_its_toxics_along(proxy: tuple[type[Proxy], str]) -> None:
    assert remove_toxics(RemoveToxics("127.0.0.1:1", (("a", "b"),)))(soon()).result is Result.MOOT


def test_healing_forgets_what_was_healed_and_keeps_what_was_not(
    tmp_path: Path, victim: subprocess.Popen[bytes]
) -> None:
    ledger = Ledger(tmp_path)
    undo, _ = started(tmp_path, "no-such-program")
    leases = [lease("good", undo_of(victim, "SIGKILL"), granted_ns=1), lease("bad", undo, granted_ns=2)]
    for one in leases:
        ledger.put(one)
    reports = heal(leases, ledger, cause="test", owner_ended=False)
    assert [(report.name, report.healed) for report in reports] == [("bad", False), ("good", True)]
    assert [one.name for one in ledger.read().leases] == ["bad"]
