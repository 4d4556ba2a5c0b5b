"""Requests from the words of a command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dtedask.request import Request
    from dtedask.store import Store


def parse_words(words: Sequence[str] | None, store: Store | None = None) -> Request:
    """Read a request that may come in several words.

    Parameters
    ----------
    words : sequence of str, optional
        ``key=value,key=value`` in one or several words, ``@file``, ``-``; none at all asks for everything. Of a key
        that stands in a file and in a word, the later one counts.
    store : Store, optional
        The root that is asked, which may have keys and types of its own.

    Raises
    ------
    RequestError
        If it cannot be understood.
    """
    from dtedask.request import Request

    parts = _parts(words or [])
    language = None if store is None else store.schema().language
    if len(parts) == 1:
        return Request.parse(parts[0], language=language)
    merged: dict[str, object] = {}
    for part in parts:
        merged |= {key: list(values) for key, values in Request.parse(part, language=language).items()}
    return Request(merged, language=language)


def _parts(words: Sequence[str]) -> list[str]:
    """Words that belong together as one text; files and standard input each for itself."""
    parts: list[str] = []
    joined = False
    for word in words:
        is_source = word == "-" or word.startswith("@")
        if joined and not is_source:
            parts[-1] = _join(parts[-1], word)
        else:
            parts.append(word)
        joined = not is_source
    return parts


def _join(left: str, right: str) -> str:
    return f"{left} {right}" if left[-1:] in ",=/" or right[:1] in ",=/" else f"{left},{right}"
