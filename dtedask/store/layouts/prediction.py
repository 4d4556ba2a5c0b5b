"""Integers of a field as differences from what their neighbours foretell, which compress well."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[Any]  # unsigned, of 8, 16 or 32 bits; all sums are modulo these
NOTHING, BEFORE, PLANE = 0, 1, 2
_BLOCK = 1 << 17
_LANES = 4
_SAMPLE_BANDS = 4
_SAMPLE_SHARE = 8
_SMALLEST_SAMPLE = 1 << 14


def differences(integers: Integers, predictor: int) -> Integers:
    """Replace integers by their differences from what is foretold, folded so that small ones have few bits.

    Parameters
    ----------
    integers : numpy.ndarray, shape (rows, columns) or (points,)
        Left untouched.
    predictor : int
        `NOTHING` leaves the integers as they are, `BEFORE` foretells the point before, and `PLANE` the plane through
        the points before, above, and above the one before; it needs rows and columns.

    Returns
    -------
    numpy.ndarray, shape (points,)
    """
    if predictor == NOTHING:
        return np.ascontiguousarray(integers).ravel()
    if predictor == PLANE:
        above = integers.copy()
        np.subtract(integers[1:], integers[:-1], out=above[1:])
        integers = above
    flat = np.ascontiguousarray(integers).ravel()
    steps = flat.copy()
    np.subtract(flat[1:], flat[:-1], out=steps[1:])
    return _fold(steps)


def restore(steps: Integers, predictor: int, columns: int) -> None:
    """Undo `differences` in place.

    Parameters
    ----------
    steps : numpy.ndarray, shape (points,)
        Becomes the integers.
    predictor : int
        As they were made.
    columns : int
        Points of a row.
    """
    if predictor == NOTHING:
        return
    _unfold_and_sum(steps)
    if predictor == PLANE:
        rows = steps.reshape(-1, columns)
        for above, row in itertools.pairwise(rows):
            np.add(row, above, out=row)


def best_predictor(integers: Integers, size_of: Callable[[Integers], int]) -> int:
    """The predictor under which a sample of a field takes the fewest bytes.

    Parameters
    ----------
    integers : numpy.ndarray, shape (rows, columns) or (points,)
        The field.
    size_of : callable
        Bytes of differences when they are compressed.
    """
    sample = _sample(integers)
    possible = (BEFORE, NOTHING, PLANE) if integers.ndim == 2 else (BEFORE, NOTHING)
    return min(possible, key=lambda predictor: size_of(differences(sample, predictor)))


def _sample(integers: Integers) -> Integers:
    """Bands of rows that are spread over a field."""
    length = len(integers)
    if integers.size <= _SMALLEST_SAMPLE or length < _SAMPLE_SHARE * _SAMPLE_BANDS:
        return integers
    band, apart = length // (_SAMPLE_SHARE * _SAMPLE_BANDS), length // _SAMPLE_BANDS
    return np.concatenate([integers[start : start + band] for start in range(apart // 2, length, apart)])


def _fold(steps: Integers) -> Integers:
    """0, -1, 1, -2, 2, ... become 0, 1, 2, 3, 4, ..."""
    signed = steps.view(f"i{steps.itemsize}")
    signs = signed >> (8 * steps.itemsize - 1)
    np.left_shift(signed, 1, out=signed)
    np.bitwise_xor(signed, signs, out=signed)
    return steps


def _unfold_and_sum(steps: Integers) -> None:
    work = np.empty(min(steps.size, _BLOCK), steps.dtype)
    last = np.zeros(1, steps.dtype)
    for start in range(0, steps.size, _BLOCK):
        block = steps[start : start + _BLOCK]
        signs = work[: block.size]
        np.bitwise_and(block, 1, out=signs)
        np.negative(signs, out=signs)
        np.right_shift(block, 1, out=block)
        np.bitwise_xor(block, signs, out=block)
        block[:1] += last
        _sum(block)
        last = block[-1:].copy()


def _sum(steps: Integers) -> None:
    """Running sum in place, in lanes: in numpy's own every sum waits for the one before, which takes twice as long."""
    size = steps.size // _LANES * _LANES
    lanes = steps[:size].reshape(-1, _LANES)
    for lane in range(1, _LANES):
        np.add(lanes[:, lane], lanes[:, lane - 1], out=lanes[:, lane])
    sums = np.add.accumulate(lanes[:, -1], dtype=steps.dtype)
    for lane in range(_LANES):
        np.add(lanes[1:, lane], sums[:-1], out=lanes[1:, lane])
    for place in range(max(size, 1), steps.size):
        steps[place : place + 1] += steps[place - 1 : place]
