"""Quantiles of many fields in little memory: sorted buffers, of which two become one again and again.

A buffer holds `size` values of every point, sorted. Fields go into the buffer of level 0; a full one waits for a second
full one of its level, and of the two together every other value goes on to the next level, where it stands for twice as
many. So a value of level h stands for 2**h fields, and which levels are taken follows from the number of fields alone:
they are the binary digits of how often a buffer was full.

Taking every other of the sorted values moves the rank of any number by at most 2**h, up where the first of each pair is
taken and down where the second is. Even levels take the first and odd ones the second, so the errors of neighbours have
opposite signs. A level sees at most n / (2 size 2**h) such steps for n fields, in whatever order states were merged,
which gives the bound of `rank_error`. No choice is random: the same fields give the same bits.
"""

from __future__ import annotations

import numpy as np

from dtedask.pipeline.operations.parts import Arrays

__all__ = ["Sketch"]

_BLOCK = 4_096  # points that are sorted at a time


class Sketch:
    """Buffers of one size.

    Parameters
    ----------
    size : int
        Values kept a point and level.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def begin(self, values: np.ndarray) -> Arrays:
        """Return the buffers of one field."""
        return self._put({}, 0, values)

    def update(self, arrays: Arrays, fields: int, values: np.ndarray) -> None:
        """Take one more field into the buffers of so many fields, in place."""
        self._put(arrays, fields, values)

    def merge(self, earlier: Arrays, later: Arrays, fields: tuple[int, int]) -> Arrays:
        """Return the buffers of the fields of both; they stay as they are."""
        merged = {}
        rows = [self._waiting(earlier, fields[0]), self._waiting(later, fields[1])]
        waiting = np.concatenate([one for one in rows if one is not None] or [np.empty(0)])
        carried = _sorted(waiting[: self.size]) if len(waiting) >= self.size else None
        left = sum(fields) % self.size
        if left:
            partial = np.zeros((self.size, *waiting.shape[1:]))
            partial[:left] = waiting[len(waiting) - left :]
            merged[self._partial] = partial
        for level in range((sum(fields) // self.size).bit_length()):
            present = [one[self._level(level)] for one in (earlier, later) if self._level(level) in one]
            present += [] if carried is None else [carried]
            carried = _halved(present[0], present[1], level) if len(present) > 1 else None
            if len(present) % 2:
                merged[self._level(level)] = present[-1]
        return merged

    def quantile(self, arrays: Arrays, fields: int, quantile: float) -> np.ndarray:
        """Return a quantile of the values that are not missing; NaN where there is none.

        It lies between neighbouring values as `numpy.quantile` has it; a value that stands for several counts so often.
        """
        waiting = self._waiting(arrays, fields)
        parts = [] if waiting is None else [(1, waiting)]
        levels = [level for level in range((fields // self.size).bit_length()) if self._level(level) in arrays]
        parts += [(2**level, arrays[self._level(level)]) for level in levels]
        weights = np.concatenate([np.full(len(rows), weight) for weight, rows in parts])
        shape = parts[0][1].shape[1:]
        flat = [rows.reshape(len(rows), -1) for _, rows in parts]
        result = np.empty(flat[0].shape[1])
        for start in range(0, len(result), _BLOCK):
            block = np.concatenate([rows[:, start : start + _BLOCK] for rows in flat])
            result[start : start + _BLOCK] = _weighted_quantile(block.T, weights, quantile)
        return result.reshape(shape)

    def rank_error(self, fields: int) -> float:
        """How far the rank of a result can be off, as a fraction of the fields; 0 where it is exact.

        A quantile of q is a number that lies, in the sorted values, between the places of q minus this and q plus this.
        """
        levels = (fields // self.size).bit_length() - 1
        return max(0, (levels + 1) // 2) / (2 * self.size)

    def values_kept(self, fields: int) -> int:
        """How many values a point needs at most for so many fields."""
        return self.size * (1 + (fields // self.size).bit_length())

    @property
    def _partial(self) -> str:
        return f"sketch {self.size} waiting"

    def _level(self, level: int) -> str:
        return f"sketch {self.size} level {level}"

    def _waiting(self, arrays: Arrays, fields: int) -> np.ndarray | None:
        left = fields % self.size
        return arrays[self._partial][:left] if left else None

    def _put(self, arrays: Arrays, fields: int, values: np.ndarray) -> Arrays:
        row = fields % self.size
        if row == 0:
            arrays[self._partial] = np.zeros((self.size, *values.shape))
        arrays[self._partial][row] = values
        if row == self.size - 1:
            self._carry(arrays, _sorted(arrays.pop(self._partial)))
        return arrays

    def _carry(self, arrays: Arrays, full: np.ndarray) -> None:
        level = 0
        while self._level(level) in arrays:
            full = _halved(arrays.pop(self._level(level)), full, level)
            level += 1
        arrays[self._level(level)] = full


def _sorted(rows: np.ndarray) -> np.ndarray:
    """Sort the values of every point, missing ones last."""
    flat = rows.reshape(len(rows), -1)
    result = np.empty_like(flat)
    for start in range(0, flat.shape[1], _BLOCK):
        block = np.ascontiguousarray(flat[:, start : start + _BLOCK].T)
        block.sort(axis=1)
        result[:, start : start + _BLOCK] = block.T
    return result.reshape(rows.shape)


def _halved(one: np.ndarray, other: np.ndarray, level: int) -> np.ndarray:
    return np.ascontiguousarray(_sorted(np.concatenate([one, other]))[level % 2 :: 2])


def _weighted_quantile(values: np.ndarray, weights: np.ndarray, quantile: float) -> np.ndarray:
    order = np.argsort(values, axis=1, kind="stable")
    values = np.take_along_axis(values, order, axis=1)
    until = np.cumsum(np.where(np.isnan(values), 0, weights[order]), axis=1)
    place = quantile * (until[:, -1] - 1)
    low = np.floor(place)
    below = _at_rank(values, until, low)
    above = _at_rank(values, until, np.minimum(low + 1, until[:, -1] - 1))
    return np.where(until[:, -1] > 0, _between(below, above, place - low), np.nan)


def _at_rank(values: np.ndarray, until: np.ndarray, rank: np.ndarray) -> np.ndarray:
    place = np.minimum((until <= rank[:, None]).sum(axis=1), values.shape[1] - 1)
    return np.take_along_axis(values, place[:, None], axis=1)[:, 0]


def _between(below: np.ndarray, above: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    apart = above - below
    between = np.where(fraction < 0.5, below + apart * fraction, above - apart * (1 - fraction))
    return np.where((fraction == 0) | (below == above), below, between)
