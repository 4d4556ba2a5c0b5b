"""When two fields are equal: to the last bit, or within a tolerance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far values may differ: ``|left - right| <= absolute + relative * |right|``, as `numpy.isclose` has it.

    Parameters
    ----------
    absolute, relative : float
        Both 0 wants every bit equal.
    packing : bool
        Whether to add half of the step in which GRIB holds the values, on each side that is a GRIB message, and half a
        unit in the last place of float32, if one side stores that.
    """

    absolute: float = 0.0
    relative: float = 0.0
    packing: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether every bit must be equal."""
        return not (self.absolute or self.relative or self.packing)


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """How the values of two fields differ.

    Parameters
    ----------
    points : int
        Points of the field.
    differing : int
        Points that are not equal within the tolerance; those that only one side lacks among them.
    missing : int
        Points that are missing on one side only.
    largest : float
        Largest absolute difference; of points that both sides have.
    largest_relative : float
        Largest difference relative to the right side.
    """

    points: int
    differing: int
    missing: int
    largest: float
    largest_relative: float

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON, which knows no infinity."""
        return {name: None if value == np.inf else value for name, value in asdict(self).items()}


def value_difference(left: np.ndarray, right: np.ndarray, tolerance: Tolerance) -> ValueDifference | None:
    """Compare the values of two fields in float64.

    Parameters
    ----------
    left, right : numpy.ndarray, one shape
        float32 or float64; NaN is missing.
    tolerance : Tolerance
        What is equal; `packing` is not looked at.

    Returns
    -------
    ValueDifference or None
        None where the fields are equal.
    """
    one, two = left.astype(np.float64, copy=False), right.astype(np.float64, copy=False)
    lacks = np.isnan(one), np.isnan(two)
    missing = lacks[0] != lacks[1]
    has_both = ~(lacks[0] | lacks[1])
    if tolerance.is_exact:
        unequal = one.view(np.uint64) != two.view(np.uint64)
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            unequal = ~np.isclose(one, two, rtol=tolerance.relative, atol=tolerance.absolute)
    differing = missing | (unequal & has_both)
    count = int(differing.sum())
    if not count:
        return None
    largest, relative = _largest(one[has_both], two[has_both])
    return ValueDifference(one.size, count, int(missing.sum()), largest, relative)


def _largest(one: np.ndarray, two: np.ndarray) -> tuple[float, float]:
    """Largest absolute and relative difference."""
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        far = np.where(one == two, 0.0, np.abs(one - two))
        far[np.isnan(far)] = np.inf  # two infinities of different sign
        relative = np.where(far == 0, 0.0, far / np.abs(two))
        relative[np.isnan(relative)] = np.inf
    return float(far.max(initial=0.0)), float(relative.max(initial=0.0))
