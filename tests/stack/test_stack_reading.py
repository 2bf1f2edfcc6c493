from __future__ import annotations

from pathlib import Path

import pytest
from stack_words import GOOD, mistakes, stack_of

from harness.model.errors import UsageError
from harness.scenario.validation import StackNames
from harness.stack.description import EntryPoint, Health, Mount
from harness.stack.reading import RESERVED, read_stack

ROOT = Path(__file__).parents[2]


def test_services_are_read_as_they_are_described() -> None:
    stack = stack_of(GOOD, TOKEN="t")
    assert (stack.name, stack.providers, stack.roles) == ("toy", ("a", "b"), ("db-a", "db-b", "feed", "gate"))
    gate, db = stack.service("gate-a"), stack.service("db-a")
    assert gate.environment == {
        "DB": "db-a:5432",
        "FEED": "tcp://feed:7000",
        "N": "1.10",
        "SEED": "7",
        "TOKEN": "t",
    }
    assert gate.command == ("serve", "--peer", "db-b:5432")
    assert (gate.health, gate.exposes, gate.line) == (Health(9000, "/health"), (9000, 8080), 9)
    assert (gate.provider, gate.role, db.role) == ("a", "gate", "db-a")
    assert db.environment == {"PEER": "db-b:5432", "TOKEN": "t", "MODE": "x=y"}
    assert db.exposes == (5432,)
    assert db.mounts == (
        Mount("volume", "data", "/var/lib", False),
        Mount("bind", "./conf", "/etc/db", True),
        Mount("volume", "data", "/more", True),
        Mount("volume", "db-a/tmp/x", "/tmp/x", False),
    )
    assert (db.depends_on, stack.service("db-b").depends_on) == (("feed",), ("db-a",))
    assert stack.service("db-b").local_command == ("python", "db.py")
    assert gate.local_command == gate.command
    assert stack.entry_points == (EntryPoint("gate-a", 8080, "a"),)
    assert [str(reference) for reference in gate.references()] == ["db-a:5432", "feed:7000", "db-b:5432"]
    assert stack_of(GOOD).service("db-a").environment == {"PEER": "db-b:5432", "MODE": "x=y"}


def test_a_folder_of_the_host_may_be_written_out() -> None:
    long = "{type: bind, source: ./conf, target: /etc/db}, {type: bind, target: /here, read_only: true}"
    assert stack_of(GOOD.replace('"./conf:/etc/db:ro"', long)).service("db-a").mounts[1:3] == (
        Mount("bind", "./conf", "/etc/db", False),
        Mount("bind", ".", "/here", True),
    )


def test_links_follow_from_addresses_and_know_their_baseline() -> None:
    stack = stack_of(GOOD)
    links = {link.name: link for link in stack.links}
    assert list(links) == [
        "clients--gate-a-8080",
        "gate-a--db-a-5432",
        "gate-a--feed-7000",
        "gate-a--db-b-5432",
        "db-a--db-b-5432",
        "db-b--db-a-5432",
    ]
    assert stack.link_names == tuple(links)
    assert {name: link.round_trip_ms for name, link in links.items() if link.crosses_wan} == {
        "clients--gate-a-8080": 1.0,
        "gate-a--feed-7000": 3.0,
        "gate-a--db-b-5432": 2.0,
        "db-a--db-b-5432": 2.0,
        "db-b--db-a-5432": 2.0,
    }
    inside = stack.link("gate-a--db-a-5432")
    assert (inside.crosses_wan, inside.round_trip_ms, inside.jitter_ms) == (False, 0.0, 0.0)
    client = stack.link("clients--gate-a-8080")
    assert (client.source, client.source_provider, client.target_provider) == ("clients", None, "a")
    assert client.jitter_ms == pytest.approx(0.1)


def test_lookups_tell_what_there_is() -> None:
    stack = stack_of(GOOD)
    assert [service.name for service in stack.by_role("gate")] == ["gate-a"]
    assert [service.name for service in stack.by_provider(None)] == ["feed"]
    with pytest.raises(UsageError, match="has no service 'x': it has gate-a, db-a, db-b, feed"):
        stack.service("x")
    with pytest.raises(UsageError, match="has no link 'x'"):
        stack.link("x")


def test_a_stack_is_what_scenarios_are_checked_against() -> None:
    names: StackNames = stack_of(GOOD)
    assert names.providers_at_once is None


def test_the_reference_stack_is_read_without_a_warning() -> None:
    stack = read_stack(ROOT / "docker-compose.yml", variables={})
    assert (stack.warnings, stack.ignored) == ((), ())
    assert stack.providers == ("alpha", "bravo", "charlie")
    assert len(stack.entry_points) == 3
    assert stack.link("engine-alpha--engine-charlie-7100").round_trip_ms == 5.0
    assert all(link.round_trip_ms > 0 for link in stack.links if link.crosses_wan)


def test_the_name_of_the_folder_is_the_default() -> None:
    assert stack_of(GOOD.replace("name: toy\n", "")).name == "here"


def test_a_default_round_trip_stands_for_what_is_not_said() -> None:
    stack = stack_of(GOOD.replace("{a-b: 2ms, clients: 1ms, outside: 3ms}", "{default: 4ms}"))
    assert {link.round_trip_ms for link in stack.links if link.crosses_wan} == {4.0}
    assert stack.wan.between_ms("a", "a") == 0


def test_merged_services_are_read() -> None:
    text = GOOD.replace("x-harness:", "x-base: &base {image: shared, expose: [1]}\nx-harness:", 1)
    text = text.replace("  feed:\n    image: feed\n", "  feed:\n    <<: *base\n")
    assert (stack_of(text).service("feed").image, stack_of(text).service("feed").exposes) == (
        "shared",
        (7000,),
    )


def test_keys_that_change_nothing_are_listed() -> None:
    stack = stack_of(
        GOOD.replace(
            "    image: feed\n", '    image: feed\n    build: .\n    restart: "no"\n    networks: [n]\n'
        )
        + "version: '3'\n"
    )
    assert [problem.message for problem in stack.ignored] == [
        "`version` is ignored: obsolete in Compose itself",
        "`build` is ignored: build images with Compose itself, before a run",
        "`networks` is ignored: the harness makes one network for each provider; aliases and addresses are refused",
    ]


def test_probable_slips_are_warned_of() -> None:
    stack = stack_of(GOOD.replace("FEED: tcp://feed:7000", "FEED: tcp://feeed:7000\n      X: $NOPE"))
    assert [(problem.line, problem.message, problem.closest) for problem in stack.warnings] == [
        (17, "the variable NOPE is not set, and empty text stands in for it", None),
        (16, "feeed:7000 names no service of this file", "feed"),
    ]


def test_clients_may_enter_at_one_service_or_at_its_only_port() -> None:
    stack = stack_of(GOOD.replace("{role: gate}", "{service: db-a}"))
    assert stack.entry_points == (EntryPoint("db-a", 5432, "a"),)
    stack = stack_of(GOOD.replace("{role: gate}", "{role: gate, port: 9000}"))
    assert stack.entry_points[0].port == 9000
    messages = mistakes(
        GOOD.replace("{role: gate}", "{service: x}").replace("  feed:\n", "  x: {}\n  feed:\n")
    )
    assert messages == ["4:33: clients can't enter at x: it does not `expose` a port besides its health port"]


def test_words_of_scenarios_are_reserved() -> None:
    from harness.scenario.target import RESERVED as WORDS

    assert WORDS <= RESERVED
