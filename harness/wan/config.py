"""Toxiproxy's configuration file: a JSON list of the proxies that are there from the start."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from harness.model.errors import DocumentError, Problem, UsageError
from harness.wan.messages import ProxyInput

_NEXT_STEP = (
    'write a list such as [{"name": "redis", "listen": "127.0.0.1:26379", "upstream": "127.0.0.1:6379"}]'
)


def read_config(path: Path) -> tuple[ProxyInput, ...]:
    """The proxies of a file. Keys that Toxiproxy doesn't know are ignored, as by Toxiproxy.

    Raises:
        UsageError: The file is no JSON, or not of that shape, or a proxy lacks its name or upstream.
        OSError: The file can't be read.
    """
    data = path.read_bytes()
    try:
        proxies = msgspec.convert(json.loads(data), tuple[ProxyInput, ...])
    except json.JSONDecodeError as error:
        at = [*error.doc.split("\n"), ""][error.lineno - 1]
        problem = Problem(str(path), error.lineno, error.colno, error.msg.lower(), at)
        raise DocumentError((problem,), next_step=_NEXT_STEP) from error
    except UnicodeDecodeError as error:
        raise _refused(path, f"byte {error.start} is not UTF-8") from error
    except msgspec.ValidationError as error:
        raise _refused(path, str(error)) from error
    for number, proxy in enumerate(proxies, start=1):
        missing = "name" if not proxy.name else "upstream" if not proxy.upstream else None
        if missing is not None:
            raise _refused(path, f"proxy {number} lacks its {missing}")
    return proxies


def _refused(path: Path, message: str) -> UsageError:
    return UsageError(f"{path}: {message}", next_step=_NEXT_STEP)
