"""Exact sums of float64: a number so wide that no bit of any value or product of two is ever lost.

A sum is kept as one fixed-point number in digits of 32 bits, each in an int64 with room for carries (the small
superaccumulator of Neal 2015, Fast exact summation using small and large superaccumulators, arXiv:1505.05571). Integers
add up to the same in any order, so neither order nor grouping nor threads change a bit; one rounding at the end gives
the float64 that is nearest to the true sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dtedask.geo.compiled import compiled

# The lowest bit of a product of two float64 is 2**-2148, the highest is below 2**2048.
BIAS = 2176
DIGITS = 134
HEADER = 4  # counts: values, NaNs, inf, -inf
_BLOCK = 1 << 27  # values between two propagations of carries: a product adds less than 2**34 to a digit

_MASK = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_FRACTION = np.uint64((1 << 52) - 1)
_HIDDEN = np.uint64(1 << 52)
_EXPONENT = np.uint64(0x7FF)
_SHIFT = np.uint64(52)
_SIGN = np.uint64(63)


@compiled
def _mantissa(bits: Any) -> Any:
    """Mantissa as an integer, and the exponent of its lowest bit."""
    exponent = np.int64((bits >> _SHIFT) & _EXPONENT)
    fraction = bits & _FRACTION
    if exponent == 0:
        return fraction, np.int64(-1074)
    return fraction | _HIDDEN, exponent - np.int64(1075)


@compiled
def _put(digits: Any, place: Any, shift: Any, digit: Any, sign: Any) -> None:
    shifted = digit << shift
    digits[place] += sign * np.int64(shifted & _MASK)
    digits[place + 1] += sign * np.int64(shifted >> _HALF)


@compiled
def _add(digits: Any, bits: Any) -> None:
    mantissa, exponent = _mantissa(bits)
    position = exponent + BIAS
    place, shift = position >> 5, np.uint64(position & 31)
    sign = np.int64(1) - np.int64(2) * np.int64(bits >> _SIGN)
    low, high = (mantissa & _MASK) << shift, (mantissa >> _HALF) << shift
    digits[place] += sign * np.int64(low & _MASK)
    digits[place + 1] += sign * np.int64((low >> _HALF) + (high & _MASK))
    digits[place + 2] += sign * np.int64(high >> _HALF)


@compiled
def _add_product(digits: Any, one: Any, other: Any) -> None:
    """Add the product of two values without rounding it: 106 bits from four products of halves."""
    first, exponent = _mantissa(one)
    second, more = _mantissa(other)
    position = exponent + more + BIAS
    place, shift = position >> 5, np.uint64(position & 31)
    sign = np.int64(1) - np.int64(2) * np.int64((one >> _SIGN) ^ (other >> _SIGN))
    low = (first & _MASK) * (second & _MASK)
    middle = (first >> _HALF) * (second & _MASK) + (first & _MASK) * (second >> _HALF)
    high = (first >> _HALF) * (second >> _HALF)
    _put(digits, place, shift, low & _MASK, sign)
    _put(digits, place + 1, shift, (low >> _HALF) + (middle & _MASK), sign)
    _put(digits, place + 2, shift, (middle >> _HALF) + (high & _MASK), sign)
    _put(digits, place + 3, shift, high >> _HALF, sign)


@compiled
def _carry(digits: Any) -> None:
    """Bring all digits but the last into 0 .. 2**32 - 1: each number has one such form."""
    carried = np.int64(0)
    for place in range(digits.size - 1):
        value = digits[place] + carried
        digit = value & np.int64(0xFFFFFFFF)
        digits[place] = digit
        carried = (value - digit) >> np.int64(32)
    digits[-1] += carried


@compiled
def _is_counted(state: Any, bits: Any) -> Any:
    """Count a value; whether it is finite and has to be added."""
    if (bits >> _SHIFT) & _EXPONENT != _EXPONENT:
        state[0] += 1
        return True
    if bits & _FRACTION:
        state[1] += 1
    else:
        state[0] += 1
        state[3 if bits >> _SIGN else 2] += 1
    return False


@compiled
def absorb_sums(bits: Any, states: Any) -> None:
    """Add values, given by their bits (rows, values), to one state a row."""
    for row in range(bits.shape[0]):
        state = states[row]
        digits = state[HEADER : HEADER + DIGITS]
        for place in range(bits.shape[1]):
            value = bits[row, place]
            if _is_counted(state, value):
                _add(digits, value)
            if place % _BLOCK == _BLOCK - 1:
                _carry(digits)
        _carry(digits)


@compiled
def absorb_moments(bits: Any, states: Any) -> None:
    """Add values and their squares."""
    for row in range(bits.shape[0]):
        state = states[row]
        digits, squares = state[HEADER : HEADER + DIGITS], state[HEADER + DIGITS :]
        for place in range(bits.shape[1]):
            value = bits[row, place]
            if _is_counted(state, value):
                _add(digits, value)
                _add_product(squares, value, value)
            if place % _BLOCK == _BLOCK - 1:
                _carry(digits)
                _carry(squares)
        _carry(digits)
        _carry(squares)


@compiled
def absorb_weighted(bits: Any, weights: Any, states: Any) -> None:
    """Add products of values and weights, and the weights of the values that count.

    A weight of 0 or NaN leaves its value out; other weights are finite.
    """
    for row in range(bits.shape[0]):
        state = states[row]
        digits, total = state[HEADER : HEADER + DIGITS], state[HEADER + DIGITS :]
        for place in range(bits.shape[1]):
            value, weight = bits[row, place], weights[row, place]
            is_used = (weight >> _SHIFT) & _EXPONENT != _EXPONENT and weight << np.uint64(1) != np.uint64(0)
            if is_used and _is_counted(state, value):
                _add_product(digits, value, weight)
                _add(total, weight)
            if place % _BLOCK == _BLOCK - 1:
                _carry(digits)
                _carry(total)
        _carry(digits)
        _carry(total)


@compiled
def merge_sums(states: Any, merged: Any) -> None:
    """Add up states of shape (rows, states, size) into (rows, size)."""
    for row in range(states.shape[0]):
        for one in range(states.shape[1]):
            merged[row] += states[row, one]
            for start in range(HEADER, merged.shape[1], DIGITS):
                _carry(merged[row, start : start + DIGITS])


def whole_number(digits: NDArray[np.int64]) -> int:
    """Return the sum of one state, in units of 2**-BIAS."""
    low = int.from_bytes(digits[:-1].astype("<u4").tobytes(), "little")
    return low + (int(digits[-1]) << (32 * (DIGITS - 1)))


def divided(numerator: int, denominator: int) -> float:
    """Nearest float64 of a fraction; infinite where it is larger than all of them."""
    try:
        return numerator / denominator
    except OverflowError:
        return float("inf") if (numerator > 0) == (denominator > 0) else float("-inf")
