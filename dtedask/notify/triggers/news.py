"""What is known of an event, under the names by which documents of all generations ask for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from tempfile import NamedTemporaryFile
from typing import Any

from dtedask.notify.event import EVENT_TYPE, Event
from dtedask.notify.triggers.base import News

__all__ = ["Facts", "environment_of", "event_of", "facts_of"]

_NO_PAYLOAD = ("request", "time")
_LONGEST = 120_000  # Linux takes no variable of more than 128 KiB


class Facts:
    """All that one event holds, by name; made by `facts_of`, which removes its files at the end."""

    def __init__(self, news: News, files: ExitStack) -> None:
        self.news = news
        self.event = event_of(news)
        self._files = files

    @cached_property
    def notification(self) -> dict[str, Any]:
        """The event as pyaviso 2 has it: event type, sequence, identifier, payload."""
        if isinstance(self.news, Event):
            payload = {key: value for key, value in self.news.as_dict().items() if key not in _NO_PAYLOAD}
            return _notification(EVENT_TYPE, self.news.sequence, self.news.keys, payload)
        return _notification(self.news.event_type, self.news.sequence, self.news.identifier, self.news.payload)

    @cached_property
    def names(self) -> dict[str, Any]:
        """Values by the names that stand in ``${...}``."""
        found = {**self.notification, **self.news.as_dict()}
        if self.event is not None and self.event is not self.news:
            found |= self.event.as_dict()
        found.setdefault("request", found["identifier"])
        found["location"] = self._location()
        return found

    @property
    def json(self) -> str:
        """The whole event."""
        return self.news.as_json()

    def value(self, name: str) -> str:
        """Text of what stands for ``${name}``; raises KeyError where there is no such value."""
        if name == "json":
            return self.json
        if name == "jsonpath":
            return self._json_path
        if name in ("request", "identifier") and name in self.names:
            return mars_of(self.names[name])
        return text_of(_walk(self.names, name.split(".")))

    def notification_value(self, path: list[str]) -> str:
        """Text of what stands for ``{{ notification.path }}``, as pyaviso 2 writes it; raises KeyError."""
        tree = self.notification if not path else {**self.names, **self.notification}
        found = _walk(tree, path)
        return found if isinstance(found, str) else _compact(found)

    def known(self) -> list[str]:
        """Names of all values, for errors."""
        twice = ("identifier", "payload") if self.event is not None else ("request",)
        names = {key: value for key, value in self.names.items() if key not in twice}
        return sorted({"json", "jsonpath", *_names(names, "")})

    def _location(self) -> Any:
        if self.event is not None:
            return self.event.url
        payload = self.notification["payload"]
        found = payload.get("location", payload.get("url")) if isinstance(payload, Mapping) else payload
        return found if isinstance(found, str) else None

    @cached_property
    def _json_path(self) -> str:
        file = self._files.enter_context(
            NamedTemporaryFile("w", prefix="dtedask-event-", suffix=".json")  # noqa: SIM115
        )
        file.write(self.json)
        file.flush()
        return file.name


@contextmanager
def facts_of(news: News) -> Iterator[Facts]:
    """Have the facts of an event, and the file of ``${jsonpath}`` as long as they are needed."""
    with ExitStack() as files:
        yield Facts(news, files)


def event_of(news: News) -> Event | None:
    """Return what commit a notification tells of; None where it tells of something else."""
    return news if isinstance(news, Event) else Event.from_notification(news)


def environment_of(facts: Facts) -> dict[str, str]:
    """Variables that describe an event: ``DTEDASK_EVENT*``, and ``AVISO_*`` as pyaviso 2 has them.

    Values that no process can be given, being longer than 120,000 bytes or with a NUL in them, are left out.
    """
    notification = facts.notification
    found = {"DTEDASK_EVENT": facts.json}
    for key, value in facts.names.items():
        found[f"DTEDASK_EVENT_{_upper(key)}"] = _compact(value) if isinstance(value, Mapping) else text_of(value)
    for key in ("request", "identifier"):
        found[f"DTEDASK_EVENT_{key.upper()}"] = mars_of(facts.names[key])
        found |= {f"DTEDASK_EVENT_{key.upper()}_{_upper(k)}": text_of(v) for k, v in facts.names[key].items()}
    found["AVISO_EVENT_TYPE"] = notification["event_type"]
    found["AVISO_SEQUENCE"] = str(notification["sequence"])
    found |= {
        f"AVISO_IDENTIFIER_{_upper(key)}": value if isinstance(value, str) else _compact(value)
        for key, value in notification["identifier"].items()
    }
    found["AVISO_PAYLOAD_JSON"] = _compact(notification["payload"])
    found["AVISO_NOTIFICATION_JSON"] = _compact(notification)
    return {key: value for key, value in found.items() if _can_be_passed(value)}


def text_of(value: Any) -> str:
    """A value as one word: nothing for what is not known, lists joined by ``/`` as MARS has them."""
    if isinstance(value, list | tuple) and all(isinstance(one, str | int | float) for one in value):
        return "/".join(f"{one:.10g}" if isinstance(one, float) else str(one) for one in value)
    if value is None:
        return ""
    return value if isinstance(value, str) else _compact(value)


def mars_of(keys: Mapping[str, Any]) -> str:
    """Keys and values as MARS writes them, ``class=od,step=6``."""
    return ",".join(f"{key}={text_of(value)}" for key, value in keys.items())


def _notification(event_type: str, sequence: int, identifier: Mapping[str, Any], payload: Any) -> dict[str, Any]:
    return {"event_type": event_type, "sequence": sequence, "identifier": dict(identifier), "payload": payload}


def _walk(tree: Any, path: list[str]) -> Any:
    for part in path:
        if not isinstance(tree, Mapping):
            raise KeyError(part)
        tree = tree[part]
    return tree


def _names(tree: Mapping[str, Any], before: str) -> Iterator[str]:
    for key, value in tree.items():
        yield f"{before}{key}"
        if isinstance(value, Mapping):
            yield from _names(value, f"{before}{key}.")


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _upper(key: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", key.upper())


def _can_be_passed(value: str) -> bool:
    try:
        return "\0" not in value and len(value.encode()) <= _LONGEST
    except UnicodeEncodeError:
        return False
