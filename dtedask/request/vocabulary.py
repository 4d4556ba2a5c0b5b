"""The words of MARS: keys, their aliases and the legal values, from `vocabulary.json`.

The tables are made by `generate_vocabulary` and read when the first request is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from dtedask.core.errors import InvalidValueError, UnknownKeyError
from dtedask.request.hints import did_you_mean, nearest

# What users of ecCodes, cfgrib and xarray call a key of MARS.
_OTHER_NAMES = {
    "shortname": "param",
    "paramid": "param",
    "variable": "param",
    "typeoflevel": "levtype",
    "leveltype": "levtype",
    "level_type": "levtype",
    "member": "number",
    "ensemble": "number",
    "realisation": "realization",
    "steprange": "step",
    "endstep": "step",
    "lead_time": "step",
    "forecast_reference_time": "date",
    "datadate": "date",
    "datatime": "time",
    "datatype": "type",
    "experimentversionnumber": "expver",
}

_NUMBERED = {"class": r"c\d+", "levtype": r"surface\d+"}  # centres and surfaces that have a number and no name


@cache
def tables() -> Mapping[str, Any]:
    """Load `vocabulary.json`."""
    import json
    from pathlib import Path

    text = Path(__file__).with_name("vocabulary.json").read_text(encoding="utf-8")
    content: Mapping[str, Any] = json.loads(text)
    return content


@cache
def key_order() -> Mapping[str, int]:
    """Place of every key in a printed request."""
    return {key: place for place, key in enumerate(tables()["keys"])}


@lru_cache(4096)
def canonical_key(key: str) -> str:
    """Find the key that a name or an alias stands for, in any case.

    Raises
    ------
    UnknownKeyError
        If there is no such key, or if it asks for something that a request here cannot do.
    """
    name = key.strip().lower()
    name = tables()["aliases"].get(name, name)
    if name in key_order():
        return str(name)
    if name in tables()["not_selecting"]:
        raise UnknownKeyError(
            f"Request key '{key}' does not select fields: it tells a MARS server what to do with them.",
            hint="Leave it out; 'grid' is the one key of this kind that is accepted, and it selects.",
        )
    raise UnknownKeyError(f"Unknown request key '{key}'.", hint=_key_hint(name))


def is_key(name: str) -> bool:
    """Whether a name is that of a key, as MARS writes it."""
    return name in key_order()


def is_reserved(name: str) -> bool:
    """Whether a name means something in MARS: a key, an alias, or what tells a server what to do."""
    return name in key_order() or name in tables()["aliases"] or name in tables()["not_selecting"] or name in verbs()


def _key_hint(name: str) -> str:
    if name in _OTHER_NAMES:
        return f"Did you mean '{_OTHER_NAMES[name]}'?"
    return did_you_mean(
        name, [*key_order(), *tables()["aliases"]], "Keys are those of MARS, such as class, date, param."
    )


@cache
def verbs() -> frozenset[str]:
    """List the verbs that may lead a request."""
    return frozenset(tables()["verbs"])


@cache
def spellings(key: str) -> Mapping[str, str]:
    """Canonical value by each of its spellings, in lower case; empty for a key whose values are not listed."""
    found: dict[str, str] = {}
    values: Mapping[str, list[str]] = tables()["values"].get(key, {})
    found.update((other, value) for value, others in values.items() for other in others)
    found.update((value, value) for value in values)
    if key == "class":
        found.update((centre, centre) for centre in tables()["centres"] if centre not in found)
    if key == "levtype":
        found.update((name.lower(), name) for name in tables()["level_types"] if name.lower() not in found)
    return found


def canonical_word(key: str, text: str) -> str:
    """Find the canonical spelling of a listed value.

    Raises
    ------
    InvalidValueError
        If the key has a closed list of values and this is none of them.
    """
    word = " ".join(text.lower().split())
    known = spellings(key)
    if word in known:
        return known[word]
    if key not in ("class", "type", "stream", "levtype") or re.fullmatch(_NUMBERED.get(key, ""), word):
        return word
    raise InvalidValueError(f"Unknown value '{text}' of key '{key}'.", hint=_value_hint(key, word))


def _value_hint(key: str, word: str) -> str:
    known = spellings(key)
    found = nearest(word, known)
    if found is not None:
        return f"Did you mean '{known[found]}'?"
    common = [value for value in ("od", "ea", "rd", "oper", "enfo", "an", "fc", "pl", "sfc") if value in known]
    return f"Some legal values: {', '.join(common)}."
