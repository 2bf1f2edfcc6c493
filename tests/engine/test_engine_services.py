"""The services of one run: told of when they come and go, and ended whatever happens."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fake_bench import CANNED, raising
from scripted import scenario
from three_providers import three_providers

from harness.engine import services as services_module
from harness.engine.record import Record
from harness.engine.services import Services
from harness.engine.setup import Setup
from harness.guardian.mending import HealReport
from harness.history.journal import read_journal
from harness.model import events as e
from harness.model.errors import HealFailed, StackUnhealthy
from harness.platforms.contract import Exit
from harness.scenario.settings import Allow

LIMIT = HealReport("l-1", "fault outage", 0, "its time is over", 0.0, 0.0, ())


class Guardian:
    """Leases that nobody keeps; what is done to them is written down."""

    def __init__(self, *, on_healed: Callable[[HealReport], None]) -> None:
        self.on_healed = on_healed
        self.log: list[str] = []

    def grant(self, name: str, undos: Sequence[object], *, limit_s: float) -> str:
        self.log.append(f"grant {name} ({len(undos)} undos, {limit_s:g} s)")
        return name

    def release(self, lease: str) -> None:
        self.log.append(f"release {lease}")

    def close(self) -> None:
        self.log.append("close")


class Place:
    """A site that does as it is told."""

    def __init__(self, guardian: Guardian) -> None:
        self._guardian = guardian
        self.ended: list[Exit] = []
        self.unready: tuple[str, ...] = ()
        self.stop_with: Callable[[], object] = lambda: ()

    def pids(self) -> dict[str, int]:
        return {"engine-alpha": 7}

    def wait_ready(
        self, *, within_s: float, services: tuple[str, ...] | None = None, each: Callable[[str], None]
    ) -> None:
        if self.unready:
            raise StackUnhealthy("not ready")
        for service in services or ("engine-alpha", "gateway-alpha"):
            each(service)

    def exits(self) -> list[Exit]:
        ended, self.ended = self.ended, []
        return ended

    def last_lines(self, service: str) -> tuple[str, ...]:
        return (f"{service} says",)

    def stop(self) -> object:
        self._guardian.log.append("stop")
        return self.stop_with()


def setup_at(folder: Path, **more: Any) -> Setup:
    return Setup(scenario(**more), three_providers(), CANNED, folder)  # type: ignore[arg-type]


class Scenery:
    """Services on a fake site, and the journal that they leave."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.limits_passed = 0
        setup = setup_at(folder, **more)
        self.record = Record(setup)
        platform = SimpleNamespace(name="canned", launch=lambda _: self.place)
        self.services = Services(
            Setup(setup.scenario, setup.stack, platform, folder),  # type: ignore[arg-type]
            self.record,
            limit_passed=self._limit_passed,
        )
        self.guardian: Guardian = self.services.leases  # type: ignore[assignment]
        self.place = Place(self.guardian)

    def events(self, kind: type[Any]) -> list[Any]:
        return [event for event in read_journal(self.record.folder.journal).events if isinstance(event, kind)]

    def _limit_passed(self) -> None:
        self.limits_passed += 1


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scenery]:
    monkeypatch.setattr(services_module, "GuardianLeases", Guardian)
    return lambda **more: Scenery(tmp_path, **more)


def test_each_start_and_each_readiness_is_told(made: Callable[..., Scenery]) -> None:
    scenery = made()
    with pytest.raises(StackUnhealthy, match="was not started"):
        _ = scenery.services.site
    scenery.services.launch()
    scenery.services.wait_ready()
    started = scenery.events(e.ServiceStarted)
    assert [event.service for event in started] == list(three_providers().service_names)
    assert {event.service: event.pid for event in started if event.pid} == {"engine-alpha": 7}
    assert [event.service for event in scenery.events(e.ServiceReady)] == ["engine-alpha", "gateway-alpha"]


def test_services_that_were_healed_are_told_when_they_are_ready_again(made: Callable[..., Scenery]) -> None:
    scenery = made()
    scenery.services.launch()
    scenery.services.await_again(("engine-bravo", "a link"))
    scenery.services.await_again(("a link",))
    scenery.services.join()
    assert [event.service for event in scenery.events(e.ServiceReady)] == ["engine-bravo"]
    scenery.place.unready = ("engine-bravo",)
    scenery.services.await_again(("engine-bravo",))
    scenery.services.join()
    (late,) = scenery.events(e.PhaseTimedOut)
    assert (late.phase, late.last_lines) == ("ready again", {"engine-bravo": ("engine-bravo says",)})
    assert not [thread for thread in threading.enumerate() if thread.name == "readiness"]


def test_a_death_is_expected_when_the_scenario_allows_it(made: Callable[..., Scenery]) -> None:
    scenery = made(allow=Allow(exits=("gateway",)))
    scenery.services.launch()
    at_ns = scenery.record.origin_ns + 5
    names = ("engine-alpha", "gateway-alpha")
    scenery.place.ended = [Exit(name, 1, expected=False, mono_ns=at_ns) for name in names]
    scenery.services.look_around()
    told = [(event.service, event.expected, event.at_ns) for event in scenery.events(e.ServiceExited)]
    assert told == [("engine-alpha", False, 5), ("gateway-alpha", True, 5)]


@pytest.mark.parametrize("launched", [True, False])
def test_a_limit_that_has_passed_is_told_at_any_moment(
    made: Callable[..., Scenery], *, launched: bool
) -> None:
    scenery = made()
    if launched:
        scenery.services.launch()
    scenery.guardian.on_healed(LIMIT)
    (passed,) = scenery.events(e.PhaseTimedOut)
    assert (passed.phase, scenery.limits_passed, bool(passed.last_lines)) == (
        "run (fault outage)",
        1,
        launched,
    )


def test_everything_is_ended_in_order_and_what_is_left_is_known(made: Callable[..., Scenery]) -> None:
    scenery = made()
    scenery.services.launch()
    scenery.services.guard([("load", 1), ("observer", 2**22 + 1)])  # nobody has the second process id
    scenery.place.stop_with = lambda: ("process 9 (engine-alpha)",)
    scenery.services.stop()
    assert scenery.guardian.log == [
        "grant load and observer (1 undos, 70 s)",
        "release load and observer",
        "stop",
        "close",
    ]
    assert scenery.services.left == ("process 9 (engine-alpha)",)


def test_the_guardian_is_let_go_even_when_the_site_does_not_stop(made: Callable[..., Scenery]) -> None:
    scenery = made()
    scenery.services.launch()
    scenery.place.stop_with = raising(HealFailed("stuck"))
    with pytest.raises(HealFailed):
        scenery.services.stop()
    assert scenery.guardian.log[-1] == "close"
    never = made()
    never.services.stop()
    assert (never.guardian.log, never.services.left) == (["close"], ())
