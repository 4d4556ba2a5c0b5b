"""What a formula is when it runs: calls of numpy within each other, on values in the order of the formula's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from dtedask.products.derived.functions import is_true
from dtedask.products.derived.units import Conversion

__all__ = [
    "COMPARISONS",
    "Run",
    "both",
    "compare",
    "constant",
    "converted",
    "either",
    "field",
    "negated",
    "of_all",
    "of_one",
    "of_two",
]

Run: TypeAlias = Callable[[Sequence[Any]], Any]
"""Takes the fields' values, and gives those of a part of the formula."""


def constant(value: float, _values: Sequence[Any]) -> Any:
    """A number."""
    return np.float64(value)


def field(place: int, values: Sequence[Any]) -> Any:
    """The values of a field, by its place among the names."""
    return values[place]


def of_one(make: Callable[[Any], Any], run: Run, values: Sequence[Any]) -> Any:
    """What numpy makes of one part."""
    return make(run(values))


def of_two(make: Callable[[Any, Any], Any], left: Run, right: Run, values: Sequence[Any]) -> Any:
    """What numpy makes of two parts."""
    return make(left(values), right(values))


def of_all(make: Callable[..., Any], runs: tuple[Run, ...], values: Sequence[Any]) -> Any:
    """What a function makes of its arguments."""
    return make(*(run(values) for run in runs))


def converted(run: Run, changed: Conversion) -> Run:
    """A part in another unit."""
    return run if changed.is_nothing else partial(_convert, run, changed)


def _convert(run: Run, changed: Conversion, values: Sequence[Any]) -> Any:
    scaled = run(values) * changed.factor if changed.factor != 1 else run(values)
    return scaled + changed.offset if changed.offset else scaled


def compare(make: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """1 where a comparison holds, 0 where not, missing where one of both is."""
    return np.where(np.isnan(left) | np.isnan(right), np.nan, make(left, right))


def negated(values: Any) -> Any:
    """1 where a condition does not hold."""
    return 1.0 - is_true(values)


def both(left: Any, right: Any) -> Any:
    """1 where both conditions hold."""
    return is_true(left) * is_true(right)


def either(left: Any, right: Any) -> Any:
    """1 where one of two conditions holds."""
    return np.maximum(is_true(left), is_true(right))


COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "=": np.equal,
    "!=": np.not_equal,
}
