"""What becomes of a cluster, in virtual time, of which one replica comes back with what damage has left of its store.

First with charlie alone, who lacks what alpha and bravo have acknowledged: without bravo nobody may be elected, since
alpha can't say any more what it held. Then bravo is back, and all three must hold all that was ever acknowledged. The
world's judge watches every commit, reply and store; here it is watched what the damaged replica says before it has
recovered.
"""

from __future__ import annotations

from typing import Final

import msgspec
from damaged_sample import SECOND, VICTIM, Life

from trading_stack.journal.events import Received, Stored
from trading_stack.journal.image import Image
from trading_stack.journal.life import Age
from trading_stack.journal.messages import Append, FetchReply, Message, PreVoteReply, SealReply, SnapshotPart
from trading_stack.simulation.disk import Disk
from trading_stack.simulation.rules import Violation

BINDING: Final = (PreVoteReply, SealReply)
SERVING: Final = (Append, FetchReply, SnapshotPart)


class Damaged(Disk):
    """A disk with the store that was opened, whose first opening tells the damage."""

    def __init__(self, stored: Stored) -> None:
        super().__init__(image_before(stored))
        self._damage = stored.damage

    def open(self) -> Stored:
        damage, self._damage = self._damage, ""
        return msgspec.structs.replace(super().open(), damage=damage)


def image_before(stored: Stored) -> Image:
    """The store before the opening that read it."""
    age = Age(stored.age.opens - 1, stored.age.writes - 1)
    image = Image(stored.incarnation, stored.proven, dict(stored.founders), stored.promise)
    image.entries, image.fresh, image.age = list(stored.entries), stored.fresh, age
    image.seen, image.snapshot = dict(stored.seen), stored.snapshot
    return image


def recover(stored: Stored, *, snapshot_every: int) -> str:
    """What was wrong with the recovery of a replica with this store; empty when nothing was."""
    life = Life(snapshot_every=snapshot_every)
    try:
        life.providers[VICTIM].replace_disk(Damaged(stored))
        return _without_bravo(life, stored) or _with_bravo(life)
    except (Violation, RuntimeError) as failure:
        return f"{type(failure).__name__}: {failure}"


def _without_bravo(life: Life, stored: Stored) -> str:
    said: list[Received] = []
    for channel in life.engines[VICTIM].channels.values():
        channel.sent = said
    life.providers["bravo"].kill()
    life.network.cut.clear()
    life.providers[VICTIM].start()
    life.run(SECOND // 2)
    for candidate in (VICTIM, "charlie"):
        life.certify(candidate)
        life.run(SECOND)
    if not stored.damage:
        return "" if life.primary() == "charlie" else "a store without consequence didn't vote"
    told = [event.fields["reason"] for event in life.told if event.kind == "store_damaged"]
    if told != [stored.damage]:
        return f"the replica told {told} of its damage"
    if life.primary() is not None or life.disks[VICTIM].written.proven:
        return f"{life.primary()} leads without bravo"
    bound = [message.message for message in said if _binds(message.message)]
    return f"a damaged replica said {bound[0]}" if bound else ""


def _binds(message: Message) -> bool:
    return isinstance(message, SERVING) or (isinstance(message, BINDING) and message.granted)


def _with_bravo(life: Life) -> str:
    life.providers["bravo"].start()
    life.run(SECOND // 2)
    life.lead("charlie")
    life.commit(range(100, 104))
    victim = life.engines[VICTIM]
    life.expect(lambda: life.disks[VICTIM].written.proven and _same(life))
    life.run(SECOND // 5)
    life.judge.check_end()
    life.providers["bravo"].kill()
    life.lead(VICTIM)  # it has its vote again, and all that was ever acknowledged
    life.commit(range(200, 204))
    life.expect(lambda: _same(life))
    acked = {entry.hash for entry in life.judge.acked.values()}
    return "" if acked <= set(victim.applied) else "something that was acknowledged is gone"


def _same(life: Life) -> bool:
    one, other = (life.engines[node].replica.log for node in (VICTIM, "charlie"))
    if one.last != other.last or one.hash_at(one.last_index) != other.hash_at(other.last_index):
        return False
    return all(len(life.engines[node].applied) == one.last_index for node in (VICTIM, "charlie"))
