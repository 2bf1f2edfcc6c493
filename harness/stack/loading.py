"""Loading what a stack names in its file: `module:Name`, or `path/file.py:Name` beside the compose file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Final, cast

from harness.documents.words import closest
from harness.model.errors import UsageError
from harness.stack.adapter import Adapter

ADAPTER_METHODS: Final = ("connect", "invoke", "close")


def load_adapter(spec: str, *, base: Path) -> Callable[[], Adapter]:
    """The adapter's class; `base` is the compose file's folder. Raises `UsageError` naming what is wrong."""
    found = load_object(spec, base=base, what="adapter")
    if not callable(found):
        raise UsageError(f"adapter {spec!r} is {type(found).__name__}, not a class that makes adapters")
    lacking = [method for method in ADAPTER_METHODS if not callable(getattr(found, method, None))]
    if isinstance(found, type) and lacking:
        raise UsageError(
            f"adapter {spec!r} lacks {' and '.join(f'`{method}`' for method in lacking)}",
            next_step="see harness/stack/adapter.py for the contract",
        )
    return cast("Callable[[], Adapter]", found)


def load_object(spec: str, *, base: Path, what: str) -> object:
    """What `module:Name` or `file.py:Name` stands for; `what` names it in messages.

    Modules are looked up as usual, then beside the compose file. Raises `UsageError`.
    """
    place, colon, name = spec.rpartition(":")
    if not colon or not place or not name:
        raise UsageError(f"{what} {spec!r} is not `module:Name` or `path/file.py:Name`")
    module = _file(place, spec, base, what) if place.endswith(".py") else _module(place, spec, base, what)
    found: object = module
    for part in name.split("."):
        if not hasattr(found, part):
            near = closest(part, (word for word in dir(found) if not word.startswith("_")))
            hint = f"; did you mean {near!r}?" if near else ""
            raise UsageError(f"{what} {spec!r}: {place} has no {part!r}{hint}")
        found = getattr(found, part)
    return found


def _module(name: str, spec: str, base: Path, what: str) -> ModuleType:
    _make_importable(base)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(f"{missing}."):
            message = f"{what} {spec!r}: there is no module {missing!r}, neither installed nor in {base}"
        else:
            message = f"{what} {spec!r}: importing {name} needs {missing!r}, which is not installed"
        raise UsageError(message) from error
    except Exception as error:
        raise _broken(what, spec, name, error) from error


def _file(place: str, spec: str, base: Path, what: str) -> ModuleType:
    path = (base / place).absolute()
    if not path.is_file():
        raise UsageError(f"{what} {spec!r}: there is no file {path}")
    name = f"harness_loaded_{blake2b(str(path).encode(), digest_size=6).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    module_spec = importlib.util.spec_from_file_location(name, path)
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module  # dataclasses and pickling look a module up by its name
    _make_importable(path.parent)
    try:
        module_spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _broken(what, spec, place, error) from error
    return module


def _broken(what: str, spec: str, place: str, error: Exception) -> UsageError:
    return UsageError(f"{what} {spec!r}: importing {place} failed: {type(error).__name__}: {error}")


def _make_importable(folder: Path) -> None:
    """Let modules beside the compose file be imported, now and later; installed ones still win."""
    entry = str(folder.absolute())
    if entry not in sys.path:
        sys.path.append(entry)
