"""What faults may do to services that run as local processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from harness.faults.contract import Adjustable, Change, Cut, Direction
from harness.model.errors import EnvironmentUnfit
from harness.platforms.beyond import WHOLE_STREAMS, NoHosts
from harness.platforms.children import Child, Children
from harness.platforms.cutting import Cutting
from harness.platforms.delaying import Delaying
from harness.platforms.holds import Holds
from harness.platforms.killing import Killing
from harness.platforms.order import Order
from harness.platforms.pausing import Pausing
from harness.platforms.readings import Readings
from harness.platforms.resetting import Resetting
from harness.stack.adapter import Address
from harness.stack.description import CLIENTS, Link
from harness.wan.client import WanClient


@dataclass(frozen=True, slots=True)
class Reach:
    """What the hands can reach of one site."""

    children: Children
    orders: Mapping[str, Order]
    ports: Mapping[str, tuple[int, ...]]
    wan: WanClient
    readings: Readings
    proxies: Mapping[str, Address]
    restart: Callable[[Sequence[Order]], dict[str, Child]]
    stopped: Callable[[], bool]


class ProcessHands:
    """Makes changes; nothing happens before `Change.apply` (`harness.faults.contract.Hands`)."""

    def __init__(self, reach: Reach) -> None:
        self.hosts = NoHosts()
        self._reach = reach
        self._down = Holds()
        self._frozen = Holds()

    def kill(self, services: Sequence[str]) -> Change:
        reach = self._reach
        return Killing(
            [reach.orders[service] for service in services],
            children=reach.children,
            down=self._down,
            ports=reach.ports,
            restart=reach.restart,
        )

    def pause(self, services: Sequence[str]) -> Change:
        return Pausing(services, children=self._reach.children, frozen=self._frozen)

    def cut(self, cuts: Sequence[Cut]) -> Change:
        reach = self._reach
        self._must_cross([cut.link for cut in cuts])
        return Cutting(
            cuts,
            wan=reach.wan,
            readings=reach.readings,
            dialled=reach.proxies,
            alive=lambda service: service == CLIENTS or reach.children.runs(service),
            stopped=reach.stopped,
        )

    def delay(
        self,
        links: Sequence[Link],
        *,
        latency_ms: float,
        jitter_ms: float = 0.0,
        direction: Direction = Direction.BOTH,
    ) -> Adjustable:
        self._must_cross(links)
        return Delaying(
            links,
            latency_ms=latency_ms,
            jitter_ms=jitter_ms,
            direction=direction,
            wan=self._reach.wan,
            readings=self._reach.readings,
            stopped=self._reach.stopped,
        )

    def lose(self, links: Sequence[Link], *, share: float, direction: Direction = Direction.BOTH) -> NoReturn:
        WHOLE_STREAMS.refuse()

    def reset(self, links: Sequence[Link]) -> Change:
        self._must_cross(links)
        return Resetting(links, wan=self._reach.wan, readings=self._reach.readings)

    def _must_cross(self, links: Sequence[Link]) -> None:
        inside = [link.name for link in links if link.name not in self._reach.proxies]
        if inside:
            raise EnvironmentUnfit(
                f"{', '.join(inside)}: links inside one provider don't pass the fault proxy, so nothing can be done to them",
                next_step="take a link between providers or from clients (`harness plan` lists them)",
            )
