"""What a person is told when something goes wrong: a mistake of theirs, a system that refuses, a bug of the harness."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from datetime import UTC, datetime
from typing import Final

import click

from harness.model.errors import HarnessError
from harness.model.outcome import ExitCode

_THE_PLACE: Final = {
    errno.EACCES: "name a folder that you may write to with --out and --reports",
    errno.EPERM: "name a folder that you may write to with --out and --reports",
    errno.EROFS: "name a folder that you may write to with --out and --reports",
    errno.ENOENT: "name a file or folder that is there",
    errno.ENOTDIR: "name a folder, not a file",
    errno.EISDIR: "name a file, not a folder",
    errno.EEXIST: "name a folder, not a file",
    errno.ENAMETOOLONG: "give a shorter name",
}
_THE_MACHINE: Final = {
    errno.ENOSPC: "free some disk space, or name another folder with --out",
    errno.EDQUOT: "free some disk space, or name another folder with --out",
    errno.EFBIG: "raise the limit of a file's size (ulimit -f)",
    errno.EADDRINUSE: "something else uses that port; stop it, or try again",
    errno.EMFILE: "raise the limit of open files (ulimit -n 4096)",
    errno.ENFILE: "close other programs: the system has no file handle left",
    errno.ENOMEM: "close other programs: there is no memory left",
    errno.EAGAIN: "raise the limit of processes (ulimit -u), or close other programs",
}


def tell(error: Exception) -> tuple[str, ExitCode]:
    """Print an error with its next step on stderr; answers its first line, and the exit code. A bug's traceback is kept."""
    if isinstance(error, HarnessError):
        text, code = str(error), error.exit_code
    elif isinstance(error, OSError):
        text, code = told_by_system(error)
    else:
        text, code = keep_traceback(error), ExitCode.INTERNAL
    click.echo(f"harness: {text}", err=True)
    return text.partition("\n")[0], code


def told_by_system(error: OSError) -> tuple[str, ExitCode]:
    """A system's refusal as a message with the next step, and the exit code.

    USAGE for a place that the person named, NOT_RUN for a machine that can't, INTERNAL for anything else.
    """
    where = f" ({error.filename})" if error.filename else ""
    text = f"{error.strerror or error}{where}"
    number = error.errno or 0
    for code, advice in ((ExitCode.USAGE, _THE_PLACE), (ExitCode.NOT_RUN, _THE_MACHINE)):
        if number in advice:
            return f"{text}\n  next: {advice[number]}", code
    return text, ExitCode.INTERNAL


def keep_traceback(error: BaseException) -> str:
    """Write a bug's traceback into the state directory; answers one line for the person, and the next step."""
    from harness.guardian.state import state_dir

    name = type(error).__name__
    said = " ".join(str(error).split())[:200]
    line = f"internal error: {name}: {said}" if said else f"internal error: {name}"
    folder = state_dir() / "crashes"
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"harness {sys.argv[1:]}\n\n")
            traceback.print_exception(error, file=file)
    except OSError as refused:
        return f"{line}\n  next: report it; its traceback could not be kept ({refused.strerror}: {path})"
    return f"{line}\n  next: report it with {path}, which has the traceback"
