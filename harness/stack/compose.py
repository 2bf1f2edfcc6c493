"""Reading services from the nodes of a compose file, in the supported subset (`compose_keys`)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from collections.abc import Mapping as Variables
from typing import Final

from harness.documents.nodes import Listing, Mapping, Mark, Node, Scalar, kind
from harness.documents.words import closest, listed
from harness.stack.compose_keys import EXTENSION, LABELS, PROCESS_EXTENSION, SERVICE, Treatment
from harness.stack.description import Health, Service
from harness.stack.findings import Findings
from harness.stack.mounts import read_mounts

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_HEALTH: Final = re.compile(r"(?P<port>[0-9]{1,5})(?P<path>/\S*)")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_CONDITIONS: Final = ("service_started", "service_healthy")


def read_services(
    node: Mapping, *, volumes: frozenset[str], variables: Variables[str, str], findings: Findings
) -> tuple[Service, ...]:
    """The services below `services:`, in the file's order; mistakes go to `findings`."""
    services = []
    for name, body in node.values.items():
        mark = node.keys[name]
        if not _NAME.fullmatch(name):
            findings.problem(mark, f"{name!r} is no name for a service: use letters, digits, `-` and `_`")
        elif not isinstance(body, Mapping):
            findings.problem(
                body.mark, f"service {name}: expected a mapping of keys to values, found {kind(body)}"
            )
        else:
            reader = _ServiceReader(name, mark, body, volumes=volumes, variables=variables, findings=findings)
            services.append(reader.service())
    return tuple(services)


def check_keys(node: Mapping, table: Variables[str, tuple[Treatment, str]], findings: Findings) -> None:
    """Sort a mapping's keys by the table: those that matter and can't be kept are mistakes."""
    for key, mark in node.keys.items():
        if key.startswith(EXTENSION):
            continue
        treatment, reason = table.get(key, (None, ""))
        if treatment is None:
            near = closest(key, table)
            findings.problem(
                mark, f"unknown key {key!r}" + ("" if near else " (not a key of Compose)"), closest=near
            )
        elif treatment is Treatment.REFUSED:
            findings.problem(
                mark, f"`{key}` would change how the stack behaves, and is not supported: {reason}"
            )
        elif treatment is Treatment.IGNORED:
            findings.ignore(mark, f"`{key}` is ignored: {reason}")


class _ServiceReader:
    """Reads one service. Each method reads one key, and answers an empty value after a mistake."""

    def __init__(
        self,
        name: str,
        mark: Mark,
        body: Mapping,
        *,
        volumes: frozenset[str],
        variables: Variables[str, str],
        findings: Findings,
    ) -> None:
        self._name = name
        self._mark = mark
        self._body = body
        self._volumes = volumes
        self._variables = variables
        self._findings = findings

    def service(self) -> Service:
        check_keys(self._body, SERVICE, self._findings)
        self._refuse_restarts()
        self._refuse_aliases()
        labels = self._labels()
        return Service(
            name=self._name,
            role=labels.get("harness.role", self._name),
            provider=labels.get("harness.provider"),
            command=self._command(self._body.values.get("command")),
            environment=self._environment(),
            exposes=self._exposes(),
            mounts=read_mounts(self._name, self._body.values.get("volumes"), self._volumes, self._findings),
            depends_on=self._depends_on(),
            image=self._text("image"),
            health=self._health(labels),
            process_command=self._process_command(),
            line=self._mark.line,
            entrypoint=self._command(self._body.values.get("entrypoint")),
            working_dir=self._text("working_dir"),
        )

    def _refuse_restarts(self) -> None:
        node = self._body.values.get("restart")
        if node is not None and not (isinstance(node, Scalar) and node.text == "no"):
            said = node.text if isinstance(node, Scalar) else kind(node)
            self._findings.problem(
                node.mark, f"`restart: {said}` would undo a fault by itself: take it away, or write `no`"
            )

    def _refuse_aliases(self) -> None:
        node = self._body.values.get("networks")
        if isinstance(node, Mapping):
            for network, settings in node.values.items():
                if isinstance(settings, Mapping) and settings.values:
                    self._findings.problem(
                        node.keys[network],
                        "settings of a network are not supported: name services by `service:port`",
                    )

    def _text(self, key: str) -> str | None:
        node = self._body.values.get(key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or node.value is None:
            self._findings.problem(node.mark, f"`{key}`: expected text, found {kind(node)}")
            return None
        return node.text

    def _command(self, node: Node | None) -> tuple[str, ...]:
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return ()
        if isinstance(node, Listing):
            return tuple(self._texts(node))
        if isinstance(node, Mapping):
            self._findings.problem(node.mark, f"expected a command, found {kind(node)}")
            return ()
        try:
            return tuple(shlex.split(node.text))
        except ValueError as error:
            self._findings.problem(node.mark, f"{node.text!r} can't be split as a command: {error}")
            return ()

    def _process_command(self) -> tuple[str, ...] | None:
        node = self._body.values.get(PROCESS_EXTENSION)
        if node is None:
            return None
        if not isinstance(node, Mapping):
            self._findings.problem(
                node.mark, f"`{PROCESS_EXTENSION}`: expected `command: …`, found {kind(node)}"
            )
            return None
        for key, mark in node.keys.items():
            if key != "command":
                self._findings.problem(mark, f"unknown key {key!r}: the only key here is command")
        command = self._command(node.values.get("command"))
        if not command:
            self._findings.problem(node.mark, f"`{PROCESS_EXTENSION}` says no `command`")
        return command

    def _environment(self) -> dict[str, str]:
        node = self._body.values.get("environment")
        if node is None:
            return {}
        if isinstance(node, Listing):
            return dict(self._listed_variables(node))
        if isinstance(node, Mapping):
            return dict(self._mapped_variables(node))
        self._findings.problem(node.mark, f"`environment`: expected a mapping or a list, found {kind(node)}")
        return {}

    def _listed_variables(self, node: Listing) -> Iterator[tuple[str, str]]:
        for text in self._texts(node):
            name, equals, value = text.partition("=")
            if equals:
                yield name, value
            elif name in self._variables:
                yield name, self._variables[name]

    def _mapped_variables(self, node: Mapping) -> Iterator[tuple[str, str]]:
        for name, value in node.values.items():
            if not isinstance(value, Scalar):
                self._findings.problem(value.mark, f"{name}: expected text, found {kind(value)}")
            elif isinstance(value.value, bool):
                self._findings.problem(
                    value.mark, f'{name}: write "{value.text}" in quotes, so that it is text'
                )
            elif value.value is not None:
                yield name, value.text
            elif name in self._variables:
                yield name, self._variables[name]

    def _exposes(self) -> tuple[int, ...]:
        ports: dict[int, None] = {}
        for key, read in (("expose", self._exposed), ("ports", self._published)):
            node = self._body.values.get(key)
            if isinstance(node, Listing):
                ports.update(dict.fromkeys(port for item in node.items for port in read(item)))
            elif node is not None:
                self._findings.problem(node.mark, f"`{key}`: expected a list of ports, found {kind(node)}")
        return tuple(ports)

    def _exposed(self, item: Node) -> Iterator[int]:
        text = item.text.removesuffix("/tcp") if isinstance(item, Scalar) else ""
        yield from self._port(item, text)

    def _published(self, item: Node) -> Iterator[int]:
        if isinstance(item, Mapping):
            target = item.values.get("target")
            yield from self._port(item, target.text if isinstance(target, Scalar) else "")
        else:
            text = item.text.removesuffix("/tcp") if isinstance(item, Scalar) else ""
            yield from self._port(item, text.rpartition(":")[2])

    def _port(self, item: Node, text: str) -> Iterator[int]:
        if _PORT.fullmatch(text) and 0 < int(text) <= 65535:
            yield int(text)
        else:
            said = repr(item.text) if isinstance(item, Scalar) else kind(item)
            self._findings.problem(item.mark, f"{said} is not a TCP port (ranges and UDP are not supported)")

    def _depends_on(self) -> tuple[str, ...]:
        node = self._body.values.get("depends_on")
        if node is None:
            return ()
        if isinstance(node, Listing):
            return tuple(self._texts(node))
        if not isinstance(node, Mapping):
            self._findings.problem(node.mark, f"`depends_on`: expected a list, found {kind(node)}")
            return ()
        for settings in node.values.values():
            condition = settings.values.get("condition") if isinstance(settings, Mapping) else None
            if isinstance(condition, Scalar) and condition.text not in _CONDITIONS:
                self._findings.problem(
                    condition.mark,
                    f"condition {condition.text!r} is not supported: only {listed(_CONDITIONS)}",
                    closest=closest(condition.text, _CONDITIONS),
                )
        return tuple(node.values)

    def _labels(self) -> dict[str, str]:
        node = self._body.values.get("labels")
        if node is None:
            return {}
        labels: dict[str, tuple[str, Mark]] = {}
        if isinstance(node, Mapping):
            for key, value in node.values.items():
                labels[key] = (value.text if isinstance(value, Scalar) else "", node.keys[key])
        elif isinstance(node, Listing):
            for item in node.items:
                key, _, text = item.text.partition("=") if isinstance(item, Scalar) else ("", "", "")
                labels[key] = (text, item.mark)
        else:
            self._findings.problem(node.mark, f"`labels`: expected a mapping, found {kind(node)}")
        return {key: text for key, (text, mark) in labels.items() if self._is_ours(key, text, mark)}

    def _is_ours(self, key: str, text: str, mark: Mark) -> bool:
        if not key.startswith("harness."):
            return False
        if key not in LABELS:
            self._findings.problem(
                mark,
                f"unknown label {key!r}: the harness reads {listed(LABELS)}",
                closest=closest(key, LABELS),
            )
            return False
        if key != "harness.health" and not _NAME.fullmatch(text):
            self._findings.problem(mark, f"{key}: {text!r} is no name: use letters, digits, `-` and `_`")
            return False
        return True

    def _health(self, labels: Variables[str, str]) -> Health | None:
        text = labels.get("harness.health")
        if text is None:
            return None
        match = _HEALTH.fullmatch(text)
        if match is None or not 0 < int(match["port"]) <= 65535:
            mark = self._body.keys["labels"]
            self._findings.problem(mark, f"harness.health: {text!r} is not PORT/path, such as 9000/health")
            return None
        return Health(int(match["port"]), match["path"])

    def _texts(self, node: Listing) -> Iterator[str]:
        for item in node.items:
            if isinstance(item, Scalar) and item.value is not None:
                yield item.text
            else:
                self._findings.problem(item.mark, f"expected text, found {kind(item)}")
