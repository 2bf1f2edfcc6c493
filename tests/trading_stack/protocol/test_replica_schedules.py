"""Random schedules of the replicas alone: an oracle hands out certificates at any time, to anybody. Safety must never
depend on when, or to whom; and once the weather clears, the cluster must work again."""

from __future__ import annotations

import pytest
from simulated import MS, NODES, Weather, World

from trading_stack.defects import Defect

SCHEDULES = 400
DURATION_NS = 1500 * MS


class Storm:
    """One random schedule: proposals, reads, certificates, crashes, freezes and cuts, all drawn from one seed."""

    def __init__(
        self,
        seed: int,
        *,
        defects: frozenset[Defect] = frozenset(),
        wipes: bool = False,
        snapshot_every: int = 200_000,
    ) -> None:
        self.world = world = World(seed, defects=defects, snapshot_every=snapshot_every)
        draw = world.random
        world.run(30 * MS)
        world.weather = Weather(
            lost=draw.choice([0.0, 0.02, 0.2]),
            doubled=draw.choice([0.0, 0.05]),
            delay_ns=1 * MS,
            jitter_ns=draw.choice([MS // 10, 5 * MS, 40 * MS]),
        )
        self.epoch = 0
        self.request = 0
        self.wipes = wipes
        self.actions = [
            (20, self.propose),
            (4, self.read),
            (3, self.certify),
            (draw.choice([0, 1, 2]), self.crash),
            (2, self.restart),
            (draw.choice([0, 1, 2]), self.cut),
            (2, self.mend),
            (draw.choice([0, 1]), self.freeze),
            (1, self.thaw),
        ]

    def run(self) -> World:
        world = self.world
        self.certify()
        weights = [weight for weight, _ in self.actions]
        while world.now_ns < DURATION_NS:
            world.run(world.random.randrange(20 * MS))
            world.random.choices([action for _, action in self.actions], weights)[0]()
        self.settle()
        return world

    def settle(self) -> None:
        """Clear weather: the cluster must elect, commit, and converge."""
        world = self.world
        world.weather = Weather()
        for engine in world.engines.values():
            if not engine.alive:
                engine.start()
            elif engine.frozen:
                engine.thaw()
        world.heal()
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
        world.run(1000 * MS, until=lambda: last in world.acked)
        assert last in world.acked, "nothing is committed in clear weather"
        world.run(1000 * MS, until=self.converged)
        assert self.converged(), "the replicas do not converge"
        world.check_end()

    def led(self) -> bool:
        """Whether the last certificate led to a primary."""
        primary = self.world.primary()
        return primary is not None and self.world.engines[primary].replica.view().epoch == self.epoch

    def converged(self) -> bool:
        views = [engine.replica.view() for engine in self.world.engines.values()]
        applied = {
            len(engine.applied) for engine in self.world.engines.values()
        }  # a snapshot may be on its way to disk
        same = len({(view.commit_index, view.last) for view in views}) == len(applied) == 1
        return same and all(view.proven for view in views)

    def propose(self) -> None:
        self.request += 1
        leading = [n for n, e in self.world.engines.items() if e.alive and e.replica.view().serving]
        self.world.propose(self.world.random.choice(leading or NODES), self.request)

    def read(self) -> None:
        self.request += 1
        self.world.engines[self.world.random.choice(NODES)].ask_read(self.request)

    def certify(self, *, proven: bool = False) -> None:
        world = self.world
        able = [n for n, e in world.engines.items() if not proven or e.replica.view().proven]
        self.epoch = 1 + max([self.epoch, *(e.replica.view().promised_epoch for e in world.engines.values())])
        world.certify(world.random.choice(able), self.epoch)

    def crash(self) -> None:
        node = self.world.random.choice(NODES)
        engine = self.world.engines[node]
        if engine.alive:
            engine.crash()
            if self.wipes and self.world.all_proven() and self.world.random.random() < 0.5:
                self.world.wipe(node)

    def restart(self) -> None:
        engine = self.world.engines[self.world.random.choice(NODES)]
        if not engine.alive:
            engine.start()

    def cut(self) -> None:
        draw = self.world.random
        if draw.random() < 0.5:
            self.world.isolate(draw.choice(NODES))
        else:
            source, target = draw.sample(NODES, 2)
            self.world.cut.add((source, target))

    def mend(self) -> None:
        self.world.heal()

    def freeze(self) -> None:
        engine = self.world.engines[self.world.random.choice(NODES)]
        if engine.alive:
            engine.freeze()

    def thaw(self) -> None:
        engine = self.world.engines[self.world.random.choice(NODES)]
        if engine.alive and engine.frozen:
            engine.thaw()


@pytest.mark.parametrize("block", range(8))
def test_the_log_is_safe_and_alive_under_random_schedules(block: int) -> None:
    size = SCHEDULES // 8
    acknowledged = 0
    for seed in range(block * size, (block + 1) * size):
        try:
            acknowledged += len(Storm(seed).run().acked)
        except AssertionError as failure:
            raise AssertionError(f"seed {seed}: {failure}") from failure
    assert acknowledged > size * 5, "schedules that commit nothing prove nothing"
