"""The request of a requirement: values by MARS key, each key checked by itself, equal ones once."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from dtedask.core.errors import InvalidValueError, ProductError, RequestError
from dtedask.products.requirements.parts import WrongPartError, digest
from dtedask.products.requirements.splitting import DERIVED_KEYS, Finding
from dtedask.request.grammar import words_of
from dtedask.request.ranges import RangeWarning
from dtedask.request.request import Request
from dtedask.request.vocabulary import key_order

__all__ = ["Selecting"]

_Values = tuple[tuple[str, ...], tuple[str, ...]]
"""Canonical values, and warnings of them."""
_LARGEST_PARTS = 1000  # of a quantile


class Selecting:
    """Makes the values of requests canonical."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Values | RequestError] = {}
        self._places = {key: place for place, key in enumerate([*key_order(), *DERIVED_KEYS])}

    def request(self, given: Mapping[str, Any]) -> tuple[Mapping[str, tuple[str, ...]], str, tuple[Finding, ...]]:
        """Canonical values by key in MARS' order, the digest of them, and what one should know of them.

        Parameters
        ----------
        given : mapping
            Values as they are written, by canonical key.

        Raises
        ------
        WrongPartError
            For each key that cannot have its value.
        """
        found: dict[str, tuple[str, ...]] = {}
        wrong: list[Finding] = []
        notes: list[Finding] = []
        for key in sorted(given, key=self._places.__getitem__):
            values = self._values(key, given[key])
            if isinstance(values, RequestError):
                wrong.append(Finding((key,), values.message, values.hint))
                continue
            notes += [Finding((key,), text) for text in values[1]]
            if values[0]:
                found[key] = values[0]
        if not found and not wrong:
            wrong.append(Finding((), "it names no fields.", "Give at least 'param', in 'request' or beside it."))
        if wrong:
            raise WrongPartError(*wrong)
        _check_derived(found)
        return found, digest(repr(found)), tuple(notes)

    def _values(self, key: str, value: Any) -> _Values | RequestError:
        place = (key, repr(value))
        if place not in self._known:
            try:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always", RangeWarning)
                    self._known[place] = _canonical(key, value), tuple(str(one.message) for one in caught)
            except RequestError as error:
                self._known[place] = error
        return self._known[place]


def _check_derived(request: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse limits of probabilities and quantiles that mean nothing."""
    said = [key for key in (*DERIVED_KEYS, "quantile") if key in request]
    if not said:
        return
    from dtedask.products.derived import find  # pint takes its time, and most requirements need none

    shared = {key: values[0] for key, values in request.items() if key not in said}
    for key in said:
        for value in request[key]:
            try:
                find({"param": "1", **shared, **{one: request[one][0] for one in said}, key: value})
            except ProductError as error:
                raise WrongPartError(Finding((key,), error.message, error.hint)) from error


def _canonical(key: str, value: Any) -> tuple[str, ...]:
    if key in DERIVED_KEYS:
        return tuple(dict.fromkeys(_threshold(key, one) for one in (value if isinstance(value, list) else [value])))
    if key == "quantile":
        value = [_quantile(word) for word in words_of(value)]
    try:
        return Request({key: value}).get(key, ())
    except InvalidValueError:
        if key != "param":
            raise
        return tuple(dict.fromkeys(one for word in words_of(value) for one in _parameters(word)))


def _parameters(word: object) -> tuple[str, ...]:
    """A parameter that MARS knows, or one that is made by a recipe."""
    try:
        return Request({"param": word})["param"]
    except InvalidValueError:
        from dtedask.products.derived import find  # pint takes its time, and most requirements need none

        name = str(word).lower()
        if find({"param": name}) is None:
            raise
        return (name,)


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
