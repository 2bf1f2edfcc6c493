"""The `timeout` of a scenario in virtual time: by a real clock, which decides nothing but that the run is stopped."""

from __future__ import annotations

import itertools
import json
from functools import partial
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.engine import virtual_bench
from harness.engine.virtual_limit import WallClockLimit
from harness.model.errors import OutOfTime
from harness.platforms.sim.agenda import WATCHED_EVERY, Agenda

SCENARIO = """\
scenario: endless
load: {profile: steady, orders_per_s: 20, probe_every: 50ms}
steady_state: {for: 1s, availability: {min: 99%}}
timeline:
  - {id: outage, at: 1200ms, fault: provider_outage, mode: dark, target: {provider: primary}}
ends: 3s
timeout: 6s
expect: {data_loss: {}}
"""


def test_nothing_is_raised_before_the_end_and_everything_behind_it() -> None:
    now_s = iter((100.0, 101.9, 102.0, 103.0))
    limit = WallClockLimit(2, clock_s=lambda: next(now_s))
    limit.look()
    assert not limit.passed
    for _ in range(2):
        with pytest.raises(OutOfTime, match=r"the run took longer than 2 s"):
            limit.look()
    assert limit.passed


def test_an_agenda_is_watched_even_where_its_time_stands_still() -> None:
    agenda = Agenda()
    limit = WallClockLimit(3, clock_s=partial(next, itertools.count()))  # type: ignore[call-overload]
    agenda.watch = limit.look

    def again() -> None:
        agenda.after(0, again)

    again()
    with pytest.raises(OutOfTime):
        agenda.run_until(1)
    assert (agenda.steps, agenda.now_ns) == (3 * WATCHED_EVERY, 0)


def test_a_run_that_takes_too_long_is_stopped_and_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = itertools.count()  # a second a look
    monkeypatch.setattr(virtual_bench, "WallClockLimit", partial(WallClockLimit, clock_s=lambda: next(slow)))
    monkeypatch.chdir(tmp_path)
    Path("endless.yaml").write_text(SCENARIO)
    assert run(["run", "endless.yaml", "--stack", "reference", "--platform", "sim"]) == 7
    capsys.readouterr()
    folder = Path("runs/endless/latest")
    told = json.loads((folder / "verdicts.json").read_bytes())
    assert told["outcome"] == "UNKNOWN"
    assert any("(timeout): the run took longer than 6 s" in reason for reason in told["reasons"])
    events = [json.loads(line) for line in (folder / "journal.ndjson").read_bytes().splitlines()]
    aborts = [event["cause"] for event in events if event["type"] == "RunAborted"]
    assert aborts == ["timeout"]
    assert events[-1]["type"] == "RunEnded"
