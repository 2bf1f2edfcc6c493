"""Reading a stack from its compose file: the one walk from text to a checked `Stack`."""

from __future__ import annotations

import re
from collections.abc import Mapping as Variables
from dataclasses import replace
from pathlib import Path
from typing import Final

from harness.documents.composing import compose, decode, read_bytes
from harness.documents.nodes import Mapping, Mark, Node, Scalar, Source, descend, kind, place, scalars
from harness.documents.reading import read_model
from harness.documents.words import closest, listed
from harness.model.errors import DocumentError
from harness.stack.compose import check_keys, read_services
from harness.stack.compose_keys import STACK_EXTENSION, TOP_LEVEL
from harness.stack.description import Defect, Detector, EntryPoint, Service, Stack
from harness.stack.extension import DetectorSettings, EnterAt, HarnessBlock
from harness.stack.findings import Findings
from harness.stack.interpolation import interpolate_nodes
from harness.stack.wan import Wan

RESERVED: Final = frozenset(
    {"primary", "standby", "standbys", "candidate", "any", "clients", "outside", "default"}
)
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9_-]")


def read_stack(path: Path, *, variables: Variables[str, str]) -> Stack:
    """The stack that a compose file describes.

    `variables` stand for `${NAME}` in the file (the caller's environment, as a rule). Raises `DocumentError` with all
    mistakes at once, and `UsageError` when the file can't be read.
    """
    return parse_stack(decode(read_bytes(path), name=str(path)), path=path, variables=variables)


def parse_stack(source: Source, *, path: Path, variables: Variables[str, str]) -> Stack:
    """The stack that a compose file's text describes; `path` is where its relative paths start."""
    findings = Findings()
    root = compose(source, merge_keys=True)
    if not isinstance(root, Mapping):
        raise DocumentError(
            (root.mark.problem(f"a compose file is a mapping with `services`, not {kind(root)}"),)
        )
    interpolate_nodes(root, variables, findings)
    check_keys(root, TOP_LEVEL, findings)
    services = _services(root, variables, findings)
    block = _block(root, findings)
    findings.refuse()
    assert block is not None
    stack = _assemble(root, path, services, block, findings)
    findings.refuse()
    return stack


def _services(root: Mapping, variables: Variables[str, str], findings: Findings) -> tuple[Service, ...]:
    node = root.values.get("services")
    if not isinstance(node, Mapping) or not node.values:
        findings.problem(node.mark if node is not None else root.mark, "`services` is missing or empty")
        return ()
    volumes = _volumes(root.values.get("volumes"), findings)
    services = read_services(node, volumes=volumes, variables=variables, findings=findings)
    names = [*node.values]
    for service in services:
        mark = node.keys[service.name]
        _check_name(service.name, mark, findings)
        if service.provider is not None:
            _check_name(service.provider, mark, findings)
        if service.provider in names:
            findings.problem(
                mark,
                f"{service.provider!r} is both a service and a provider: targets need to tell them apart",
            )
        for other in service.depends_on:
            if other not in names:
                near = closest(other, names)
                findings.problem(
                    mark, f"{service.name} depends on {other!r}, which is no service", closest=near
                )
    return services


def _check_name(name: str, mark: Mark, findings: Findings) -> None:
    if name in RESERVED:
        findings.problem(mark, f"{name!r} is a word of scenarios, and can't name a service or provider")


def _volumes(node: Node | None, findings: Findings) -> frozenset[str]:
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return frozenset()
    if not isinstance(node, Mapping):
        findings.problem(node.mark, f"`volumes`: expected a mapping, found {kind(node)}")
        return frozenset()
    for name, settings in node.values.items():
        if isinstance(settings, Mapping):
            for key in settings.keys.keys() - {"labels", "name"}:
                findings.problem(
                    settings.keys[key], f"`{key}` of volume {name} is not supported: leave its settings out"
                )
    return frozenset(node.values)


def _block(root: Mapping, findings: Findings) -> HarnessBlock | None:
    node = root.values.get(STACK_EXTENSION)
    if node is None:
        findings.problem(
            root.mark, f"`{STACK_EXTENSION}` is missing: it says how clients speak to this stack"
        )
        return None
    return read_model(HarnessBlock, node, findings.problems, path=(STACK_EXTENSION,))


def _assemble(
    root: Mapping, path: Path, services: tuple[Service, ...], block: HarnessBlock, findings: Findings
) -> Stack:
    extension = root.values[STACK_EXTENSION]
    providers = sorted({service.provider for service in services if service.provider is not None})
    stack = Stack(
        path=path,
        name=_name(root, path),
        services=services,
        wan=_wan(block, extension, providers, findings),
        entry_points=_entry_points(block.clients.enter_at, extension, services, findings),
        adapter=block.adapter,
        simulation=block.simulation,
        preload=block.process.preload,
        ready_within_s=block.ready.within_s,
        providers_at_once=block.limits.providers_at_once,
        detector=_detector(block.detector),
        waives=block.waives,
        defects=tuple(
            Defect(name, defect.environment, defect.caught_by, defect.platform)
            for name, defect in block.defects.items()
        ),
        ignored=tuple(findings.ignored),
        warnings=(),
    )
    _check_references(root, stack, findings)
    return replace(stack, warnings=tuple(findings.warnings))


def _detector(said: DetectorSettings | None) -> Detector | None:
    return None if said is None else Detector(f"{said.kind}:{said.setting}", round(said.heartbeat_ms * 1e6))


def _name(root: Mapping, path: Path) -> str:
    node = root.values.get("name")
    if isinstance(node, Scalar) and node.text:
        return node.text
    return _NOT_IN_NAMES.sub("", path.absolute().parent.name.lower()) or "stack"


def _wan(block: HarnessBlock, extension: Node, providers: list[str], findings: Findings) -> Wan:
    pairs_by_key = {
        f"{one}-{two}": frozenset((one, two)) for one in providers for two in providers if one != two
    }
    pairs: dict[frozenset[str], float] = {}
    said = block.wan.round_trip
    for key, round_trip_ms in said.items():
        if key in ("clients", "outside", "default"):
            continue
        mark = place(extension, ("wan", "round_trip", key))
        pair = pairs_by_key.get(key)
        if pair is None:
            valid = (*pairs_by_key, "clients", "outside", "default")
            findings.problem(
                mark, f"{key!r} is no pair of providers ({listed(providers)})", closest=closest(key, valid)
            )
        elif pair in pairs:
            findings.problem(mark, f"the round trip of {' and '.join(sorted(pair))} is there twice")
        else:
            pairs[pair] = round_trip_ms
    default = said.get("default")
    missing = sorted("-".join(sorted(pair)) for pair in {*pairs_by_key.values()} - pairs.keys())
    if default is None and missing:
        mark = place(extension, ("wan", "round_trip"))
        findings.problem(mark, f"round trips are missing: {', '.join(missing)} (or say `default`)")
    fallback = default or 0.0
    return Wan(
        pairs, said.get("clients", fallback), said.get("outside", fallback), fallback, block.wan.jitter
    )


def _entry_points(
    enter_at: EnterAt, extension: Node, services: tuple[Service, ...], findings: Findings
) -> tuple[EntryPoint, ...]:
    key, wanted = ("role", enter_at.role) if enter_at.role is not None else ("service", enter_at.service)
    mark = place(extension, ("clients", "enter_at", key))
    named = {service.role if key == "role" else service.name for service in services}
    if wanted not in named:
        near = closest(wanted or "", named)
        findings.problem(
            mark, f"no service has the {'role' if key == 'role' else 'name'} {wanted!r}", closest=near
        )
        return ()
    found = []
    for service in services:
        if wanted != (service.role if key == "role" else service.name):
            continue
        port = _entry_port(service, enter_at.port)
        if port is None:
            asked = "a port besides its health port" if enter_at.port is None else f"port {enter_at.port}"
            findings.problem(mark, f"clients can't enter at {service.name}: it does not `expose` {asked}")
        else:
            found.append(EntryPoint(service.name, port, service.provider))
    return tuple(found)


def _entry_port(service: Service, wanted: int | None) -> int | None:
    if wanted is not None:
        return wanted if wanted in service.exposes else None
    health = service.health.port if service.health is not None else None
    others = [port for port in service.exposes if port != health]
    return others[0] if others else next(iter(service.exposes), None)


def _check_references(root: Mapping, stack: Stack, findings: Findings) -> None:
    """Each `service:port` must lead to an exposed port, or no platform could say what to dial."""
    by_name = {service.name: service for service in stack.services}
    for service in stack.services:
        mark = place(root, ("services", service.name))
        for reference in service.references():
            target = by_name.get(reference.host)
            spot = _spot(root, service.name, str(reference), default=mark)
            if target is not None and reference.port not in target.exposes:
                ports = listed(str(port) for port in target.exposes) or "none"
                findings.problem(spot, f"{reference} is not exposed: `expose` of {target.name} says {ports}")
            elif target is None and (near := closest(reference.host, by_name)) is not None:
                findings.warn(spot, f"{reference} names no service of this file", closest=near)


def _spot(root: Mapping, service: str, token: str, *, default: Mark) -> Mark:
    body = descend(root, ("services", service))
    return next((scalar.mark for scalar in scalars(body) if token in scalar.text), default)
