"""Kinds that people name in a file: those that the harness brings, and those that installed packages add."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from harness.documents.words import unknown
from harness.model.errors import UsageError

T = TypeVar("T", bound=type[Any])


class Registry(Generic[T]):
    """The classes that keep one contract, each by its `name`.

    Packages add theirs through the entry point group `harness.<noun>s`; each entry is such a class.
    """

    def __init__(
        self,
        noun: str,
        contract: type[Any],
        built_in: tuple[T, ...],
        *,
        needs: tuple[str, ...],
        flaw: Callable[[T], str] = lambda _: "",
    ) -> None:
        """`needs` are the attributes that a class must have; `flaw` says what else of the contract it breaks, or nothing."""
        self.group = f"harness.{noun}s"
        self._noun = noun
        self._contract = contract
        self._built_in = built_in
        self._needs = needs
        self._flaw = flaw
        self._known: dict[str, T] = {}

    def all(self) -> Mapping[str, T]:
        """Every class by its name, the harness's own first; plugins are loaded when they are first asked for.

        Raises `UsageError` that names the plugin which can't be loaded or breaks the contract.
        """
        if not self._known:
            self._known = self.gathered(entry_points(group=self.group))
        return self._known

    def named(self, name: str) -> T:
        """The class of that name; raises `UsageError` with the closest one and all there are."""
        found = self.all().get(name)
        if found is None:
            raise unknown(self._noun, name, self.all())
        return found

    def gathered(self, plugins: Iterable[EntryPoint]) -> dict[str, T]:
        """The harness's own classes and those of `plugins`, each proved to keep the contract. Raises `UsageError`."""
        known: dict[str, T] = {}
        for kind in self._built_in:
            self._add(known, kind, origin="harness")
        for plugin in plugins:
            origin = f"entry point {plugin.name} ({plugin.value})"
            self._add(known, _loaded(plugin, origin), origin=origin)
        return known

    def _add(self, known: dict[str, T], kind: Any, *, origin: str) -> None:
        contract = self._contract
        fits = isinstance(kind, type) and issubclass(kind, contract)
        if not fits:
            raise UsageError(
                f"{origin} is no {self._noun}: it must be a subclass of {contract.__module__}.{contract.__name__}"
            )
        problem = self._problem(kind)
        if problem:
            raise UsageError(f"{origin}: the {self._noun} {kind.__name__} {problem}")
        if kind.name in known:
            raise UsageError(
                f"{origin}: a {self._noun} {kind.name!r} exists already",
                next_step=f"choose a name that is none of {', '.join(sorted(known))}",
            )
        known[kind.name] = kind

    def _problem(self, kind: Any) -> str:
        missing = [attribute for attribute in self._needs if not hasattr(kind, attribute)]
        missing += sorted(kind.__abstractmethods__) if inspect.isabstract(kind) else []
        return f"lacks `{missing[0]}`" if missing else self._flaw(kind)


def _loaded(plugin: EntryPoint, origin: str) -> Any:
    try:
        return plugin.load()
    except Exception as error:
        raise UsageError(
            f"{origin} can't be loaded: {type(error).__name__}: {error}",
            next_step="mend the package that brings it, or uninstall it",
        ) from error
