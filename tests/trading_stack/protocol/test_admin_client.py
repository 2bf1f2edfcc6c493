"""The administrator's program, against an engine's and a sentinel's own ports."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from signers import SIGNERS, sentinel
from test_shells import SECRET, environ, until

from trading_stack import __main__ as entry
from trading_stack.admin import serve_admin
from trading_stack.admin_commands import client
from trading_stack.admin_commands.audit import FILE
from trading_stack.engine.service import Engine
from trading_stack.keys import read_signer
from trading_stack.sentinel.messages import Heartbeat
from trading_stack.sentinel.service import Watchtower
from trading_stack.settings import Address
from trading_stack.wire import serve

pytestmark = pytest.mark.processes

NEW = SIGNERS["alpha"].public.hex()


def keygen(directory: Path) -> str:
    """Make a key; the setting for the services."""
    assert client.main(["keygen", str(directory), "--as", "alice"]) == 0
    return f"alice={(directory / 'administrator.pub').read_text().strip()}"


def test_a_key_is_made_for_its_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    setting = keygen(tmp_path / "keys")
    assert f"ADMINISTRATORS={setting}" in capsys.readouterr().out
    assert read_signer(tmp_path / "keys" / "administrator.key").public.hex() in setting
    assert client.main(["keygen", str(tmp_path / "keys")]) == client.USAGE_ERROR
    assert "there is a key already" in capsys.readouterr().err


def test_the_stack_passes_its_arguments_on(tmp_path: Path) -> None:
    assert entry.main(["admin", "keygen", str(tmp_path)], {}) == 0


async def _told(arguments: list[str]) -> int:
    return await asyncio.to_thread(client.main, arguments)


def test_a_sentinels_key_is_replaced_at_engines_and_sentinels(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    setting = keygen(tmp_path / "keys")

    async def story() -> None:
        engine = Engine(environ(tmp_path / "engine", ADMINISTRATORS=setting))
        tower = Watchtower(environ(tmp_path / "sentinel", ADMINISTRATORS=setting))
        server = await serve(engine.codec(), engine.door.callbacks(), "127.0.0.1", 0)
        old = sentinel("bravo", Address(*server.sockets[0].getsockname()[:2]), Heartbeat, [], secret=SECRET)
        await until(lambda: old.up and engine.roster._path.exists())
        ports = [
            await serve_admin(Address("127.0.0.1", 0), part.routes(), part.administration.takes())
            for part in (engine, tower)
        ]
        addresses = [f"127.0.0.1:{port.sockets[0].getsockname()[1]}" for port in ports]
        at = f"engine-alpha={addresses[0]},sentinel-alpha={addresses[1]}"
        common = ["--at", at, "--key", str(tmp_path / "keys" / "administrator.key"), "--as", "alice"]
        asked = ["replace-key", *common, "--reason", "its disk is gone", "bravo", NEW]
        assert await _told(asked) == 0
        for part in (engine, tower):
            assert part.roster._keys["bravo"].hex() == NEW
        await until(lambda: engine.counters.values.get("introductions_refused", 0) > 0)
        assert await _told(["replace-key", *common, "--reason", "?", "mallory", NEW]) == client.FAILED
        wrong = [each if each != at else f"engine-bravo={addresses[0]}" for each in asked]
        assert await _told(wrong) == client.USAGE_ERROR
        await old.close()
        for port in (*ports, server):
            port.close()

    asyncio.run(story())
    out = capfd.readouterr()
    assert "engine-alpha: accepted\nsentinel-alpha: accepted" in out.out
    assert out.out.count('"key_replaced"') == 2
    assert "no sentinel 'mallory' here" in out.out
    assert "there is engine-alpha, not engine-bravo" in out.err
    assert client.main(["audit", str(tmp_path / "engine" / FILE)]) == 0
    assert "2 lines, each follows" in capfd.readouterr().out


def test_what_a_person_does_wrong_is_told_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keygen(tmp_path)
    key = ["--key", str(tmp_path / "administrator.key"), "--reason", "r"]
    assert client.main(["replace-key", "--at", "", *key, "bravo", NEW]) == client.USAGE_ERROR
    assert (
        client.main(["replace-key", "--at", "engine-alpha=127.0.0.1:1", *key, "bravo", NEW]) == client.FAILED
    )
    assert client.main(["replace-key", "--at", "x", *key, "bravo", "zz"]) == client.USAGE_ERROR
    assert "engine-alpha at 127.0.0.1:1 doesn't answer" in capsys.readouterr().err
    (tmp_path / FILE).write_text(json.dumps({}) + "\n")
    assert client.main(["audit", str(tmp_path / FILE)]) == client.FAILED
    assert client.main(["keygen", str(tmp_path / "other"), "--as", "a=b,c"]) == client.USAGE_ERROR
    with pytest.raises(SystemExit) as ended:
        client.main(["hand-over", "bravo"])
    assert ended.value.code == client.USAGE_ERROR
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("left", [b"", b'{"half'])
def test_an_audit_file_that_says_nothing_is_no_proof(
    left: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE).write_bytes(left)
    assert client.main(["audit", str(tmp_path / FILE)]) == client.FAILED
    said = capsys.readouterr()
    assert "nothing is in it" in said.err
    assert ("cut short" in said.out) == bool(left)


class Deaf:
    """Services that refuse whatever they are told."""

    epoch = 3

    def send(self, *_: object, **__: object) -> dict[str, str]:
        return {
            "sentinel-alpha": "refused: charlie was not heard lately",
            "sentinel-bravo": "refused: the same",
        }


def test_a_handover_that_all_refuse_does_not_end_with_an_older_ones_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keygen(tmp_path)
    monkeypatch.setattr(client.Errand, "begin", lambda _: Deaf())
    monkeypatch.setattr(client, "follow", lambda *_, **__: pytest.fail("there is nothing to follow"))
    key = ["--key", str(tmp_path / "administrator.key"), "--reason", "r"]
    asked = ["hand-over", "--at", "sentinel-alpha=h:1,sentinel-bravo=h:2", *key, "charlie"]
    assert client.main(asked) == client.FAILED
    assert capsys.readouterr().out.endswith("not handed over: all refused it\n")
