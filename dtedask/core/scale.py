"""How packed integers become values: GRIB's scale, computed as ecCodes does, and its exact inverse."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 15  # points whose temporaries stay in the cache of a core
_MOST_BITS = 32
_SINGLE_BITS = 24
_MOST_BINARY, _MOST_DECIMAL = 900, 250
_SMALLEST_SINGLE = -126
_LARGEST_SINGLE = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Scale:
    """``(integer * 2**binary + reference) * 10**-decimal``, every operation rounded to float64.

    Parameters
    ----------
    reference : float
        Value of the integer 0, before the decimal factor.
    binary, decimal : int
        Exponents of the two factors.
    bits : int
        Bits of each integer in its message.
    """

    reference: float
    binary: int
    decimal: int
    bits: int

    @property
    def is_usable(self) -> bool:
        """Whether integers can be found from values: neither factor is near the ends of float64."""
        is_small = abs(self.binary) <= _MOST_BINARY and abs(self.decimal) <= _MOST_DECIMAL
        return is_small and self.bits <= _MOST_BITS and np.isfinite(self.reference)

    @property
    def has_single_reference(self) -> bool:
        """Whether float32 holds the reference to the last bit, as GRIB2 needs it."""
        return abs(self.reference) <= _LARGEST_SINGLE and float(np.float32(self.reference)) == self.reference

    def integers(self, values: NDArray[np.float64]) -> NDArray[np.unsignedinteger] | None:
        """The integers that give the very values; None where there are none.

        Parameters
        ----------
        values : numpy.ndarray of float64, shape (points,)
            Contiguous, none missing.

        Returns
        -------
        numpy.ndarray of uint8, uint16 or uint32, shape (points,), optional
            The smallest type that holds them.
        """
        if not self.is_usable:
            return None
        found = np.empty(values.size, np.uint32)
        largest = 0
        work = np.empty(min(values.size, _BLOCK))
        for start in range(0, values.size, _BLOCK):
            block = values[start : start + _BLOCK]
            top = self._invert(block, found[start : start + _BLOCK], work[: block.size])
            if top is None:
                return None
            largest = max(largest, top)
        return found.astype(np.min_scalar_type(largest))

    def values_into(self, out: NDArray[np.floating], integers: NDArray[np.unsignedinteger]) -> None:
        """Put the values of integers into a contiguous array of as many points, float32 or float64.

        They are those of float64 rounded to the type of `out`. A product and a sum of numbers that float32 holds are
        the same whether they are rounded to it at once or by way of float64, whose mantissa has more than twice its
        bits; so float32 is computed in float32 where reference and factor are such numbers.
        """
        if out.dtype == np.float32 and self._is_single(integers.dtype):
            np.multiply(integers, np.float32(2.0**self.binary), out=out, dtype=np.float32, casting="same_kind")
            np.add(out, np.float32(self.reference), out=out)
        elif out.dtype == np.float64:
            self._compute(integers, out)
        else:
            work = np.empty(min(out.size, _BLOCK))
            for start in range(0, out.size, _BLOCK):
                block = integers[start : start + _BLOCK]
                self._compute(block, work[: block.size])
                out[start : start + _BLOCK] = work[: block.size]

    def fits(self, dtype: str, largest: int) -> bool:
        """Whether the values of all integers up to the largest can be held by a type."""
        ends = np.empty(2)
        self._compute(np.array([0, largest], np.uint32), ends)
        return bool(np.all(np.abs(ends) <= np.finfo(dtype).max))

    def _invert(self, values: NDArray[np.float64], out: NDArray[np.uint32], work: NDArray[np.float64]) -> int | None:
        """Find integers, and return the largest if they give the very values."""
        if self.decimal:
            np.divide(values, power(10, -self.decimal), out=work)
            np.subtract(work, self.reference, out=work)
        else:
            np.subtract(values, self.reference, out=work)
        np.multiply(work, 2.0**-self.binary, out=work)
        np.rint(work, out=work)
        largest = work.max()
        if not (work.min() >= 0 and largest < 2**_MOST_BITS):
            return None
        np.copyto(out, work, casting="unsafe")
        self._scale(work)
        return int(largest) if np.array_equal(work.view(np.int64), values.view(np.int64)) else None

    def _compute(self, integers: NDArray[np.unsignedinteger], out: NDArray[np.floating]) -> None:
        out[...] = integers
        self._scale(out)

    def _scale(self, numbers: NDArray[np.floating]) -> None:
        np.multiply(numbers, 2.0**self.binary, out=numbers)
        np.add(numbers, self.reference, out=numbers)
        if self.decimal:
            np.multiply(numbers, power(10, -self.decimal), out=numbers)

    def _is_single(self, dtype: np.dtype[np.unsignedinteger]) -> bool:
        is_exact = self.bits <= _SINGLE_BITS or dtype.itemsize < 4
        is_normal = _SMALLEST_SINGLE <= self.binary <= _MOST_BITS
        return is_exact and is_normal and self.decimal == 0 and self.has_single_reference


@lru_cache(maxsize=256)
def power(base: int, exponent: int) -> float:
    """A power as ecCodes computes it, one factor after the other, which rounds otherwise than ``base**exponent``."""
    found = 1.0
    for _ in range(abs(exponent)):
        found = found * base if exponent > 0 else found / base
    return found
