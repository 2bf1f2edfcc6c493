from __future__ import annotations

import threading
from pathlib import Path

import pytest
from toy_observed import Blind, Watched, write_state

from harness.observe.files import read_quotes
from harness.observe.observer import LogWatch, Observer, capabilities_of
from harness.observe.plan import (
    Command,
    Endpoint,
    Finish,
    Finished,
    ObserverPlan,
    PollQuotes,
    Said,
    Saw,
    ServiceLog,
    Watching,
)

HERE = Path(__file__).parent
PRICING = (
    Endpoint("pricing-alpha", "alpha", "127.0.0.1", 1),
    Endpoint("pricing-bravo", "bravo", "127.0.0.1", 2),
)


def plan(folder: Path, adapter: str = "Watched") -> ObserverPlan:
    return ObserverPlan(
        adapter=f"toy_observed:{adapter}",
        folder=str(folder),
        logs=(ServiceLog("engine-alpha", str(folder / "engine-alpha.log")),),
        base=str(HERE),
        quotes_every_s=0.01,
    )


def test_lines_of_people_are_passed_over_and_events_told(tmp_path: Path) -> None:
    said: list[Said] = []
    watch = LogWatch(Watched(), plan(tmp_path), said.append)
    (tmp_path / "engine-alpha.log").write_bytes(
        b'hello\n{"event":"primary_promoted","mono_ns":5,"epoch":2}\n'
    )
    watch.look()
    assert len(said) == watch.events == 1
    assert isinstance(said[0], Saw)
    assert (said[0].event.service, said[0].event.kind, said[0].event.epoch) == (
        "engine-alpha",
        "primary_promoted",
        2,
    )
    assert watch.missing() == []


def test_a_line_that_the_adapter_raises_for_costs_that_line_alone(tmp_path: Path) -> None:
    said: list[Said] = []
    watch = LogWatch(Watched(), plan(tmp_path), said.append)
    (tmp_path / "engine-alpha.log").write_bytes(b'{"half\n{"event":"log_sealed","mono_ns":5}\n')
    watch.look()
    assert [each.event.kind for each in said if isinstance(each, Saw)] == ["log_sealed"]
    assert watch.missing()[0].startswith("1 log lines that the adapter raised for: JSONDecodeError")


def test_an_adapter_that_reads_no_events_says_so(tmp_path: Path) -> None:
    watch = LogWatch(Blind(), plan(tmp_path), lambda said: None)
    (tmp_path / "engine-alpha.log").write_bytes(b'{"event":"log_sealed","mono_ns":5}\n')
    watch.look()
    assert watch.missing() == ["stack events: the adapter doesn't read them (Leadership)"]


def test_capabilities_are_found_by_their_methods() -> None:
    assert capabilities_of(Watched()) == ("Leadership", "Quotes", "DropCopy", "Accounts")
    assert capabilities_of(Blind()) == ()


def test_quotes_are_read_to_the_very_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_STATE", str(tmp_path))
    write_state(tmp_path, 1, cursor=3)
    said: list[Said] = []
    observer = Observer(plan(tmp_path), said.append)
    running = threading.Thread(target=observer.run)
    running.start()
    observer.obey(Command(poll_quotes=PollQuotes(PRICING)))
    write_state(tmp_path, 1, cursor=8)
    observer.obey(Command(finish=Finish()))
    running.join()
    assert isinstance(said[0], Watching)
    finished = said[-1]
    assert isinstance(finished, Finished)
    assert finished.quotes == 8
    assert finished.missing[0].startswith("quotes of pricing-bravo to the end: FileNotFoundError")
    assert sum(len(batch.quotes) for batch in read_quotes(tmp_path)) == 8


def test_an_adapter_that_reads_no_quotes_says_so(tmp_path: Path) -> None:
    said: list[Said] = []
    observer = Observer(plan(tmp_path, "Blind"), said.append)
    observer.obey(Command(poll_quotes=PollQuotes(PRICING), finish=Finish()))
    observer.run()
    assert isinstance(said[-1], Finished)
    assert said[-1].missing[0] == "quotes: the adapter doesn't read them (Quotes)"
