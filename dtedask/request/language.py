"""The language of a root: the keys that it has beside MARS', and the types that its rules give to keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from dtedask.core.errors import InvalidValueError, UnknownKeyError
from dtedask.request.hints import nearest
from dtedask.request.types import TYPES, canonical_text
from dtedask.request.values import DATE_KEYS, DECIMAL_KEYS, INTEGER_KEYS, TIME_KEYS, own_value
from dtedask.request.vocabulary import canonical_key, key_order

# Keys of MARS that become numbers, times or names in a cube: the types that still can.
_ONLY = {
    "date": frozenset({"date", "year-month", "year", "month", "climate-daily", "climate-monthly"}),
    "step": frozenset({"step", "integer"}),
    "levelist": frozenset({"double", "integer"}),
    "year": frozenset({"integer", "year"}),
    "month": frozenset({"integer", "month"}),
}


@lru_cache(maxsize=256)
def own_type(key: str) -> str:
    """Type that a key has in MARS; ``string`` where its values are words."""
    if key in DATE_KEYS:
        return "date"
    if key in TIME_KEYS:
        return "time"
    if key in INTEGER_KEYS:
        return "integer"
    if key in DECIMAL_KEYS:
        return "double"
    return key if key in ("step", "param", "expver", "grid", "month") else "string"


def types_for(key: str) -> frozenset[str]:
    """Types that a schema may give to a key of MARS."""
    own = own_type(key)
    if key in _ONLY:
        return _ONLY[key]
    if own == "string" or (own == "date" and key != "hdate"):
        return frozenset(TYPES)
    return frozenset({own})


@dataclass(frozen=True, slots=True)
class Language:
    """Keys and types of a root beside those of MARS; immutable, hashable and picklable.

    Parameters
    ----------
    keys : tuple of str
        Keys that MARS does not have.
    types : tuple of (str, tuple of str)
        Types of the keys that are not as in MARS: all that any rule gives to the key. The empty text stands for the
        type that the key has in MARS.
    """

    keys: tuple[str, ...] = ()
    types: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, keys: Iterable[str], types: Mapping[str, Iterable[str]]) -> Language | None:
        """Make the language of some keys and types; None where that is MARS' own."""
        named = tuple(sorted(keys))
        found = {}
        for key, given in types.items():
            plain = "" if key not in named else None
            names = {plain if plain is not None and name in (own_type(key), "") else name for name in given}
            if names and names != {""}:
                found[key] = tuple(sorted((str(name) for name in names), key=lambda name: _rank(key, name)))
        return cls(named, tuple(sorted(found.items()))) if named or found else None

    def __contains__(self, key: str) -> bool:
        return any(key == name for name, _ in self.types)

    def types_of(self, key: str) -> tuple[str, ...]:
        """Types of a key, the one that keeps most of a value first; of a key of MARS without another one its own."""
        found = next((types for name, types in self.types if name == key), ("",))
        return tuple(name or own_type(key) for name in found)

    def key(self, name: str) -> str:
        """Find the key that a name or an alias stands for.

        Raises
        ------
        UnknownKeyError
            If neither MARS nor the root has such a key.
        """
        word = name.strip().lower()
        if word in self.keys:
            return word
        try:
            return canonical_key(name)
        except UnknownKeyError as error:
            found = nearest(word, [*self.keys, *key_order()])
            if found not in self.keys:
                raise
            raise UnknownKeyError(error.message, hint=f"Did you mean '{found}'?") from error

    def order(self, key: str) -> tuple[int, str]:
        """Place of a key in a printed request: those of MARS first, the others by name."""
        place = key_order().get(key)
        return (len(key_order()), key) if place is None else (place, "")

    def forms(self, key: str, text: str, *, today: date | None = None) -> tuple[str, ...]:
        """Canonical forms of a value, one for each type of the key that has such a value.

        Raises
        ------
        InvalidValueError
            If no type has; of a key with several types it names them.
        """
        if text.startswith("-") or text == "0":  # days from today, which is not the same day for long
            return _forms(self, key, text, today)
        return _kept_forms(self, key, text)


@lru_cache(maxsize=8192)
def _kept_forms(language: Language, key: str, text: str) -> tuple[str, ...]:
    return _forms(language, key, text, None)


def _forms(language: Language, key: str, text: str, today: date | None) -> tuple[str, ...]:
    types = next((types for name, types in language.types if name == key), ("",))
    found: list[str] = []
    failures: list[InvalidValueError] = []
    for name in types:
        try:
            form = canonical_text(name, key, text, today=today) if name else own_value(key, text, today=today)
            found.append(form)
        except InvalidValueError as error:
            failures.append(error)
    if found:
        return tuple(dict.fromkeys(found))
    if len(failures) == 1:
        raise failures[0]
    hints = list(dict.fromkeys(error.hint for error in failures))
    raise InvalidValueError(f"Invalid value '{text}' of key '{key}'.", hint=" ".join(hints))


def _rank(key: str, name: str) -> int:
    return TYPES.index(name or own_type(key))
