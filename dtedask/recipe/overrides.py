"""Values that take the place of what a recipe says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dtedask.core.documents import read_yaml
from dtedask.core.errors import DocumentError

_PATHS = {"root", "input", "input.files", "schema", "listeners", "catalog", "report"}


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs; values are YAML, keys may be paths such as ``input.unit``.

    Raises
    ------
    DocumentError
        If a pair has no ``=``.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise DocumentError(f"{pair!r} sets nothing.", hint="Write key=value, such as root=data.")
        found[key.strip()] = read_yaml(text, f"<{key.strip()}>")[0]
    return found


def apply_overrides(document: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a document with these values; `document` is left untouched."""
    result = dict(document)
    for key, value in overrides.items():
        *sections, last = key.split(".")
        place = result
        for name in sections:
            below = place.get(name)
            place[name] = dict(below) if isinstance(below, Mapping) else {}
            place = place[name]
        place[last] = _absolute(value) if key in _PATHS else value
    return result


def _absolute(value: Any) -> Any:
    if isinstance(value, list):
        return [_absolute(item) for item in value]
    if not isinstance(value, str) or "://" in value or value.startswith("~"):
        return value
    return str(Path.cwd() / value)
