"""Requirements as MARS-like text: ``disseminate, param=2t, grid=0.1/0.1, target="{step}.grib2"``.

As in MARS, a request has all keys of the request before it with the same verb, where it does not say otherwise; ``off``
takes one away. Names are not handed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from dtedask.core.documents import KeyPath, read_yaml
from dtedask.core.errors import DocumentError, RequestError
from dtedask.products.requirements.raw import Item, Mistake, Source
from dtedask.products.requirements.splitting import METHOD_OPTIONS, section_of
from dtedask.products.requirements.yaml_nodes import plain_value
from dtedask.request.grammar import check_verb, parse_text
from dtedask.request.vocabulary import canonical_key, key_order, verbs

__all__ = ["is_mars_text", "read_mars_text"]

_TOKEN = re.compile(r"(\"[^\"]*\"|'[^']*')|([#!][^\n]*)|([,=/])|(\s+)|([^\"'#!,=/\s]+|[\"'])")
_PIECE = re.compile(r"[#!][^\n]*|([,=/])|(\"[^\"]*\"|'[^']*'|[^\"'#!,=/\s]+|[\"'])")
_AFTER_VERB = re.compile(r"(?:\s|[#!][^\n]*)*(?:,|\Z)")
_OFF = "off"
_NOT_HANDED_ON = ("name",)
_PLAIN = frozenset({"accuracy", "bits", "edition", "padding", *METHOD_OPTIONS})
"""Keys whose values are numbers and booleans where they look so: options of formats and methods."""
_IN_YAML = ("interpolation", "format", "delivery", "formula", "points", "method-options", "method_options")


@dataclass(frozen=True, slots=True)
class _Text:
    """A request as it is written, and the place of each of its keys."""

    place: str
    text: str
    line: int
    before: _Text | None = None

    def at(self, path: KeyPath = ()) -> str:
        """See `Place`; a key that was handed on stands where it was written last."""
        part: _Text | None = self
        while path and part is not None:
            line = part.line_of(str(path[0]))
            if line is not None:
                return f"{self.place}:{line}"
            part = part.before
        return f"{self.place}:{self.line}"

    def line_of(self, wanted: str) -> int | None:
        """Line of a key; None where this request does not write it."""
        line, word = self.line, ""
        where = self.line
        for quote, comment, mark, space, plain in _TOKEN.findall(self.text):
            if mark == "=" and _same(word, wanted):
                return where
            if plain or quote:
                word, where = plain or quote, line
            line += (quote or comment or mark or space or plain).count("\n")
        return None


_HandedOn = tuple[dict[str, Any], _Text | None]
"""What the next request with the same verb has, and the request that it is of."""


def _same(word: str, wanted: str) -> bool:
    plain = word.strip().lower()
    if plain == wanted or plain.partition(".")[0] == wanted:
        return True
    try:
        return canonical_key(plain) == wanted
    except RequestError:
        return False


def is_mars_text(text: str) -> bool:
    """Whether a text is one of MARS' and not YAML: it begins with a verb and a comma, or with ``key=value``."""
    bare = re.sub(r"\A(?:\s|[#!][^\n]*\n)*", "", text)
    match = re.match(r"([A-Za-z]+)\s*(,|\Z)", bare)
    if match:
        return True
    return bool(re.match(r"[\w-]+\s*=", bare))


def read_mars_text(text: str, place: str, file: Path | None = None) -> Source:
    """Read the requirements of a text.

    Parameters
    ----------
    text : str
        What to read.
    place : str
        Its name in messages.
    file : Path, optional
        Its file.
    """
    handed_on: dict[str, _HandedOn] = {}
    items = [_item(part, handed_on) for part in _parts(text, place)]
    return Source(items, _Text(place, text, 1), file=file)


def _parts(text: str, place: str) -> Iterator[_Text]:
    """Cut a text where requests begin: at a verb that is no value."""
    begins: list[int] = []
    before = ""
    for match in _PIECE.finditer(text):
        mark, word = match.groups()
        if mark is None and word is None:
            continue  # a comment
        is_verb = word is not None and before not in ("=", "/") and _is_verb(word)
        if not begins or (is_verb and _AFTER_VERB.match(text, match.end())):
            begins.append(match.start())
        before = mark or "word"
    line, at = 1, 0
    for start, end in zip(begins, [*begins[1:], len(text)], strict=True):
        line, at = line + text.count("\n", at, start), start
        yield _Text(place, text[start:end], line)


@lru_cache(4096)
def _is_verb(word: str) -> bool:
    plain = word.lower()
    return len(plain) > 2 and any(verb.startswith(plain) for verb in verbs()) and plain not in key_order()


def _item(part: _Text, handed_on: dict[str, _HandedOn]) -> Item:
    try:
        verb, pairs = parse_text(part.text)
        own = _values(pairs, part)
    except (RequestError, DocumentError) as error:
        return Item({}, part, Mistake(part.at(), error.message, error.hint))
    verb = check_verb(verb) if verb else "disseminate"
    given, before = handed_on.get(verb, ({}, None))
    whole = replace(part, before=before)
    said = set(map(_meaning, own))
    given = {key: value for key, value in given.items() if _meaning(key) not in said}
    data = {**given, **{key: value for key, value in own.items() if value != _OFF}}
    handed_on[verb] = ({key: value for key, value in data.items() if key not in _NOT_HANDED_ON}, whole)
    return Item(data, whole, handed_on=frozenset(given))


def _meaning(key: str) -> object:
    """What is the same for all names of one keyword."""
    return section_of(key) or key


def _values(pairs: list[tuple[str, object]], part: _Text) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for written, value in pairs:
        key = written.strip().lower()
        name, _, point = key.partition(".")
        if key in found or (point and isinstance(found.get(name), str)):
            raise RequestError(f"The key {key!r} is given twice.", hint="Join the values by '/', as in 'param=t/u'.")
        if name == "formula" and point:
            found.setdefault(name, {})[point] = _plain(str(value), key, part)
        else:
            found[key] = _plain(str(value), key, part)
    return found


def _plain(value: str, key: str, part: _Text) -> Any:
    """A value without its quotes where it is one text; lists keep theirs, for the request to read."""
    if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0] and value[0] not in value[1:-1]:
        value = value[1:-1]
        if key in _IN_YAML and value.lstrip()[:1] in ("{", "["):
            data, _ = read_yaml(value, part.at((key,)))
            return data
    text = value.strip()
    return plain_value(text) if key in _PLAIN else text
