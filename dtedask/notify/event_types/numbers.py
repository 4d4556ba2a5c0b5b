"""Keys whose values are numbers."""

from __future__ import annotations

import math
import re
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import field_validator

from dtedask.notify.event_types.keys import OPERATORS, Key, ValueProblem, plain_text
from dtedask.notify.filters.conditions import Kind

__all__ = ["FloatKey", "IntegerKey"]

_LARGEST = 2**63 - 1
Ends = TypeVar("Ends", tuple[int, int] | None, tuple[float, float] | None)


class IntegerKey(Key):
    """An integer of 64 bits."""

    handler: ClassVar[str] = "IntHandler"
    kind: ClassVar[Kind] = "integer"
    operators: ClassVar[tuple[str, ...]] = OPERATORS

    type: Literal["integer"] = "integer"
    range: tuple[int, int] | None = None
    """Smallest and largest value, both included."""

    @field_validator("range")
    @classmethod
    def _is_a_range(cls, ends: tuple[int, int] | None) -> tuple[int, int] | None:
        return _ordered(ends)

    def canonical(self, value: Any) -> str:
        """Write it without leading zeros and sign of plus."""
        text = plain_text(value).strip()
        if isinstance(value, bool) or not re.fullmatch(r"[+-]?[0-9]{1,40}", text):
            raise ValueProblem("it must be an integer")
        number = int(text)
        if not -_LARGEST - 1 <= number <= _LARGEST:
            raise ValueProblem("it does not fit into 64 bits")
        if self.range is not None and not self.range[0] <= number <= self.range[1]:
            raise ValueProblem(f"it must be in {list(self.range)}")
        return str(number)

    def _options(self) -> dict[str, Any]:
        return {"range": None if self.range is None else list(self.range)}


class FloatKey(Key):
    """A number that is neither infinite nor NaN."""

    handler: ClassVar[str] = "FloatHandler"
    kind: ClassVar[Kind] = "float"
    operators: ClassVar[tuple[str, ...]] = OPERATORS

    type: Literal["float"] = "float"
    range: tuple[float, float] | None = None
    """Smallest and largest value, both included."""

    @field_validator("range")
    @classmethod
    def _is_a_range(cls, ends: tuple[float, float] | None) -> tuple[float, float] | None:
        return _ordered(ends)

    def canonical(self, value: Any) -> str:
        """Write it with as few digits as tell it from its neighbours."""
        text = plain_text(value).strip()
        if isinstance(value, bool) or not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
            raise ValueProblem("it must be a finite number")
        number = float(text) + 0.0  # no negative zero
        if not math.isfinite(number):
            raise ValueProblem("it must be a finite number")
        if self.range is not None and not self.range[0] <= number <= self.range[1]:
            raise ValueProblem(f"it must be in {list(self.range)}")
        return repr(number).removesuffix(".0")

    def _options(self) -> dict[str, Any]:
        return {"range": None if self.range is None else list(self.range)}


def _ordered(ends: Ends) -> Ends:
    if ends is not None and not ends[0] <= ends[1]:
        raise ValueError(f"{list(ends)} is no range; write the smaller number first.")
    return ends
