"""A disk that takes no more: the run heals, is UNKNOWN, says why in one line, and shows nobody a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fake_bench import CANNED, FakeBench, Runner, raising, told
from scripted import scenario
from small_disk import fill, mounted
from three_providers import three_providers

from harness.engine import record as record_module
from harness.engine import run as run_module
from harness.engine.finished import Finished
from harness.engine.judging import judge_again
from harness.engine.record import Record
from harness.engine.setup import Setup
from harness.engine.verdict_file import read_verdicts
from harness.history.journal import JournalWriter, read_journal
from harness.history.run import load_run
from harness.model import events as e
from harness.model.judgement import Judgement
from harness.model.outcome import ExitCode, Outcome

WHY = (
    "the journal can't be written, No space left on device: free some space, or write runs elsewhere (--out)"
)
PASS, FAIL = Judgement(Outcome.PASS, ()), Judgement(Outcome.FAIL, ())


def full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Filling(JournalWriter):
    """Takes `room` events, and refuses the rest until somebody makes room."""

    room = 10**6

    def append(self, event: e.Event) -> int:
        if Filling.room <= 0:
            raise full()
        Filling.room -= 1
        return super().append(event)


@pytest.fixture
def filling(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    monkeypatch.setattr(record_module, "JournalWriter", Filling)
    return lambda room: monkeypatch.setattr(Filling, "room", room)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(scenario(), three_providers(), CANNED, tmp_path)  # type: ignore[arg-type]


def say_something() -> None:
    FakeBench.made.record.emit(e.ServiceReady(at_ns=1, service="engine-alpha"))


def assert_told(finished: Finished, why: str = WHY) -> None:
    assert finished.exit_code is ExitCode.UNKNOWN
    assert finished.judgement.outcome is Outcome.UNKNOWN
    assert finished.judgement.reasons[0] == why
    assert (finished.broke, finished.left) == (None, ())


@pytest.mark.parametrize("step", ["bring_up", "begin_load", "inject", "heal", "settle", "freeze"])
def test_a_disk_that_fills_up_stops_the_run_which_heals(
    runner: Runner, filling: Callable[[int], None], capfd: pytest.CaptureFixture[str], step: str
) -> None:
    def fill_up() -> None:
        filling(0)
        say_something()

    filling(10**6)
    finished = runner(**{step: fill_up})
    assert_told(finished)
    log = FakeBench.made.log
    assert log[-3:] == ["settle", "freeze", "tear_down"]
    assert ("inject" in log) is (step not in ("bring_up", "begin_load")), "the timeline went on"
    assert finished.folder is not None
    assert read_verdicts(finished.folder) == judge_again(load_run(finished.folder.path))
    assert capfd.readouterr() == ("", "")


def test_a_run_that_cannot_even_say_that_it_began_is_not_run(
    runner: Runner, filling: Callable[[int], None]
) -> None:
    filling(0)
    with pytest.raises(OSError, match="No space left"):
        runner()


def test_what_failed_stays_failed_on_a_full_disk(runner: Runner, filling: Callable[[int], None]) -> None:
    filling(10**6)
    finished = runner(FAIL, tear_down=lambda: filling(0))
    assert (finished.exit_code, finished.judgement.outcome) == (ExitCode.FAILED, Outcome.FAIL)
    assert finished.judgement.reasons == (WHY,)


def test_a_pass_that_could_not_be_written_down_is_none(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "write_verdicts", lambda *_: raising(full())())
    finished = runner(PASS)
    assert finished.folder is not None
    assert_told(finished, f"the verdicts can't be written: No space left on device ({finished.folder.path})")


def test_a_full_disk_beside_the_journal_is_no_bug(runner: Runner) -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "load-flow-0.json")
    finished = runner(bring_up=raising(error))
    assert finished.exit_code is ExitCode.UNKNOWN
    assert told(finished) == ["error: No space left on device (load-flow-0.json)"]


@pytest.mark.parametrize("step", ["begin_load", "freeze"])
def test_a_write_that_finds_no_room_is_told_with_the_folder_of_the_run(runner: Runner, step: str) -> None:
    finished = runner(**{step: raising(full())})
    assert finished.folder is not None
    assert told(finished) == [f"error: No space left on device ({finished.folder.path})"]


def test_a_journal_with_a_hole_ends_there(filling: Callable[[int], None], setup: Setup) -> None:
    filling(10**6)
    record = Record(setup)
    record.begin()
    filling(1)
    for number in range(3):
        record.emit(e.ServiceReady(at_ns=number, service="engine-alpha"))
    filling(10**6)  # there is room again
    record.emit(e.ServiceReady(at_ns=9, service="engine-bravo"))
    record.close(left=())
    journal = read_journal(record.folder.journal)
    assert [type(event) for event in journal.events] == [e.RunStarted, e.ServiceReady]
    assert load_run(record.folder.path).cut == "the journal ends before the stack's final state was collected"


def test_why_a_run_was_aborted_is_written_as_soon_as_there_is_room(
    runner: Runner, filling: Callable[[int], None]
) -> None:
    def fill_up() -> None:
        filling(0)
        say_something()

    filling(10**6)
    finished = runner(inject=fill_up, settle=lambda: filling(10**6), freeze=raising(OSError("odd")))
    assert told(finished) == ["error: odd"]
    assert_told(finished)


def test_a_journal_that_cannot_be_forced_onto_the_disk_is_told(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_module.JournalWriter, "sync", lambda _: raising(OSError(errno.EIO, "bad"))())
    record = Record(setup)
    record.begin()
    record.sync()
    assert record.refused == "the journal can't be written, bad"
    record.close(left=())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", size="256k") as disk:
        yield disk


@pytest.mark.parametrize("step", ["bring_up", "inject", "tear_down"])
def test_a_real_disk_that_fills_up(
    runner: Runner, small_disk: Path, capfd: pytest.CaptureFixture[str], step: str
) -> None:
    """The journal's last page may have room for some events: what stands in it is whole, and what is missing is told."""

    def fill_up() -> None:
        fill(small_disk)
        for _ in range(200):
            say_something()

    finished = runner(out=small_disk / "runs", **{step: fill_up})
    assert_told(finished)
    assert FakeBench.made.log[-1] == "tear_down"
    assert finished.folder is not None
    run = load_run(finished.folder.path)
    assert not run.journal.torn
    assert not run.journal.ended
    assert "the verdicts can't be written: No space left on device" in finished.judgement.reasons[1]
    assert [path.name for path in finished.folder.path.iterdir() if ".tmp" in path.name] == []
    assert capfd.readouterr() == ("", "")


def test_a_real_disk_that_is_full_lets_no_run_begin(runner: Runner, small_disk: Path) -> None:
    fill(small_disk)
    with pytest.raises(OSError, match="No space left") as caught:
        runner(out=small_disk / "runs")
    assert caught.value.errno == errno.ENOSPC
