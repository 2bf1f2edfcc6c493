"""Which address each service is given: what it listens on, what it dials, and where its data lies.

Pure: ports, proxies and folders come in, orders come out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.history.folder import file_name
from harness.model.undo import SERVICE_VARIABLE
from harness.platforms.order import Order, order
from harness.stack.adapter import Address
from harness.stack.addresses import rewrite
from harness.stack.description import Mount, Service, Stack

ANYWHERE: Final = "0.0.0.0"  # noqa: S104 - what containers listen on; replaced before anything listens
# What a program needs of the machine it runs on. All else that a service knows comes from the stack's description.
_INHERITED: Final = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)
# One thread a service for linear algebra: all providers share one machine here.
_ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_DEFAULTS: Final = {**_ONE_THREAD, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are in one run: `listen` by service and port, `proxies` by link, and the run's folder."""

    listen: Mapping[tuple[str, int], Address]
    proxies: Mapping[str, Address]
    run_dir: Path

    def log(self, service: str) -> Path:
        """The file that a service's output goes to."""
        return self.run_dir / "logs" / f"{file_name(service)}.log"

    def volume(self, name: str) -> Path:
        """The folder that stands for a named volume."""
        return self.run_dir / "volumes" / file_name(name)


def ports_of(service: Service) -> tuple[int, ...]:
    """Every port that a service listens on, each once."""
    health = () if service.health is None else (service.health.port,)
    return tuple(dict.fromkeys((*service.exposes, *health)))


def base_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What services inherit from the machine."""
    return {**_DEFAULTS, **{name: environ[name] for name in _INHERITED if name in environ}}


def dialled(stack: Stack, service: Service, places: Places) -> dict[tuple[str, int], str]:
    """Each address in a service's settings, as written, to what it must use instead."""
    found = {
        (link.target, link.port): str(
            places.proxies[link.name] if link.crosses_wan else places.listen[link.target, link.port]
        )
        for link in stack.links
        if link.source == service.name
    }
    for port in ports_of(service):
        own = str(places.listen[service.name, port])
        found[ANYWHERE, port] = found[service.name, port] = own
    return found


def settle(
    stack: Stack,
    service: Service,
    places: Places,
    *,
    interpreter: str,
    inherited: Mapping[str, str],
    overrides: Mapping[str, str],
) -> Order:
    """The order that starts a service; `overrides` are environment variables that win over the description's."""
    mapping = dialled(stack, service, places)

    def here(text: str) -> str:
        return _relocated(rewrite(text, mapping), service.mounts, stack, places)

    environment = {
        **inherited,
        **{name: here(value) for name, value in service.environment.items()},
        **overrides,
        SERVICE_VARIABLE: service.name,
    }
    return order(
        service.name,
        tuple(here(word) for word in service.local_command),
        interpreter=interpreter,
        environment=environment,
        directory=stack.path.parent.absolute(),
        log=places.log(service.name),
    )


def _relocated(text: str, mounts: tuple[Mount, ...], stack: Stack, places: Places) -> str:
    """A path below a mount's target, moved to where the mount is here; any other text as it is."""
    for mount in sorted(mounts, key=lambda mount: len(mount.target), reverse=True):
        target = mount.target.rstrip("/")
        if text == target or text.startswith(f"{target}/"):
            return f"{_source(mount, stack, places)}{text[len(target) :]}"
    return text


def _source(mount: Mount, stack: Stack, places: Places) -> Path:
    if mount.kind == "volume":
        return places.volume(mount.source)
    return (stack.path.parent / Path(mount.source).expanduser()).absolute()
