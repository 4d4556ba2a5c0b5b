"""Keys of identifiers: what their values may be, the one canonical form of each, and what may be asked of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from dtedask.core.nearest import did_you_mean
from dtedask.notify.filters.conditions import Comparison, Condition, Kind, OneOf, Order, convert

__all__ = ["OPERATORS", "Key", "ValueProblem", "plain_text"]

Operator = Literal["eq", "in", "gt", "gte", "lt", "lte", "between"]
OPERATORS: tuple[str, ...] = get_args(Operator)
_EQUALITY = ("eq", "in")
_LARGEST = 10**400  # beyond it Python does not write integers as text


class ValueProblem(ValueError):  # noqa: N818 - who knows the key makes an error of it
    """Why a key cannot have a value; the sentence that follows the value.

    Parameters
    ----------
    reason : str
        Such as ``"it must be an integer"``.
    hint : str
        What was probably meant; may be empty.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


class Key(BaseModel):
    """A key of the identifiers of an event type."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
    handler: ClassVar[str]
    """What aviso-server calls it."""
    kind: ClassVar[Kind] = "text"
    operators: ClassVar[tuple[str, ...]] = _EQUALITY
    is_geometry: ClassVar[bool] = False

    type: str
    """Type of its values, or the name of aviso-server's handler of them."""
    required: bool = False
    """Whether notifications, and requests to watch or replay, must name it."""
    description: str = ""
    """What it is, for people."""
    default: str | int | float | None = None
    """Value in notifications that leave it out."""

    @model_validator(mode="after")
    def _default_is_a_value(self) -> Key:
        if self.default is not None:
            try:
                self.canonical(self.default)
            except ValueProblem as problem:
                raise ValueError(f"the default cannot be {self.default!r}: {problem}.") from problem
        return self

    def canonical(self, value: Any) -> Any:
        """Write a value in canonical form.

        Raises
        ------
        ValueProblem
            If the key cannot have it.
        """
        raise NotImplementedError

    def initial(self) -> Any:
        """Canonical value of notifications that leave the key out; None where there is none."""
        return None if self.default is None else self.canonical(self.default)

    def condition(self, name: str, wanted: Any) -> Condition:
        """Read what a filter asks of the key.

        Parameters
        ----------
        name : str
            Name of the key.
        wanted : object
            A value, a list of values, or a mapping of exactly one operator to its operand.

        Raises
        ------
        ValueProblem
            If it may not be asked.
        """
        if not isinstance(wanted, Mapping):
            return OneOf(name, frozenset(map(self.canonical, values_of(wanted))))
        chosen, operand = single_operator(wanted, self.operators)
        if chosen == "eq":
            return OneOf(name, frozenset((self.canonical(operand),)))
        if chosen == "in":
            return OneOf(name, frozenset(map(self.canonical, listed(operand))))
        return self.comparison(name, chosen, operand)

    def comparison(self, name: str, chosen: Any, operand: Any) -> Condition:
        """Read a comparison; as `condition`."""
        if chosen == "between":
            return Comparison(name, "between", self._ends(operand), self.kind)
        order: Order = chosen
        return Comparison(name, order, self.canonical(operand), self.kind)

    def described(self) -> dict[str, Any]:
        """The key as aviso-server's schema gives it."""
        options = {"default": self.default} if self.default is not None else {}
        told = {"description": self.description} if self.description else {}
        return {"type": self.handler, "required": self.required, **told, **options, **self._options()}

    def _options(self) -> dict[str, Any]:
        return {}

    def _ends(self, operand: Any) -> tuple[str, str]:
        values = listed(operand)
        if len(values) != 2:
            raise ValueProblem("'between' takes two values, [first, last]")
        first, last = map(self.canonical, values)
        if convert(self.kind, first) > convert(self.kind, last):
            raise ValueProblem("'between' takes the smaller value first", f"Did you mean [{last}, {first}]?")
        return first, last


def plain_text(value: Any) -> str:
    """Write a single value as text.

    Raises
    ------
    ValueProblem
        If it is empty, or no single value.
    """
    if isinstance(value, Mapping):
        raise ValueProblem(
            "one value is needed here, no mapping", f"Operators ({', '.join(OPERATORS)}) are for filters."
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if not -_LARGEST < value < _LARGEST or value in (math.inf, -math.inf):
            raise ValueProblem("it is too large, infinite or no number at all")
        return repr(value)
    if not isinstance(value, str):
        raise ValueProblem("one value is needed here", "Lists are for filters, each of their values once.")
    if not value:
        raise ValueProblem("it must not be empty")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueProblem("it holds half a character, a lone surrogate of UTF-16") from error
    return value


def values_of(wanted: Any) -> Sequence[Any]:
    """Values of a list, or the one value that stands there."""
    return listed(wanted) if is_list(wanted) else [wanted]


def is_list(value: Any) -> bool:
    """Whether something is a list of values."""
    return isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes)


def listed(operand: Any) -> Sequence[Any]:
    """Values of a list that must have some."""
    if not is_list(operand) or not operand:
        raise ValueProblem("a list with at least one value is needed here")
    return list(operand)


def single_operator(wanted: Mapping[Any, Any], legal: Sequence[str]) -> tuple[str, Any]:
    """Take the only operator of a mapping, with its operand."""
    if len(wanted) != 1:
        raise ValueProblem(
            f"exactly one operator is needed, and there are {len(wanted)}", f"Legal are {', '.join(legal)}."
        )
    name, operand = next(iter(wanted.items()))
    if name not in legal:
        raise ValueProblem(f"{name!r} is no operator of this type of key", did_you_mean(str(name), legal))
    return name, operand
