"""Listeners: which events are of interest, and what to do then."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from dtedask.core.documents import KeyPath, Lines, check_document, read_document
from dtedask.core.errors import DocumentError
from dtedask.notify.delivery.sources import OF_ALL_CUBES
from dtedask.notify.event import EVENT_TYPE, Event
from dtedask.notify.notification import Notification
from dtedask.notify.triggers import Trigger
from dtedask.request import Request

RequestDocument = Annotated[dict[str, Any] | str, Field(union_mode="left_to_right")]


class Listener(BaseModel):
    """What one listener waits for, and what it does then."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: str = ""
    """Under which is remembered how far this listener has come; by default the file and its place there."""
    event: Annotated[str, Field(min_length=1)] = EVENT_TYPE
    """Event type. `data` is all commits of the root, and `mars` another word for it; `od.oper.0001` those of one cube;
    any other is of notifications that somebody sends."""
    request: RequestDocument = {}
    """MARS request, as a mapping or as text. Events with at least one such field match; no request matches all. For
    event types that are sent it is the same as `identifiers`."""
    identifiers: dict[str, Any] = {}
    """Value, list of values or condition (`gte: 5`) by key, as in the filters of the server."""
    from_id: int | str | None = None
    """Number or id of the first notification, for a listener that never ran."""
    from_date: str | None = None
    """Time of the first notification, for a listener that never ran."""
    triggers: Annotated[list[Trigger], Field(min_length=1)]
    """What to do with an event, in this order."""
    _document: str = PrivateAttr(default="")
    _lines: Lines = PrivateAttr(default_factory=lambda: Lines("<listeners>"))
    _path: KeyPath = PrivateAttr(default=())
    _parsed: dict[date, Request] = PrivateAttr(default_factory=dict)

    @field_validator("request", mode="before")
    @classmethod
    def _is_a_request(cls, request: Any, info: ValidationInfo) -> Any:
        if request is None:
            return {}
        if not isinstance(request, str | Mapping):
            raise ValueError(f"{request!r} is no request; write key: value pairs, or class=od,param=t.")
        if info.data.get("event", EVENT_TYPE) in OF_ALL_CUBES:
            Request.parse(request)
        return request

    @field_validator("identifiers", mode="before")
    @classmethod
    def _may_be_empty(cls, identifiers: Any) -> Any:
        return {} if identifiers is None else identifiers

    @model_validator(mode="after")
    def _says_it_once(self) -> Listener:
        for one, other in (("request", "identifiers"), ("from_id", "from_date")):
            if getattr(self, one) and getattr(self, other):
                raise ValueError(f"{one!r} and {other!r} say the same; keep one of them.")
        return self

    @property
    def document(self) -> str:
        """File that holds it; empty where it is in no file."""
        return self._document

    @cached_property
    def asked(self) -> str:
        """What it asks for, as a text: the same for all listeners that ask for the same."""
        return json.dumps([self.event, self.request, self.identifiers], sort_keys=True, default=str)

    def stand_in(self, document: str, lines: Lines, path: KeyPath) -> None:
        """Say where it stands: the file, the lines of its keys, and its place among them."""
        self._document, self._lines, self._path = document, lines, path

    def mistake(self, key: str, message: object, hint: str = "") -> DocumentError:
        """Make the error of a mistake that only shows when the event types are known; it names file and line."""
        path: KeyPath = (*self._path, key)
        value = getattr(self, key)
        below = [name for name in value if repr(name) in str(message)] if isinstance(value, Mapping) else []
        shown = ".".join([f"listeners[{self._path[-1]}]" if self._path else self.name, key])
        return DocumentError(f"{self._lines.at((*path, *below[:1]))}: {shown}: {message}", hint=hint)

    def wants(self, news: Event | Notification) -> bool:
        """Whether at least one field is in the request; see `matches`."""
        if isinstance(news, Event):
            return self.matches(news)
        return self._has_field(news.identifier, news.time)

    def matches(self, event: Event) -> bool:
        """Whether at least one field of the event is in the request.

        Relative dates such as ``-1`` are relative to the day of the commit.
        """
        return self._has_field(event.keys, event.time)

    def _has_field(self, keys: Mapping[str, Any], time: datetime) -> bool:
        request = self._request_on(time.astimezone(UTC).date())
        values = {key: value.split("/") for key, value in keys.items() if isinstance(value, str)}
        return request.matches({key: (request.select(key, have) or have)[0] for key, have in values.items()})

    def _request_on(self, day: date) -> Request:
        if day not in self._parsed:
            self._parsed.clear()
            self._parsed[day] = Request.parse(self.request, today=day)
        return self._parsed[day]

    def _repr_html_(self) -> str:
        from html import escape

        asked = self.identifiers or self.request or "everything"
        does = ", ".join(trigger.name for trigger in self.triggers)
        return (
            f"<b>{escape(self.name or 'listener')}</b> listens to <code>{escape(self.event)}</code>: "
            f"{escape(str(asked))}; then {escape(does)}"
        )


class Listeners(BaseModel):
    """A document of listeners."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    listeners: list[Listener]
    """The listeners; each hears of every event that it asks for, whatever the others do."""

    @model_validator(mode="after")
    def _name_them(self, info: ValidationInfo) -> Listeners:
        path = (info.context or {}).get("path")
        place = str(path.expanduser().absolute()) if path else _digest(self.listeners)
        for number, listener in enumerate(self.listeners, start=1):
            listener.name = listener.name or f"{place}#{number}"
        names = [listener.name for listener in self.listeners]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"the name {min(twice)!r} is given to two listeners; each remembers its own place.")
        return self

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON schema of the document."""
        return cls.model_json_schema()


def load_listeners(source: str | os.PathLike[str] | Mapping[str, Any] | Listeners) -> Listeners:
    """Read a document of listeners: ours, or one of pyaviso 1 or 2.

    Parameters
    ----------
    source : str, os.PathLike, mapping or Listeners
        A file, YAML text, or what it would hold. A file is read again only when it has changed.

    Raises
    ------
    DocumentError
        Naming file, line, key and the nearest legal one.
    """
    if isinstance(source, Listeners):
        return source
    if isinstance(source, Mapping) or (isinstance(source, str) and not _is_file(source)):
        return _load(source)
    path = Path(source).expanduser().absolute()
    try:
        status = path.stat()
    except OSError:
        return _load(path)  # raises
    return _load_file(path, status.st_mtime_ns, status.st_size)


def load_all_listeners(sources: Iterable[str | os.PathLike[str] | Mapping[str, Any] | Listeners]) -> list[Listeners]:
    """Read several documents of listeners.

    Parameters
    ----------
    sources : iterable of str, os.PathLike, mapping or Listeners
        As of `load_listeners`; a folder stands for all files ``*.yaml`` and ``*.yml`` in it, by name.

    Raises
    ------
    DocumentError
        If one of them is wrong, a folder has no such file, or two listeners have one name.
    """
    documents = [load_listeners(one) for source in sources for one in _unfolded(source)]
    known: dict[str, str] = {}
    for document in documents:
        for listener in document.listeners:
            if listener.name in known:
                places = f"in {known[listener.name] or 'one document'} and in {listener.document or 'another'}"
                raise DocumentError(
                    f"The name {listener.name!r} is given to two listeners, {places}; each remembers its own place.",
                    hint="Give one of them another name.",
                )
            known[listener.name] = listener.document
    return documents


def _unfolded(source: Any) -> list[Any]:
    if isinstance(source, Mapping | Listeners) or (isinstance(source, str) and not _is_file(source)):
        return [source]
    folder = Path(source).expanduser()
    if not folder.is_dir():
        return [source]
    files = sorted(file for file in folder.iterdir() if file.suffix in (".yaml", ".yml"))
    if not files:
        raise DocumentError(f"The folder {str(folder)!r} holds no listeners.", hint="Their files end in .yaml or .yml.")
    return files


def _is_file(source: str) -> bool:
    return "\n" not in source and ": " not in source and not source.lstrip().startswith("{")


@lru_cache(maxsize=64)
def _load_file(path: Path, _modified: int, _size: int) -> Listeners:
    return _load(path)


def load_listeners_within(path: str | os.PathLike[str]) -> Listeners:
    """Read the listeners of a file that may hold more, such as a recipe; all else in it is passed over."""
    return _load(Path(path).expanduser().absolute(), within=True)


def _load(source: str | Path | Mapping[str, Any], *, within: bool = False) -> Listeners:
    data, lines, path = read_document(source, "listeners")
    if within and isinstance(data, Mapping) and isinstance(data.get("listeners"), list):
        data = {"listeners": data["listeners"]}
    document = check_document(data, lines, Listeners, kind="listeners", context={"path": path})
    for number, listener in enumerate(document.listeners):
        listener.stand_in(str(path.absolute()) if path else "", lines, ("listeners", number))
    return document


def _digest(listeners: list[Listener]) -> str:
    text = json.dumps([one.model_dump() for one in listeners], sort_keys=True, default=_function_name)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _function_name(value: object) -> str:
    return f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', repr(type(value)))}"
