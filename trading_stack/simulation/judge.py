"""Watches a world: each commit, acknowledgement, read, write and reply is held against the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from typing import TYPE_CHECKING, Final

from trading_stack.journal.entries import Entry
from trading_stack.journal.events import Request
from trading_stack.journal.messages import AppendReply
from trading_stack.simulation.network import NODES
from trading_stack.simulation.rules import EVERY_RULE, Finding, Happening, Rule, Violation

if TYPE_CHECKING:
    from trading_stack.simulation.world import World

DECISIVE: Final = 24
MAJORITY: Final = len(NODES) // 2 + 1


class Judge:
    """`judged` are the rules that count; what breaks another one is let pass, to see what comes of it."""

    def __init__(self, world: World, judged: frozenset[Rule] = EVERY_RULE) -> None:
        self.judged = judged
        self.committed: list[Entry] = []
        self.acked: dict[int, Entry] = {}
        self.highest_acked = 0
        self.commit_epochs: dict[int, str] = {}
        self.promotions: list[tuple[int, str, int]] = []
        self.harmless = False
        self._world = world
        self._asked: dict[int, int] = {}
        self._sent: Counter[bytes] = Counter()
        self._done: Counter[bytes] = Counter()

    def blame(self, rule: Rule, nodes: tuple[str, ...], summary: str) -> None:
        """Raise a `Violation`, unless the rule is not judged."""
        if rule not in self.judged:
            return
        told = self._world.told
        keep = [
            event for event in told if event.kind != "entries_committed" or event.fields["first_index"] == 1
        ]
        last = [event for event in told if event.kind == "entries_committed"][-2:]
        events = sorted([*keep[-DECISIVE:], *last], key=lambda event: event.at_ns)
        raise Violation(Finding(rule, self._world.now_ns, nodes, summary, tuple(events)))

    # --- what is told

    def on_told(self, event: Happening) -> None:
        kind, node = event.kind, event.node
        if kind == "entries_committed":
            epoch = int(event.fields["epoch"])
            first = self.commit_epochs.setdefault(epoch, node)
            if first != node:
                self.blame(Rule.ONE_COMMITTER, (first, node), f"both commit in epoch {epoch}")
        elif kind == "primary_promoted":
            self.promotions.append((event.at_ns, node, int(event.fields["epoch"])))
            if self.harmless and len(self.promotions) > 1:
                self.blame(Rule.NO_NEEDLESS_FAILOVER, (node,), f"{node} replaces a primary that works")
        elif kind == "store_damaged" and "committed" in str(event.fields["reason"]):
            self.blame(Rule.PREFIX, (node,), str(event.fields["reason"]))

    # --- commits and acknowledgements

    def on_commit(self, node: str, entry: Entry, applied: int) -> None:
        """A node is about to apply an entry to a state of `applied` entries."""
        committed = self.committed
        if applied != entry.index - 1:
            self.blame(Rule.PREFIX, (node,), f"applies entry {entry.index} to a state of {applied} entries")
        if entry.index > len(committed):
            committed.append(entry)
            self._check_sent(node, entry)
            self.check_recoverable()
        elif committed[entry.index - 1].hash != entry.hash:
            self.blame(Rule.PREFIX, (node,), f"commits another entry {entry.index} than was committed before")

    def on_sent(self, commands: Iterable[tuple[Request, bytes]]) -> None:
        """Clients hand these to an engine; one that sends a command again may see it done again, and no more often."""
        self._sent.update(command for _, command in commands)

    def _check_sent(self, node: str, entry: Entry) -> None:
        command = entry.command
        if command.startswith(b"epoch "):
            return
        self._done[command] += 1
        sent = self._sent[command]
        if not sent:
            self.blame(Rule.SENT, (node,), f"commits as entry {entry.index} what no client sent")
        elif self._done[command] > sent:
            self.blame(
                Rule.ONCE, (node,), f"commits as entry {entry.index} what was sent {sent} times, and done"
            )

    def on_restored(self, node: str, applied: list[bytes]) -> None:
        """A snapshot's state is that of committed entries, each of them."""
        if applied != [entry.hash for entry in self.committed[: len(applied)]]:
            self.blame(
                Rule.PREFIX, (node,), f"restores a state of {len(applied)} entries that were not committed"
            )

    def on_ack(self, request: int, entry: Entry) -> None:
        self.acked[request] = entry
        self.highest_acked = max(self.highest_acked, entry.index)

    def on_read_asked(self, request: int) -> None:
        self._asked[request] = self.highest_acked

    def on_read_answered(self, node: str, request: int, applied: int) -> None:
        if applied < self._asked[request]:
            self.blame(
                Rule.FRESH_READS, (node,), f"answers from entry {applied}, before {self._asked[request]}"
            )

    # --- stores

    def check_recoverable(self) -> None:
        """Whichever majority of voters is elected from now, its greatest log must hold the last committed entry."""
        if not self.committed:
            return
        entry = self.committed[-1]
        world = self._world
        voters = [node for node in NODES if world.votes(node) and not world.forgetful(node)]
        lacking = {node for node in voters if not world.disks[node].written.holds(entry)}
        if not lacking:
            return
        worth = {node: (*world.disks[node].written.last, node) for node in voters}
        for names in combinations(voters, MAJORITY):
            node = max(names, key=worth.__getitem__)
            if node in lacking:
                self.blame(
                    Rule.RECOVERABLE, names, f"entry {entry.index} is committed, and not in the log of {node}"
                )

    def on_promise(self, node: str, before: int, after: int) -> None:
        if after < before:
            self.blame(Rule.FENCE, (node,), f"its promise falls from epoch {before} to {after}")

    def on_reply(self, node: str, reply: AppendReply) -> None:
        """A follower must not accept below what its store promised."""
        promised = self._world.disks[node].written.promise.epoch
        if reply.matched and reply.promised_epoch <= reply.epoch < promised:
            self.blame(Rule.FENCE, (node,), f"accepts in epoch {reply.epoch} though it promised {promised}")

    # --- the end

    def check_end(self) -> None:
        """After healing: every replica has applied everything that was acknowledged."""
        for node, engine in self._world.engines.items():
            for request, entry in self.acked.items():
                if entry.index > len(engine.applied) or engine.applied[entry.index - 1] != entry.hash:
                    self.blame(Rule.KEPT, (node,), f"acknowledged command {request} is not applied on {node}")
