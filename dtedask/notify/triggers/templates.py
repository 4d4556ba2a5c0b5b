"""Texts with places for values: ``${request.step}``, ``{{ notification.identifier.step }}``, ``$TOKEN``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator

from dtedask.core.errors import TriggerError
from dtedask.core.nearest import did_you_mean
from dtedask.notify.triggers.news import Facts

__all__ = [
    "Part",
    "Place",
    "Rendering",
    "Template",
    "TemplateWithSecrets",
    "header_word",
    "json_word",
    "parts_of",
    "url_word",
]

_PLACE = re.compile(r"\\\{\{|\{\{(.*?)\}\}|\{\{|\$\{([A-Za-z_][\w.]*)\}", re.DOTALL)
_SECRET = re.compile(r"\$([A-Za-z_]\w*)")
_PATH = re.compile(r"(notification|env)((?:\.[\w-]+)*)$")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$|true$|false$|null$")
_SHOWN = "***"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a text that a value takes.

    Parameters
    ----------
    text : str
        As it is written.
    name : str
        What is wanted: of the event, as `Facts.value` knows it; ``notification.path``; or ``env.NAME``.
    is_ours : bool
        Whether it is written ``${name}``: the environment is asked too where the event has no such value.
    """

    text: str
    name: str
    is_ours: bool = False

    @property
    def variable(self) -> str | None:
        """Name of the environment variable, if nothing else can be meant."""
        return self.name[4:] if self.name.startswith("env.") else None


Part = str | Place


def parts_of(text: str, *, secrets: bool = False) -> list[Part]:
    r"""Cut a text at its places.

    Parameters
    ----------
    text : str
        ``\{{`` stands for two braces.
    secrets : bool
        Whether ``$NAME`` stands for an environment variable, too.

    Raises
    ------
    ValueError
        If a place names nothing that there could be.
    """
    found: list[Part] = []
    end = 0
    for match in _PLACE.finditer(text):
        found += _literal(text[end : match.start()], secrets)
        end = match.end()
        found.append(_place(match))
    return [part for part in [*found, *_literal(text[end:], secrets)] if part]


def _literal(text: str, secrets: bool) -> list[Part]:
    if not secrets:
        return [text]
    pieces = _SECRET.split(text)
    return [Place(f"${piece}", f"env.{piece}") if number % 2 else piece for number, piece in enumerate(pieces)]


def _place(match: re.Match[str]) -> Part:
    if match[2]:
        return Place(match[0], match[2], is_ours=True)
    if match[0].startswith("\\"):
        return "{{"
    path = _PATH.match((match[1] or "").strip())
    if path is None or (path[1] == "env" and path[2].count(".") != 1):
        raise ValueError(
            f"{match[0]!r} names no value; write {{{{ notification.identifier.step }}}} or {{{{ env.NAME }}}}, "
            "and \\{{ for two braces."
        )
    return Place(match[0], f"{path[1]}{path[2]}")


def _checked(text: str) -> str:
    parts_of(text)
    return text


Template = Annotated[str, AfterValidator(_checked)]
"""Text with places, in a document."""


def _checked_with_secrets(text: str) -> str:
    parts_of(text, secrets=True)
    return text


TemplateWithSecrets = Annotated[str, AfterValidator(_checked_with_secrets)]
"""Text with places, also ``$NAME`` for environment variables."""

Write = Callable[[str, str], str]
"""Says what stands for a value, given the value and the text before it."""


def _as_it_is(value: str, _before: str) -> str:
    return value


@dataclass(slots=True)
class Rendering:
    """Puts the values of one event into texts, and remembers which values were secrets.

    Parameters
    ----------
    facts : Facts
        The event.
    what : str
        What the texts belong to, for errors, such as ``"trigger 'post'"``.
    """

    facts: Facts
    what: str
    _secrets: set[str] = field(default_factory=set)

    def text(self, template: str, write: Write = _as_it_is, *, secrets: bool = False) -> str:
        """Return a text with its values.

        Parameters
        ----------
        template : str
            What stands in the document.
        write : callable
            How a value of the event is written, such as `json_word`. Environment variables are the reader's own, and
            stand as they are.
        secrets : bool
            As in `parts_of`.

        Raises
        ------
        TriggerError
            If the event, or the environment, has no such value.
        """
        found = ""
        for part in parts_of(template, secrets=secrets):
            if isinstance(part, str):
                found += part
            else:
                value, is_own = self.value(part)
                found += value if is_own else write(value, found)
        return found

    def value(self, place: Place) -> tuple[str, bool]:
        """Return the value of a place, and whether it is an environment variable of the reader's."""
        if place.variable is not None:
            return self.variable(place.variable), True
        try:
            if place.is_ours:
                return self.facts.value(place.name), False
            path = place.name.split(".")[1:]
            return self.facts.notification_value(path), False
        except KeyError:
            if place.is_ours and place.name in os.environ:
                return self.variable(place.name), True
            raise self._missing(place) from None

    def variable(self, name: str) -> str:
        """Return the value of an environment variable, and keep it out of messages."""
        if name not in os.environ:
            raise TriggerError(
                f"{self.what} needs the environment variable {name!r}, which is not set.",
                hint=f"Set {name}.",
                is_lasting=True,
            )
        self._secrets.add(os.environ[name])
        return os.environ[name]

    def masked(self, text: str) -> str:
        """Return a text, such as the answer of a server, without the secrets that went out."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            for form in (secret, json.dumps(secret)[1:-1], quote(secret, safe="")):
                text = text.replace(form, _SHOWN) if len(form) > 3 else text
        return text

    def _missing(self, place: Place) -> TriggerError:
        known = self.facts.known()
        near = did_you_mean(place.name.removeprefix("notification."), known)
        hint = near if near.startswith("Did") else ""
        return TriggerError(
            f"the event has no {place.text}.", hint=f"{hint} It has {', '.join(known)}.".strip(), is_lasting=True
        )


def url_word(value: str, before: str) -> str:
    """Write a value into a URL: it adds no part to the path or the query, and never names the server.

    Raises
    ------
    TriggerError
        If it stands where the server is named.
    """
    _, slashes, rest = before.partition("://")
    if not slashes or not re.search(r"[/?#]", rest):
        raise TriggerError(
            "a value of the event may not name the server of a URL.",
            hint="Write the server in the document, or as $NAME from the environment.",
            is_lasting=True,
        )
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


def header_word(value: str, _before: str) -> str:
    """Write a value into a header of a message, which is one line.

    Raises
    ------
    TriggerError
        If it has several.
    """
    if any(sign in value for sign in "\r\n\0"):
        raise TriggerError(f"the value {value[:40]!r} has several lines, which no header can hold.", is_lasting=True)
    return value


def json_word(value: str, before: str) -> str:
    """Write a value into JSON: in quotes it is escaped, elsewhere it is one value, in quotes where it needs them."""
    if _in_quotes(before):
        return json.dumps(value, ensure_ascii=False)[1:-1]
    if _NUMBER.match(value):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def _in_quotes(text: str) -> bool:
    return len(re.findall(r'"', re.sub(r"\\.", "", text, flags=re.DOTALL))) % 2 == 1
