"""What operations keep, part by part; operations of one set share their parts.

Every part works on arrays of any shape, so that it can be given one block of a field after another. `missing` marks
values that are missing, and is None where none is or where nobody needs to know: NaN then spreads by itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np

__all__ = ["Arrays", "Counts", "Exceedance", "Last", "Lowest", "Moments", "Part", "Sum", "exceedance_name"]

Arrays: TypeAlias = dict[str, np.ndarray]
Counts: TypeAlias = int | np.ndarray
Compare: TypeAlias = Literal["above", "at-least", "below", "at-most"]

_COMPARE: dict[Compare, Callable[..., Any]] = {
    "above": np.greater,
    "at-least": np.greater_equal,
    "below": np.less,
    "at-most": np.less_equal,
}


class Part(ABC):
    """Some arrays of a state.

    Parameters
    ----------
    skip : bool
        Whether missing values are left out; else a missing value makes the point missing.
    """

    names: tuple[str, ...]

    def __init__(self, *, skip: bool = False) -> None:
        self.skip = skip

    @abstractmethod
    def begin(self, values: np.ndarray, missing: np.ndarray | None) -> Arrays:
        """Return the arrays for one field, whose values stay as they are."""

    @abstractmethod
    def update(self, arrays: Arrays, values: np.ndarray, missing: np.ndarray | None) -> None:
        """Take one more field, in place."""

    @abstractmethod
    def merge(self, earlier: Arrays, later: Arrays, counts: tuple[Counts, Counts]) -> Arrays:
        """Return the arrays for the fields of both, each with so many values that are not missing; both stay."""


class Last(Part):
    """The last field."""

    names = ("last",)

    def begin(self, values: np.ndarray, missing: np.ndarray | None) -> Arrays:  # noqa: ARG002 - it is kept
        """See `Part`."""
        return {"last": np.array(values, np.float64)}

    def update(self, arrays: Arrays, values: np.ndarray, missing: np.ndarray | None) -> None:  # noqa: ARG002
        """See `Part`."""
        np.copyto(arrays["last"], values)

    def merge(self, earlier: Arrays, later: Arrays, counts: tuple[Counts, Counts]) -> Arrays:  # noqa: ARG002
        """See `Part`."""
        return {"last": later["last"].copy()}


class Sum(Part):
    """The sum."""

    names = ("sum",)

    def begin(self, values: np.ndarray, missing: np.ndarray | None) -> Arrays:
        """See `Part`."""
        total = np.array(values, np.float64)
        if self.skip and missing is not None:
            total[missing] = -0.0  # the zero that adds nothing, not even a sign
        return {"sum": total}

    def update(self, arrays: Arrays, values: np.ndarray, missing: np.ndarray | None) -> None:
        """See `Part`."""
        total = arrays["sum"]
        if self.skip and missing is not None:
            np.add(total, values, out=total, where=~missing)
        else:
            np.add(total, values, out=total)

    def merge(self, earlier: Arrays, later: Arrays, counts: tuple[Counts, Counts]) -> Arrays:  # noqa: ARG002
        """See `Part`."""
        return {"sum": earlier["sum"] + later["sum"]}


class Lowest(Part):
    """The minimum or the maximum."""

    def __init__(self, name: Literal["minimum", "maximum"], *, skip: bool = False) -> None:
        super().__init__(skip=skip)
        self.names = (name,)
        self._name = name
        spreads, skips = (np.minimum, np.fmin) if name == "minimum" else (np.maximum, np.fmax)
        self._lower = skips if skip else spreads

    def begin(self, values: np.ndarray, missing: np.ndarray | None) -> Arrays:  # noqa: ARG002 - it is kept
        """See `Part`."""
        return {self._name: np.array(values, np.float64)}

    def update(self, arrays: Arrays, values: np.ndarray, missing: np.ndarray | None) -> None:  # noqa: ARG002
        """See `Part`."""
        self._lower(arrays[self._name], values, out=arrays[self._name])

    def merge(self, earlier: Arrays, later: Arrays, counts: tuple[Counts, Counts]) -> Arrays:  # noqa: ARG002
        """See `Part`."""
        return {self._name: self._lower(earlier[self._name], later[self._name])}


class Exceedance(Part):
    """How many values lie beyond a threshold."""

    def __init__(self, compare: Compare, threshold: float) -> None:
        super().__init__()
        self.names = (exceedance_name(compare, threshold),)
        self._beyond = _COMPARE[compare]
        self._threshold = threshold

    def begin(self, values: np.ndarray, missing: np.ndarray | None) -> Arrays:  # noqa: ARG002 - NaN is never beyond
        """See `Part`."""
        return {self.names[0]: self._beyond(values, self._threshold).astype(np.int64)}

    def update(self, arrays: Arrays, values: np.ndarray, missing: np.ndarray | None) -> None:  # noqa: ARG002
        """See `Part`."""
        count = arrays[self.names[0]]
        np.add(count, self._beyond(values, self._threshold), out=count)

    def merge(self, earlier: Arrays, later: Arrays, counts: tuple[Counts, Counts]) -> Arrays:  # noqa: ARG002
        """See `Part`."""
        return {self.names[0]: earlier[self.names[0]] + later[self.names[0]]}


def exceedance_name(compare: Compare, threshold: float) -> str:
    """Name of the array of a threshold."""
    return f"{compare} {threshold!r}"


class Moments(Part):
    """Sums of distances from a value that lies among the values, and of their squares.

    The value is the first one of a segment, and after a merge the rounded mean, what was rounded off being a distance.
    So the squares are never much larger than those of the distances from the mean (at most as many times as a segment
    has fields), and nothing depends on the size of the mean.
    """

    names = ("shift", "distance", "square")

    def begin(self, values: np.ndarray, missing: np.ndarray | None) -> Arrays:  # noqa: ARG002 - NaN is no shift yet
        """See `Part`."""
        shift = np.array(values, np.float64)
        distance = shift - shift  # 0, and NaN where it is to spread
        if self.skip:
            distance = np.where(np.isnan(shift), 0.0, distance)
        return {"shift": shift, "distance": distance, "square": distance.copy()}

    def update(self, arrays: Arrays, values: np.ndarray, missing: np.ndarray | None) -> None:
        """See `Part`."""
        shift, distance, square = arrays["shift"], arrays["distance"], arrays["square"]
        if self.skip and np.isnan(np.add.reduce(shift, axis=None)):
            np.copyto(shift, values, where=np.isnan(shift))
        step = values - shift
        if self.skip and missing is not None:
            step[missing] = 0.0
        np.add(distance, step, out=distance)
        np.multiply(step, step, out=step)
        np.add(square, step, out=square)

    def merge(self, earlier: Arrays, later: Arrays, counts: tuple[Counts, Counts]) -> Arrays:
        """See `Part`."""
        before, after = np.maximum(counts[0], 1), np.maximum(counts[1], 1)
        share = after / (before + after)
        away = earlier["distance"] / before
        apart = (later["shift"] - earlier["shift"]) + (later["distance"] / after - away)
        square = self.squares(earlier, before) + self.squares(later, after) + apart * apart * (before * share)
        mean, rest = _two_sum(earlier["shift"], away + apart * share)
        for alone, count, other in ((earlier, before, counts[1]), (later, after, counts[0])):
            if not np.all(other):
                none = np.equal(other, 0)
                kept = _two_sum(alone["shift"], alone["distance"] / count)
                mean, rest = np.where(none, kept[0], mean), np.where(none, kept[1], rest)
                square = np.where(none, self.squares(alone, count), square)
        distance = rest * np.maximum(np.add(*counts), 1)
        return {"shift": mean, "distance": distance, "square": square + distance * rest}

    @staticmethod
    def squares(arrays: Arrays, count: Counts) -> np.ndarray:
        """Sum of the squares of the distances of so many values, at least one, from their mean; never negative."""
        distance = arrays["distance"]
        return np.asarray(np.maximum(arrays["square"] - distance * distance / count, 0.0))


def _two_sum(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a sum and what its rounding lost (Knuth); of what is not finite nothing is lost."""
    total = one + other
    part = total - one
    rest = (one - (total - part)) + (other - part)
    return total, np.where(np.isfinite(total), rest, np.where(np.isnan(one), 0.0, np.nan))
