"""Canonical values: one string for all the ways to write the same value of a key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from dtedask.core.errors import InvalidValueError, RequestError
from dtedask.request.dates import MONTHS, canonical_date, canonical_time, date_text, month_number
from dtedask.request.parameters import canonical_param
from dtedask.request.spans import CALENDAR_SPAN
from dtedask.request.steps import format_step, parse_step
from dtedask.request.vocabulary import canonical_key, canonical_word, spellings

if TYPE_CHECKING:
    from dtedask.request.language import Language

DATE_KEYS = frozenset({"date", "hdate", "refdate", "offsetdate", "offdate"})
TIME_KEYS = frozenset({"time", "offsettime", "offtime", "obscutoff"})
INTEGER_KEYS = frozenset(
    [
        "number",
        "fcmonth",
        "frequency",
        "direction",
        "channel",
        "ident",
        "instrument",
        "iteration",
        "diagnostic",
        "method",
        "system",
        "generation",
        "realization",
        "anoffset",
        "reference",
        "coeffindex",
        "year",
        "expoffset",
        "aerosolbinnumber",
    ]
)
DECIMAL_KEYS = frozenset({"levelist", "latitude", "longitude"})
# A field without one of these keys has the value "none" of it.
NONE_KEYS = frozenset({"timespan", "stattype", "chem", "wavelength", "tile", "tileattribute", "tilescheme", "model"})
WITHOUT_MEANING = frozenset({("domain", "g"), ("timespan", "none"), ("stattype", "none")})  # they tell no fields apart
NOTHING = frozenset({"", "off", "none", "null"})

_LONGEST = 500
_GRID_PAIR = r"(?i)([0-9.]+)\s*[x/]\s*([0-9.]+)"
_GRID_NAME = r"(?i)([ofnht])(\d+)([-_](?:nested|ring))?"
_GRID_UID = r"(?i)([a-z_]+)-([0-9a-f]{8})"
_TIMESPAN = r"\d+[dhms]?"
_QUANTILE = r"(\d+):(\d+)"
_WORD = r"[^\s,/=#!'\"]+(?: [^\s,/=#!'\"]+)*"


def canonical_value(key: str, value: object, *, today: date | None = None, language: Language | None = None) -> str:
    """Write one value as its canonical string, as FDB writes it.

    Parameters
    ----------
    key : str
        A MARS key or an alias of one.
    value : object
        Text, a number, a date, a time or a timedelta, numpy's included; neither a list nor a range.
    today : datetime.date, optional
        What relative dates such as ``-1`` are relative to; by default the day in UTC.
    language : Language, optional
        Keys and types of a root's own; MARS' alone by default.

    Returns
    -------
    str
        Such as ``130`` for ``param``, ``0000`` for ``time``, ``20240603`` for ``date``, ``24``, ``90m`` or ``0-24`` for
        ``step``. A short name of several paramIds stays a short name. A canonical value is its own canonical value.

    Raises
    ------
    UnknownKeyError
        If there is no such key.
    InvalidValueError
        If the key cannot have this value.
    """
    name = canonical_key(key) if language is None else language.key(key)
    text = _text(name, value)
    if len(text) > _LONGEST:
        raise InvalidValueError(f"Invalid value '{text[:20]}...' of key '{name}'.", hint="It is far too long.")
    if text.lower() in NOTHING and not (text.lower() == "none" and name in NONE_KEYS):
        raise InvalidValueError(
            f"The value '{text}' of key '{name}' names nothing.", hint=f"Leave '{name}' out, or give '{name}=all'."
        )
    if text.lower() == "all":
        return "all"
    if language is not None and name in language:
        return language.forms(name, text, today=today)[0]
    return own_value(name, text, today=today)


def own_value(key: str, text: str, *, today: date | None = None) -> str:
    """Canonical form of a text by the type that a key has in MARS."""
    return canonical_date(key, text, today=today) if key in DATE_KEYS else _canonical(key)(key, text)


def canonical_form(like: str, key: str, text: str) -> str:
    """Canonical form of a text as the values of one key have it, with the name of another in errors."""
    return _canonical(like)(key, text)


def canonical_keys(keys: Mapping[str, object], *, language: Language | None = None) -> dict[str, str]:
    """Bring the keys of one field into canonical form.

    Parameters
    ----------
    keys : mapping
        MARS keys, or aliases of them, and their values.
    language : Language, optional
        Keys and types of a root's own; MARS' alone by default.

    Returns
    -------
    dict
        Without what does not tell fields apart: keys that begin with ``_``, ``domain=g``, ``timespan=none``,
        ``stattype=none``.

    Raises
    ------
    UnknownKeyError
        If there is no such key; the hint names the nearest.
    InvalidValueError
        If a key cannot have its value.
    """
    found: dict[str, str] = {}
    for key, value in keys.items():
        if key.startswith("_"):
            continue
        name = canonical_key(key) if language is None else language.key(key)
        if name in found:
            raise RequestError(f"The key '{name}' is given twice (as '{key}' too).", hint="Give it once.")
        found[name] = canonical_value(name, value, language=language)
    return {key: value for key, value in found.items() if (key, value) not in WITHOUT_MEANING}


def canonical_decimal(key: str, text: str) -> str:
    """Write a number in plain digits: ``500`` for ``500.0``, ``0.5`` for ``.50``."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise InvalidValueError(
            f"Invalid value '{text}' of key '{key}'.", hint=_number_hint(text, "a number such as '500'")
        )
    plain = f"{number.normalize():f}"
    return "0" if plain == "-0" else plain


def _text(key: str, value: object) -> str:
    """Write a value of any type as text."""
    if type(value).__name__ in ("datetime64", "timedelta64"):
        value = value.astype(f"{type(value).__name__}[s]").item()  # type: ignore[attr-defined]
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, date):
        return date_text(key, value)
    if isinstance(value, time):
        return value.strftime("%H%M")
    if isinstance(value, timedelta):
        return format_step(round(value.total_seconds()))
    if value is None or isinstance(value, (bool, Mapping)):
        raise InvalidValueError(
            f"Invalid value {value!r} of key '{key}'.", hint="Give text or a number, or leave it out."
        )
    return str(value)


def _canonical(key: str) -> Callable[[str, str], str]:
    if key in TIME_KEYS:
        return canonical_time
    if key in INTEGER_KEYS:
        return _canonical_integer
    if key in DECIMAL_KEYS:
        return canonical_decimal
    return _FORMS.get(key, _canonical_word)


def _canonical_step(_key: str, text: str) -> str:
    step = parse_step(text)
    return format_step(step.end_s, step.start_s)


def _canonical_integer(key: str, text: str) -> str:
    try:
        number = Decimal(text)
        if number == int(number) and abs(number) < 10**18:
            return str(int(number))
    except (ArithmeticError, ValueError):
        pass
    raise InvalidValueError(
        f"Invalid value '{text}' of key '{key}'.", hint=_number_hint(text, "a whole number such as '1'", whole=True)
    )


def _canonical_month(key: str, text: str) -> str:
    number = month_number(text)
    if number is None:
        raise InvalidValueError(
            f"Invalid value '{text}' of key '{key}'.", hint=f"A month is 1 to 12, or {'/'.join(MONTHS)}."
        )
    return str(number)


def _canonical_expver(_key: str, text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,12}", text):
        raise InvalidValueError(
            f"Invalid value '{text}' of key 'expver'.", hint="It is four letters or digits, as '0001'."
        )
    return text.lower().zfill(4) if text.isdecimal() else text.lower()


def _canonical_param(_key: str, text: str) -> str:
    return canonical_param(text)


def _canonical_grid(key: str, text: str) -> str:
    if match := re.fullmatch(_GRID_PAIR, text):
        return "x".join(canonical_decimal(key, part) for part in match.groups())
    if match := re.fullmatch(_GRID_NAME, text):
        return f"{match[1].upper()}{int(match[2])}{(match[3] or '').lower().replace('_', '-').replace('-ring', '')}"
    if re.fullmatch(r"\d*\.?\d+", text):
        number = canonical_decimal(key, text)
        if float(number) >= 32:  # MARS takes it for a Gaussian number, others for degrees
            raise InvalidValueError(f"Invalid value '{text}' of key 'grid'.", hint=f"Did you mean 'F{number}'?")
        return f"{number}x{number}"
    if text.lower() == "opaque":
        return "opaque"  # bytes that have no grid
    if match := re.fullmatch(_GRID_UID, text):
        return text.lower()
    raise InvalidValueError(
        f"Invalid value '{text}' of key 'grid'.", hint="A grid is such as 'O320', 'N320', '0.25x0.25'."
    )


def _canonical_timespan(key: str, text: str) -> str:
    word = canonical_word(key, text)
    if word in ("fs", "none"):
        return word
    if match := re.fullmatch(CALENDAR_SPAN, word):
        count = match[1].lstrip("0")
        return match[2] if count in ("", "1") else f"{count}{match[2]}s"
    if not re.fullmatch(_TIMESPAN, word):
        raise InvalidValueError(
            f"Invalid value '{text}' of key '{key}'.", hint="It is such as '6h', '30m', 'month', 'fs' or 'none'."
        )
    span = format_step(parse_step(word).end_s)
    return f"{span}h" if span.isdecimal() else span


def _canonical_quantile(key: str, text: str) -> str:
    match = re.fullmatch(_QUANTILE, text)
    if match is None or int(match[1]) > int(match[2]):
        raise InvalidValueError(
            f"Invalid value '{text}' of key '{key}'.", hint="A quantile is such as '1:5', first of five."
        )
    return f"{int(match[1])}:{int(match[2])}"


def _canonical_word(key: str, text: str) -> str:
    if not re.fullmatch(_WORD, text) and text.lower() not in spellings(key):
        raise InvalidValueError(
            f"Invalid value '{text}' of key '{key}'.", hint="It holds a character with a meaning in MARS."
        )
    return canonical_word(key, text)


def _number_hint(text: str, form: str, *, whole: bool = False) -> str:
    found = re.search(r"-?\d+" if whole else r"-?\d+(?:\.\d+)?", text.replace("O", "0").replace("o", "0"))
    return f"It is {form}." if found is None else f"Did you mean '{found[0]}'?"


_FORMS: dict[str, Callable[[str, str], str]] = {
    "step": _canonical_step,
    "param": _canonical_param,
    "expver": _canonical_expver,
    "month": _canonical_month,
    "grid": _canonical_grid,
    "timespan": _canonical_timespan,
    "quantile": _canonical_quantile,
}
