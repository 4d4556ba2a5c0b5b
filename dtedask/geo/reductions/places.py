"""Smallest and largest values with their places, and sums of hashes of values and places."""

from __future__ import annotations

from typing import Any

import numpy as np

from dtedask.geo.compiled import compiled

# States of extremes: values, NaNs, and bits and place of the smallest and of the largest.
EXTREMES = 6
CHECKSUM = 2

_NAN = np.uint64(0x7FF8000000000000)
_EXPONENT = np.uint64(0x7FF0000000000000)
_FRACTION = np.uint64((1 << 52) - 1)
_KEYS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03))  # odd; from the golden ratio and its kin
_FIRST, _SECOND = _KEYS
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
_ONE = np.uint64(1)


@compiled
def absorb_extremes(values: Any, bits: Any, places: Any, states: Any) -> None:
    """Find extremes of (rows, values); of equal ones the first counts, so that places have to increase."""
    for row in range(values.shape[0]):
        count, missing = 0, 0
        low, high = -1, -1
        for place in range(values.shape[1]):
            value = values[row, place]
            if np.isnan(value):
                missing += 1
                continue
            count += 1
            if low < 0 or value < values[row, low]:
                low = place
            if high < 0 or value > values[row, high]:
                high = place
        states[row, 0] = count
        states[row, 1] = missing
        if count:
            states[row, 2] = np.int64(bits[row, low])
            states[row, 3] = places[low]
            states[row, 4] = np.int64(bits[row, high])
            states[row, 5] = places[high]


@compiled
def merge_extremes(states: Any, values: Any, merged: Any) -> None:
    """Merge states of shape (rows, states, 6); `values` are the same memory as float64."""
    for row in range(states.shape[0]):
        low, high = -1, -1
        for one in range(states.shape[1]):
            merged[row, 0] += states[row, one, 0]
            merged[row, 1] += states[row, one, 1]
            if states[row, one, 0] == 0:
                continue
            value, place = values[row, one, 2], states[row, one, 3]
            if low < 0 or value < values[row, low, 2] or (value == values[row, low, 2] and place < states[row, low, 3]):
                low = one
            value, place = values[row, one, 4], states[row, one, 5]
            if (
                high < 0
                or value > values[row, high, 4]
                or (value == values[row, high, 4] and place < states[row, high, 5])
            ):
                high = one
        if low >= 0:
            merged[row, 2:4] = states[row, low, 2:4]
            merged[row, 4:6] = states[row, high, 4:6]


@compiled
def _mixed(number: Any) -> Any:
    """A bijection of 64 bits that spreads each over all (the finalizer of SplitMix64; Steele, Lea, Flood 2014)."""
    number = (number ^ (number >> _S30)) * _MIX_1
    number = (number ^ (number >> _S27)) * _MIX_2
    return number ^ (number >> _S31)


@compiled
def absorb_checksums(bits: Any, places: Any, sums: Any) -> None:
    """Add up 128-bit hashes of places and values, modulo 2**128; `sums` (rows, 2) holds low and high halves."""
    for row in range(bits.shape[0]):
        low, high = sums[row, 0], sums[row, 1]
        for column in range(bits.shape[1]):
            value, place = bits[row, column], np.uint64(places[column])
            if value & _EXPONENT == _EXPONENT and value & _FRACTION:
                value = _NAN
            added = _mixed(_mixed(place + _FIRST) ^ value)
            high += _mixed(_mixed(place ^ _SECOND) + value)
            low += added
            if low < added:
                high += _ONE
        sums[row, 0], sums[row, 1] = low, high


@compiled
def merge_checksums(states: Any, merged: Any) -> None:
    """Add up sums of shape (rows, states, 2) into (rows, 2)."""
    for row in range(states.shape[0]):
        for one in range(states.shape[1]):
            low = merged[row, 0] + states[row, one, 0]
            carried = _ONE if low < merged[row, 0] else np.uint64(0)
            merged[row, 1] = merged[row, 1] + states[row, one, 1] + carried
            merged[row, 0] = low
