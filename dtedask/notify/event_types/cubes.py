"""Event types of commits: their keys are those of the cubes of a root."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any

import dtedask.store
from dtedask.core.errors import ControlledError, NotFoundError, NotificationError, UnknownKeyError
from dtedask.notify.event_types.event_type import EventType
from dtedask.notify.event_types.geometry import PolygonKey
from dtedask.notify.event_types.keys import Key
from dtedask.notify.event_types.mars import MarsKey
from dtedask.request import Language, canonical_key
from dtedask.request.vocabulary import key_order
from dtedask.store.schema import CUBE_KEYS

__all__ = ["ALL_CUBES", "CommitType", "Cubes", "name_of_cube"]

ALL_CUBES = ("data", "mars")
"""Names of the event type of all cubes; the second one is that of Aviso."""

_POLYGON = PolygonKey(description="Around the points of the fields, where it is known.")
_FRESH_S = 5.0


def name_of_cube(cube: str) -> str:
    """Name of the event type of one cube: ``od.oper.0001`` for ``od/oper/0001``."""
    return cube.replace("/", ".")


class Cubes:
    """The cubes of a root, as event types need them: their names, and the values of their keys.

    Parameters
    ----------
    root : str or os.PathLike
        The root, which may come into being later.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.fspath(root)
        self._store = dtedask.store.open(root)
        self._lock = Lock()
        self._cubes: tuple[float, dict[str, str]] | None = None
        self._language: Language | None = None
        self._axes: dict[str, tuple[float, dict[str, tuple[str, ...]]]] = {}

    def by_type(self, *, fresh_s: float = _FRESH_S) -> Mapping[str, str]:
        """Names of the cubes by those of their types, sorted; read again when they are older than some seconds."""
        with self._lock:
            if self._cubes is None or time.monotonic() - self._cubes[0] > fresh_s:
                self._cubes = (time.monotonic(), {name_of_cube(cube): cube for cube in self._look()})
            return self._cubes[1]

    @property
    def language(self) -> Language | None:
        """Keys and types of the root that are not as in MARS."""
        self.by_type()
        return self._language

    def axes(self, patterns: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        """Values of each key over the cubes that have names of some patterns, in MARS' order of keys."""
        found: dict[str, dict[str, None]] = {}
        for cube in self.by_type().values():
            if any(fnmatchcase(cube, pattern) for pattern in patterns):
                for key, values in self._axes_of(cube).items():
                    found.setdefault(key, {}).update(dict.fromkeys(values))
        order = key_order()
        return {key: _sorted(found[key]) for key in sorted(found, key=lambda key: (order.get(key, len(order)), key))}

    def _axes_of(self, cube: str) -> dict[str, tuple[str, ...]]:
        """Values of each key of one cube; read again when the last look is older than some seconds."""
        with self._lock:
            known = self._axes.get(cube)
        if known is not None and time.monotonic() - known[0] <= _FRESH_S:
            return known[1]
        found: dict[str, dict[str, None]] = {}
        # It has gone meanwhile, or somebody locked it against being listed.
        with suppress(NotFoundError, ControlledError):
            for selection in self._store.select(_request_of(cube)):
                for key, values in selection.axes.items() if selection.cube == cube else ():
                    found.setdefault(key, {}).update(dict.fromkeys(values))
        axes = {key: tuple(values) for key, values in found.items()}
        with self._lock:
            self._axes[cube] = (time.monotonic(), axes)
        return axes

    def _look(self) -> list[str]:
        try:
            names = list(self._store.cubes())
            self._language = self._store.schema().language
        except NotFoundError:
            return []
        return names


class _Keys(Mapping[str, Key]):
    """Keys of the events of commits: any of MARS and of the root may be asked for; listed are those that are there."""

    def __init__(self, cubes: Cubes | None, patterns: tuple[str, ...]) -> None:
        self._cubes, self._patterns = cubes, patterns

    def name_of(self, key: str) -> str:
        """Canonical name of a key; raises UnknownKeyError."""
        language = self._cubes.language if self._cubes else None
        return canonical_key(key) if language is None else language.key(key)

    def __getitem__(self, key: str) -> Key:
        if key == "polygon":
            return _POLYGON
        language = self._cubes.language if self._cubes else None
        try:
            return MarsKey(name=self.name_of(key), language=language)
        except UnknownKeyError as error:
            raise KeyError(key) from error

    def items(self) -> Any:
        """Keys with the values that are there."""
        axes = self._cubes.axes(self._patterns) if self._cubes else {}
        language = self._cubes.language if self._cubes else None
        found: dict[str, Key] = {
            key: MarsKey(name=key, language=language, values=values) for key, values in axes.items()
        }
        return {**found, "polygon": _POLYGON}.items()

    def __iter__(self) -> Iterator[str]:
        return iter([key for key, _ in self.items()])

    def __len__(self) -> int:
        return len(list(self.items()))


@dataclass(frozen=True, kw_only=True)
class CommitType(EventType):
    """An event type of commits.

    Parameters
    ----------
    root : Cubes, optional
        The cubes of the root; without it only what MARS has is known.
    """

    root: Cubes | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", _Keys(self.root, self.cubes))

    def _named(self, wanted: dict[str, Any]) -> dict[str, Any]:
        keys: Any = self.keys
        found: dict[str, Any] = {}
        for key, value in wanted.items():
            try:
                name = key if key == "polygon" else keys.name_of(str(key))
            except UnknownKeyError as error:
                text = f"Event type {self.name!r} has no key {key!r}."
                raise NotificationError(text, hint=error.hint) from error
            if name in found:
                raise NotificationError(f"The key {name!r} is given twice.", hint="Join its values in a list.")
            found[name] = value
        return found


def _request_of(cube: str) -> dict[str, str]:
    """Request that opens this cube and hardly any other: its name says some of the keys of its fields."""
    base, *qualifiers = cube.split(",")
    parts = base.split("/")
    keys = dict(zip(CUBE_KEYS, parts, strict=True)) if len(parts) == len(CUBE_KEYS) else {}
    return keys | {key: value for key, _, value in (part.partition("=") for part in qualifiers)}


def _sorted(values: Mapping[str, None]) -> tuple[str, ...]:
    if all(value.isdecimal() for value in values):
        return tuple(sorted(values, key=int))
    return tuple(sorted(values))
