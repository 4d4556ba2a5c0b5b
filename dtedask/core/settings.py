"""Settings: ``dask.config`` keys under ``dtedask:``, checked against their schema.

A value is taken from ``dask.config`` where the user set it (a YAML file, an environment variable, ``dask.config.set``)
and from ``dtedask.yaml`` otherwise. Nothing is written into ``dask.config``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from dtedask.core.errors import SettingError
from dtedask.core.nearest import did_you_mean

__all__ = ["Setting", "check_settings", "setting", "setting_names", "settings"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it stands.

    Parameters
    ----------
    key : str
        Its name below ``dtedask``, such as ``"store.root"``.
    value : object
        As written: sizes and durations are not converted.
    default : object
        What it is when nobody sets it.
    description : str
        What it means.
    """

    key: str
    value: Any
    default: Any
    description: str

    @property
    def is_default(self) -> bool:
        """Whether the value is the default one."""
        return bool(self.value == self.default)


def setting(key: str) -> Any:
    """Return the value of a setting.

    Parameters
    ----------
    key : str
        Name below ``dtedask``, such as ``"store.lock-timeout"``.

    Returns
    -------
    object
        Sizes as int (bytes), durations as float (seconds), everything else as written.

    Raises
    ------
    SettingError
        If the key is unknown, any key that is set under ``dtedask`` is unknown, or the value is not what the schema
        asks for.
    """
    rule = _rule(key)
    check_settings()
    return _convert(key, _current(key), rule)


def settings() -> list[Setting]:
    """List all settings in the order of the schema."""
    check_settings()
    return [
        Setting(key, _current(key), _default(key), " ".join(str(rule.get("description", "")).split()))
        for key, rule in _rules().items()
    ]


def setting_names() -> list[str]:
    """Names of all settings, in the order of the schema."""
    return list(_rules())


def check_settings() -> None:
    """Check everything that is set under ``dtedask``.

    Raises
    ------
    SettingError
        Names the key, where it is set and the nearest key that exists.
    """
    for key, value in _leaves(_configured(), ""):
        _convert(key, value, _rule(key))


@cache
def _rules() -> dict[str, dict[str, Any]]:
    schema = _load("dtedask-schema.yaml")["properties"]["dtedask"]
    return dict(_flatten(schema["properties"], ""))


def _flatten(properties: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, rule in properties.items():
        if "properties" in rule:
            yield from _flatten(rule["properties"], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", rule


@cache
def _sections() -> frozenset[str]:
    return frozenset(key.rpartition(".")[0] for key in _rules())


@cache
def _defaults() -> dict[str, Any]:
    return cast("dict[str, Any]", _load("dtedask.yaml")["dtedask"])


def _load(name: str) -> dict[str, Any]:
    import yaml

    return cast("dict[str, Any]", yaml.safe_load((files("dtedask") / name).read_text("utf-8")))


def _configured() -> Mapping[str, Any]:
    import dask.config

    section = dask.config.get("dtedask", None) or {}
    if not isinstance(section, Mapping):
        raise SettingError(f"The setting 'dtedask' is {section!r}.", hint="It must hold keys such as 'store.root'.")
    return section


def _leaves(section: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    sections = _sections()
    for name, value in section.items():
        key = f"{prefix}{name}".replace("_", "-")
        if key in sections:
            if not isinstance(value, Mapping):
                raise SettingError(
                    f"'dtedask.{key}'{_place(key)} is {value!r}; it is a section that holds keys.",
                    hint=f"Known are {', '.join(known for known in _rules() if known.startswith(f'{key}.'))}.",
                )
            yield from _leaves(value, f"{key}.")
        else:
            yield key, value


def _current(key: str) -> Any:
    import dask.config

    return dask.config.get(f"dtedask.{key}", _default(key))


def _default(key: str) -> Any:
    value: Any = _defaults()
    for part in key.split("."):
        value = value[part]
    return value


def _rule(key: str) -> dict[str, Any]:
    name = key.replace("_", "-")
    if name not in _rules():
        raise SettingError(f"Unknown setting 'dtedask.{name}'{_place(key)}.", hint=_nearest_key(name))
    return _rules()[name]


def _nearest_key(name: str) -> str:
    """Say which key was meant: one with the same last part, in the same section, or in one called alike, or any."""
    section, _, last = name.rpartition(".")
    siblings = {key.rpartition(".")[2]: key for key in _rules() if key.rpartition(".")[0] == section}
    near = next(iter(get_close_matches(last, siblings, n=1)), None)
    if near:
        return f"Did you mean '{siblings[near]}'?"
    sections = {key.rpartition(".")[0] for key in _rules()} - {""}
    meant = next(iter(get_close_matches(name, sections, n=1)), "")
    return did_you_mean(name, [key for key in _rules() if key.startswith(meant)], listed=50)


def _place(key: str) -> str:
    """Say where a key is set, as far as that can be known."""
    import dask.config

    full = f"dtedask.{key}"
    places = [_line_of(path, full) for path in dask.config.paths_containing_key(full, dask.config.paths)]
    if places:
        return f" in {', '.join(places)}"
    if dask.config.get(full, None, config=dask.config.collect_env()) is not None:
        return f" in the environment ({'DASK_' + full.upper().replace('.', '__').replace('-', '_')})"
    return ""


def _line_of(path: Path, key: str) -> str:
    from dtedask.core.documents import read_yaml

    _, lines = read_yaml(path.read_text("utf-8"), str(path))
    wanted = key.replace("_", "-")
    return next(
        (lines.at(found) for found in lines.numbers if ".".join(map(str, found)).replace("_", "-") == wanted), str(path)
    )


_NAMES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
    "null": (type(None),),
}


def _convert(key: str, value: Any, rule: Mapping[str, Any]) -> Any:
    names = [rule["type"]] if isinstance(rule["type"], str) else list(rule["type"])
    if not any(_is_of_type(value, name) for name in names):
        raise _wrong(key, value, rule, " or ".join(_NAMES[name] for name in names))
    if "enum" in rule and value not in rule["enum"]:
        raise _wrong(key, value, rule, " or ".join(map(repr, rule["enum"])))
    if "minimum" in rule and value is not None and value < rule["minimum"]:
        raise _wrong(key, value, rule, f"{rule['minimum']} or more")
    if "items" in rule and not all(_is_of_type(item, rule["items"]["type"]) for item in value):
        raise _wrong(key, value, rule, "a list of texts")
    return _parse(key, value, rule)


def _is_of_type(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES[name])


def _parse(key: str, value: Any, rule: Mapping[str, Any]) -> Any:
    import dask.utils

    kind = rule.get("format") if value is not None else None
    try:
        if kind == "size":
            return int(_positive(dask.utils.parse_bytes(value)))
        if kind == "duration":
            return _positive(float(dask.utils.parse_timedelta(value)))
    except (ValueError, KeyError, IndexError) as error:  # Dask indexes an empty text
        example = "a size such as '32 MiB'" if kind == "size" else "a duration such as '60 s'"
        raise _wrong(key, value, rule, example) from error
    return value


def _positive(value: float) -> float:
    if value < 0:
        raise ValueError("negative")
    return value


def _wrong(key: str, value: Any, rule: Mapping[str, Any], wanted: str) -> SettingError:
    return SettingError(
        f"The setting 'dtedask.{key}' is {value!r}{_place(key)}; it must be {wanted}.",
        hint=" ".join(str(rule.get("description", "")).split()),
    )
