"""Which commits wrote what, from where, by whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from dtedask.core.errors import RequestError
from dtedask.request import format_step, parse_step

if TYPE_CHECKING:
    from dtedask.core.commit import Change, Commit
    from dtedask.request import Request


def search(commits: Iterable[Commit], request: Request, source: str, author: str) -> list[Commit]:
    """Commits that wrote or wiped fields of a request, from a source, by an author.

    Parameters
    ----------
    commits : iterable of Commit
        Where to look.
    request : Request
        Fields, one of which the commit must have written or wiped; an empty one takes all.
    source : str
        A source, its file or the last part of it, with ``*`` and ``?``; empty for any.
    author : str
        The ``user@host`` or its user, with ``*`` and ``?``; empty for any.
    """
    return [
        commit
        for commit in commits
        if (not source or any(_is_named(_names_of(text), source) for text in commit.sources))
        and (not author or _is_named((commit.author, commit.author.split("@")[0]), author))
        and (not len(request) or any(_takes(request, change) for change in (*commit.changes, *commit.wiped)))
    ]


def _names_of(source: str) -> tuple[str, ...]:
    """A source, its file without the size and time that ingest notes behind it, and the last part of that."""
    file = source.split(" [", maxsplit=1)[0].split(" (", maxsplit=1)[0]
    return source, file, file.rsplit("/", 1)[-1]


def _is_named(names: Iterable[str], pattern: str) -> bool:
    return any(name == pattern or fnmatchcase(name, pattern) for name in names)


def _takes(request: Request, change: Change) -> bool:
    """Whether a request takes a field of a change, whose request is a product of its values."""
    keys = {**change.keys, "grid": change.group.rsplit("/", 1)[-1]}
    return all(request.is_all(key) or request.select(key, list(_values(key, keys))) for key in request)


def _values(key: str, keys: dict[str, str]) -> Iterator[str]:
    if key == "number" and "cf" in keys.get("type", "").split("/"):
        yield "0"
    for value in keys.get(key, "").split("/"):
        if value:
            yield value
        if value and key == "step":
            yield from _aliases(value)


def _aliases(step: str) -> Iterator[str]:
    """A step over an interval answers to its end, and the end to the interval from the start."""
    try:
        found = parse_step(step)
    except RequestError:
        return
    yield format_step(found.end_s) if found.start_s is not None else format_step(found.end_s, 0)
