from __future__ import annotations

import os
from pathlib import Path

import pytest
from toy import toy_stack

from harness.platforms.order import Order
from harness.platforms.wiring import Places, base_environment, dialled, ports_of, settle
from harness.stack.adapter import Address
from harness.stack.description import Stack


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return toy_stack(tmp_path)


@pytest.fixture
def places(stack: Stack, tmp_path: Path) -> Places:
    listen = {
        (service.name, port): Address("127.0.0.1", 20000 + 10 * index + port // 1000)
        for index, service in enumerate(stack.services)
        for port in ports_of(service)
    }
    proxies = {link.name: Address("127.0.0.1", 40000 + index) for index, link in enumerate(stack.links)}
    return Places(listen, proxies, tmp_path / "run")


def settled(stack: Stack, places: Places, name: str, **overrides: str) -> Order:
    return settle(
        stack,
        stack.service(name),
        places,
        interpreter="/usr/bin/python3",
        inherited={"PATH": "/bin"},
        overrides=overrides,
    )


def test_a_service_listens_on_a_port_of_its_own_and_dials_the_proxy(stack: Stack, places: Places) -> None:
    environment = settled(stack, places, "echo-alpha").environment
    assert environment["LISTEN"] == "127.0.0.1:20007"
    assert environment["ADMIN"] == "127.0.0.1:20009"
    assert environment["PEERS"] == str(places.proxies["echo-alpha--echo-bravo-7000"])


def test_links_inside_a_provider_are_direct(stack: Stack, places: Places) -> None:
    inside = [link for link in stack.links if not link.crosses_wan]
    for link in inside:
        found = dialled(stack, stack.service(link.source), places)
        assert found[link.target, link.port] == str(places.listen[link.target, link.port])
    alpha = dialled(stack, stack.service("idle-bravo"), places)
    assert alpha["echo-alpha", 7000] == str(places.proxies["idle-bravo--echo-alpha-7000"])


def test_a_path_below_a_mount_leads_into_the_runs_folder(stack: Stack, places: Places) -> None:
    assert settled(stack, places, "echo-alpha").environment["DATA"] == str(
        places.run_dir / "volumes" / "store"
    )


def test_python_is_the_interpreter_of_the_harness(stack: Stack, places: Places) -> None:
    order = settled(stack, places, "echo-alpha")
    assert order.argv == ("/usr/bin/python3", "-m", "toy_service")
    assert (order.module, order.arguments) == ("toy_service", ())
    assert order.undo().argv == order.argv


def test_overrides_win_over_the_description(stack: Stack, places: Places) -> None:
    environment = settled(stack, places, "echo-alpha", PEERS="nobody", DEFECT="on").environment
    assert (environment["PEERS"], environment["DEFECT"]) == ("nobody", "on")


def test_a_service_is_told_its_name_and_little_of_the_machine(stack: Stack, places: Places) -> None:
    environment = settled(stack, places, "echo-alpha").environment
    assert environment["HARNESS_SERVICE"] == "echo-alpha"
    inherited = base_environment({"PATH": "/bin", "AWS_SECRET": "x"})
    assert inherited["PATH"] == "/bin"
    assert "AWS_SECRET" not in inherited


def test_a_command_that_is_no_python_module_is_executed(stack: Stack, places: Places, tmp_path: Path) -> None:
    text = (
        (tmp_path / "docker-compose.yml")
        .read_text()
        .replace("[python, -m, toy_service]", "[sh, -c, 'echo-alpha:7000']")
    )
    (tmp_path / "docker-compose.yml").write_text(text)
    from harness.stack.reading import read_stack

    other = read_stack(tmp_path / "docker-compose.yml", variables=dict(os.environ))
    order = settled(other, places, "idle-bravo")
    assert order.module is None
    assert order.argv == ("sh", "-c", str(places.proxies["idle-bravo--echo-alpha-7000"]))
