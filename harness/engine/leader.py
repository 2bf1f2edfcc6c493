"""Who leads, as far as the stack has said: a fold over its events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from harness.faults.scene import Scene
from harness.model.stack_event import Moment, StackEvent
from harness.stack.description import Stack


@dataclass(frozen=True, slots=True)
class Leader:
    """The service that leads, its epoch, and the candidate that was named last."""

    service: str | None = None
    epoch: int | None = None
    candidate: str | None = None

    def after(self, event: StackEvent) -> Leader:
        """Who leads after one more event. Promotions of an epoch that is not newer change nothing."""
        if event.kind == Moment.ELECTION_STARTED:
            return replace(self, candidate=event.service)
        if event.kind == Moment.PRIMARY_PROMOTED and (event.epoch or 0) >= (self.epoch or 0):
            return replace(self, service=event.service, epoch=event.epoch)
        return self

    def scene(self, stack: Stack, draws: Random) -> Scene:
        """What a fault finds that strikes now. `draws` gives the seed of its own choices: one draw a scene."""
        return Scene(
            stack=stack,
            random=Random(draws.getrandbits(64)),  # noqa: S311  draws targets, no secrets
            primary=self.service,
            candidate=self.candidate,
            epoch=self.epoch,
        )
