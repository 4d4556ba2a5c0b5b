"""Loops over the entries of rows, one field after the other: for few fields, and for what is no sum."""

from __future__ import annotations

from typing import Any

import numpy as np

from dtedask.geo.application.registers import value_at
from dtedask.geo.compiled import compiled

_ANY, _HEAVIEST = 0, 2
_COUNT, _MEAN, _MINIMUM, _MAXIMUM, _VARIANCE, _DEVIATION, _SKEWNESS = range(7)
_SMALLEST_SUM = 1e-15


@compiled
def _present(
    witness: Any, rows: tuple[Any, Any, Any, Any], policy: int, source: tuple[int, int], row: int, plain: float
) -> float:
    """Make the weighted mean of what is not NaN in a row; `plain` where nothing is."""
    starts, columns, data, heaviest = rows
    judge = source[0] + np.int64(columns[heaviest[row]]) * source[1]
    if policy == _HEAVIEST and np.isnan(value_at(witness, judge)):
        return np.nan
    total, weight, count = 0.0, 0.0, 0
    for entry in range(starts[row], starts[row + 1]):
        value = value_at(witness, source[0] + np.int64(columns[entry]) * source[1])
        if not np.isnan(value):
            total += data[entry] * value
            weight += data[entry]
            count += 1
    if count == starts[row + 1] - starts[row]:
        return plain
    return total / weight if abs(weight) > _SMALLEST_SUM else np.nan


@compiled
def sum_fields(
    witness: Any,
    rows: tuple[Any, Any, Any, Any],
    policy: int,
    source: tuple[int, int, int],
    out: Any,
    edges: tuple[int, int],
) -> None:
    """Make the weighted sums of the rows between two, as `apply_blocks` does; `source` is address and strides.

    What became NaN is looked at in a second loop: the first one is twice as fast without the question.
    """
    starts, columns, data, _heaviest = rows
    for field in range(out.shape[0]):
        here, line = source[0] + field * source[1], out[field]
        last = starts[edges[0]]
        for row in range(edges[0], edges[1]):
            first, last = last, starts[row + 1]
            total = 0.0 if first < last else np.nan
            for entry in range(first, last):
                total += data[entry] * value_at(witness, here + np.int64(columns[entry]) * source[2])
            line[row] = total
        for row in range(edges[0], edges[1] if policy != _ANY else edges[0]):
            if np.isnan(line[row]) and starts[row] < starts[row + 1]:
                line[row] = _present(witness, rows, policy, (here, source[2]), row, np.float64(line[row]))


@compiled
def _moment(reduction: int, count: int, mean: float, second: float, third: float, fourth: float) -> float:
    """Turn sums of powers about one value into a statistic about the mean."""
    if count < 2:
        return 0.0
    about = second - count * mean * mean
    if reduction in (_VARIANCE, _DEVIATION):
        variance = max(about, 0.0) / (count - 1)
        return variance if reduction == _VARIANCE else np.sqrt(variance)
    if about <= 0.0:
        return np.nan
    if reduction == _SKEWNESS:
        cube = third - 3 * mean * second + 2 * count * mean**3
        return float(cube * np.sqrt(count) / about**1.5)
    quartic = fourth - 4 * mean * third + 6 * mean * mean * second - 3 * count * mean**4
    return count * quartic / (about * about) - 3.0


@compiled
def _statistic(
    reduction: int, count: int, first: float, ends: tuple[float, float], sums: tuple[float, float, float, float]
) -> float:
    if reduction == _COUNT:
        return float(count)
    if reduction == _MINIMUM:
        return ends[0]
    if reduction == _MAXIMUM:
        return ends[1]
    mean, second, third, fourth = sums
    if reduction == _MEAN:
        return first + mean / count
    moment: float = _moment(reduction, count, mean / count, second, third, fourth)
    return moment


@compiled
def reduce_fields(
    witness: Any,
    rows: tuple[Any, Any, Any],
    reduction: int,
    source: tuple[int, int, int],
    out: Any,
    edges: tuple[int, int],
) -> None:
    """Make a statistic of each of the rows between two; moments are taken about the first value of a row."""
    starts, columns, _data = rows
    for field in range(out.shape[0]):
        here = source[0] + field * source[1]
        for row in range(edges[0], edges[1]):
            count, first, low, high = 0, 0.0, np.inf, -np.inf
            second, third, fourth, mean = 0.0, 0.0, 0.0, 0.0
            for entry in range(starts[row], starts[row + 1]):
                value = value_at(witness, here + np.int64(columns[entry]) * source[2])
                if np.isnan(value):
                    continue
                if count == 0:
                    first = value
                count += 1
                low, high = min(low, value), max(high, value)
                apart = value - first
                square = apart * apart
                mean, second = mean + apart, second + square
                third, fourth = third + square * apart, fourth + square * square
            sums = (mean, second, third, fourth)
            out[field, row] = _statistic(reduction, count, first, (low, high), sums) if count else np.nan
