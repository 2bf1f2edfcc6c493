"""`python -m trading_stack admin …`: an administrator's own program.

It asks each service named by `--at` (`sentinel-alpha=host:port,…`: their `ADMIN` addresses) for a challenge, signs one
command that carries them all, and sends it to each. Exit codes: 0 done, 1 refused or failed, 4 usage.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from trading_stack import settings
from trading_stack.admin_commands.audit import ChainBroken, ends_whole, lines
from trading_stack.admin_commands.desk import ACCEPTED
from trading_stack.admin_commands.errand import NO_ANSWER, Errand
from trading_stack.admin_commands.following import follow
from trading_stack.keys import new_signer, parse_public, read_signer
from trading_stack.settings import Address, SettingsError

KEY_FILE: Final = "administrator.key"
PUBLIC_FILE: Final = "administrator.pub"
_NAME: Final = re.compile(r"[\w.-]+")
FAILED: Final = 1
USAGE_ERROR: Final = 4


def main(arguments: Sequence[str]) -> int:
    """Carry out one command line."""
    asked = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = asked.run
    try:
        return run(asked)
    except (SettingsError, ChainBroken) as mistake:
        sys.stderr.write(f"admin: {mistake}\n")
        return USAGE_ERROR if isinstance(mistake, SettingsError) else FAILED
    except OSError as failure:
        sys.stderr.write(f"admin: {failure}\n")
        return FAILED


class _Parser(argparse.ArgumentParser):
    """Tells mistakes in the command line by the exit code that stands for them everywhere in this project."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE_ERROR, f"{self.prog}: {message}; --help says more\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m trading_stack admin", description="Commands of administrators.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    keygen = commands.add_parser("keygen", help="make an administrator's key")
    keygen.add_argument("directory", type=Path)
    keygen.add_argument("--as", dest="administrator", default="administrator", metavar="NAME")
    keygen.set_defaults(run=_keygen)
    audit = commands.add_parser("audit", help="check the chain of an audit file, and print it")
    audit.add_argument("file", type=Path)
    audit.set_defaults(run=_audit)
    hand_over = _errand(
        commands.add_parser("hand-over", help="let another engine take over from the primary")
    )
    hand_over.add_argument("target", help="the provider of the engine that is to lead")
    hand_over.set_defaults(run=_hand_over)
    replace = _errand(commands.add_parser("replace-key", help="pin another public key for a sentinel"))
    replace.add_argument("sentinel")
    replace.add_argument("public", help="64 hexadecimal digits")
    replace.set_defaults(run=_replace_key)
    return parser


def _errand(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--at", required=True, help="services: sentinel-alpha=host:port,…")
    parser.add_argument("--key", required=True, type=Path, help="the administrator's private key")
    parser.add_argument("--as", dest="administrator", default="administrator", metavar="NAME")
    parser.add_argument("--reason", required=True, help="why, for the audit file")
    return parser


def _keygen(asked: argparse.Namespace) -> int:
    if not _NAME.fullmatch(asked.administrator):
        raise SettingsError(
            f"--as {asked.administrator!r}: a name has letters, digits, dots, dashes and underscores"
        )
    asked.directory.mkdir(parents=True, exist_ok=True)
    path = asked.directory / KEY_FILE
    if path.exists():
        raise SettingsError(f"{path}: there is a key already; choose another directory")
    public = new_signer(path).public.hex()
    (asked.directory / PUBLIC_FILE).write_text(public + "\n")
    _say(f"{path}: keep it to yourself\nset for the services: ADMINISTRATORS={asked.administrator}={public}")
    return 0


def _audit(asked: argparse.Namespace) -> int:
    last = None
    for last in lines(asked.file):
        _say(f"{last.hash} {bytes(last.record).decode()}")
    if not ends_whole(asked.file):
        _say("the last line is cut short, and was never acted on: a crash, or somebody cut it")
    if last is None:
        raise ChainBroken(
            f"{asked.file}: nothing is in it; a service writes its first line before it first acts"
        )
    _say(
        f"{last.number} lines, each follows the one before; lines cut off at the end don't show here: "
        f"the service's last event admin_command_… must name {last.hash}, or a later line is gone"
    )
    return 0


def _replace_key(asked: argparse.Namespace) -> int:
    parse_public(asked.public, "public")
    answers = carry_out(asked, "replace-key", lambda _: {"sentinel": asked.sentinel, "public": asked.public})
    return 0 if all(answer == ACCEPTED for answer in answers.values()) else FAILED


def _hand_over(asked: argparse.Namespace) -> int:
    """Order it at the sentinels named, a majority of all of them, and wait for what becomes of it."""
    epoch = 0

    def arguments(errand: Errand) -> dict[str, str]:
        nonlocal epoch
        epoch = errand.epoch
        return {"target": asked.target, "epoch": str(epoch)}

    answers = carry_out(asked, "hand-over", arguments)
    if not any(answer.startswith((ACCEPTED, NO_ANSWER)) for answer in answers.values()):
        _say("not handed over: all refused it")
        return FAILED
    outcome = follow(services(asked.at), epoch=epoch, target=asked.target)
    _say(outcome.text)
    return 0 if outcome.done else FAILED


def carry_out(
    asked: argparse.Namespace, action: str, arguments: Callable[[Errand], Mapping[str, str]]
) -> Mapping[str, str]:
    """Send one command to all services; what each answered."""
    errand = Errand.begin(services(asked.at))
    answers = errand.send(
        asked.administrator, read_signer(asked.key), action, arguments(errand), reason=asked.reason
    )
    for service, answer in answers.items():
        _say(f"{service}: {answer}")
    return answers


def services(at: str) -> dict[str, Address]:
    """The services of `--at`; raises `SettingsError` when there are none."""
    found = settings.addresses({"--at": at}, "--at")
    if not found:
        raise SettingsError("--at: no services; name them as sentinel-alpha=host:port,…")
    return found


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
