"""Challenges: fresh by one service's own clock, for one epoch, once."""

from __future__ import annotations

from trading_stack.admin_commands.challenges import LIFETIME_NS, Challenges

NONCE = b"n" * 16


def test_a_challenge_is_good_once() -> None:
    challenges = Challenges(b"key")
    issued = challenges.issue(epoch=3, nonce=NONCE, now_ns=5)
    assert challenges.objection(issued, epoch=3, now_ns=6) is None
    challenges.use(issued, now_ns=6)
    assert "used before" in str(challenges.objection(issued, epoch=3, now_ns=7))
    other = challenges.issue(epoch=3, nonce=b"m" * 16, now_ns=5)
    assert challenges.objection(other, epoch=3, now_ns=7) is None


def test_a_challenge_ages_by_the_clock_of_its_issuer() -> None:
    challenges = Challenges(b"key")
    issued = challenges.issue(epoch=3, nonce=NONCE, now_ns=5)
    assert challenges.objection(issued, epoch=3, now_ns=5 + LIFETIME_NS) is None
    assert "older than 30 s" in str(challenges.objection(issued, epoch=3, now_ns=6 + LIFETIME_NS))


def test_what_was_used_is_not_forgotten_while_it_could_be_taken() -> None:
    challenges = Challenges(b"key")
    issued = challenges.issue(epoch=3, nonce=NONCE, now_ns=0)
    challenges.use(issued, now_ns=LIFETIME_NS // 2)
    challenges.use("another", now_ns=LIFETIME_NS)
    assert "used before" in str(challenges.objection(issued, epoch=3, now_ns=LIFETIME_NS))


def test_a_challenge_falls_with_its_epoch() -> None:
    challenges = Challenges(b"key")
    issued = challenges.issue(epoch=3, nonce=NONCE, now_ns=5)
    assert "of epoch 3, and this is epoch 4" in str(challenges.objection(issued, epoch=4, now_ns=6))


def test_nobody_makes_up_a_challenge() -> None:
    challenges = Challenges(b"key")
    issued = challenges.issue(epoch=3, nonce=NONCE, now_ns=5)
    elsewhere = Challenges(b"another life").issue(epoch=3, nonce=NONCE, now_ns=5)
    changed = ("0" if issued[0] != "0" else "1") + issued[1:]
    for made_up in ("", "xyz", issued[:-2], issued + "00", changed, elsewhere, issued.upper(), f" {issued}"):
        assert "none that this service issued" in str(challenges.objection(made_up, epoch=3, now_ns=6)), (
            made_up
        )
