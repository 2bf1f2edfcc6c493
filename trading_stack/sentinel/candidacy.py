"""The candidate that was certified and has a while to serve, and those that did not in theirs."""

from __future__ import annotations

import random
from dataclasses import dataclass

from trading_stack.journal.certificate import Certificate
from trading_stack.sentinel.config import Config
from trading_stack.sentinel.memory import Memory
from trading_stack.sentinel.view import View


@dataclass(slots=True)
class Pending:
    """A certificate was issued; its candidate has a while to serve, `backoff_ns` longer than the rule.

    It is handed over while the suspicion lasts that it rests on, and while its candidate has time; never after.
    """

    certificate: Certificate
    since_ns: int
    backoff_ns: int


class Candidacy:
    """At most one certificate waits. `seed` draws the back-off; `draws` counts how often.

    Certificates up to `spent_epoch` have had their time, whoever offers them again. `failed` says until when each
    candidate is passed over.
    """

    def __init__(self, config: Config, view: View, *, seed: int) -> None:
        self.seed = seed
        self.draws = 0
        self.spent_epoch = 0
        self.failed: dict[str, int] = {}
        self.pending: Pending | None = None
        self._patience = config.patience
        self._view = view
        self._random = random.Random(seed)  # noqa: S311 - a back-off, not a secret

    def recall(self, memory: Memory) -> None:
        """Go on where the other was whose memory this is."""
        for _ in range(memory.draws):
            self.backoff_ns()
        self.spent_epoch, self.failed = memory.spent_epoch, dict(memory.failed)

    @property
    def certificate(self) -> Certificate | None:
        """What waits for its candidate to serve."""
        return self.pending.certificate if self.pending is not None else None

    def outdated(self, certificate: Certificate) -> bool:
        """Whether its epoch is over, or another one waits that is at least as new."""
        if certificate.new_epoch <= max(self._view.epoch, self.spent_epoch):
            return True
        return self.pending is not None and self.pending.certificate.new_epoch >= certificate.new_epoch

    def begin(self, certificate: Certificate, now_ns: int) -> None:
        """Give its candidate time."""
        self.pending = Pending(certificate, now_ns, self.backoff_ns())

    def gave_up(self, now_ns: int) -> bool:
        """Whether a candidate is waited for in vain."""
        pending = self.pending
        if pending is None:
            return False
        watch = self._view.watches[pending.certificate.candidate]
        if watch.dead(now_ns, self._patience) is not None:
            return True
        waited_ns = now_ns - pending.since_ns - pending.backoff_ns
        stands = watch.beat is not None and watch.beat.role != "standby"
        return waited_ns > (self._patience.promotion_ns if stands else self._patience.answer_ns)

    def fail(self, now_ns: int) -> None:
        """The candidate that waits is passed over for a while."""
        if self.pending is not None:
            self.failed[self.pending.certificate.candidate] = now_ns + self._patience.exclusion_ns
            self.spend()

    def passed_over(self, now_ns: int) -> set[str]:
        """Who failed not long ago."""
        return {engine for engine, until_ns in self.failed.items() if now_ns < until_ns}

    def led(self) -> None:
        """A new primary serves: earlier failures are forgotten, and what was meant for it or before it is spent."""
        self.failed.clear()
        if self.pending is not None and self.pending.certificate.new_epoch <= self._view.epoch:
            self.spend()

    def spend(self) -> None:
        """The certificate that waits, if any, is handed over no more."""
        if self.pending is not None:
            self.spent_epoch = max(self.spent_epoch, self.pending.certificate.new_epoch)
            self.pending = None

    def backoff_ns(self) -> int:
        """A while drawn by chance."""
        self.draws += 1
        return self._random.randrange(self._patience.backoff_ns)
