# ruff: noqa: E501  literal messages stay on one line
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenario_words import EXPECT, GOOD, VOCABULARY, Outage, mistakes, read, scenario_of

from harness.documents.composing import decode
from harness.documents.nodes import Source
from harness.model.errors import DocumentError, UsageError
from harness.model.quantities import Settings
from harness.scenario.loading import from_document, load_scenarios, parse_scenarios
from harness.scenario.scenario import Source as TriggerSource
from harness.scenario.scenario import Trigger, default_seed
from harness.scenario.target import Target
from harness.scenario.vocabulary import Vocabulary


def test_a_whole_file_is_read() -> None:
    (scenario,) = read(GOOD)
    assert (scenario.name, scenario.id, scenario.tags) == ("primary-outage", "primary-outage", ("gate",))
    assert (scenario.load.profile, scenario.load.orders_per_s, scenario.load.probe_every_ms) == (
        "burst",
        50,
        20,
    )
    assert (scenario.steady_state.for_s, scenario.steady_state.availability.min) == (3, 0.999)
    (entry,) = scenario.timeline
    assert (entry.id, entry.at_s, entry.when, entry.fault, entry.lasts_s) == ("outage", 4, None, "outage", 8)
    assert entry.parameters == Outage(target=Target(provider="primary"))
    assert (scenario.ends_s, scenario.timeout_s) == (20, 80)
    assert list(scenario.expect) == ["failover_time", "order_integrity"]
    assert scenario.abort_when is not None
    assert scenario.abort_when.availability is not None
    assert scenario.abort_when.availability.for_s == 15
    assert scenario.seed == default_seed("primary-outage")
    assert scenario.with_seed(7).seed == 7


def test_the_least_scenario_has_sound_defaults() -> None:
    (scenario,) = read(f"scenario: x\nends: 5s\n{EXPECT}")
    assert scenario.timeline == ()
    assert list(scenario.expect) == ["order_integrity"]
    assert scenario.steady_state.for_s == 3
    assert scenario.load.profile == "steady"


def test_words_that_yaml_1_1_would_mangle_stay_words() -> None:
    (scenario,) = read(f"scenario: no\nsummary: NO\ntags: [on, 'off', y]\nends: 5s\n{EXPECT}")
    assert (scenario.name, scenario.summary, scenario.tags) == ("no", "NO", ("on", "off", "y"))


def test_the_resolved_document_reads_back_to_the_same_scenario() -> None:
    text = GOOD + "parameters: {mode: [dark, frozen]}\nallow: {exits: [feed]}\nseed: 7\n"
    text = text.replace("fault: outage", "fault: outage\n    mode: ${mode}")
    text = text.replace(
        "ends: 20s",
        "  - {id: slow, when: {event: outage.end, after: 5ms}, fault: slow, latency: 3ms}\nends: 20s",
    )
    for scenario in read(text):
        document = scenario.resolved_document()
        assert from_document(document, path=Path("s.yaml"), vocabulary=VOCABULARY) == scenario
        assert document["timeline"][1]["when"] == {"event": "outage.end", "after": "0.005s"}
        assert document["load"]["probe_every"] == "20ms"
        assert document["seed"] == 7


def test_a_moment_is_an_event_or_the_onset_or_end_of_another_entry() -> None:
    (scenario,) = read(
        scenario_of(
            """
  - {id: a, at: 4s, fault: outage, target: {provider: alpha}, lasts: 2s}
  - {when: {event: election_started, after: 5ms}, fault: outage, target: {provider: candidate}}
  - {when: {event: a}, fault: reset, target: {provider: bravo}}
  - {when: {event: a.onset, after: 1s}, fault: reset, target: {provider: bravo}}
  - {id: z, when: {event: a.end}, fault: reset, target: {provider: bravo}}
"""
        )
    )
    triggers = [entry.when for entry in scenario.timeline]
    assert triggers[1:] == [
        Trigger("election_started", 0.005, TriggerSource.STACK),
        Trigger("a", 0.0, TriggerSource.ONSET),
        Trigger("a", 1.0, TriggerSource.ONSET),
        Trigger("a", 0.0, TriggerSource.END),
    ]
    assert [entry.id for entry in scenario.timeline] == ["a", "outage", "reset", "reset-2", "z"]
    assert [trigger.key for trigger in triggers[1:] if trigger] == [
        "election_started",
        "a.onset",
        "a.onset",
        "a.end",
    ]
    assert str(triggers[1]) == "election_started + 5 ms"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", ["1:1: a scenario file is a mapping of keys, not a list"]),
        ("ends: 5s", ["1:1: this is no scenario file: `scenario` is missing"]),
        (
            "services:\n  a: {x: '${A}', y: '${B:-c}'}\n",  # a compose file: nothing else of it is a mistake
            ["1:1: this is no scenario file: `scenario` is missing"],
        ),
        (GOOD.replace("ends: 20s", ""), ["1:1: `ends` is missing"]),
        (GOOD.replace("tags", "tgas"), ["3:1: unknown key 'tgas'; did you mean 'tags'?"]),
        (GOOD.replace("expect:", "expects:"), ["13:1: unknown key 'expects'; did you mean 'expect'?"]),
        ("scenario: x\nends: 5s", ["1:1: `expect` is missing, so nothing would be judged: add at least one check (harness list --checks)"]),
        (GOOD[: GOOD.index("  failover_time")], ["13:1: `expect` names no check, so nothing would be judged: add at least one check (harness list --checks)"]),
        ("# first\nscenario: x\nends: 5s\nexpect: {}", ["4:1: `expect` names no check, so nothing would be judged: add at least one check (harness list --checks)"]),
        (GOOD.replace("[gate]", "gate"), ["3:7: `tags`: expected a list, found 'gate'"]),
        (GOOD.replace("[gate]", "[gate, gate]"), ["3:7: `tags`: the tag 'gate' is there twice"]),
        (GOOD.replace("primary-outage", "Primary Outage"), ["1:11: `scenario`: 'Primary Outage': string should match pattern '^[a-z0-9][a-z0-9-]*$'"]),
        (GOOD.replace("burst", "brust"), ["4:17: `load.profile`: 'brust' is none of steady, burst, quiet; did you mean 'burst'?"]),
        (GOOD.replace("orders_per_s: 50", "orders_per_s: 0"), ["4:38: `load.orders_per_s`: 0: input should be greater than 0"]),
        (GOOD.replace("orders_per_s: 50", "orders_per_s: .inf"), ["4:38: `load.orders_per_s`: expected a finite number, found inf"]),
        (GOOD.replace("at: 4s", "at: 4"), ["8:9: `timeline[0].at`: 4 is not a duration: write a number with its unit, such as 40ms, 2s or 1.5m"]),
        (GOOD.replace("at: 4s", "at: 4 kB"), ["8:9: `timeline[0].at`: '4 kB' is not a duration: its unit must be one of ns, us, µs, ms, s, m, h"]),
        (GOOD.replace("    at: 4s\n", ""), ["7:5: `timeline[0]`: say when it strikes: either `at: 4s` or `when: {event: …}`"]),
        (GOOD.replace("at: 4s", "at: 4s\n    when: {event: log_sealed}"), ["7:5: `timeline[0]`: say when it strikes: either `at: 4s` or `when: {event: …}`"]),
        (GOOD.replace("fault: outage", "fault: outgae"), ["9:12: there is no fault 'outgae'; did you mean 'outage'?"]),
        (GOOD.replace("fault: outage", "fault: xyz"), ["9:12: there is no fault 'xyz': the faults are outage, reset, slow"]),
        (GOOD.replace("    fault: outage\n", ""), ["7:5: `timeline[0]`: `fault` is missing"]),
        (GOOD.replace("lasts: 8s", "lats: 8s"), ["11:5: unknown key 'lats'; did you mean 'lasts'?"]),
        (GOOD.replace("lasts: 8s", "mdoe: dark"), ["11:5: unknown key 'mdoe'; did you mean 'mode'?"]),
        (GOOD.replace("{provider: primary}", "{provder: primary}"), ["10:14: unknown key 'provder'; did you mean 'provider'?"]),
        (GOOD.replace("{provider: primary}", "{}"), ["10:13: `timeline[0].target`: name a target: `provider`, `role`, `service` or `link`"]),
        (GOOD.replace("{provider: primary}", "{provider: a, service: b}"), ["10:13: `timeline[0].target`: `provider` and `service` don't go together: name one of them (only `provider` and `role` combine)"]),
        (GOOD.replace("{provider: primary}", "{link: {between: [a, a]}}"), ["10:20: `timeline[0].target.link`: both ends are 'a': a link has two different ends"]),
        (GOOD.replace("{provider: primary}", "{link: {between: [a, b], to: c}}"), ["10:20: `timeline[0].target.link`: name links in one way: `between: [a, b]`, or `from` and `to`, or `name`"]),
        (GOOD.replace("{max: 2s}", "{max: 2s, mx: 1}"), ["14:28: unknown key 'mx'; did you mean 'max'?"]),
        (GOOD.replace("order_integrity:", "order_integrty:"), ["15:3: there is no check 'order_integrty'; did you mean 'order_integrity'?"]),
        (GOOD.replace("order_integrity:", "xyz:"), ["15:3: there is no check 'xyz': the checks are availability, failover_time, order_integrity"]),
        (GOOD.replace("order_integrity:", "order_integrity: 1"), ["15:20: `expect.order_integrity`: expected a mapping of keys to values, found 1"]),
        (GOOD.replace("{max: 20%, for: 15s}", "{max: 20%}"), ["16:28: `abort_when.availability`: say for how long: `for: 15s`"]),
        (GOOD.replace("{max: 20%, for: 15s}", "{min: 20%, for: 1s}"), ["16:28: `abort_when.availability`: abort at or below a share: `max: 20%`"]),
        ("scenario: x\nends: 5s\ntimeline: 3\nexpect: [a]", ["3:11: `timeline`: expected a list of faults, found 3", "4:9: `expect`: expected checks with their bounds, found a list"]),
        (f"scenario: x\nends: 5s\ntimeline: [3]\n{EXPECT}", ["3:12: `timeline[0]`: expected a fault with its keys, found 3"]),
        (f"scenario: x\nends: 2s\n{EXPECT}", ["2:7: the steady state takes 3s, and the scenario ends at 2s"]),
        ("scenario: x\nends: 2s\nsteady_state: {for: 2s}\n" + EXPECT, ["3:21: the steady state takes 2s, and the scenario ends at 2s"]),
        (f"scenario: x\nends: 8s\ntimeout: 7s\n{EXPECT}", ["3:10: the run is stopped after 7s, before the scenario ends at 8s"]),
        (f"scenario: x\nends: 8s\nseed: -1\n{EXPECT}", ["3:7: `seed`: -1: input should be greater than or equal to 0"]),
        ("scenario: x\nscenario: y\nends: 8s", ["2:1: key 'scenario' is there twice; the first is in line 1"]),
    ],
)  # fmt: skip
def test_each_mistake_has_its_place_and_words(text: str, expected: list[str]) -> None:
    assert mistakes(text) == expected


def test_all_mistakes_are_told_at_once_in_the_files_order() -> None:
    text = (
        GOOD.replace("tags", "tgas")
        .replace("at: 4s", "at: 2s")
        .replace("8s", "9")
        .replace("{max: 2s}", "{max: 2}")
    )
    assert [mistake.split(":")[0] for mistake in mistakes(text)] == ["3", "11", "14"]
    text = GOOD.replace("tags", "tgas").replace("at: 4s", "at: 2s").replace("target", "tarket")
    assert [mistake.split(":")[0] for mistake in mistakes(text)] == ["3", "7", "8", "10"]


def test_an_error_shows_the_line_with_a_caret() -> None:
    with pytest.raises(DocumentError) as caught:
        read(GOOD.replace("fault: outage", "fault: outgae"))
    assert str(caught.value) == (
        "s.yaml:9:12: there is no fault 'outgae'; did you mean 'outage'?\n"
        "        fault: outgae\n"
        "               ^~~~~~"
    )


def test_files_are_read_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(GOOD, encoding="utf-8")
    (scenario,) = load_scenarios(path, vocabulary=VOCABULARY, overrides=["seed=3"])
    assert (scenario.path, scenario.seed) == (path, 3)
    with pytest.raises(UsageError, match="there is no file"):
        load_scenarios(tmp_path / "absent.yaml", vocabulary=VOCABULARY)


def test_a_fault_may_not_take_a_key_of_the_timeline() -> None:
    class Bad(Settings):
        at: int = 1

    with pytest.raises(UsageError, match="the fault 'bad' has the key 'at', which belongs to the timeline"):
        Vocabulary(faults={"bad": Bad}, checks={})


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_any_bytes_give_scenarios_or_a_document_error(data: bytes) -> None:
    _read_or_refuse(data)


@given(st.data())
def test_any_damage_to_a_file_gives_scenarios_or_a_document_error(data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 12)))
        piece = data.draw(
            st.one_of(
                st.text(max_size=4),
                st.sampled_from(
                    ["{", "]", "${a}", ": ", "\n", "*x", "&x ", "- ", "!!int ", ".nan", "1e9s", "null", "~"]
                ),
            )
        )
        text = text[:start] + piece + text[end:]
    _read_or_refuse(text.encode())


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["4s", "90%", "outage", "primary"])),
    lambda children: st.one_of(st.lists(children, max_size=3), st.dictionaries(st.text(max_size=6), children, max_size=3)),
    max_leaves=8,
)  # fmt: skip
TOP_KEYS = ["scenario", "ends", "timeline", "expect", "parameters", "load", "steady_state", "allow", "tags", "seed", "timeout", "abort_when", "summary"]  # fmt: skip
ENTRIES = st.dictionaries(st.sampled_from(["id", "at", "when", "fault", "lasts", "target", "mode", "latency", "links", "targets"]), VALUES, max_size=6)  # fmt: skip


@given(st.dictionaries(st.sampled_from(TOP_KEYS), VALUES, max_size=8), st.lists(ENTRIES, max_size=3))
def test_any_document_gives_scenarios_or_a_document_error(
    document: dict[str, object], timeline: list[object]
) -> None:
    import json

    _read_or_refuse(json.dumps(document | ({"timeline": timeline} if timeline else {})).encode())


def _read_or_refuse(data: bytes) -> None:
    try:
        source: Source = decode(data, name="s.yaml")
        for scenario in parse_scenarios(source, path=Path("s.yaml"), vocabulary=VOCABULARY):
            scenario.resolved_document()
    except DocumentError as error:
        problems, message = error.problems, str(error)
    else:
        return
    assert problems
    assert message
