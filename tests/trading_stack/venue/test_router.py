"""Where commands go, and when: literal sequences of events, times in ms."""

from __future__ import annotations

from trading_stack.engine.messages import Done, Leading, NotPrimary, Read, Submit
from trading_stack.gateway.router import MOST_IN_FLIGHT, Answer, Effect, Router, Send

ENGINES = ("alpha", "bravo", "charlie")
MS = 1_000_000


class Lab:
    """A router whose three engines are connected; `sent` and `told` is what it did last."""

    def __init__(self, *, repeats_always: bool = False, primary: str | None = "alpha") -> None:
        self.router = Router(ENGINES, repeats_always=repeats_always)
        self.replies: list[bytes | None] = []
        for engine in ENGINES:
            self.router.engine_up(engine, 0)
        if primary is not None:
            self.leading("alpha", 1, primary)

    def submit(self, command: bytes, at_ms: int = 0, deadline_ms: int = 5_000) -> list[str]:
        effects = self.router.submit(
            command, deadline_ns=(at_ms + deadline_ms) * MS, answered=self.replies.append, now_ns=at_ms * MS
        )
        return self.do(effects)

    def leading(self, engine: str, epoch: int, primary: str | None, at_ms: int = 0) -> list[str]:
        return self.do(self.router.heard(engine, Leading(epoch, primary), at_ms * MS))

    def not_primary(self, engine: str, request: int, epoch: int, primary: str | None = None) -> list[str]:
        return self.do(self.router.heard(engine, NotPrimary(request, primary, epoch), 0))

    def done(self, engine: str, request: int, result: bytes) -> list[str]:
        return self.do(self.router.heard(engine, Done(request, 1, 1, result), 0))

    def tick(self, at_ms: int) -> list[str]:
        return self.do(self.router.tick(at_ms * MS))

    def do(self, effects: list[Effect]) -> list[str]:
        """Tells what is sent, as `engine:command`, and calls back what is answered."""
        sent = []
        for effect in effects:
            match effect:
                case Send(engine, Submit(_, command)):
                    sent.append(f"{engine}:{command.decode()}")
                case Send(engine, Read(_, query)):
                    sent.append(f"{engine}?{query.decode()}")
                case Answer(answered, reply):
                    answered(reply)
        return sent


def test_a_command_goes_to_the_primary_and_its_result_to_the_client_once() -> None:
    lab = Lab()
    assert lab.submit(b"a") == ["alpha:a"]
    lab.done("alpha", 1, b"result")
    lab.done("alpha", 1, b"result")
    assert lab.replies == [b"result"]
    assert lab.router.in_flight == 0


def test_without_a_primary_commands_are_held_until_there_is_one() -> None:
    lab = Lab(primary=None)
    assert lab.submit(b"a") == []
    assert lab.router.unready() == "no primary is known"
    assert lab.leading("charlie", 1, "bravo") == ["bravo:a"]
    assert lab.router.unready() is None


def test_a_new_epoch_gets_everything_in_flight_at_once_oldest_first() -> None:
    lab = Lab()
    for command in (b"a", b"b", b"c"):
        lab.submit(command)
    lab.done("alpha", 2, b"")
    assert lab.leading("charlie", 2, "bravo") == ["bravo:a", "bravo:c"]


def test_the_same_word_from_another_engine_sends_nothing_again() -> None:
    lab = Lab()
    lab.submit(b"a")
    lab.leading("charlie", 2, "bravo")
    assert lab.leading("bravo", 2, "bravo") == []
    assert lab.leading("charlie", 2, "bravo") == []


def test_planted_no_idempotency_sends_again_at_every_word() -> None:
    lab = Lab(repeats_always=True)
    lab.submit(b"a")
    lab.leading("charlie", 2, "bravo")
    assert lab.leading("bravo", 2, "bravo") == ["bravo:a"]


def test_an_older_epoch_is_not_believed() -> None:
    lab = Lab()
    lab.leading("charlie", 3, "charlie")
    assert lab.leading("alpha", 2, "alpha") == []
    assert lab.router.primary == "charlie"


def test_an_unknown_primary_is_not_believed() -> None:
    lab = Lab()
    lab.leading("charlie", 3, "delta")
    assert (lab.router.epoch, lab.router.primary) == (1, "alpha")


def test_an_answer_of_the_old_primary_still_counts() -> None:
    lab = Lab()
    lab.submit(b"a")
    lab.leading("charlie", 2, "bravo")
    lab.done("alpha", 1, b"committed before")
    assert lab.replies == [b"committed before"]


def test_a_connection_that_came_back_gets_what_the_old_one_swallowed() -> None:
    lab = Lab()
    lab.submit(b"a")
    lab.router.engine_down("alpha")
    assert lab.router.unready() == "no connection to the primary, alpha"
    assert lab.submit(b"b") == []
    assert lab.do(lab.router.engine_up("alpha", 0)) == ["alpha:a", "alpha:b"]


def test_a_standby_that_came_back_gets_nothing() -> None:
    lab = Lab()
    lab.submit(b"a")
    lab.router.engine_down("bravo")
    assert lab.do(lab.router.engine_up("bravo", 0)) == []


def test_a_primary_that_stepped_down_is_left_alone() -> None:
    lab = Lab()
    lab.submit(b"a")
    assert lab.not_primary("alpha", 1, 1) == []
    assert lab.router.primary is None
    assert lab.submit(b"b") == []
    assert lab.leading("bravo", 2, "bravo") == ["bravo:a", "bravo:b"]


def test_an_engine_that_names_another_primary_is_followed() -> None:
    lab = Lab()
    lab.submit(b"a")
    assert lab.not_primary("alpha", 1, 2, "bravo") == ["bravo:a"]


def test_a_new_primary_that_does_not_serve_yet_gets_it_again_when_it_does() -> None:
    lab = Lab()
    lab.submit(b"a")
    assert lab.leading("charlie", 2, "bravo") == ["bravo:a"]
    assert lab.not_primary("bravo", 1, 2, "bravo") == []
    assert lab.leading("bravo", 2, "bravo") == ["bravo:a"]


def test_a_standby_that_knows_less_does_not_stop_the_primary() -> None:
    lab = Lab()
    assert lab.leading("charlie", 1, None) == []
    assert lab.router.primary == "alpha"


def test_over_its_deadline_a_command_is_unknown_never_refused() -> None:
    lab = Lab()
    lab.submit(b"a", deadline_ms=300)
    lab.tick(299)
    assert lab.replies == []
    lab.tick(300)
    assert lab.replies == [None]
    lab.done("alpha", 1, b"too late")
    assert lab.replies == [None]


def test_what_is_over_its_deadline_is_not_sent_any_more() -> None:
    lab = Lab()
    lab.submit(b"a", deadline_ms=300)
    assert lab.leading("bravo", 2, "bravo", at_ms=8_000) == []


def test_silence_is_answered_by_repeats_that_grow_rarer() -> None:
    lab = Lab()
    lab.submit(b"a")
    repeats = [at for at in range(0, 5_000, 10) if lab.tick(at)]
    assert repeats == [1_000, 3_000]
    assert lab.router.counts.resent == 2


def test_queries_follow_the_same_rules() -> None:
    lab = Lab()
    effects = lab.router.read(b"q", deadline_ns=5_000 * MS, answered=lab.replies.append, now_ns=0)
    assert lab.do(effects) == ["alpha?q"]
    assert lab.leading("bravo", 2, "bravo") == ["bravo?q"]


def test_it_says_when_it_is_full() -> None:
    lab = Lab()
    for _ in range(MOST_IN_FLIGHT):
        assert not lab.router.full
        lab.submit(b"a")
    assert lab.router.full
