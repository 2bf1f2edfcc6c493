"""One command on its way to several services, over HTTP: challenges first, then the signed command to each."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import msgspec

from trading_stack.admin_commands.command import Command, sign
from trading_stack.admin_commands.desk import Offer
from trading_stack.keys import Signer
from trading_stack.settings import Address, SettingsError

TIMEOUT_S: Final = 5
NO_ANSWER: Final = "no answer"


@dataclass(frozen=True, slots=True)
class Errand:
    """The services that will be asked, and the challenges that they issued. All must be of one cluster."""

    services: Mapping[str, Address]
    offers: Mapping[str, Offer]

    @classmethod
    def begin(cls, services: Mapping[str, Address]) -> Errand:
        """Ask each service for a challenge; raises `SettingsError` for one that is not what it is taken for."""
        offers = {service: _offer(service, address) for service, address in services.items()}
        clusters = {offer.cluster for offer in offers.values()}
        if len(clusters) > 1:
            raise SettingsError(f"--at: services of several clusters: {', '.join(sorted(clusters))}")
        return cls(services, offers)

    @property
    def epoch(self) -> int:
        """The epoch that the services are in, the latest that any of them knows."""
        return max(offer.epoch for offer in self.offers.values())

    def send(
        self, administrator: str, signer: Signer, action: str, arguments: Mapping[str, str], *, reason: str
    ) -> dict[str, str]:
        """Sign the command and send it to each service; what each answered."""
        cluster = next(iter(self.offers.values())).cluster
        challenges = {service: offer.challenge for service, offer in self.offers.items()}
        command = Command(cluster, administrator, action, dict(arguments), reason, challenges)
        body = msgspec.json.encode(sign(command, signer))
        with ThreadPoolExecutor(len(self.services)) as threads:
            answers = threads.map(lambda address: _post(address, body), self.services.values())
            return dict(zip(self.services, answers, strict=True))


def _offer(service: str, address: Address) -> Offer:
    try:
        answer = exchange(f"http://{address}/admin/challenge")
    except OSError as failure:
        raise OSError(
            f"{service} at {address} doesn't answer ({failure}): leave it out, or start it"
        ) from None
    try:
        offer = msgspec.json.decode(answer, type=Offer)
    except msgspec.DecodeError:
        raise SettingsError(f"{service} at {address}: {answer.decode(errors='replace').strip()}") from None
    if offer.service != service:
        raise SettingsError(f"--at: at {address} there is {offer.service}, not {service}")
    return offer


def _post(address: Address, body: bytes) -> str:
    try:
        return exchange(f"http://{address}/admin/command", body).decode().strip()
    except OSError as failure:
        return f"{NO_ANSWER}: {failure}"


def exchange(url: str, body: bytes | None = None) -> bytes:
    """What a service answers, whatever its status; raises `OSError` when it doesn't."""
    request = urllib.request.Request(url, data=body)  # noqa: S310 - http alone
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            data: bytes = answer.read()
    except urllib.error.HTTPError as refusal:
        data = refusal.read()
    return data
