"""Keys of the events of commits: those of MARS requests, and of the root's own language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import ConfigDict

from dtedask.core.errors import RequestError
from dtedask.notify.event_types.keys import OPERATORS, Key, ValueProblem, is_list, listed, plain_text, single_operator
from dtedask.notify.event_types.mars_words import checked_words
from dtedask.notify.filters.conditions import Comparison, Condition, Kind, OneOfFields, Order, convert
from dtedask.request import Language, Request, canonical_value, own_type

__all__ = ["MarsKey"]

_KINDS: Mapping[str, Kind] = {
    "integer": "integer",
    "double": "float",
    "step": "step",
    "date": "text",
    "time": "text",
    "year": "integer",
    "month": "integer",
    "year-month": "text",
}
_HANDLERS = {"date": "DateHandler", "time": "TimeHandler", "expver": "ExpverHandler"}
_LISTED = 100


class MarsKey(Key):
    """A key of MARS: filters take what a request would, lists, ranges and short names included."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    handler: ClassVar[str] = "StringHandler"

    type: Literal["mars"] = "mars"
    name: str
    """The key."""
    language: Language | None = None
    """Keys and types of the root that are not as in MARS."""
    values: tuple[str, ...] = ()
    """Values of the fields that are there."""

    def canonical(self, value: Any) -> str:
        """Write one value as MARS does."""
        try:
            return canonical_value(self.name, plain_text(value), language=self.language)
        except RequestError as error:
            raise ValueProblem(error.message.rstrip("."), error.hint) from error

    def condition(self, name: str, wanted: Any) -> Condition:
        """Read what a filter asks of the key: values and ranges as in a request, or one operator."""
        if not isinstance(wanted, Mapping):
            return self._one_of(wanted)
        chosen, operand = single_operator(wanted, OPERATORS)
        if chosen in ("eq", "in"):
            return self._one_of([operand] if chosen == "eq" else listed(operand))
        if self._kind is None:
            raise ValueProblem(f"the values of this key have no order that {chosen!r} could mean", "Use 'eq' or 'in'.")
        if chosen == "between":
            return Comparison(name, "between", self._ends_by(self._kind, operand), self._kind, is_list=True)
        order: Order = chosen  # type: ignore[assignment]
        return Comparison(name, order, self._end(self._kind, operand), self._kind, is_list=True)

    def described(self) -> dict[str, Any]:
        """The key as aviso-server's schema gives it, with the values that are there."""
        found: dict[str, Any] = {"type": self._handler, "required": False}
        if self._handler == "DateHandler":
            found["canonical_format"] = "%Y%m%d"
        if self._handler == "IntHandler":
            numbers = [int(value) for value in self.values]
            found["range"] = None
            found["present"] = [min(numbers), max(numbers)]
        elif 0 < len(self.values) <= _LISTED:
            found["present"] = list(self.values)
        elif self.values:
            found["present"] = [self.values[0], self.values[-1]]
        return found

    @property
    def _type(self) -> str:
        if self.language is not None and self.name in self.language:
            return self.language.types_of(self.name)[0]
        return own_type(self.name)

    @property
    def _kind(self) -> Kind | None:
        return _KINDS.get(self._type)

    @property
    def _handler(self) -> str:
        numbers = self.values and all(value.isdecimal() for value in self.values)
        if numbers and self._kind in ("integer", "step", "float"):
            return "IntHandler"
        return _HANDLERS.get(self._type, self.handler)

    def _one_of(self, wanted: Any) -> OneOfFields:
        texts = [self._word(value) for value in (listed(wanted) if is_list(wanted) else [wanted])]
        words = checked_words(self.name, self._type, texts)
        try:
            return OneOfFields.of(self.name, Request.parse({self.name: words}, language=self.language))
        except RequestError as error:
            raise ValueProblem(error.message.rstrip("."), error.hint) from error

    def _word(self, value: Any) -> str:
        if value is None or isinstance(value, Mapping) or is_list(value):
            raise ValueProblem("one value or a list of values is needed here")
        return plain_text(value)

    def _end(self, kind: Kind, operand: Any) -> str:
        text = self.canonical(operand)
        try:
            convert(kind, text)
        except ValueError as error:
            raise ValueProblem("nothing is larger or smaller than that") from error
        if text == "all":
            raise ValueProblem("nothing is larger or smaller than 'all'")
        return text

    def _ends_by(self, kind: Kind, operand: Any) -> tuple[str, str]:
        ends = listed(operand)
        if len(ends) != 2:
            raise ValueProblem("'between' takes two values, [first, last]")
        first, last = (self._end(kind, end) for end in ends)
        if convert(kind, first) > convert(kind, last):
            raise ValueProblem("'between' takes the smaller value first", f"Did you mean [{last}, {first}]?")
        return first, last
