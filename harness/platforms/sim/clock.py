"""A host's monotonic clock, which runs a little wrong, and more so when a fault wants it."""

from __future__ import annotations

from typing import Final, NamedTuple

from harness.platforms.sim.agenda import Agenda

MILLION: Final = 1_000_000


class Spell(NamedTuple):
    """From a moment on, when it showed `shown_ns`, it gains `ppm` millionths of what passes."""

    from_ns: int
    shown_ns: int
    ppm: int


class DriftingClock:
    """Right when it is made; it never jumps, whatever happens to its rate."""

    def __init__(self, agenda: Agenda, *, ppm: int) -> None:
        self._agenda = agenda
        self._base_ppm = ppm
        self._spell = Spell(agenda.now_ns, agenda.now_ns, ppm)  # the last of them
        self._spells = [self._spell]
        self._gains: dict[int, int] = {}

    def now_ns(self) -> int:
        """What it shows."""
        from_ns, shown_ns, ppm = self._spell
        passed_ns = self._agenda.now_ns - from_ns
        return shown_ns + passed_ns + passed_ns * ppm // MILLION

    def until_it_shows_ns(self, delay_ns: int) -> int:
        """How long it truly takes until it shows so much more, at its present rate."""
        return -(-delay_ns * MILLION // (MILLION + self._spell.ppm))

    def true_ns(self, shown_ns: int) -> int:
        """When it showed this."""
        spell = self._spell
        if spell.shown_ns > shown_ns:
            earlier = (each for each in reversed(self._spells) if each.shown_ns <= shown_ns)
            spell = next(earlier, self._spells[0])
        return spell.from_ns + (shown_ns - spell.shown_ns) * MILLION // (MILLION + spell.ppm)

    def gain(self, number: int, ppm: int) -> None:
        """Let it gain so much more from now on, on behalf of one change."""
        self._gains[number] = ppm
        self._turn()

    def calm(self, number: int) -> None:
        """End that change; what it has gained it keeps. Safe to call twice."""
        if self._gains.pop(number, None) is not None:
            self._turn()

    def _turn(self) -> None:
        ppm = self._base_ppm + sum(self._gains.values())
        self._spell = Spell(self._agenda.now_ns, self.now_ns(), ppm)
        self._spells.append(self._spell)
