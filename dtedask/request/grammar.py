"""The text of a request: MARS' language, YAML, files and standard input."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from typing import IO

from dtedask.core.errors import RequestError
from dtedask.request.hints import did_you_mean
from dtedask.request.vocabulary import key_order, verbs

# A quoted string, a comment, or a character of its own meaning; everything else is a word.
_TOKEN = r"""("[^"]*"|'[^']*')|([#!][^\n]*)|([,=/])|(\s+)|([^"'#!,=/\s]+|["'])"""
_YAML = r"\A(?:\s*(?:#[^\n]*)?\n)*\s*(?:\{|---|['\"]?\w+['\"]?\s*:(?:\s|\Z))"
_BARE = r"[^\s,=/#!'\"]+"

Pairs = list[tuple[str, object]]


def read_text(source: str, stdin: IO[str] | None = None) -> str:
    """Read a request that may stand in a file (``@file``) or on standard input (``-``)."""
    from pathlib import Path

    text = source.strip()
    if text == "-":
        return (stdin or sys.stdin).read()
    return read_file(Path(text[1:].strip()).expanduser()) if text.startswith("@") else source


def read_file(path: str | os.PathLike[str]) -> str:
    """Read a file of text."""
    from pathlib import Path

    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise RequestError(
            f"Cannot read the request file '{os.fspath(path)}': {reason}.", hint="Check its name."
        ) from error


def parse_text(text: str) -> tuple[str, Pairs]:
    """Verb and pairs of key and value of a text in MARS' language or in YAML."""
    return _parse_yaml(text) if re.match(_YAML, text) else _parse_mars(text)


def words_of(value: object) -> list[object]:
    """List the parts of a value: a text is cut at slashes, a list is flattened; ``to`` and ``by`` stay words."""
    if isinstance(value, str):
        return [part for item in _split(value) for part in [item]]
    if isinstance(value, Mapping) or not isinstance(value, Iterable):
        return [value]
    return [part for item in value for part in words_of(item)]


def quoted(value: str) -> str:
    """Write a value as it stands in a request."""
    return value if re.fullmatch(_BARE, value) else f'"{value}"'


def _split(text: str) -> list[str]:
    """Parts of a list between slashes outside quotes."""
    parts = [""]
    for quote, _, mark, _, word in re.findall(_TOKEN, text):
        if mark == "/":
            parts.append("")
        else:
            parts[-1] += quote[1:-1] if quote else mark + word or " "
    return [" ".join(part.split()) for part in parts]


def _parse_yaml(text: str) -> tuple[str, Pairs]:
    import yaml

    try:
        content = yaml.load(text, yaml.BaseLoader)  # all values stay text: 0600 is no octal number, no is Norway
    except yaml.YAMLError as error:
        raise RequestError(f"The request is not valid YAML: {error}.", hint="Write 'key: value' lines.") from error
    if not isinstance(content, dict):
        raise RequestError("The request is no mapping of keys to values.", hint="Write 'key: value' lines.")
    if len(content) == 1 and isinstance(inner := next(iter(content.values())), dict):
        return check_verb(str(next(iter(content)))), list(inner.items())
    return "", list(content.items())


def _parse_mars(text: str) -> tuple[str, Pairs]:
    """Cut a text at commas outside quotes; the part without ``=`` in front is the verb."""
    parts: list[list[str]] = [[""]]  # [key] or [key, value]; quotes stay until the value is cut
    for quote, comment, mark, space, word in re.findall(_TOKEN, text):
        if mark == ",":
            parts.append([""])
        elif mark == "=":
            parts[-1].append("")
        elif not comment:
            parts[-1][-1] += quote or mark or word or space
    cleaned = [[piece.strip() for piece in part] for part in parts]
    if cleaned and cleaned[-1] == [""]:
        cleaned.pop()  # nothing, or a comma at the end
    verb = check_verb(cleaned.pop(0)[0]) if cleaned and len(cleaned[0]) == 1 else ""
    return verb, [_pair(part) for part in cleaned]


def _pair(part: list[str]) -> tuple[str, object]:
    if len(part) == 1 and not part[0]:
        raise RequestError("The request has two commas with nothing between.", hint="Write 'key=value,key=value'.")
    if len(part) == 1:
        raise RequestError(f"'{part[0]}' is not 'key=value'.", hint=_missing_equals(part[0]))
    if len(part) > 2:
        key = part[1].split()[-1] if part[1].split() else part[0]
        raise RequestError(f"Cannot read '{'='.join(part)}'.", hint=f"Is a comma missing before '{key}'?")
    words = part[1].split()
    if len(words) > 1 and words[-1].lower() in verbs():
        raise RequestError(f"Another request begins at '{words[-1]}'.", hint="Give each request to a call of its own.")
    if not part[0]:
        raise RequestError(f"The value '{part[1]}' has no key.", hint="Write 'key=value,key=value'.")
    return part[0], part[1]


def _missing_equals(text: str) -> str:
    word = text.split(maxsplit=1)[0].lower()
    if word in verbs():
        return "One request at a time: give each to a call of its own."
    if word in key_order():
        return f"Write '{word}=...'."
    return "Separate the values of a list by '/', as in 'param=t/u'."


def check_verb(text: str) -> str:
    """Find the verb that a word means: whole, or its first three letters and more."""
    word = text.strip().lower()
    found = [verb for verb in sorted(verbs()) if verb == word or (len(word) > 2 and verb.startswith(word))]
    if found:
        return found[0]
    first = word.split(maxsplit=1)[0] if word else ""
    if first in key_order():
        raise RequestError(f"'{text}' is not 'key=value'.", hint=f"Write '{first}=...'.")
    hint = did_you_mean(word, verbs(), "Write 'key=value,key=value', with a verb such as 'retrieve' in front or none.")
    raise RequestError(f"Unknown verb '{text}' in front of the request.", hint=hint)
