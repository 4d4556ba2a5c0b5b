"""Documents of event types: in short form, or as the configuration of aviso-server has them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from dtedask.core.by_type import ByType
from dtedask.core.errors import DocumentError
from dtedask.core.nearest import did_you_mean
from dtedask.notify.event_types.dates import DateKey, TimeKey
from dtedask.notify.event_types.durations import Duration
from dtedask.notify.event_types.event_type import POINT
from dtedask.notify.event_types.geometry import PointCloudKey, PolygonKey
from dtedask.notify.event_types.keys import Key
from dtedask.notify.event_types.numbers import FloatKey, IntegerKey
from dtedask.notify.event_types.ready_made import READY_MADE
from dtedask.notify.event_types.words import EnumKey, ExpverKey, RegexKey, StringKey

__all__ = ["EventTypeDocument", "EventTypesDocument"]

_LOGGER = logging.getLogger(__name__)

_KEYS: dict[str, type[Key]] = {
    "string": StringKey,
    "date": DateKey,
    "time": TimeKey,
    "integer": IntegerKey,
    "float": FloatKey,
    "enum": EnumKey,
    "expver": ExpverKey,
    "regex": RegexKey,
    "polygon": PolygonKey,
    "point_cloud": PointCloudKey,
}
_OTHER_NAMES = {kind.handler: name for name, kind in _KEYS.items()} | {"int": "integer", "str": "string"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_KEY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_OF_AVISO = frozenset(
    ["application", "notification_backend", "logging", "watch_endpoint", "metrics", "homepage", "auth", "ecpds"]
)


def _model(name: str) -> type[Key]:
    if name not in _KEYS:
        raise DocumentError(f"There is no type {name!r} of keys.", hint=did_you_mean(name, _KEYS))
    return _KEYS[name]


def _canonical(name: str) -> str:
    return _OTHER_NAMES.get(name, name)


def _with_type(value: Any) -> Any:
    """``number: integer`` is short for ``number: {type: integer}``."""
    return {"type": value} if isinstance(value, str) else value


def _roles(value: Any) -> Any:
    """A list of roles is for users of any realm."""
    return {"*": value} if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


KeyDocument = Annotated[Key, ByType("key", lambda: _KEYS, _model, _canonical), BeforeValidator(_with_type)]
RolesDocument = Annotated[dict[str, list[str]], BeforeValidator(_roles)]
JsonType = Literal["object", "array", "string", "number", "integer", "boolean"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class PayloadDocument(_Part):
    """What comes with a notification."""

    required: bool = False
    """Whether it must be there."""
    type: Annotated[list[JsonType], BeforeValidator(_listed)] = []
    """JSON types that it may have; all by default."""


class RetentionDocument(_Part):
    """How long notifications are kept."""

    age: Duration | None = None
    """Older ones are removed: `7d`, `48 h`."""
    count: int | None = Field(None, gt=0)
    """All but so many of the newest are removed."""


class StoragePolicyDocument(_Part):
    """Retention as aviso-server has it."""

    retention_time: Duration | None = None
    """As `age` of `retention`."""
    max_messages: int | None = Field(None, gt=0)
    """As `count` of `retention`."""
    max_size: str | int | None = None
    """Not used: logs have no limit of bytes."""
    allow_duplicates: bool | None = None
    """Not used: what is sent twice is there twice."""
    compression: bool | None = None
    """Not used."""


class AuthDocument(_Part):
    """Who may read and write."""

    required: bool | None = None
    """Whether one must say who one is."""
    read_roles: RolesDocument | None = None
    """Roles that may read, by realm; a list for any realm. Without it everybody who says who he is."""
    write_roles: RolesDocument | None = None
    """Roles that may write, by realm; a list for any realm. Without it administrators alone."""


class TopicDocument(_Part):
    """Place in a tree of topics, for other systems."""

    base: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    """What its topics begin with."""
    key_order: list[str] = []
    """Keys that follow, in this order."""


class EventTypeDocument(_Part):
    """One event type."""

    description: str = ""
    """What it tells of, for people."""
    identifier: dict[str, KeyDocument] = {}
    """Keys of its identifiers."""
    payload: PayloadDocument = PayloadDocument()
    """What comes with a notification."""
    retention: RetentionDocument | None = None
    """How long notifications are kept; by default for ever."""
    storage_policy: StoragePolicyDocument | None = None
    """The same as aviso-server has it."""
    auth: AuthDocument = AuthDocument()
    """Who may read and write."""
    cubes: Annotated[list[str], BeforeValidator(_listed)] = []
    """Patterns of the names of cubes: the type then tells of their commits, and its keys are those of MARS."""
    max_historical_notifications: int | None = Field(None, gt=0)
    """The most notifications of the past that one request may get."""
    topic: TopicDocument | None = None
    """Place in a tree of topics, for other systems."""

    @field_validator("identifier")
    @classmethod
    def _names_are_names(cls, keys: dict[str, Key]) -> dict[str, Key]:
        for name in keys:
            if not _KEY_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of a key; take letters, digits and underscores.")
            if name == POINT:
                raise ValueError(f"no key can be called {POINT!r}: filters name points of polygons so.")
        shapes = {name: key.type for name, key in keys.items() if key.is_geometry}
        if len(shapes) > 1:
            raise ValueError(f"{' and '.join(shapes)} are two geometries, and a type has one at most.")
        for name, type_name in shapes.items():
            if name != type_name:
                raise ValueError(f"the key {name!r} of type {type_name!r} must be called {type_name!r}.")
        if "point_cloud" not in shapes.values():
            return keys
        if "polygon" in keys:
            raise ValueError("no key beside a point_cloud can be called 'polygon': filters name their polygon so.")
        return keys

    @model_validator(mode="after")
    def _is_whole(self) -> EventTypeDocument:
        if self.cubes and self.identifier:
            raise ValueError("a type of commits has the keys of its cubes; leave identifier out, or cubes.")
        if not self.cubes and not self.identifier:
            raise ValueError("an event type needs an identifier, or the cubes whose commits it tells of.")
        if self.retention and self.storage_policy:
            raise ValueError("retention and storage_policy say the same; keep one of them.")
        for name in self.topic.key_order if self.topic else ():
            if name not in self.identifier or self.topic is None or self.topic.key_order.count(name) > 1:
                raise ValueError(f"key_order names {name!r}, which is no key of the identifier or is there twice.")
        return self


class EventTypesDocument(BaseModel):
    """Event types by name, at the top of the document or below `notification_schema`."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)
    __pydantic_extra__: dict[str, EventTypeDocument]

    notification_schema: dict[str, EventTypeDocument] = {}
    """Event types as the configuration of aviso-server has them; its other settings are not used."""

    @model_validator(mode="before")
    @classmethod
    def _with_ready_made(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        found = dict(data)
        if "notification_schema" in found:
            unused = [name for name in found if name in _OF_AVISO]
            if unused:
                _LOGGER.warning("Event types: the settings %s of aviso-server are not used.", ", ".join(unused))
            found = {name: value for name, value in found.items() if name not in _OF_AVISO}
            found["notification_schema"] = _completed(found["notification_schema"])
        return _completed(found)

    @model_validator(mode="after")
    def _names_are_names(self) -> EventTypesDocument:
        both = sorted(set(self.__pydantic_extra__) & set(self.notification_schema))
        if both:
            raise ValueError(f"the event type {both[0]!r} is there twice.")
        for name in self.types:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of an event type; take letters, digits, '-', '_' and '.'.")
        return self

    @property
    def types(self) -> dict[str, EventTypeDocument]:
        """All event types, by name."""
        return {**self.notification_schema, **self.__pydantic_extra__}

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON schema of the document."""
        return cls.model_json_schema()


def _completed(types: Any) -> Any:
    """Put what is ready made where a document only gives its name."""
    if not isinstance(types, Mapping):
        return types
    return {name: _complete(name, value) for name, value in types.items()}


def _complete(name: object, value: Any) -> Any:
    given = {} if value is None else value
    if name not in READY_MADE or not isinstance(given, Mapping) or _says_its_keys(given):
        return value
    return {**READY_MADE[str(name)], **given}


def _says_its_keys(given: Iterable[Any]) -> bool:
    return "identifier" in given or "cubes" in given
