"""Listeners: which events are of interest, and what to do then."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from dtedask.core.documents import load_document
from dtedask.notify.event import Event
from dtedask.notify.notification import Notification
from dtedask.notify.triggers import Trigger
from dtedask.request import Request

RequestDocument = Annotated[dict[str, Any] | str, Field(union_mode="left_to_right")]


class Listener(BaseModel):
    """What one listener waits for, and what it does then."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: str = ""
    """Under which the log remembers how far this listener has come; by default the file and its place there."""
    event: Literal["data", "mars"] = "data"
    """Kind of event: data that can be read. `mars` is another word for it."""
    request: RequestDocument = {}
    """MARS request, as a mapping or as text. Events with at least one such field match; no request matches all."""
    triggers: Annotated[list[Trigger], Field(min_length=1)]
    """What to do with an event, in this order."""
    _document: str = PrivateAttr(default="")
    _parsed: dict[date, Request] = PrivateAttr(default_factory=dict)

    @field_validator("request", mode="before")
    @classmethod
    def _is_a_request(cls, request: Any) -> Any:
        if request is None:
            return {}
        if not isinstance(request, str | Mapping):
            raise ValueError(f"{request!r} is no request; write key: value pairs, or class=od,param=t.")
        Request.parse(request)
        return request

    @property
    def document(self) -> str:
        """File that holds it; empty where it is in no file."""
        return self._document

    def stand_in(self, document: str) -> None:
        """Say in which file it stands, where that is not known."""
        self._document = self._document or document

    def wants(self, news: Event | Notification) -> bool:
        """Whether the listener asks for an event of a commit, or for a notification."""
        return self.matches(news) if isinstance(news, Event) else True

    def matches(self, event: Event) -> bool:
        """Whether at least one field of the event is in the request.

        Relative dates such as ``-1`` are relative to the day of the commit.
        """
        request = self._request_on(event.time.astimezone(UTC).date())
        values = {key: value.split("/") for key, value in event.request}
        return request.matches({key: (request.select(key, have) or have)[0] for key, have in values.items()})

    def _request_on(self, day: date) -> Request:
        if day not in self._parsed:
            self._parsed.clear()
            self._parsed[day] = Request.parse(self.request, today=day)
        return self._parsed[day]


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
            listener.stand_in(place if path else "")
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
    """Read a document of listeners.

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
        return load_document(source, Listeners, kind="listeners")
    path = Path(source).expanduser().absolute()
    try:
        status = path.stat()
    except OSError:
        return load_document(path, Listeners, kind="listeners")  # raises
    return _load_file(path, status.st_mtime_ns, status.st_size)


def _is_file(source: str) -> bool:
    return "\n" not in source and ": " not in source and not source.lstrip().startswith("{")


@lru_cache(maxsize=64)
def _load_file(path: Path, _modified: int, _size: int) -> Listeners:
    return load_document(path, Listeners, kind="listeners")


def _digest(listeners: list[Listener]) -> str:
    text = json.dumps([one.model_dump() for one in listeners], sort_keys=True, default=_function_name)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _function_name(value: object) -> str:
    return f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', repr(type(value)))}"
