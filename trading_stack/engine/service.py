"""The engine service of one provider: a replica of the journal, and the venue that it carries."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from typing import Final

import msgspec

from trading_stack import defects, keys, running, settings
from trading_stack.admin import Query, Response, Route, health, metrics, serve_admin
from trading_stack.admin_commands.desk import Desk
from trading_stack.admin_commands.replacement import replacement
from trading_stack.defects import Defect
from trading_stack.dial import Client
from trading_stack.engine.door import DECODER, Door
from trading_stack.engine.dump import Snapshot
from trading_stack.engine.host import Host
from trading_stack.engine.marks import PERIOD_S, MarksDesk
from trading_stack.engine.peers import KEY_FILE, ROSTER_FILE, Peers
from trading_stack.events import log
from trading_stack.journal.config import SNAPSHOT_EVERY, Config
from trading_stack.journal.events import PeerUp
from trading_stack.journal.replica import Replica
from trading_stack.journal.store import Store
from trading_stack.market.client import follow_marks
from trading_stack.market.messages import MarksFrame
from trading_stack.roster import Roster
from trading_stack.sentinel.introductions import Introductions
from trading_stack.sentinel.messages import Introduction
from trading_stack.venue import commands
from trading_stack.venue.machine import Venue
from trading_stack.wire import Codec, Counters, serve

SWITCH_S: Final = 0.0005  # the store's thread must not wait five milliseconds for the interpreter


class Engine:
    """The parts of one engine, put together from its environment. Must be made on the event loop."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.provider = settings.required(environ, "PROVIDER")
        self.name = f"engine-{self.provider}"
        self._secret = settings.secret(environ)
        self._planted = defects.active(environ)
        self.counters = Counters()
        peers = settings.addresses(environ, "PEERS")
        directory = settings.directory(environ, "DATA")
        self._cluster = environ.get("CLUSTER", "trading")
        self.store = Store(directory, cluster=self._cluster, defects=self._planted)
        self.roster = Roster(directory, [self.provider, *peers])
        replica = Replica(
            self._config(environ, tuple(peers)), self.store.stored, nonce=int.from_bytes(os.urandom(6), "big")
        )
        self.desk = MarksDesk(any_inputs=Defect.MARKS_BEFORE_FRESH_INPUTS in self._planted)
        self.host = Host(replica, self.store, self._new_venue)
        introductions = Introductions(self.roster, self.counters)
        self.peers = Peers(
            self.provider,
            keys.own_signer(directory / KEY_FILE),
            Roster(directory, peers, file=ROSTER_FILE),
            self.counters,
        )
        self.administration = Desk(
            self.name,
            directory,
            environ,
            epoch=lambda: self.host.replica.view().epoch,
            actions={"replace-key": replacement(self.roster, introductions)},
        )
        self.door = Door(
            self.host,
            self.store,
            introductions,
            self.peers,
            reads_unconfirmed=Defect.THAWED_PRIMARY_ANSWERS in self._planted,
        )
        self.host.peers = {peer: self._client(peer, address) for peer, address in peers.items()}

    def _new_venue(self, snapshot: bytes | None) -> Venue:
        if snapshot is None:
            return Venue(defects=self._planted, own_marks=self.desk.prices)
        return Venue.restore(snapshot, defects=self._planted, own_marks=self.desk.prices)

    def _config(self, environ: Mapping[str, str], peers: tuple[str, ...]) -> Config:
        sentinels = [self.provider, *peers]  # one a provider
        return Config(
            node=self.provider,
            peers=peers,
            verify=self.roster.verify,
            epoch_command=commands.epoch,
            cluster=self._cluster,
            sentinels_needed=len(sentinels) // 2 + 1,
            wall_offset_ns=time.time_ns() - time.monotonic_ns(),
            snapshot_every=settings.count(environ, "SNAPSHOT_EVERY", SNAPSHOT_EVERY),
            defects=self._planted,
        )

    def codec(self) -> Codec:
        return Codec(
            self.name,
            keys.link_key(self._secret),
            DECODER,
            counters=self.counters,
            replay_accepted=Defect.REPLAY_ACCEPTED in self._planted,
        )

    def _client(self, peer: str, address: settings.Address) -> Client:
        return Client(
            address,
            self.codec(),
            on_message=lambda message: self._answered(peer, message),
            on_up=lambda: self._introduce(peer),
            on_down=lambda _: self.peers.lost(peer),
        )

    def _introduce(self, peer: str) -> None:
        """Show the key on a new connection before anything else is said there."""
        client = self.host.peers[peer]
        client.send(self.peers.introduction(client.binding))
        self.host.tell(PeerUp(peer))

    def _answered(self, peer: str, message: object) -> None:
        """Peers answer over the connections that they dial, and show their key on both."""
        if isinstance(message, Introduction):
            self.peers.answered(peer, message, connection=self.host.peers[peer].binding)

    async def follow_pricing(self, pricing: settings.Address) -> None:
        """Keep the newest valuation at hand, for ever."""
        await follow_marks(*pricing, self._on_marks, name=self.name, secret=self._secret)

    def _on_marks(self, frame: MarksFrame) -> None:
        self.desk.hear(frame, time.monotonic_ns())

    async def propose_marks(self) -> None:
        """Propose marks while this engine leads, for ever."""
        leads = False
        while True:
            await asyncio.sleep(PERIOD_S if leads else PERIOD_S / 10)
            now_ns, led = time.monotonic_ns(), leads
            leads = self.host.replica.view().serving
            if leads and not led:
                self.desk.lead(now_ns)
            elif led and not leads:
                self.desk.resign()
            command = self.desk.command(now_ns)
            if leads and command is not None:
                self.host.submit(None, command)

    # --- what it tells

    def unready(self) -> str | None:
        """Why this engine can't do its part, or None."""
        return self.host.replica.view().unready()

    def figures(self) -> dict[str, float]:
        """All metrics by name."""
        view = self.host.replica.view()
        return {
            **{f"engine_{name}_total": value for name, value in self.host.counts.items()},
            **{f"wire_{name}_total": value for name, value in self.counters.values.items()},
            **{f'engine_peer_up{{peer="{peer}"}}': int(c.up) for peer, c in self.host.peers.items()},
            "engine_epoch": view.epoch,
            "engine_promised_epoch": view.promised_epoch,
            "engine_commit_index": view.commit_index,
            "engine_last_index": view.last.end,
            "engine_base_index": self.host.replica.log.base.index,
            "engine_serving": int(view.serving),
            "engine_fsync_age_seconds": (time.monotonic_ns() - self.store.last_fsync_ns) / 1e9,
            "cpu_seconds": time.process_time(),
        }

    def snapshot(self, query: Query) -> Snapshot:
        """The drop copy, with entries after `after` alone; raises `ValueError` when that is no number."""
        after = int(query.get("after", "0"))
        replica, venue = self.host.replica, self.host.venue
        view = replica.view()
        return Snapshot(
            node=self.name,
            provider=self.provider,
            view=view,
            digest=venue.digest(),
            applied_index=venue.index,
            base_index=replica.log.base.index,
            entries=replica.log.slice(after + 1, view.last.end),
            venue=venue.dump(),
        )

    def routes(self) -> dict[str, Route]:
        return {
            **self.administration.routes(),
            "/health": health(self.unready),
            "/metrics": metrics(self.figures),
            "/replica": self._replica,
            "/status": lambda _: Response(msgspec.json.encode(msgspec.structs.asdict(self.door.heartbeat()))),
        }

    async def _replica(self, query: Query) -> Response:
        snapshot = self.snapshot(query)
        return Response(await asyncio.to_thread(snapshot.encode))


async def _serve(environ: Mapping[str, str]) -> None:
    engine = Engine(environ)
    engine.host.start()
    await serve(engine.codec(), engine.door.callbacks(), *settings.address(environ, "LISTEN"))
    await serve_admin(settings.address(environ, "ADMIN"), engine.routes(), engine.administration.takes())
    for client in engine.host.peers.values():
        client.start()
    log(f"{engine.name}: store {engine.store.stored.incarnation}, {len(engine.store.stored.entries)} entries")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(engine.door.beats())
        tasks.create_task(engine.propose_marks())
        if environ.get("PRICING"):
            tasks.create_task(engine.follow_pricing(settings.address(environ, "PRICING")))


def main(environ: Mapping[str, str]) -> int:
    """Run the engine until a signal ends it."""
    sys.setswitchinterval(SWITCH_S)
    return running.run(_serve(environ))
