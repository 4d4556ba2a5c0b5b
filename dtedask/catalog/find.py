"""Reading a catalog file: its entries, one of them by name, and those that match a request or words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from dtedask.catalog.document import SourceArguments, expand_directory, read_catalog
from dtedask.catalog.entry import Entry
from dtedask.core.errors import NotFoundError, RequestError
from dtedask.core.nearest import did_you_mean
from dtedask.request import Request


def entries(path: str | os.PathLike[str]) -> list[Entry]:
    """Entries of a catalog file that open a cube, in the order of the file.

    Raises
    ------
    DocumentError
        If there is no such file, or it is wrong.
    """
    found = []
    for name, source in read_catalog(path).sources.items():
        if source.is_ours:
            given = SourceArguments.model_validate(source.args)
            url = expand_directory(given.urlpath, path)
            found.append(Entry(name, url, given.group, given.time, source.description, source.metadata, given.at))
    return found


def find_entry(path: str | os.PathLike[str], name: str) -> Entry:
    """Entry of a name, or of the beginning of it where only one entry begins so.

    Raises
    ------
    NotFoundError
        If there is none, or several begin so; it names what exists.
    """
    found = {entry.name: entry for entry in entries(path)}
    wanted = name.strip("/")
    if wanted in found:
        return found[wanted]
    below = [other for other in found if other.startswith(f"{wanted}/")]
    if len(below) == 1:
        return found[below[0]]
    if below:
        raise NotFoundError(
            f"{len(below)} entries of the catalog {os.fspath(path)!r} begin with {name!r}: {', '.join(below)}.",
            hint="Name one of them.",
        )
    raise NotFoundError(f"The catalog {os.fspath(path)!r} has no entry {name!r}.", hint=did_you_mean(name, found))


def search(path: str | os.PathLike[str], what: str | Mapping[str, Any] | Request) -> list[Entry]:
    """Entries that may hold fields of a request, or in which all words occur.

    Parameters
    ----------
    path : str or path
        A catalog file.
    what : str, mapping or Request
        A request such as ``"class=ea,param=t"``; a text without ``=`` is words, looked for in names, descriptions and
        variables.
    """
    if isinstance(what, str) and "=" not in what:
        words = what.lower().split()
        return [entry for entry in entries(path) if all(word in _text(entry) for word in words)]
    request = Request.parse(what)
    return [entry for entry in entries(path) if _may_match(entry, request)]


def _text(entry: Entry) -> str:
    variables = entry.metadata.get("variables", {})
    parts = [entry.name, entry.description]
    for name, found in variables.items():
        parts += [str(name), *(str(value) for value in found.values())]
    return " ".join(parts).lower()


def _may_match(entry: Entry, request: Request) -> bool:
    if "keys" not in entry.metadata:
        return True  # an entry that somebody wrote: nobody knows what it holds
    values = _values(entry)
    return all(_takes(request, key, values.get(key, [])) for key in request)


def _takes(request: Request, key: str, values: list[str]) -> bool:
    return request.is_all(key) or "..." in values or bool(request.select(key, values))


def _values(entry: Entry) -> dict[str, list[str]]:
    """Values of each key over the fields of an entry; a shortened list keeps its ``...``."""
    found: dict[str, list[str]] = {str(key): [str(value)] for key, value in entry.metadata.get("keys", {}).items()}
    for key, text in entry.metadata.get("axes", {}).items():
        found[key] = _expanded(str(key), str(text))
    variables = entry.metadata.get("variables", {})
    found["param"] = [str(variable["param"]) for variable in variables.values() if "param" in variable] or ["..."]
    if "grid" in entry.metadata:
        found["grid"] = [str(entry.metadata["grid"])]
    if found.get("type") == ["pf"]:
        found["type"] = ["pf", *(["cf"] if "0" in found.get("number", ()) else [])]
    return found


def _expanded(key: str, text: str) -> list[str]:
    if "..." in text:
        return ["..."]
    try:
        return list(Request.parse({key: text})[key])
    except RequestError:
        return text.split("/")
