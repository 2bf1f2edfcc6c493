# ruff: noqa: E501  literal messages stay on one line
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.documents.composing import decode
from harness.documents.nodes import Source
from harness.model.errors import DocumentError, UsageError
from harness.scenario.validation import StackNames
from harness.stack.description import EntryPoint, Health, Mount, Stack
from harness.stack.reading import RESERVED, parse_stack, read_stack

ROOT = Path(__file__).parents[2]

GOOD = """\
name: toy
x-harness:
  adapter: toy:Adapter
  clients: {enter_at: {role: gate}}
  wan:
    round_trip: {a-b: 2ms, clients: 1ms, outside: 3ms}
    jitter: 10%
services:
  gate-a:
    image: toy
    command: serve --peer db-b:5432
    labels: {harness.provider: a, harness.role: gate, harness.health: 9000/health, other: x}
    expose: ["9000", "8080"]
    environment:
      DB: db-a:5432
      FEED: tcp://feed:7000
      N: 1.10
      SEED: "${SEED:-7}"
      TOKEN:
  db-a:
    image: db
    labels: ["harness.provider=a"]
    environment: [PEER=db-b:5432, TOKEN, "MODE=x=y"]
    ports: ["15432:5432"]
    volumes: ["data:/var/lib", "./conf:/etc/db:ro", {type: volume, source: data, target: /more, read_only: true}, /tmp/x]
    depends_on: [feed]
  db-b:
    image: db
    labels: {harness.provider: b}
    expose: [5432]
    environment: {PEER: "db-a:5432"}
    depends_on: {db-a: {condition: service_healthy}}
    x-harness-process: {command: [python, db.py]}
  feed:
    image: feed
    expose: [7000/tcp]
volumes: {data: }
"""


def stack_of(text: str, **variables: str) -> Stack:
    return parse_stack(Source("c.yml", text), path=Path("here/c.yml"), variables=variables)


def mistakes(text: str) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        stack_of(text)
    return [
        f"{problem.line}:{problem.column}: {problem.message}"
        + (f"; did you mean {problem.closest!r}?" if problem.closest else "")
        for problem in caught.value.problems
    ]


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


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  feed:\n", "  feed:\n    privileged: true\n", ["35:5: `privileged` would change how the stack behaves, and is not supported: not every platform can do it"]),
        ("  feed:\n", "  feed:\n    deploy: {replicas: 2}\n", ["35:5: `deploy` would change how the stack behaves, and is not supported: write one service for each replica"]),
        ("  feed:\n", "  feed:\n    imgae: x\n", ["35:5: unknown key 'imgae'; did you mean 'image'?"]),
        ("  feed:\n", "  feed:\n    zzzz: x\n", ["35:5: unknown key 'zzzz' (not a key of Compose)"]),
        ("  feed:\n", "  feed:\n    restart: always\n", ["35:14: `restart: always` would undo a fault by itself: take it away, or write `no`"]),
        ("  feed:\n", "  feed:\n    networks: {n: {aliases: [x]}}\n", ["35:16: settings of a network are not supported: name services by `service:port`"]),
        ("volumes: {data: }", "volumes: {data: {driver: nfs}}\nsecrets: {}", ["37:18: `driver` of volume data is not supported: leave its settings out", "38:1: `secrets` would change how the stack behaves, and is not supported: mount a file under `volumes` instead"]),
        ("volumes: {data: }", "", ["25:15: the volume 'data' is not declared under `volumes:` at the top", "25:53: the volume 'data' is not declared under `volumes:` at the top"]),
        ("volumes: {data: }", "volumes: [data]", ["25:15: the volume 'data' is not declared under `volumes:` at the top", "25:53: the volume 'data' is not declared under `volumes:` at the top", "37:10: `volumes`: expected a mapping, found a list"]),
        ('"data:/var/lib"', '"data:var"', ["25:15: 'data:var' is not source:/target or source:/target:ro"]),
        ('"data:/var/lib"', "{type: tmpfs, target: /x}", ["25:15: a volume needs `type: volume` or `bind`, and `target: /…`"]),
        ('"data:/var/lib"', "{type: bind, target: /x, bind: {}}", ["25:40: `bind` of a volume is not supported: only read_only, source, target, type"]),
        ('"data:/var/lib"', "[x]", ["25:15: expected a volume, found a list"]),
        ("[feed]", "[fede]", ["20:3: db-a depends on 'fede', which is no service; did you mean 'feed'?"]),
        ("[feed]", "3", ["26:17: `depends_on`: expected a list, found 3"]),
        ("service_healthy", "service_completed_successfully", ["32:36: condition 'service_completed_successfully' is not supported: only service_healthy, service_started"]),
        ("[7000/tcp]", "[7000/udp]", ["36:14: '7000/udp' is not a TCP port (ranges and UDP are not supported)"]),
        ("[7000/tcp]", "[]", ["16:13: feed:7000 is not exposed: `expose` of feed says none"]),
        ("[7000/tcp]", "7000", ["36:13: `expose`: expected a list of ports, found 7000"]),
        ('"15432:5432"', "{target: 99999}", ["24:13: a mapping is not a TCP port (ranges and UDP are not supported)"]),
        ("DB: db-a:5432", "DB: db-a:5433", ["15:11: db-a:5433 is not exposed: `expose` of db-a says 5432"]),
        ("N: 1.10", "N: true", ['17:10: N: write "true" in quotes, so that it is text']),
        ("N: 1.10", "N: [1]", ["17:10: N: expected text, found a list"]),
        ("N: 1.10", "N: ${", ["17:10: ${ in '${' is never closed: a } is missing"]),
        ("environment: [PEER=db-b:5432, TOKEN, \"MODE=x=y\"]", "environment: 3", ["23:18: `environment`: expected a mapping or a list, found 3"]),
        ("environment: [PEER=db-b:5432", "environment: [[x]", ["23:19: expected text, found a list"]),
        ("9000/health,", "health,", ["12:5: harness.health: 'health' is not PORT/path, such as 9000/health"]),
        ("harness.provider: a,", "harness.providr: a,", ["12:14: unknown label 'harness.providr': the harness reads harness.health, harness.provider, harness.role; did you mean 'harness.provider'?"]),
        ("harness.provider: a,", "harness.provider: a b,", ["12:14: harness.provider: 'a b' is no name: use letters, digits, `-` and `_`"]),
        ('["harness.provider=a"]', "3", ["22:13: `labels`: expected a mapping, found 3"]),
        ("command: serve --peer db-b:5432", "command: 'serve \"x'", ["11:14: 'serve \"x' can't be split as a command: No closing quotation"]),
        ("command: serve --peer db-b:5432", "command: {}", ["11:14: expected a command, found a mapping"]),
        ("image: toy", "image: [toy]", ["10:12: `image`: expected text, found a list"]),
        ("{command: [python, db.py]}", "{cmd: x}", ["33:25: unknown key 'cmd': the only key here is command", "33:24: `x-harness-process` says no `command`"]),
        ("{command: [python, db.py]}", "x", ["33:24: `x-harness-process`: expected `command: …`, found 'x'"]),
        ("  feed:\n    image: feed\n", "  feed: x\n  f:\n", ["34:9: service feed: expected a mapping of keys to values, found 'x'"]),
        ("  feed:\n", "  fe ed:\n    image: x\n  feed:\n", ["34:3: 'fe ed' is no name for a service: use letters, digits, `-` and `_`"]),
        ("  feed:\n", "  primary:\n    image: x\n  feed:\n", ["34:3: 'primary' is a word of scenarios, and can't name a service or provider"]),
        ("  feed:\n", "  a:\n    image: x\n  feed:\n", ["9:3: 'a' is both a service and a provider: targets need to tell them apart", "20:3: 'a' is both a service and a provider: targets need to tell them apart"]),
        ("  adapter: toy:Adapter\n", "", ["3:3: `x-harness`: `adapter` is missing"]),
        ("  adapter:", "  adaptr: x\n  adapter:", ["3:3: unknown key 'adaptr'; did you mean 'adapter'?"]),
        ("{role: gate}", "{role: gaet}", ["4:30: no service has the role 'gaet'; did you mean 'gate'?"]),
        ("{role: gate}", "{service: gate}", ["4:33: no service has the name 'gate'; did you mean 'gate-a'?"]),
        ("{role: gate}", "{role: gate, service: x}", ["4:23: `x-harness.clients.enter_at`: name either a `role` or a `service` that clients connect to"]),
        ("{role: gate}", "{role: gate, port: 1}", ["4:30: clients can't enter at gate-a: it does not `expose` port 1"]),
        ("a-b: 2ms, ", "", ["6:17: round trips are missing: a-b (or say `default`)"]),
        ("a-b: 2ms, ", "a-b: 2ms, b-a: 3ms, ", ["6:33: the round trip of a and b is there twice"]),
        ("a-b: 2ms, ", "a-b: 2ms, a-c: 3ms, ", ["6:33: 'a-c' is no pair of providers (a, b); did you mean 'a-b'?"]),
        ("a-b: 2ms, ", "a-b: 2, ", ["6:23: `x-harness.wan.round_trip.a-b`: 2 is not a duration: write a number with its unit, such as 40ms, 2s or 1.5m"]),
    ],
)  # fmt: skip
def test_each_mistake_has_its_place_and_words(old: str, new: str, expected: list[str]) -> None:
    assert GOOD.count(old) >= 1
    found = mistakes(GOOD.replace(old, new, 1))
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", ["1:1: a compose file is a mapping with `services`, not a list"]),
        ("services: {}", ["1:1: `x-harness` is missing: it says how clients speak to this stack", "1:11: `services` is missing or empty"]),
        ("x-harness: 3", ["1:1: `services` is missing or empty", "1:12: `x-harness`: expected a mapping of keys to values, found 3"]),
    ],
)  # fmt: skip
def test_files_that_are_no_stack_are_refused(text: str, expected: list[str]) -> None:
    assert sorted(mistakes(text)) == sorted(expected)


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


@given(st.data())
def test_any_damage_to_a_file_gives_a_stack_or_a_document_error(data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        piece = data.draw(
            st.one_of(st.text(max_size=4), st.sampled_from(["{", "]", "${A", ": ", "\n", "*x", "&x ", "- ", "<<: ", ".nan", "null", "[]", "{}"]))
        )  # fmt: skip
        text = text[:start] + piece + text[end:]
    try:
        parse_stack(decode(text.encode(), name="c.yml"), path=Path("c.yml"), variables={}).links  # noqa: B018
    except DocumentError as error:
        problems = error.problems
    else:
        return
    assert problems
