"""Notifications and filters from the words of a command line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dtedask.core.errors import NotificationError
from dtedask.core.nearest import did_you_mean
from dtedask.notify.event import parse_time
from dtedask.notify.notification import Draft

__all__ = ["read_drafts", "read_filter", "read_where"]

_PAYLOAD = re.compile(r"(?:^|,)\s*payload=")
_TYPE = ("event", "event_type")
_IDENTIFIER = ("identifier", "request")
_FORM = "Write event=flight,country=italy,number=3,payload=..., with the payload last; or JSON."


def read_drafts(words: Sequence[str]) -> Iterator[Draft]:
    """Read what is to be sent, one by one.

    Parameters
    ----------
    words : sequence of str
        ``event=flight,country=italy,payload=...`` in one or several words, JSON, ``@FILE`` or ``-`` with either, one on
        each line.

    Raises
    ------
    NotificationError
        If it cannot be understood, or the file cannot be read.
    """
    if len(words) == 1 and (words[0] == "-" or words[0].startswith("@")):
        yield from _of_lines(words[0])
        return
    yield _draft(_joined(words), "")


def read_filter(words: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Read an event type and a filter: lists are joined by ``/``, conditions are JSON.

    Raises
    ------
    NotificationError
        If it cannot be understood, or names no event type.
    """
    text = _joined(words)
    if text.startswith("{"):
        draft = _draft(text, "")
        return draft.event_type, dict(draft.identifier)
    pairs = _pairs(text, "")
    event_type = _taken(pairs, _TYPE, text, "")
    return event_type, {key: _condition(value) for key, value in pairs.items()}


def read_where(text: str | None) -> int | datetime | None:
    """Read a place in a log: a number, an id such as ``flight@3``, or a time (UTC).

    Raises
    ------
    NotificationError
        If it is none.
    """
    if text is None:
        return None
    number = text.rpartition("@")[2]
    if number.isascii() and number.isdigit() and len(number) < 19 and (len(number) < 8 or "@" in text):
        return int(number)
    try:
        time = parse_time(text)
    except ValueError as error:
        raise NotificationError(
            f"{text!r} is no place in the log.", hint="Write a number, flight@3, or 2024-06-03T12:00Z."
        ) from error
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _of_lines(source: str) -> Iterator[Draft]:
    try:
        text = sys.stdin.read() if source == "-" else Path(source[1:]).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotificationError(f"{source[1:]!r} cannot be read: {error}.") from error
    place = "<standard input>" if source == "-" else source[1:]
    if text.lstrip().startswith(("{", "[")):
        try:
            found = json.loads(text)
        except ValueError:
            pass  # lines of JSON
        else:
            for number, one in enumerate(found if isinstance(found, list) else [found], start=1):
                yield _of_json(one, f"{place}, number {number}: ")
            return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield _draft(line.strip(), f"{place}:{number}: ")


def _draft(text: str, place: str) -> Draft:
    if text.startswith(("{", "[")):
        try:
            return _of_json(json.loads(text), place)
        except ValueError as error:
            if isinstance(error, NotificationError):
                raise
            raise NotificationError(f"{place}It is no JSON: {error}.") from error
    match = _PAYLOAD.search(text)
    pairs = _pairs(text[: match.start()] if match else text, place)
    event_type = _taken(pairs, _TYPE, text, place)
    return Draft(event_type, pairs, _value(text[match.end() :]) if match else None)


def _of_json(found: Any, place: str) -> Draft:
    if not isinstance(found, Mapping):
        raise NotificationError(f"{place}{str(found)[:60]!r} is no notification.", hint=_FORM)
    rest = dict(found)
    event_type = _taken(rest, _TYPE, json.dumps(found), place)
    payload = rest.pop("payload", None)
    for name in _IDENTIFIER:
        if isinstance(rest.get(name), Mapping):
            identifier = dict(rest.pop(name))
            if rest:
                known = ["event_type", "identifier", "payload"]
                raise NotificationError(f"{place}unknown key {min(rest)!r}.", hint=did_you_mean(min(rest), known))
            return Draft(event_type, identifier, payload)
    return Draft(event_type, rest, payload)


def _joined(words: Sequence[str]) -> str:
    return ",".join(word.strip().strip(",") for word in words).strip()


def _pairs(text: str, place: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in _cut(text):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise NotificationError(f"{place}{part!r} is no key=value.", hint=_FORM)
        found[key.strip()] = value.strip()
    return found


def _cut(text: str) -> list[str]:
    """Cut at commas, but for those in brackets, such as of a polygon."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part for part in map(str.strip, parts) if part]


def _taken(pairs: dict[str, Any], names: Sequence[str], text: str, place: str) -> str:
    for name in names:
        if isinstance(pairs.get(name), str) and pairs[name]:
            return str(pairs.pop(name))
    raise NotificationError(f"{place}{text[:80]!r} names no event type.", hint=_FORM)


def _value(text: str) -> Any:
    """Read a payload: JSON, or text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _condition(text: str) -> Any:
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except ValueError as error:
            raise NotificationError(f"The condition {text!r} is no JSON: {error}.") from error
    return text.split("/") if "/" in text else text
