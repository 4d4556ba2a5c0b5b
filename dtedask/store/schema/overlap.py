"""Rules that take the same fields: those that can never be reached, and those of which the first wins.

A rule takes a product of sets, one for each key: the values that are allowed, and whether the key may be missing. What
the rules before it leave of that product is computed exactly, set by set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dtedask.store.schema.rules import KeyRule, Rule, meant

_MOST_PARTS = 5_000  # beyond them a rule counts as reachable: no schema of people comes near
_ANY_TYPE = frozenset({"string", "lowercase", "first3"})


class SchemaWarning(UserWarning):
    """Rules of a schema that take the same fields."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a rule takes of one key.

    Parameters
    ----------
    values : frozenset of str
        The values, or those that are left out where `is_rest`.
    is_rest : bool
        Whether all values but `values` are taken.
    with_none : bool
        Whether a field without the key is taken.
    type : str
        Type of the key; values of two types are not compared.
    is_hidden : bool
        Whether everything is taken, whatever its type.
    """

    values: frozenset[str] = frozenset()
    is_rest: bool = False
    with_none: bool = True
    type: str = ""
    is_hidden: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is taken."""
        return not self.with_none and not self.is_rest and not self.values

    def both(self, other: Taken) -> Taken:
        """What both take."""
        with_none = self.with_none and other.with_none
        if self.is_rest and other.is_rest:
            return Taken(self.values | other.values, True, with_none, self.type)
        if self.is_rest or other.is_rest:
            some, rest = (other, self) if self.is_rest else (self, other)
            return Taken(some.values - rest.values, False, with_none, self.type)
        return Taken(self.values & other.values, False, with_none, self.type)

    def without(self, other: Taken) -> Taken:
        """What this takes and the other does not."""
        with_none = self.with_none and not other.with_none
        if self.is_rest and other.is_rest:
            return Taken(other.values - self.values, False, with_none, self.type)
        if self.is_rest:
            return Taken(self.values | other.values, True, with_none, self.type)
        values = self.values & other.values if other.is_rest else self.values - other.values
        return Taken(values, False, with_none, self.type)


_MISSING = Taken()
Part = dict[str, Taken]


def unreachable(rules: Sequence[Rule], types: Sequence[dict[str, str]]) -> Iterator[tuple[int, list[int]]]:
    """Rules that never take a field, each with the earlier rules that take all of its fields.

    Parameters
    ----------
    rules : sequence of Rule
        In their order.
    types : sequence of dict
        Types of the keys of each.

    Yields
    ------
    tuple of (int, list of int)
        Places of the rule and of the earlier ones, from 0.
    """
    parts = [_part(rule, names) for rule, names in zip(rules, types, strict=True)]
    for place, part in enumerate(parts):
        left, used = [part], []
        for before, other in enumerate(parts[:place]):
            remaining = [piece for one in left for piece in _minus(one, other)]
            if remaining != left:
                used.append(before)
            left = remaining
            if not left:
                yield place, used
                break
            if len(left) > _MOST_PARTS:
                break


def overlapping(rules: Sequence[Rule], types: Sequence[dict[str, str]]) -> Iterator[tuple[int, int]]:
    """Pairs of rules that take some of the same fields, as places from 0."""
    parts = [_part(rule, names) for rule, names in zip(rules, types, strict=True)]
    for place, part in enumerate(parts):
        for before, other in enumerate(parts[:place]):
            if _meet(part, other):
                yield before, place


def _part(rule: Rule, types: dict[str, str]) -> Part:
    return {key: _taken(key, key_rule, types.get(key, "")) for key, key_rule in rule.keys.items()}


def _taken(key: str, rule: KeyRule, type_name: str) -> Taken:
    if rule.hidden:
        return Taken(is_rest=True, type=type_name, is_hidden=True)
    if rule.allow:
        return Taken(meant(key, rule.allow), False, rule.may_lack, type_name)
    return Taken(meant(key, rule.exclude), True, rule.may_lack, type_name)


def _keys(one: Part, other: Part) -> Iterable[str]:
    return dict.fromkeys((*one, *other))


def _meet(one: Part, other: Part) -> bool:
    for key in _keys(one, other):
        left, right = one.get(key, _MISSING), other.get(key, _MISSING)
        if _are_comparable(left, right):
            if left.both(right).is_empty:
                return False
        elif not (left.with_none and right.with_none) and not _may_share(left, right):
            return False
    return True


def _are_comparable(left: Taken, right: Taken) -> bool:
    """Whether the values of both are of one type; nothing but "missing" is of every type."""
    return left.type == right.type or not (left.values or left.is_rest) or not (right.values or right.is_rest)


def _may_share(left: Taken, right: Taken) -> bool:
    return not left.is_empty and not right.is_empty


def _minus(one: Part, other: Part) -> list[Part]:
    """Parts of a product that another product does not take; none of them overlap."""
    if not _meet(one, other):
        return [one]
    pieces: list[Part] = []
    inner = dict(one)
    for key in _keys(one, other):
        left, right = inner.get(key, _MISSING), other.get(key, _MISSING)
        if not _covers_type(left, right):
            return [one]
        outside = left.without(right)
        if not outside.is_empty:
            pieces.append({**inner, key: outside})
        inner[key] = left.both(right)
    return pieces


def _covers_type(left: Taken, right: Taken) -> bool:
    takes_words = right.type in _ANY_TYPE and right.is_rest and not right.values
    return _are_comparable(left, right) or right.is_hidden or takes_words
