"""The conformance suite fails against a proxy that is wrong: one mistake at a time, in the embedded one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import test_conformance_api as suite_api
import test_conformance_changes as suite_changes
import test_conformance_toxics as suite_toxics
from aiohttp.web import Response
from conformance import CASES, Api, Case, Witness, open_witness
from wan_support import LinkUnderTest, Server, Upstream

from harness.wan import api as wan_api
from harness.wan import metrics
from harness.wan.collection import ApiError, Proxies
from harness.wan.connection import Connection
from harness.wan.proxy import Proxy
from harness.wan.toxics import Noop, Stream
from harness.wan.toxics import registry as toxics_registry
from harness.wan.toxics.limit_data import LimitDataStage
from harness.wan.toxics.noop import NoopStage
from harness.wan.toxics.slicer import SlicerStage

pytestmark = pytest.mark.processes

Patch = pytest.MonkeyPatch
caught = (AssertionError, OSError)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: Patch) -> None:
    """Wait for what a mistake keeps back only as long as a busy machine may need for the rest."""
    monkeypatch.setattr("wan_support.ARRIVES_S", 1.0)
    monkeypatch.setattr("wan_support.HANGS_S", 1.0)


@pytest.fixture
def embedded_witness(embedded: Server, echo: Upstream, link_name: Callable[[], str]) -> Iterator[Witness]:
    yield from open_witness(embedded, echo, link_name())


def disarm(patch: Patch, name: str) -> None:
    """Let a toxic of Toxiproxy do nothing."""
    kind = toxics_registry._TYPES[name]
    start = lambda settings, place: NoopStage(Noop(), place)  # noqa: E731
    patch.setitem(toxics_registry._TYPES, name, dataclasses.replace(kind, start=start))


@pytest.mark.parametrize("stream", list(Stream))
@pytest.mark.parametrize("case", CASES, ids=lambda case: repr(case.settings))
def test_a_toxic_that_does_nothing_is_caught(
    link: LinkUnderTest,
    upstream: Upstream,
    embedded_witness: Witness,
    monkeypatch: Patch,
    case: Case,
    stream: Stream,
) -> None:
    disarm(monkeypatch, toxics_registry.type_of(case.settings).name)
    with pytest.raises(caught):
        suite_toxics.test_a_toxic_bites_connections_that_exist(link, upstream, embedded_witness, case, stream)


def wrong_direction(patch: Patch) -> None:
    attach = Connection._attach
    turned = {Stream.UPSTREAM: Stream.DOWNSTREAM, Stream.DOWNSTREAM: Stream.UPSTREAM}
    patch.setattr(
        Connection,
        "_attach",
        lambda self, toxic: attach(self, dataclasses.replace(toxic, stream=turned[toxic.stream])),
    )


def both_directions(patch: Patch) -> None:
    attach = Connection._attach

    def twice(self: Connection, toxic: Any) -> None:
        for stream in Stream:
            attach(self, dataclasses.replace(toxic, stream=stream))

    patch.setattr(Connection, "_attach", twice)


def deaf_to_updates(patch: Patch) -> None:
    patch.setattr(Connection, "update", lambda self, toxic, at_ns: None)


def keeps_what_is_removed(patch: Patch) -> None:
    patch.setattr(Connection, "remove", lambda self, toxic, at_ns: None)


def ignores_toxicity(patch: Patch) -> None:
    patch.setattr(Connection, "_affected", lambda self, toxic: True)


def only_new_connections(patch: Patch) -> None:
    patch.setattr(Connection, "add", lambda self, toxic: None)


def forgets_its_count(patch: Patch) -> None:
    update = LimitDataStage.update

    def anew(self: LimitDataStage, settings: Any, at_ns: int) -> None:
        update(self, settings, at_ns)
        self._passed_bytes = 0

    patch.setattr(LimitDataStage, "update", anew)


def loses_on_removal(patch: Patch) -> None:
    patch.setattr(SlicerStage, "release", lambda self, at_ns: self.discard())


LATENCY, SLICER, LIMIT = CASES[0], CASES[-2], CASES[-1]
suite = suite_toxics


@pytest.mark.parametrize("stream", list(Stream))
@pytest.mark.parametrize(
    ("mistake", "test", "more"),
    [
        (wrong_direction, suite.test_a_toxic_bites_new_connections_in_its_direction_alone, {"case": LATENCY}),
        (both_directions, suite.test_a_toxic_bites_new_connections_in_its_direction_alone, {"case": LATENCY}),
        (only_new_connections, suite.test_a_toxic_bites_connections_that_exist, {"case": LATENCY}),
        (
            deaf_to_updates,
            suite.test_a_changed_toxic_works_with_its_new_settings_on_open_connections,
            {"case": SLICER},
        ),
        (keeps_what_is_removed, suite.test_a_toxic_that_was_removed_affects_nobody, {"case": LIMIT}),
        (ignores_toxicity, suite.test_a_toxicity_of_zero_affects_nobody, {"case": LIMIT}),
        (ignores_toxicity, suite.test_half_a_toxicity_affects_some_connections_and_not_others, {}),
        (forgets_its_count, suite.test_a_limit_that_is_changed_keeps_its_count, {}),
        (loses_on_removal, suite.test_removal_passes_on_what_is_held, {"settings": SLICER.settings}),
    ],
)
def test_mistakes_of_toxics_are_caught(
    link: LinkUnderTest,
    upstream: Upstream,
    embedded_witness: Witness,
    monkeypatch: Patch,
    stream: Stream,
    mistake: Callable[[Patch], None],
    test: Callable[..., None],
    more: dict[str, Any],
) -> None:
    known = {"witness": embedded_witness, **more}
    takes = test.__code__.co_varnames[: test.__code__.co_argcount]
    mistake(monkeypatch)
    with pytest.raises(caught):
        test(link, upstream, stream=stream, **{name: known[name] for name in takes if name in known})


def another_status(patch: Patch) -> None:
    started = ApiError.__init__
    patch.setattr(ApiError, "__init__", lambda self, message, status: started(self, message, status + 1))


def other_words(patch: Patch) -> None:
    started = ApiError.__init__
    patch.setattr(
        ApiError, "__init__", lambda self, message, status: started(self, message.capitalize(), status)
    )


def lets_browsers_in(patch: Patch) -> None:
    patch.setattr(wan_api, "_plain", lambda text, status: Response(text=text, status=200))


def deletes_what_is_not_there(patch: Patch) -> None:
    patch.setattr(Proxies, "delete", lambda self, name: self._proxies.pop(name, None))


def keeps_connections(patch: Patch) -> None:
    patch.setattr(Connection, "abort", lambda self: None)


def replaces_what_is_the_same(patch: Patch) -> None:
    patch.setattr("harness.wan.collection.same_address", lambda one, other: False)


def keeps_toxics_on_reset(patch: Patch) -> None:
    patch.setattr(Proxy, "remove_all", lambda self: None)


def swaps_the_labels(patch: Patch) -> None:
    labels = metrics._labels
    turned = {Stream.UPSTREAM: Stream.DOWNSTREAM, Stream.DOWNSTREAM: Stream.UPSTREAM}
    patch.setattr(metrics, "_labels", lambda proxy, stream: labels(proxy, turned[stream]))


@pytest.mark.parametrize(
    ("mistake", "test"),
    [
        (another_status, "a_proxy_is_created_shown_and_deleted"),
        (other_words, "toxics_that_are_there_already_or_not_at_all_are_refused"),
        (lets_browsers_in, "browsers_are_turned_away"),
        (deletes_what_is_not_there, "a_proxy_is_created_shown_and_deleted"),
        (keeps_connections, "a_deleted_proxy_ends_connections_and_gives_its_port_back"),
        (replaces_what_is_the_same, "populate_keeps_what_is_the_same_with_its_connections"),
        (keeps_toxics_on_reset, "reset_enables_every_proxy_and_removes_every_toxic"),
        (swaps_the_labels, "metrics_count_the_bytes_of_connections_that_have_ended"),
    ],
)
def test_mistakes_of_the_api_are_caught(
    embedded: Server,
    echo_link: LinkUnderTest,
    upstream: Upstream,
    link_name: Callable[[], str],
    monkeypatch: Patch,
    mistake: Callable[[Patch], None],
    test: str,
) -> None:
    run: Any = getattr(suite_api, f"test_{test}", None) or getattr(suite_changes, f"test_{test}")
    known: dict[str, Any] = {
        "api": Api(embedded),
        "link": echo_link.name,
        "proxy": echo_link.name,
        "link_name": link_name,
        "upstream": upstream,
        "path": "/version",
    }
    takes = run.__code__.co_varnames[: run.__code__.co_argcount]
    with monkeypatch.context() as patch:
        mistake(patch)
        with pytest.raises(caught):
            run(**{name: known[name] for name in takes})
