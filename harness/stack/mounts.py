"""Reading the `volumes` of a service: named volumes and folders of the host, in Compose's short and long forms."""

from __future__ import annotations

from typing import Final

from harness.documents.nodes import Listing, Mapping, Node, Scalar, kind
from harness.documents.words import closest, listed
from harness.stack.description import Mount
from harness.stack.findings import Findings

_LONG_KEYS: Final = ("type", "source", "target", "read_only")
_MODES: Final = {"": False, "rw": False, "ro": True, "z": False, "Z": False}


def read_mounts(
    service: str, node: Node | None, volumes: frozenset[str], findings: Findings
) -> tuple[Mount, ...]:
    """The mounts of one service; a named volume must be among the file's `volumes`."""
    if node is None:
        return ()
    if not isinstance(node, Listing):
        findings.problem(node.mark, f"`volumes`: expected a list, found {kind(node)}")
        return ()
    read = (_read_one(service, item, findings) for item in node.items)
    mounts = [(mount, item) for mount, item in zip(read, node.items, strict=True) if mount is not None]
    for mount, item in mounts:
        if (
            mount.kind == "volume"
            and mount.source not in volumes
            and not mount.source.startswith(f"{service}/")
        ):
            findings.problem(
                item.mark,
                f"the volume {mount.source!r} is not declared under `volumes:` at the top",
                closest=closest(mount.source, volumes),
            )
    return tuple(mount for mount, _ in mounts)


def _read_one(service: str, item: Node, findings: Findings) -> Mount | None:
    if isinstance(item, Mapping):
        return _long(service, item, findings)
    if isinstance(item, Scalar) and isinstance(item.value, str):
        return _short(service, item, findings)
    findings.problem(item.mark, f"expected a volume, found {kind(item)}")
    return None


def _short(service: str, item: Scalar, findings: Findings) -> Mount | None:
    source, target, mode, *more = [*item.text.split(":"), "", ""]
    if not target:  # an anonymous volume: its place inside is all that is said
        source, target = "", source
    if any(more) or not target.startswith("/") or mode not in _MODES:
        findings.problem(item.mark, f"{item.text!r} is not source:/target or source:/target:ro")
        return None
    return _mount(service, source, target, read_only=_MODES[mode])


def _long(service: str, item: Mapping, findings: Findings) -> Mount | None:
    values: dict[str, str] = {}
    for key, value in item.values.items():
        if key not in _LONG_KEYS or not isinstance(value, Scalar):
            findings.problem(
                item.keys[key], f"`{key}` of a volume is not supported: only {listed(_LONG_KEYS)}"
            )
            return None
        values[key] = value.text
    if values.get("type") not in ("volume", "bind") or not values.get("target", "").startswith("/"):
        findings.problem(item.mark, "a volume needs `type: volume` or `bind`, and `target: /…`")
        return None
    source, read_only = values.get("source", ""), values.get("read_only") == "true"
    if values["type"] == "bind":
        return Mount("bind", source or ".", values["target"], read_only)
    return _mount(service, source, values["target"], read_only=read_only)


def _mount(service: str, source: str, target: str, *, read_only: bool) -> Mount:
    if source.startswith((".", "/", "~")):
        return Mount("bind", source, target, read_only)
    return Mount("volume", source or f"{service}{target}", target, read_only)
