"""What must hold for the keys, types and values of a schema, and their canonical spelling."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from dtedask.core.errors import RequestError
from dtedask.core.nearest import did_you_mean
from dtedask.request import (
    are_compatible,
    canonical_key,
    canonical_text,
    canonical_value,
    is_reserved,
    own_type,
    types_for,
)
from dtedask.request.types import TypeName
from dtedask.store.schema.rules import KeyRule, Rule

_NAME = r"[a-z][a-z0-9_]{0,63}"
_TAKEN = frozenset(
    {"forecast_reference_time", "member", "level", "latitude", "longitude", "valid_time", "x", "y", "values", "bounds"}
    | {"step_bounds", "time_of_day", "dayofyear", "shortname", "to", "by", "all", "any", "optional", "hidden"}
)


class Mistake(ValueError):  # noqa: N818 - it is one of several, told together as one DocumentError
    """Something in a schema that cannot be.

    Parameters
    ----------
    message : str
        What is wrong.
    hint : str
        What to do.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def checked_key(written: str, type_name: TypeName) -> str:
    """Canonical name of a key that a schema gives a type.

    Raises
    ------
    Mistake
        If the name cannot be that of a key, or the key cannot have the type.
    """
    word = written.strip().lower()
    if is_reserved(word):
        return _checked_type(_mars_key(word), type_name)
    if not re.fullmatch(_NAME, word) or word in _TAKEN:
        raise Mistake(
            f"{written!r} cannot be the name of a key.",
            "Use letters, digits and '_', and none of the cube's own names.",
        )
    return word


def checked_name(name: str, keys: Mapping[str, TypeName]) -> str:
    """Canonical name of a key that MARS or the schema has.

    Raises
    ------
    Mistake
        If neither has it.
    """
    word = name.strip().lower()
    return word if word in keys else _mars_key(word, keys)


def canonical_name(written: str) -> str:
    """Name of a key, of MARS' where it is an alias of one; nothing is checked."""
    word = written.strip().lower()
    try:
        return canonical_key(word)
    except RequestError:
        return word


def checked_rule(rule: Rule, keys: Mapping[str, TypeName]) -> tuple[Rule, list[tuple[str, Mistake]]]:
    """Spell a rule canonically; and what is wrong with it, by the key as it is written."""
    found: dict[str, KeyRule] = {}
    mistakes: list[tuple[str, Mistake]] = []
    for written, key_rule in rule.keys.items():
        try:
            key = checked_name(written, keys)
            if key in found:
                raise Mistake(f"the key '{key}' is there twice (as {written!r} too).", "Keep one of them.")
            found[key] = _checked_key_rule(key, key_rule, keys)
        except Mistake as mistake:
            mistakes.append((written, mistake))
    return Rule(name=rule.name, keys=found) if not mistakes else rule, mistakes


def mixed_types(rules: Sequence[Rule], keys: Mapping[str, TypeName]) -> Iterator[tuple[tuple[str, int], str, Mistake]]:
    """Keys to which rules give types that have no values in common: place of the rule, key, and what is wrong."""
    found: dict[str, dict[str, int]] = {}
    for number, rule in enumerate(rules):
        for key, key_rule in rule.keys.items():
            if not key_rule.hidden:
                found.setdefault(key, {}).setdefault(str(key_rule.type or keys.get(key) or own_type(key)), number)
    for key, types in found.items():
        if not are_compatible(types):
            *before, (name, number) = types.items()
            there = " and ".join(sorted(one for one, _ in before))
            hint = "Give it one type, or call it otherwise in one of them."
            yield ("rules", number), key, Mistake(f"the key '{key}' is {name} here and {there} before.", hint)


def _mars_key(word: str, keys: Mapping[str, TypeName] | None = None) -> str:
    try:
        return canonical_key(word)
    except RequestError as error:
        near = did_you_mean(word, keys or ())
        hint = near if near.startswith("Did") else error.hint
        if keys is not None:
            hint = f"{hint} A key of your own is declared under 'keys'."
        raise Mistake(error.message.replace("request key", "key"), hint) from error


def _checked_type(key: str, type_name: TypeName) -> str:
    if type_name not in types_for(key):
        raise Mistake(
            f"the key '{key}' cannot be of the type {type_name!r}: a cube holds it as {own_type(key)}.",
            f"It can be {', '.join(sorted(types_for(key)))}.",
        )
    return key


def _checked_key_rule(key: str, rule: KeyRule, keys: Mapping[str, TypeName]) -> KeyRule:
    if rule.type is not None and is_reserved(key):
        _checked_type(key, rule.type)
    type_name = rule.type or keys.get(key)
    allow = tuple(dict.fromkeys(_value(key, type_name, one) for one in rule.allow))
    exclude = tuple(dict.fromkeys(_value(key, type_name, one) for one in rule.exclude))
    default = None if rule.default is None else _value(key, type_name, rule.default)
    if default is not None and ((allow and default not in allow) or default in exclude):
        raise Mistake(f"the default {key}={default} is not allowed.", "Allow it, or take another one.")
    return rule.model_copy(update={"allow": allow, "exclude": exclude, "default": default})


def _value(key: str, type_name: TypeName | None, text: str) -> str:
    is_as_in_mars = is_reserved(key) and type_name in (None, own_type(key))
    try:
        value = canonical_value(key, text) if is_as_in_mars else canonical_text(str(type_name), key, text)
    except RequestError as error:
        raise Mistake(error.message, error.hint) from error
    if value == "all":
        raise Mistake(f"'all' is no value of {key}.", "Write 'any'.")
    return value
