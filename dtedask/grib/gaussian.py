"""The latitudes of Gaussian grids."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dtedask.grib.library import eccodes


@lru_cache(maxsize=8)
def gaussian_latitudes(number: int) -> NDArray[np.float64]:
    """Return the latitudes of a Gaussian grid as ecCodes computes them, north to south; leave them untouched."""
    return np.array(list(eccodes.codes_get_gaussian_latitudes(number)))
