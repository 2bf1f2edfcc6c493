"""A sentinel at its post on a clock of its own, and what is said to it."""

from __future__ import annotations

from dataclasses import replace

from trading_stack.sentinel.config import Config
from trading_stack.sentinel.events import (
    Ballot,
    Beat,
    Effect,
    EngineDown,
    EngineUp,
    Event,
    Heard,
    PeerUp,
    Saved,
    SetTimer,
    Tell,
    Tick,
    ToEngine,
    ToPeer,
)
from trading_stack.sentinel.messages import NEVER, Accusation, Heartbeat, Issued, Second
from trading_stack.sentinel.sentinel import Sentinel
from trading_stack.simulation.network import MS, NODES
from trading_stack.simulation.signing import certificate, sign


def beat(*, leader: str | None = "alpha", epoch: int = 1, own: str = "bravo", **more: object) -> Heartbeat:
    serving = leader == own
    fields: dict[str, object] = {
        "role": "primary" if serving else "standby",
        "serving": serving,
        "ready": True,
        "epoch": epoch,
        "primary": leader,
        "promised_epoch": epoch,
        "commit_index": 10,
        "last_epoch": epoch,
        "last_index": 10,
        "fsync_age_ns": 0,
        "primary_age_ns": NEVER,
        **more,
    }
    return Heartbeat(**fields)  # type: ignore[arg-type]


class Post:
    """A sentinel at bravo on a clock of its own; ticks come when it asks for them."""

    def __init__(
        self,
        *,
        name: str = "bravo",
        voted: Ballot | None = None,
        moves_ns: tuple[int, ...] = (),
        **config: object,
    ) -> None:
        peers = tuple(node for node in NODES if node != name)
        made = Config(name=name, peers=peers, engines=NODES, sign=lambda message: sign(name, message))
        made = replace(made, **config)  # type: ignore[arg-type]
        self.sentinel = Sentinel(made, voted=voted, seed=1, moves_ns=moves_ns)
        self.now_ns = 0
        self.effects: list[Effect] = []
        self.due_ns = 0

    def tell(self, event: Event) -> None:
        effects = self.sentinel.handle(event, self.now_ns)
        for effect in effects:
            if isinstance(effect, SetTimer):
                self.due_ns = effect.at_ns
        self.effects += effects

    def pass_time(self, for_ns: int, *, beats: dict[str, Heartbeat] | None = None) -> None:
        """Tick as asked; heartbeats come every 20 ms."""
        end_ns, next_beat_ns = self.now_ns + for_ns, self.now_ns
        while self.now_ns < end_ns:
            if beats and self.now_ns >= next_beat_ns:
                next_beat_ns += 20 * MS
                for engine, heartbeat in beats.items():
                    self.tell(Beat(engine, heartbeat))
            self.now_ns = max(self.now_ns, min(self.due_ns, end_ns))
            if self.now_ns < end_ns or self.due_ns == end_ns:
                self.tell(Tick())

    def take(self) -> list[Effect]:
        effects, self.effects = self.effects, []
        return effects

    def told(self) -> list[str]:
        return [effect.kind for effect in self.effects if isinstance(effect, Tell)]

    def sent(self, kind: type) -> list[object]:
        return [e.message for e in self.effects if isinstance(e, ToPeer) and isinstance(e.message, kind)]


STANDBYS = {"bravo": beat(own="bravo"), "charlie": beat(own="charlie")}
ALL = {"alpha": beat(own="alpha"), **STANDBYS}


def watching(**config: object) -> Post:
    post = Post(**config)  # type: ignore[arg-type]
    for engine in NODES:
        post.tell(EngineUp(engine))
    post.pass_time(100 * MS, beats=ALL)
    assert post.sentinel.leader is not None
    post.take()
    return post


def accused(post: Post) -> None:
    """A peer agrees."""
    post.tell(Heard("charlie", Accusation(1, lost=True, promised_epoch=1)))


def certified() -> Post:
    """Bravo's sentinel suspects alpha, and holds a certificate for bravo that could not be handed over yet."""
    post = watching()
    post.pass_time(300 * MS, beats=STANDBYS)
    accused(post)
    post.tell(Saved(Ballot(1, 2, "bravo")))
    post.tell(Heard("charlie", Second(1, 2, "bravo", sign("charlie", b"?"), 2)))
    assert "certificate_issued" in post.told()
    post.tell(EngineDown("bravo", "reset"))
    return post


def handed_over(post: Post) -> bool:
    """Whether anybody gets the certificate now: its candidate or a peer that dials back, or a peer that offers it."""
    post.take()
    post.tell(Heard("charlie", Issued(certificate(1, 2, "bravo", "bravo", "charlie"))))
    post.tell(EngineUp("bravo"))
    post.tell(PeerUp("charlie"))
    granted = any(isinstance(effect, ToEngine) for effect in post.effects)
    return granted or post.sent(Issued) != []


COMMITTING = {name: beat(own=name, primary_age_ns=10 * MS) for name in ("bravo", "charlie")}
