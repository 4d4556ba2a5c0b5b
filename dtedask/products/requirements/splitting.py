"""Which keyword of a requirement belongs where: to the request, to how it is made, written, delivered or ordered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel

from dtedask.core.errors import RequestError, UnknownKeyError
from dtedask.core.nearest import did_you_mean
from dtedask.products.operations.regridding import BESIDE
from dtedask.products.requirements.keywords import (
    FORMAT_OPTIONS,
    DeliveryKeywords,
    FormatKeywords,
    OrderKeywords,
    PostProcessingKeywords,
)
from dtedask.request.grammar import parse_text
from dtedask.request.vocabulary import canonical_key, key_order, tables

__all__ = ["DERIVED_KEYS", "IGNORED", "Finding", "Sections", "path_in", "section_of", "split"]

Section = Literal["how", "method", "format", "delivery", "order", "request", "option", "ignored"]
DERIVED_KEYS = ("above", "at-least", "below", "at-most", "between")
"""Keys of a request that MARS does not have: thresholds of probabilities."""
IGNORED = frozenset(
    {
        "compatibility",
        "database",
        "duplicates",
        "expect",
        "optimise",
        "option",
        "process",
        "repres",
        "use",
    }
)
"""Words for a MARS server and for dissemination; accepted, without effect."""
METHOD_OPTIONS = {
    "nclosest": "nclosest",
    "nearest-method": "nearest_method",
    "distance": "distance",
    "distance-weighting": "distance_weighting",
    "distance-weighting-shepard-power": "distance_weighting_shepard_power",
    "distance-weighting-gaussian-stddev": "distance_weighting_gaussian_stddev",
    "climate-filter-delta": "climate_filter_delta",
    "interpolation-statistics": "statistic",
    **{name.replace("_", "-"): name for name in BESIDE},
}
"""MIR's words for options of methods, as they may stand beside the others: the options that they are."""
_IN_BRACKETS = re.compile(r"\[([A-Za-z]\w*\??(?::[^\[\]{}]*)?)\]")
_FILE_WORDS = ("file", "target", "filename")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong, by its key path in a requirement.

    Parameters
    ----------
    path : tuple
        Where.
    text, hint : str
        What is wrong, and what to do about it.
    """

    path: tuple[str | int, ...]
    text: str
    hint: str = ""


@dataclass(slots=True)
class Sections:
    """The keywords of a requirement, or of defaults, by where they belong.

    Parameters
    ----------
    request, how, method, format, delivery, order, options : dict
        Keywords and values; those of the request by MARS' names, `method` are options of the method, `options` those
        of the format.
    ignored : list of str
        Keywords without effect.
    findings : list of Finding
        Keywords that do not exist.
    """

    request: dict[str, Any] = field(default_factory=dict)
    how: dict[str, Any] = field(default_factory=dict)
    method: dict[str, Any] = field(default_factory=dict)
    format: dict[str, Any] = field(default_factory=dict)
    delivery: dict[str, Any] = field(default_factory=dict)
    order: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def under(self, other: Sections) -> Sections:
        """These as defaults of others."""
        return Sections(
            request={**self.request, **other.request},
            how={**self.how, **other.how},
            method={**self.method, **other.method},
            format={**self.format, **other.format},
            delivery={**self.delivery, **other.delivery},
            order={**self.order, **other.order},
            options={**self.options, **other.options},
            ignored=[*self.ignored, *other.ignored],
            findings=[*self.findings, *other.findings],
        )


def path_in(data: Mapping[str, Any], path: tuple[str | int, ...]) -> tuple[str | int, ...] | None:
    """Where in a requirement a key stands that is called by its own name; None where it has none such."""
    if not path:
        return ()
    wanted = path[0]
    if wanted == "format" and len(path) > 1 and path[1] in data:
        return path[1:]  # an option that stands beside it
    for name in data:
        place = section_of(name)
        if name == wanted or (place is not None and place[1] == wanted):
            return (name, *path[1:])
    selected = data.get("request")
    if not isinstance(selected, Mapping):
        return ("request",) if isinstance(selected, str) else None
    return next((("request", name, *path[1:]) for name in selected if _selects(str(name), wanted)), None)


def _selects(name: str, wanted: str | int) -> bool:
    place = section_of(name)
    return name == wanted or (place is not None and place[1] == wanted)


def split(data: Mapping[str, Any]) -> Sections:
    """Sort the keywords of a requirement by where they belong; values stay as they are."""
    found = Sections()
    plain = {
        "how": found.how,
        "method": found.method,
        "format": found.format,
        "delivery": found.delivery,
        "option": found.options,
    }
    for name, value in data.items():
        section, key = section_of(name) or ("", name)
        if section in plain:
            plain[section][key] = value
        elif section == "order":
            _add_order(name, key, value, found)
        elif section == "request":
            _add(key, value, (name,), found)
        elif section == "ignored":
            found.ignored.append(name)
        elif name == "request":
            _add_request(value, found)
        else:
            found.findings.append(Finding((name,), f"unknown key {name!r}.", _nearest(name)))
    return found


def _add_order(name: str, key: str, value: Any, found: Sections) -> None:
    if key in found.order:
        found.findings.append(Finding((name,), f"{name!r} is given beside another name for it.", "Keep one of them."))
    found.order[key] = _in_braces(value) if name in ("target", "filename") else value


def _in_braces(value: Any) -> Any:
    """A target as MARS writes it, ``fc-[step].grib``, as a template."""
    return _IN_BRACKETS.sub(r"{\1}", value) if isinstance(value, str) else value


def _add_request(value: Any, found: Sections) -> None:
    if isinstance(value, str):
        try:
            _, pairs = parse_text(value)
        except RequestError as error:
            found.findings.append(Finding(("request",), error.message, error.hint))
            return
        for key, one in pairs:
            _add_selected(str(key), one, ("request",), found)
    elif isinstance(value, Mapping):
        for key, one in value.items():
            _add_selected(str(key), one, ("request", str(key)), found)
    elif value is not None:
        found.findings.append(Finding(("request",), f"request: {value!r} is no request.", "Write such as param: 2t."))


def _add_selected(key: str, value: Any, path: tuple[str | int, ...], found: Sections) -> None:
    if key in DERIVED_KEYS:
        _add(key, value, path, found)
        return
    try:
        _add(canonical_key(key), value, path, found)
    except UnknownKeyError as error:
        place = section_of(key.lower())
        hint = f"Write {key!r} beside 'request', not in it." if place and place[0] != "request" else error.hint
        found.findings.append(Finding(path, error.message, hint))


def _add(key: str, value: Any, path: tuple[str | int, ...], found: Sections) -> None:
    if key in found.request:
        found.findings.append(Finding(path, f"the key {key!r} is given twice.", "Join the values by '/'."))
    found.request[key] = value


@lru_cache(4096)
def section_of(name: str) -> tuple[Section, str] | None:
    """Section of a keyword, and its name there; None for what is none."""
    if name in _KEYWORDS:
        return _KEYWORDS[name]
    plain = name.strip().lower()
    if plain in _KEYWORDS:
        return _KEYWORDS[plain]
    if plain in IGNORED:
        return "ignored", plain
    try:
        return "request", canonical_key(plain)
    except UnknownKeyError:
        return None


@lru_cache(1024)
def _nearest(name: str) -> str:
    return did_you_mean(name, [*_KEYWORDS, "request", *key_order(), *tables()["aliases"]])


def _names(model: type[BaseModel]) -> Iterable[tuple[str, str]]:
    """Names by which a document may call the fields of a model, and those of the fields."""
    for name, info in model.model_fields.items():
        yield name, name
        if info.alias:
            yield info.alias, name


_KEYWORDS: dict[str, tuple[Section, str]] = {
    **{name: ("option", name) for name in FORMAT_OPTIONS},
    **{word: ("method", name) for word, name in METHOD_OPTIONS.items()},
    **{word: ("how", name) for word, name in _names(PostProcessingKeywords)},
    "non-linear": ("how", "missing"),
    **{word: ("order", name) for word, name in _names(OrderKeywords)},
    **dict.fromkeys(_FILE_WORDS, ("order", "file")),
    **{name: ("request", name) for name in DERIVED_KEYS},
    "format": ("format", "format"),
    "delivery": ("delivery", "delivery"),
}
assert set(FormatKeywords.model_fields) == {"format"}
assert set(DeliveryKeywords.model_fields) == {"delivery"}
