"""How notifications are keys of etcd: each event type has a folder, and a template of the names in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dtedask.notify.event_types import EventType, EventTypes

__all__ = ["NOTHING", "Layout", "layouts_of"]

NOTHING = "None"
"""What Aviso 1 writes for a payload that there is not; here for missing values of keys as well."""

_MARS_STEM = "class={class},expver={expver},domain={domain},time={time},stream={stream},step={step}"
_AT_ECMWF = {
    "mars": ("/ec/mars/", f"date={{date}},{_MARS_STEM}"),
    "dissemination": ("/ec/diss/{destination}/", f"date={{date}},target={{target}},{_MARS_STEM}"),
}
_DEFAULTS = {"domain": "g"}
_ALL_CUBES = "data"


@dataclass(frozen=True, slots=True)
class Layout:
    """Keys of the notifications of one event type.

    Parameters
    ----------
    event_type : str
        Name of the event type.
    base : str
        Template of the folder, which ends with a slash; the status of the folder has this key.
    stem : str
        Template of the names in it.
    """

    event_type: str
    base: str
    stem: str
    _keys: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _bases: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_keys", _pattern(self.base + self.stem))
        object.__setattr__(self, "_bases", _pattern(self.base))

    @property
    def prefix(self) -> str:
        """What all its keys begin with."""
        return next(iter(Formatter().parse(self.base)))[0]

    @property
    def fields(self) -> tuple[str, ...]:
        """Keys of identifiers that stand in the keys, in order."""
        return tuple(_fields(self.base + self.stem))

    def folder(self, identifier: Mapping[str, Any]) -> str:
        """Give the folder of a notification."""
        return self.base.format_map(_values(identifier, self.fields))

    def key(self, identifier: Mapping[str, Any]) -> str:
        """Give the key of a notification."""
        return (self.base + self.stem).format_map(_values(identifier, self.fields))

    def is_folder(self, key: str) -> bool:
        """Whether a key is that of a folder: the status of it."""
        return self._bases.fullmatch(key) is not None

    def identifier(self, key: str) -> dict[str, str] | None:
        """Read the identifier out of a key; None where it is no key of this type."""
        found = self._keys.fullmatch(key)
        if found is None:
            return None
        values = zip(self.fields, found.groups(), strict=True)
        return {name: value for name, value in values if value != NOTHING}


def layouts_of(types: EventTypes, schema: Mapping[str, Any] | None = None) -> list[Layout]:
    """Lay out the keys of all event types.

    Parameters
    ----------
    types : EventTypes
        What is there. Of the types of commits, ``mars`` has keys, and those that are declared: the others hold the same
        notifications once more.
    schema : mapping, optional
        Schema of listeners of Aviso 1, by event; its bases and stems are taken.
    """
    chosen = [name for name in types if name != _ALL_CUBES and not types[name].is_one_cube]
    return [_layout(types[name], (schema or {}).get(name)) for name in chosen]


def _layout(event_type: EventType, given: Any) -> Layout:
    if isinstance(given, Mapping):
        for endpoint in given.get("endpoint", ()):
            if "etcd_rest" in endpoint.get("engine", ()):
                base = endpoint["base"]
                return Layout(
                    event_type.name, base if base.endswith("/") else f"{base}/", endpoint["stem"].removeprefix("/")
                )
    if event_type.name in _AT_ECMWF:
        return Layout(event_type.name, *_AT_ECMWF[event_type.name])
    topic = event_type.topic or (event_type.name,)
    names = topic[1:] or tuple(name for name, key in event_type.keys.items() if not key.is_geometry)
    return Layout(event_type.name, f"/ec/{topic[0]}/", ",".join(f"{name}={{{name}}}" for name in names))


def _pattern(template: str) -> re.Pattern[str]:
    parts = [re.escape(text) + ("(.+?)" if name else "") for text, name, _, _ in Formatter().parse(template)]
    return re.compile("".join(parts), re.DOTALL)


def _fields(template: str) -> Iterable[str]:
    return (name for _, name, _, _ in Formatter().parse(template) if name)


def _values(identifier: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    return {name: str(identifier.get(name, _DEFAULTS.get(name, NOTHING))) for name in names}
