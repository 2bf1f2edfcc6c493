"""Random schedules of the replicas alone: an oracle hands out certificates at any time, to anybody. Safety must never
depend on when, or to whom; and once the weather clears, the cluster must work again."""

from __future__ import annotations

import pytest
from outages import crash, freeze, mend, start, thaw

from trading_stack.defects import Defect
from trading_stack.simulation.network import MS, NODES, PAIRS, Weather
from trading_stack.simulation.rules import Violation
from trading_stack.simulation.world import World

SCHEDULES = 400
DURATION_NS = 1500 * MS


class Storm:
    """One random schedule: proposals, reads, certificates, crashes, freezes and cuts, all drawn from one seed."""

    def __init__(
        self,
        seed: int,
        *,
        defects: frozenset[Defect] = frozenset(),
        snapshot_every: int = 200_000,
    ) -> None:
        self.world = world = World(seed, defects=defects, snapshot_every=snapshot_every)
        draw = world.draws
        world.run(30 * MS)
        weather = Weather(
            lost=draw.pick([0.0, 0.02, 0.2]),
            doubled=draw.pick([0.0, 0.05]),
            delay_ns=1 * MS,
            jitter_ns=draw.pick([MS // 10, 5 * MS, 40 * MS]),
            ordered=False,
        )
        world.network.set_weather(weather)
        self.epoch = 0
        self.request = 0
        weighted = [
            (20, self.propose),
            (4, self.read),
            (3, self.certify),
            (draw.pick([0, 1, 2]), self.crash),
            (2, self.restart),
            (draw.pick([0, 1, 2]), self.cut),
            (2, self.world.heal),
            (draw.pick([0, 1]), self.freeze),
            (1, self.thaw),
        ]
        self.actions = [action for weight, action in weighted for _ in range(weight)]

    def run(self) -> World:
        world = self.world
        self.certify()
        while world.now_ns < DURATION_NS:
            world.run(world.draws.below(20 * MS))
            world.draws.pick(self.actions)()
        self.settle()
        return world

    def settle(self) -> None:
        """Clear weather: the cluster must elect, commit, and converge."""
        world = self.world
        mend(world)
        world.run(100 * MS)
        for attempt in range(4):
            self.certify(proven=True)
            if world.run(500 * MS, until=self.led):
                break
            assert attempt < 3, "no primary in clear weather"
        primary = world.primary()
        assert primary is not None
        self.request += 1
        last = self.request
        world.propose(primary, last)
        world.run(1000 * MS, until=lambda: last in world.judge.acked)
        assert last in world.judge.acked, "nothing is committed in clear weather"
        world.run(1000 * MS, until=self.converged)
        assert self.converged(), "the replicas do not converge"
        world.judge.check_end()

    def led(self) -> bool:
        """Whether the last certificate led to a primary."""
        primary = self.world.primary()
        return primary is not None and self.world.engines[primary].replica.view().epoch == self.epoch

    def converged(self) -> bool:
        views = [engine.replica.view() for engine in self.world.engines.values()]
        applied = {len(engine.applied) for engine in self.world.engines.values()}
        same = len({(view.commit_index, view.last) for view in views}) == len(applied) == 1
        return same and all(view.proven for view in views)

    def propose(self) -> None:
        self.request += 1
        leading = [n for n, e in self.world.engines.items() if e.alive and e.replica.view().serving]
        self.world.propose(self.world.draws.pick(leading or NODES), self.request)

    def read(self) -> None:
        self.request += 1
        self.world.engines[self.world.draws.pick(NODES)].ask_read(self.request)

    def certify(self, *, proven: bool = False) -> None:
        world = self.world
        able = [n for n, e in world.engines.items() if not proven or e.replica.view().proven]
        self.epoch = 1 + max([self.epoch, *(e.replica.view().promised_epoch for e in world.engines.values())])
        world.certify(world.draws.pick(able), self.epoch)

    def crash(self) -> None:
        node = self.world.draws.pick(NODES)
        if self.world.engines[node].alive:
            crash(self.world, node)

    def restart(self) -> None:
        start(self.world, self.world.draws.pick(NODES))

    def cut(self) -> None:
        draws = self.world.draws
        if draws.chance(0.5):
            self.world.isolate(draws.pick(NODES))
        else:
            self.world.network.cut.add(draws.pick(PAIRS))

    def freeze(self) -> None:
        freeze(self.world, self.world.draws.pick(NODES))

    def thaw(self) -> None:
        thaw(self.world, self.world.draws.pick(NODES))


@pytest.mark.parametrize("block", range(8))
def test_the_log_is_safe_and_alive_under_random_schedules(block: int) -> None:
    size = SCHEDULES // 8
    acknowledged = 0
    for seed in range(block * size, (block + 1) * size):
        try:
            acknowledged += len(Storm(seed).run().judge.acked)
        except (AssertionError, Violation) as failure:
            raise AssertionError(f"seed {seed}: {failure}") from failure
    assert acknowledged > size * 5, "schedules that commit nothing prove nothing"
