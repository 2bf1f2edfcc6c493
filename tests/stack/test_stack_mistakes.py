# ruff: noqa: E501  literal messages stay on one line
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stack_words import GOOD, mistakes

from harness.documents.composing import decode
from harness.model.errors import DocumentError
from harness.stack.reading import parse_stack


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
        ('["data:/var/lib", ', 'data #', ["25:14: `volumes`: expected a list, found 'data'"]),
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
