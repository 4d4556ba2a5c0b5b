"""Fitting a field into the rules of a schema: the first rule that takes it says what its keys are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from dtedask.core.errors import InvalidValueError, NoRuleError
from dtedask.request import Language, canonical_text, canonical_value
from dtedask.request.values import WITHOUT_MEANING
from dtedask.store.schema.rules import meant

if TYPE_CHECKING:
    from dtedask.store.schema.rules import KeyRule, Rule

_IMPLIED = MappingProxyType(dict(WITHOUT_MEANING))  # values of keys that a field without them has all the same
_SHOWN = 5
_KEPT = 100_000  # values of a key whose form a rule remembers


@dataclass(frozen=True, slots=True)
class Fitted:
    """A field as the schema takes it.

    Parameters
    ----------
    keys : dict
        Its keys in canonical form: with defaults, without hidden keys.
    types : mapping of str to str
        Types of keys that are not as in MARS.
    rule : int
        Number of the rule, from 1; 0 in a schema without rules.
    """

    keys: Mapping[str, str]
    types: Mapping[str, str] = field(default_factory=dict)
    rule: int = 0


class KeyMatcher:
    """What a rule does with one key of a field.

    Parameters
    ----------
    key : str
        Name of the key.
    rule : KeyRule
        What the schema says of it.
    type_name : str
        Type of its values; empty where it is as in MARS.
    is_varied : bool
        Whether the key has other types elsewhere, so that a value in canonical form may be none of this type.
    """

    __slots__ = ("_allow", "_exclude", "_is_varied", "fallback", "is_hidden", "key", "may_lack", "seen", "type")

    def __init__(self, key: str, rule: KeyRule, type_name: str, is_varied: bool) -> None:
        self.key = key
        self.type = type_name
        self.is_hidden = rule.hidden
        self.may_lack = rule.may_lack
        self.fallback = rule.default or (None if rule.optional else _IMPLIED.get(key))
        self.seen: dict[str, str | None] = {}
        self._is_varied = is_varied
        self._allow, self._exclude = meant(key, rule.allow), meant(key, rule.exclude)

    def canonical(self, text: str) -> str | None:
        """Canonical form of a value by the type that the key has here; None where the rule does not take it."""
        try:
            found: str | None = self.checked(text)
        except InvalidValueError:
            found = None
        if len(self.seen) < _KEPT:
            self.seen[text] = found
        return found

    def checked(self, text: str) -> str:
        """Canonical form of a value by the type that the key has here.

        Raises
        ------
        InvalidValueError
            If the type has no such value, or the rule does not allow it.
        """
        value = text
        if self.type:
            value = canonical_text(self.type, self.key, text)
        elif self._is_varied:
            value = canonical_value(self.key, text)
        if self._allow and value not in self._allow:
            allowed = sorted(self._allow)
            shown = "/".join(allowed[:_SHOWN]) + ("/..." if len(allowed) > _SHOWN else "")
            raise InvalidValueError(f"{self.key}={value} is not {shown}")
        if value in self._exclude:
            raise InvalidValueError(f"{self.key}={value} is excluded")
        return value


@dataclass(frozen=True)
class RuleMatcher:
    """A rule that is ready to fit fields.

    Parameters
    ----------
    number : int
        From 1.
    label : str
        What to call it.
    matchers : dict
        What it does with each key.
    """

    number: int
    label: str
    matchers: Mapping[str, KeyMatcher]
    types: Mapping[str, str]

    @classmethod
    def of(cls, number: int, rule: Rule, types: Mapping[str, str], varied: frozenset[str]) -> RuleMatcher:
        """Make a rule ready.

        Parameters
        ----------
        number : int
            From 1.
        rule : Rule
            The rule.
        types : mapping of str to str
            Type of each of its keys; empty where it is as in MARS.
        varied : frozenset of str
            Keys that are not as in MARS under some rule.
        """
        matchers = {key: KeyMatcher(key, found, types[key], key in varied) for key, found in rule.keys.items()}
        return cls(number, rule.label(number), matchers, {key: name for key, name in types.items() if name})

    def fit(self, keys: Mapping[str, str]) -> dict[str, str] | None:
        """Keys of a field as the rule has them; None where it does not take the field."""
        if not keys.keys() <= self.matchers.keys():
            return None
        found: dict[str, str] = {}
        for key, matcher in self.matchers.items():
            text = keys.get(key, matcher.fallback)
            if matcher.is_hidden:
                continue
            if text is None:
                if not matcher.may_lack:
                    return None
                continue
            value = matcher.seen.get(text) or matcher.canonical(text)
            if value is None:
                return None
            found[key] = value
        return found

    def failures(self, keys: Mapping[str, str]) -> list[str]:
        """Say which keys keep the rule from taking a field."""
        found = []
        for key, matcher in self.matchers.items():
            text = keys.get(key, matcher.fallback)
            if matcher.is_hidden or (text is None and matcher.may_lack):
                continue
            if text is None:
                found.append(f"it lacks {key}")
                continue
            try:
                matcher.checked(text)
            except InvalidValueError as error:
                found.append(error.message.rstrip("."))
        return [*found, *(f"it has {key}={keys[key]} in addition" for key in keys if key not in self.matchers)]


def fit(rules: tuple[RuleMatcher, ...], keys: Mapping[str, str], grid: str) -> Fitted:
    """Fit a field into the first rule that takes it.

    Parameters
    ----------
    rules : tuple of RuleMatcher
        At least one.
    keys : mapping
        Canonical keys of the field.
    grid : str
        Label of its grid, for rules that name `grid`; empty where it has none.

    Raises
    ------
    NoRuleError
        If no rule takes it; it says for each rule which keys failed, the nearest first.
    """
    on_grid = {**keys, "grid": grid} if grid else keys
    for rule in rules:
        found = rule.fit(on_grid if "grid" in rule.matchers else keys)
        if found is not None:
            found.pop("grid", None)
            for key, value in _IMPLIED.items():
                if found.get(key) == value:
                    del found[key]
            return Fitted(found, rule.types, rule.number)
    raise _no_rule(rules, keys, on_grid)


def fit_types(language: Language, keys: Mapping[str, str]) -> Fitted:
    """Give the keys of a field the types of a schema without rules."""
    types = {key: names[0] for key, names in language.types if key in keys}
    return Fitted({**keys, **{key: canonical_text(name, key, keys[key]) for key, name in types.items()}}, types)


def _no_rule(rules: tuple[RuleMatcher, ...], keys: Mapping[str, str], on_grid: Mapping[str, str]) -> NoRuleError:
    failed = [(rule.failures(on_grid if "grid" in rule.matchers else keys), rule) for rule in rules]
    failed.sort(key=lambda one: (len(one[0]), one[1].number))
    told = [f"{rule.label}: {', '.join(reasons)}" for reasons, rule in failed[:_SHOWN]]
    more = [f"and {len(failed) - _SHOWN} more"] if len(failed) > _SHOWN else []
    field_text = ",".join(f"{key}={value}" for key, value in keys.items())
    return NoRuleError(
        f"No rule of the schema takes the field {field_text}; {'; '.join([*told, *more])}.",
        hint="Correct its keys, or add a rule: `dtedask store schema update`.",
    )
