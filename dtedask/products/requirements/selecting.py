"""The request of a requirement: values by MARS key, each key checked by itself, equal ones once."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from dtedask.core.errors import InvalidValueError, RequestError
from dtedask.products.requirements.splitting import DERIVED_KEYS, Finding
from dtedask.request.grammar import words_of
from dtedask.request.request import Request
from dtedask.request.vocabulary import key_order

__all__ = ["Selecting"]

_LARGEST_PARTS = 1000  # of a quantile


class Selecting:
    """Makes the values of requests canonical."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[str, ...] | RequestError] = {}
        self._places = {key: place for place, key in enumerate([*key_order(), *DERIVED_KEYS])}

    def request(self, given: Mapping[str, Any]) -> tuple[dict[str, tuple[str, ...]], list[Finding]]:
        """Canonical values by key in MARS' order, and what is wrong, by key.

        Parameters
        ----------
        given : mapping
            Values as they are written, by canonical key; None takes a key away.
        """
        found: dict[str, tuple[str, ...]] = {}
        wrong: list[Finding] = []
        for key in sorted(given, key=self._places.__getitem__):
            values = self._values(key, given[key])
            if isinstance(values, RequestError):
                wrong.append(Finding((key,), values.message, values.hint))
            elif values:
                found[key] = values
        if not found and not wrong:
            wrong.append(Finding((), "it names no fields.", "Give at least 'param', in 'request' or beside it."))
        return found, wrong

    def _values(self, key: str, value: Any) -> tuple[str, ...] | RequestError:
        if value is None:
            return ()
        place = (key, repr(value))
        if place not in self._known:
            try:
                self._known[place] = _canonical(key, value)
            except RequestError as error:
                self._known[place] = error
        return self._known[place]


def _canonical(key: str, value: Any) -> tuple[str, ...]:
    if key in DERIVED_KEYS:
        return tuple(dict.fromkeys(_threshold(key, one) for one in (value if isinstance(value, list) else [value])))
    if key == "quantile":
        value = [_quantile(word) for word in words_of(value)]
    return Request({key: value}).get(key, ())


def _threshold(key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        raise InvalidValueError(f"Invalid value {value!r} of key '{key}'.", hint="Give a value with its unit: '20 mm'.")
    return " ".join(str(value).strip("\"'").split())


def _quantile(word: object) -> object:
    """A quantile as MARS has it: 0.9 is ``90:100``."""
    try:
        share = Fraction(str(word))
    except (ValueError, ZeroDivisionError):
        return word
    if not 0 <= share <= 1 or (share.denominator == 1 and "." not in str(word)):
        return word
    parts = next((parts for parts in (100, _LARGEST_PARTS) if (share * parts).denominator == 1), share.denominator)
    return f"{share * parts}:{parts}"
