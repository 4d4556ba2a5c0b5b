"""Quantiles over members, exact for any number of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["quantile_of"]


def quantile_of(members: Sequence[NDArray[np.floating]], fraction: float) -> NDArray[np.float64]:
    """Return a quantile of each point.

    Parameters
    ----------
    members : sequence of numpy.ndarray
        Values of one dimension, as many of each member; they stay as they are.
    fraction : float
        Which quantile, from 0 to 1.

    Returns
    -------
    numpy.ndarray of float64
        Between neighbouring values as numpy's and the pipeline's are, with the bits of the latter; NaN where a member
        is missing.
    """
    values = np.stack(members, axis=1)
    values.sort(axis=1)  # what is missing goes last
    place = fraction * (len(members) - 1)
    low = int(np.floor(place))
    high = min(low + 1, len(members) - 1)
    below, above = values[:, low].astype(np.float64), values[:, high].astype(np.float64)
    made = _between(below, above, place - low)
    return np.where(np.isnan(values[:, -1]), np.nan, made)


def _between(below: NDArray[np.float64], above: NDArray[np.float64], part: float) -> NDArray[np.float64]:
    if part == 0:
        return below
    with np.errstate(invalid="ignore"):
        apart = above - below
        made = below + apart * part if part < 0.5 else above - apart * (1 - part)
    return np.where(below == above, below, made)
