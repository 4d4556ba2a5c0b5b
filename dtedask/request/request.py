"""The request: which values of which MARS keys are asked for."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType

from dtedask.core.errors import RequestError
from dtedask.request import grammar
from dtedask.request.grammar import Pairs
from dtedask.request.language import Language
from dtedask.request.parameters import accepted_ids
from dtedask.request.ranges import DefaultRange, dropped, expand, warn_of_dropped
from dtedask.request.values import DATE_KEYS, NONE_KEYS, canonical_value
from dtedask.request.vocabulary import canonical_key, key_order

_ALL = ("all",)
_NO_ALIASES: Mapping[str, Collection[str]] = MappingProxyType({})


class Request(Mapping[str, tuple[str, ...]]):
    """A MARS request in canonical form: a mapping of keys to the values that are asked for.

    Immutable, hashable and picklable. Ranges are expanded, values are canonical, keys stand in MARS' order. Two
    requests are equal when they name the same values in the same order for the same keys, and the same verb.

    Parameters
    ----------
    values : mapping or list of pairs
        Keys, or aliases of keys, and their values: text in MARS' language, a number, a date, or a list of them.
    verb : str, optional
        What is to be done, such as ``retrieve``; empty for a plain selection.
    today : datetime.date, optional
        What relative dates such as ``-1`` are relative to; by default the day in UTC.
    language : Language, optional
        Keys and types of the root that is asked; MARS' alone by default.

    Examples
    --------
    >>> request = Request.parse("class=od,step=0/to/12/by/6,param=z")
    >>> request["step"]
    ('0', '6', '12')
    >>> str(request)
    'class=od,step=0/6/12,param=z'
    """

    __slots__ = ("_accepted", "_language", "_ranges", "_values", "_verb")

    def __init__(
        self,
        values: Mapping[str, object] | Pairs,
        *,
        verb: str = "",
        today: date | None = None,
        language: Language | None = None,
    ) -> None:
        pairs = list(values.items()) if isinstance(values, Mapping) else values
        self._language = language
        found, self._ranges = _expanded(pairs, today, language)
        if found.get("domain") == ("g",):
            del found["domain"]  # it tells no fields apart
        self._verb = grammar.check_verb(verb) if verb else ""
        order = key_order().__getitem__ if language is None else language.order
        self._values = {key: found[key] for key in sorted(found, key=order)}
        self._accepted = {
            key: _accepted(key, values, language) for key, values in self._values.items() if values != _ALL
        }

    @classmethod
    def parse(
        cls,
        source: str | Mapping[str, object] | os.PathLike[str],
        *,
        today: date | None = None,
        language: Language | None = None,
    ) -> Request:
        """Read a request.

        Parameters
        ----------
        source : str, mapping, path or Request
            ``"class=od,param=t"`` with or without a leading verb, the same as YAML, ``"@file"``, ``"-"`` for standard
            input, a mapping of keys to values or lists, or the path of a file.
        today : datetime.date, optional
            What relative dates are relative to; by default the day in UTC.
        language : Language, optional
            Keys and types of the root that is asked; a request that was read in another language is read anew.

        Raises
        ------
        RequestError
            If the text cannot be understood; `UnknownKeyError` and `InvalidValueError` name the nearest legal word.

        Warns
        -----
        RangeWarning
            If a range without ``by`` does not meet the end it names.
        """
        if isinstance(source, Request):
            return source.in_language(language)
        if isinstance(source, Mapping):
            return cls(source, today=today, language=language)
        if not isinstance(source, (str, os.PathLike)):
            raise RequestError(f"Cannot read a request from {type(source).__name__}.", hint="Give text or a mapping.")
        text = grammar.read_text(source) if isinstance(source, str) else grammar.read_file(source)
        verb, pairs = grammar.parse_text(text)
        return cls(pairs, verb=verb, today=today, language=language)

    def in_language(self, language: Language | None) -> Request:
        """Return the request as a root of another language understands it."""
        if language == self._language:
            return self
        found = Request({key: list(values) for key, values in self.items()}, verb=self._verb, language=language)
        found._ranges = self._ranges
        return found

    def without(self, *keys: str) -> Request:
        """Return the request without some of its keys."""
        found = object.__new__(Request)
        found._verb, found._language, found._ranges = self._verb, self._language, self._ranges
        found._values = {key: values for key, values in self._values.items() if key not in keys}
        found._accepted = {key: values for key, values in self._accepted.items() if key not in keys}
        return found

    @property
    def language(self) -> Language | None:
        """Keys and types of the root that is asked; None where they are those of MARS."""
        return self._language

    @property
    def verb(self) -> str:
        """The leading verb, empty if there is none."""
        return self._verb

    def __getitem__(self, key: str) -> tuple[str, ...]:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Request):
            return NotImplemented
        if self._verb != other._verb or self._language != other._language:
            return False
        return self._values == other._values

    def __hash__(self) -> int:
        return hash((self._verb, tuple(self._values.items())))

    def __str__(self) -> str:
        pairs = [f"{key}={'/'.join(map(grammar.quoted, values))}" for key, values in self._values.items()]
        return ",".join([self._verb, *pairs] if self._verb else pairs)

    def __repr__(self) -> str:
        text = str(self)
        return f"<Request {text if len(text) < 200 else text[:197] + '...'}>"

    def matches(self, keys: Mapping[str, str], *, aliases: Mapping[str, Collection[str]] = _NO_ALIASES) -> bool:
        """Whether a field is asked for.

        Parameters
        ----------
        keys : mapping
            The keys of the field in canonical form.
        aliases : mapping, optional
            Other canonical values that the field answers to, such as ``{"step": ("0-24",)}``.
        """
        return self.failing_key(keys, aliases=aliases) is None

    def failing_key(
        self, keys: Mapping[str, str], *, aliases: Mapping[str, Collection[str]] = _NO_ALIASES
    ) -> str | None:
        """Find the first key of the request whose values do not include the field's, or None.

        A key that the request does not name matches every field. A control forecast, ``type=cf`` without ``number``, is
        member 0.
        """
        for key, accepted in self._accepted.items():
            value = keys.get(key)
            if value is None:
                value = _implied(key, keys)
            if not _takes(key, accepted, value) and not any(_takes(key, accepted, v) for v in aliases.get(key, ())):
                return key
        return None

    def select(self, key: str, values: Iterable[str]) -> list[str]:
        """Those of the existing values of a key that the request takes, in the order they are given.

        Parameters
        ----------
        key : str
            A MARS key.
        values : iterable of str
            Canonical values that exist.
        """
        accepted = self._accepted.get(key)
        return [value for value in values if accepted is None or _takes(key, accepted, value)]

    def is_all(self, key: str) -> bool:
        """Whether every value of a key is asked for, because it is left out or ``all``."""
        return key not in self._accepted

    def named(self, key: str) -> tuple[str, ...]:
        """List the values that the request names for a key; none if it takes all."""
        return () if self.is_all(key) else self._values[key]

    @property
    def ranged(self) -> tuple[str, ...]:
        """Keys for which the request gives a range without ``by``."""
        return tuple(self._ranges)

    def missing(self, key: str, existing: Iterable[str]) -> list[str]:
        """List the values that the request names for a key and that none of the existing values satisfies.

        Parameters
        ----------
        key : str
            A MARS key.
        existing : iterable of str
            Canonical values that exist.
        """
        values = list(existing)
        accepted = {value: _accepted(key, (value,), self._language) for value in self.named(key)}
        return [value for value, all_of in accepted.items() if not any(_takes(key, all_of, one) for one in values)]

    def warn_dropped(self, key: str, existing: Iterable[str]) -> list[str]:
        """Warn of existing values that lie inside a range and that its default increment left out.

        Parameters
        ----------
        key : str
            A MARS key.
        existing : iterable of str
            Canonical values that exist.

        Returns
        -------
        list of str
            The values left out; none for a range with ``by``, which says what it leaves out.

        Warns
        -----
        RangeWarning
            If there are any.
        """
        existing = list(existing)
        found: list[str] = []
        for one in self._ranges.get(key, ()):
            if values := dropped(key, one, self._values[key], existing, language=self._language):
                warn_of_dropped(key, one, values)
                found.extend(values)
        return list(dict.fromkeys(found))


def _expanded(
    pairs: Pairs, today: date | None, language: Language | None
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[DefaultRange, ...]]]:
    """Canonical values by key, and the ranges without ``by`` that they came from."""
    found: dict[str, tuple[str, ...]] = {}
    ranges: dict[str, tuple[DefaultRange, ...]] = {}
    for written, value in pairs:
        key = canonical_key(str(written)) if language is None else language.key(str(written))
        if key in found:
            raise RequestError(f"The key '{key}' is given twice.", hint="Join the values by '/', as in 'param=t/u'.")
        words = _words(key, value, today, language)
        values, defaults = expand(key, words, today=today, language=language)
        found[key] = _ALL if "all" in values else tuple(values)
        if defaults:
            ranges[key] = tuple(defaults)
    return found, ranges


def _words(key: str, value: object, today: date | None, language: Language | None) -> list[str]:
    """Parts of a value as text; the numbers of ``grid=0.25/0.25`` are one part."""
    words = [
        word if isinstance(word, str) else canonical_value(key, word, today=today, language=language)
        for word in grammar.words_of(value)
    ]
    if not words:
        canonical_value(key, "", language=language)  # raises
    if key != "grid":
        return words
    return _join_grid(words)


def _join_grid(words: list[str]) -> list[str]:
    joined: list[str] = []
    pending = ""
    for word in words:
        if word.replace(".", "", 1).isdecimal():
            if pending:
                joined.append(f"{pending}x{word}")
            pending = "" if pending else word
        else:
            joined.append(word)
    return [*joined, pending] if pending else joined


def _accepted(key: str, values: tuple[str, ...], language: Language | None) -> frozenset[str]:
    if language is not None and key in language:
        return frozenset(form for value in values for form in language.forms(key, value))
    if key == "param":
        return frozenset(values).union(*(accepted_ids(value) for value in values if not value.isdecimal()))
    return frozenset(values)


def _implied(key: str, keys: Mapping[str, str]) -> str | None:
    if key == "number" and keys.get("type") == "cf":
        return "0"
    return "none" if key in NONE_KEYS else None


def _takes(key: str, accepted: frozenset[str], value: str | None) -> bool:
    if value is None:
        return False
    return value in accepted or (key in DATE_KEYS and value[:6] in accepted)
