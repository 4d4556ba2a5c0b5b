"""Many fields a few at a time, so that what is done in float64 takes little beside the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_Values = NDArray[np.floating]
_GROUP_BYTES = 128 * 2**20


def in_groups(
    do: Callable[..., _Values | tuple[_Values, ...]],
    arrays: Sequence[NDArray[Any]],
    points: Sequence[int],
    dtype: DTypeLike,
) -> list[_Values]:
    """Call a function with a few fields at a time.

    Parameters
    ----------
    do : callable
        From arrays (fields, n) to one or several of shape (fields, points).
    arrays : sequence of numpy.ndarray, shape (fields, n)
        Of as many fields.
    points : sequence of int
        Points of each result.
    dtype : dtype-like
        Of the results.
    """
    fields = len(arrays[0])
    results = [np.empty((fields, count), dtype) for count in points]
    largest = max(*points, *(array.shape[1] for array in arrays))
    group = max(1, _GROUP_BYTES // (8 * largest * max(len(points), len(arrays))))
    for first in range(0, fields, group):
        part = slice(first, first + group)
        found = do(*(array[part] for array in arrays))
        for result, values in zip(results, found if isinstance(found, tuple) else (found,), strict=True):
            result[part] = values
    return results
