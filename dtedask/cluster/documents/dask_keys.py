"""Which keys Dask's own configuration has, by the schemas that dask and distributed bring along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dtedask.cluster.documents.jobs import wrong_keys
from dtedask.core.errors import SettingError
from dtedask.core.nearest import did_you_mean


def check_keys(section: Mapping[str, Any], name: str) -> None:
    """Check the keys of a section such as `distributed`.

    Raises
    ------
    pydantic.ValidationError
        Naming each key that Dask does not know, with the nearest that it knows.
    """
    schema = _schemas().get(name)
    found = dict(_unknown(section, schema, (), name)) if schema else {}
    if found:
        raise wrong_keys(found, name)


def _unknown(
    section: Mapping[str, Any], schema: Mapping[str, Any], path: tuple[str, ...], name: str
) -> Iterator[tuple[tuple[str, ...], Exception]]:
    known = schema.get("properties")
    if not known or schema.get("additionalProperties"):
        return
    legal = {key.replace("_", "-"): key for key in known}
    for key, value in section.items():
        below = known.get(legal.get(str(key).replace("_", "-"), ""))
        if below is None:
            yield (*path, str(key)), SettingError(f"{name} has no such key.", hint=did_you_mean(str(key), known))
        elif isinstance(value, Mapping):
            yield from _unknown(value, below, (*path, str(key)), name)


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    import yaml

    found: dict[str, dict[str, Any]] = {}
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for package in ("dask", "distributed"):
        spec = find_spec(package)
        path = Path(spec.origin).with_name(f"{package}-schema.yaml") if spec and spec.origin else None
        if path is not None and path.is_file():
            found |= yaml.load(path.read_text("utf-8"), loader).get("properties", {})
    return found
