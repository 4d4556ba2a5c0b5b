"""How many bits packed values need to be as exact as asked."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dtedask.core.errors import GribUnsupportedError

_MOST_BITS = 31


def bits_for(values: NDArray[np.floating], accuracy: float, *, is_single: bool = False) -> int:
    """Bits of each packed value such that none differs by more than `accuracy` from what it was.

    ecCodes scales by powers of two and takes the smallest value, as float32, for the reference: the power is chosen
    first, and then as many bits as the range takes with it.

    Parameters
    ----------
    values : numpy.ndarray
        NaN is missing.
    accuracy : float
        Largest absolute error, above 0.
    is_single : bool
        Whether ecCodes rounds values to float32 before it packs them, as it does for groups of values.

    Raises
    ------
    GribUnsupportedError
        If so many bits cannot be packed.
    """
    found = values[np.isfinite(values)]
    if not found.size:
        return 1
    smallest, largest = float(found.min()), float(found.max())
    if smallest == largest:
        return 1
    reference = float(np.nextafter(np.float32(smallest), np.float32(-np.inf)))
    left = accuracy - float(np.spacing(np.float32(max(-smallest, largest)))) if is_single else accuracy
    if left < accuracy / 2:
        raise GribUnsupportedError(
            f"Values up to {max(-smallest, largest):g} cannot be packed in groups with an error of at most "
            f"{accuracy:g}: ecCodes rounds them to float32 before.",
            hint="Take the packing ccsds or simple, or a larger accuracy.",
        )
    power = math.floor(math.log2(2 * left))
    bits = math.ceil(math.ldexp(largest - reference, -power) + 1).bit_length()
    if bits > _MOST_BITS:
        raise GribUnsupportedError(
            f"Values from {smallest:g} to {largest:g} cannot be packed with an error of at most {accuracy:g}: that "
            f"takes {bits} bits.",
            hint=f"Up to {_MOST_BITS} bits are packed; take the packing ieee, or a larger accuracy.",
        )
    return max(bits, 1)
