# ruff: noqa: E501  literal messages stay on one line
from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from scenario_words import read, scenario_of

from harness.scenario.validation import validate_against


@dataclass(frozen=True)
class Names:
    providers: tuple[str, ...] = ("alpha", "bravo", "charlie")
    roles: tuple[str, ...] = ("engine", "gateway")
    service_names: tuple[str, ...] = ("engine-alpha", "gateway-alpha")
    link_names: tuple[str, ...] = ("clients--gateway-alpha-8080",)
    providers_at_once: int | None = None


def found(timeline: str, stack: Names = Names(), *, more: str = "") -> list[str]:
    (scenario,) = read(scenario_of(timeline, more=more))
    return [
        f"{problem.line}:{problem.column}: {problem.message}"
        + (f"; did you mean {problem.closest!r}?" if problem.closest else "")
        for problem in validate_against(scenario, stack)
    ]


@pytest.mark.parametrize(
    "target",
    [
        "{provider: alpha}",
        "{provider: primary}",
        "{provider: standbys}",
        "{role: gateway}",
        "{role: gateway, provider: standby}",
        "{service: engine-alpha}",
        "{service: any}",
        "{link: clients--gateway-alpha-8080}",
        "{link: {between: [primary, standbys]}}",
        "{link: {from: clients, to: gateway-alpha}}",
    ],
)
def test_what_the_stack_has_is_fine(target: str) -> None:
    assert (
        found(
            f"  - {{at: 4s, fault: outage, target: {target}}}", more="allow: {exits: [engine, gateway-alpha]}"
        )
        == []
    )


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("{provider: alhpa}", "the stack has no provider 'alhpa'; did you mean 'alpha'?"),
        ("{provider: xyz}", "the stack has no provider 'xyz': it has alpha, bravo, charlie"),
        ("{provider: engine-alpha}", "the stack has no provider 'engine-alpha': it has alpha, bravo, charlie"),
        ("{role: gatewya}", "the stack has no role 'gatewya'; did you mean 'gateway'?"),
        ("{service: primry}", "the stack has no service 'primry'; did you mean 'primary'?"),
        ("{link: clients--gateway-alpha-808}", "the stack has no link 'clients--gateway-alpha-808'; did you mean 'clients--gateway-alpha-8080'?"),
        ("{link: {between: [alpha, brovo]}}", "the stack has no provider or service 'brovo'; did you mean 'bravo'?"),
        ("{link: {to: cleints}}", "the stack has no provider or service 'cleints'; did you mean 'clients'?"),
        ("{provider: candidate}", "`candidate` is known only after an event of the stack: strike with `when: {event: …}`"),
        ("{link: {to: candidate}}", "`candidate` is known only after an event of the stack: strike with `when: {event: …}`"),
    ],
)  # fmt: skip
def test_what_the_stack_lacks_is_told_at_its_place(target: str, expected: str) -> None:
    (message,) = found(f"  - {{at: 4s, fault: outage, target: {target}}}")
    place, _, said = message.partition(": ")
    assert said == expected
    assert place.startswith("4:")
    assert int(place.removeprefix("4:")) >= 36


def test_targets_in_lists_and_links_alone_are_checked_too() -> None:
    timeline = "  - {at: 4s, fault: slow, latency: 1ms, targets: [{role: engine}, {role: x}], links: {to: y}}"
    assert [message[:5] for message in found(timeline)] == ["4:74:", "4:91:"]


def test_the_candidate_is_known_after_an_event() -> None:
    assert found("  - {when: {event: election_started}, fault: outage, target: {provider: candidate}}") == []


def test_exits_that_are_allowed_must_exist() -> None:
    (message,) = found("  - {at: 4s, fault: slow, latency: 1ms}", more="allow: {exits: [engin]}")
    assert message == "5:17: the stack has no service or role 'engin'; did you mean 'engine'?"


@pytest.mark.parametrize(
    ("entries", "limit", "line"),
    [
        (["{at: 4s, lasts: 2s, fault: outage, target: {provider: alpha}}", "{at: 6s, lasts: 2s, fault: outage, target: {provider: bravo}}"], 1, None),
        (["{at: 4s, lasts: 3s, fault: outage, target: {provider: alpha}}", "{at: 6s, lasts: 2s, fault: outage, target: {provider: bravo}}"], 1, 5),
        (["{at: 4s, lasts: 3s, fault: outage, target: {provider: alpha}}", "{at: 6s, lasts: 2s, fault: outage, target: {provider: bravo}}"], 2, None),
        (["{at: 4s, fault: outage, target: {provider: alpha}}", "{at: 6s, fault: outage, target: {provider: alpha}}"], 1, None),
        (["{at: 4s, fault: outage, target: {provider: standbys}}"], 1, 4),
        (["{at: 4s, fault: outage, target: {provider: alpha}}", "{at: 5s, fault: outage, target: {role: engine, provider: bravo}}"], 1, None),
        (["{at: 4s, fault: outage, target: {provider: primary}}", "{when: {event: log_sealed}, fault: outage, target: {provider: candidate}}"], 1, 4),
    ],
)  # fmt: skip
def test_the_blast_radius_has_a_limit(entries: list[str], limit: int, line: int | None) -> None:
    timeline = "\n".join(f"  - {entry}" for entry in entries)
    messages = found(timeline, replace(Names(), providers_at_once=limit))
    if line is None:
        assert messages == []
    else:
        assert messages == [
            f"{line}:5: 2 providers are struck at once; the stack's limit (`providers_at_once`) is {limit}"
        ]


def test_a_scenario_made_in_python_has_no_place() -> None:
    (scenario,) = read(scenario_of("  - {at: 4s, fault: outage, target: {provider: x}}"))
    (problem,) = validate_against(replace(scenario, node=None), Names())
    assert (problem.where(), problem.source_line) == ("s.yaml:1:1", "")
