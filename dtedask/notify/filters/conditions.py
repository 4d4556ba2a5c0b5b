"""What a filter asks of one key: to be one of some values, or to lie in a range."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, Literal

from dtedask.request import Request, parse_step

__all__ = ["Comparison", "Condition", "OneOf", "OneOfFields", "convert"]

Order = Literal["gt", "gte", "lt", "lte", "between"]
Kind = Literal["integer", "float", "text", "step"]

_REMEMBERED = 4096
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


@lru_cache(maxsize=_REMEMBERED)
def _end_of(step: str) -> int:
    return parse_step(step).end_s


_CONVERT: Mapping[str, Callable[[str], Any]] = {"integer": int, "float": float, "text": str, "step": _end_of}


def convert(kind: Kind, text: str) -> Any:
    """Turn a canonical text into what is compared; raises ValueError where it is none."""
    return _CONVERT[kind](text)


@dataclass(frozen=True, slots=True)
class Condition:
    """What is asked of one key of an identifier.

    Parameters
    ----------
    key : str
        The key; an identifier without it does not meet the condition.
    """

    is_slow: ClassVar[bool] = False
    key: str

    def test(self, identifier: Mapping[str, Any]) -> bool:
        """Whether an identifier in canonical form meets the condition."""
        raise NotImplementedError

    def document(self) -> Any:
        """The condition as a filter's document writes it, ready for JSON."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class OneOf(Condition):
    """The value is one of some.

    Parameters
    ----------
    values : frozenset of str
        In canonical form.
    """

    values: frozenset[str]

    def test(self, identifier: Mapping[str, Any]) -> bool:
        """Whether the value is one of them."""
        value = identifier.get(self.key)
        return value.__class__ is str and value in self.values

    def document(self) -> Any:
        """One value, or the list of them, sorted."""
        return _one_or_all(self.values)


@dataclass(frozen=True, slots=True)
class Comparison(Condition):
    """The value, or one of those that the fields of a commit have, lies in a range.

    Parameters
    ----------
    operator : {"gt", "gte", "lt", "lte", "between"}
        Which range; both ends of ``between`` are in it.
    operand : str or pair of str
        Its ends, in canonical form.
    kind : {"integer", "float", "text", "step"}
        What is compared.
    is_list : bool
        Whether identifiers may hold several values, joined by ``/``.
    """

    operator: Order
    operand: str | tuple[str, str]
    kind: Kind
    is_list: bool = False
    _limits: tuple[Any, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ends = self.operand if isinstance(self.operand, tuple) else (self.operand,)
        object.__setattr__(self, "_limits", tuple(convert(self.kind, end) for end in ends))

    def test(self, identifier: Mapping[str, Any]) -> bool:
        """Whether the value lies in the range."""
        value = identifier.get(self.key)
        if value.__class__ is not str:
            return False
        if self.is_list and "/" in value:
            return any(map(self._takes, value.split("/")))
        return self._takes(value)

    def _takes(self, value: str) -> bool:
        try:
            found = _CONVERT[self.kind](value)
        except ValueError:  # the type of the key was another one when it was sent
            return False
        if self.operator == "between":
            first, last = self._limits
            return bool(first <= found <= last)
        return _COMPARE[self.operator](found, self._limits[0])

    def document(self) -> Any:
        """Such as ``{"gte": "5"}``."""
        return {self.operator: list(self.operand) if isinstance(self.operand, tuple) else self.operand}


@dataclass(frozen=True, slots=True, eq=False)
class OneOfFields(Condition):
    """At least one field of a commit's event has one of some values of a MARS key.

    Parameters
    ----------
    request : Request
        The key with its values. Short names of parameters and months mean all that they mean in a request.
    """

    request: Request
    _known: dict[str, bool]

    @classmethod
    def of(cls, key: str, request: Request) -> OneOfFields:
        """Make the condition of one key of a request."""
        return cls(key, request, {})

    def test(self, identifier: Mapping[str, Any]) -> bool:
        """Whether one of the values is asked for."""
        value = identifier.get(self.key)
        if value.__class__ is not str:
            return value is None and self.request.matches(identifier)  # type=cf is member 0
        known = self._known.get(value)
        if known is None:
            known = bool(self.request.select(self.key, value.split("/")))
            if len(self._known) < _REMEMBERED:
                self._known[value] = known
        return known

    def document(self) -> Any:
        """One value, or the list of them."""
        return (
            _one_or_all(self.request[self.key]) if self.key in self.request else "all"
        )  # domain=g tells nothing apart

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OneOfFields):
            return NotImplemented
        return (self.key, self.request) == (other.key, other.request)

    def __hash__(self) -> int:
        return hash((self.key, self.request))


def _one_or_all(values: frozenset[str] | tuple[str, ...]) -> Any:
    listed = sorted(values)
    return listed[0] if len(listed) == 1 else listed
